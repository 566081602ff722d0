"""`hashbus check-config` finds every mistake before a service does, and says each once."""

from collections.abc import Callable
from pathlib import Path

import pytest

from hashbus_supervisor.cli import main

GOOD = """
site: home
poller:
  devices:
    attic: {driver: whatsminer, host: 192.168.1.20}
recorder: {}
"""


Check = Callable[[str], tuple[int, str]]


@pytest.fixture
def check(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Check:
    """Gives the exit code and everything printed for a site file with this text."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")

    def of(text: str) -> tuple[int, str]:
        Path("site.yaml").write_text(text)
        code = main(["check-config", "site.yaml"])
        return code, "".join(capfd.readouterr())

    return of


def test_a_right_file_is_summed_up(check: Check) -> None:
    code, printed = check(GOOD)
    assert code == 0, printed
    assert "site.yaml is right: 1 device, 2 services" in printed
    assert "whatsminer 1" in printed
    assert not Path("var").exists()


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ("site: my home\n", "site.yaml:1: site:"),
        ("sight: home\n", "site.yaml:1: sight: unknown key; did you mean `site`?"),
        ("supervisor: {services: [poler]}\npoller: {}\n", "'poler' is no service; known are poller"),
        ("supervisor: {broker: rabbit}\npoller: {}\n", "supervisor.broker:"),
        ("health: {port: 9000}\npoller: {}\nrecorder: {}\n", "9000 cannot serve 2 services; write `first_port`"),
        ("broker: {tls: true}\npoller: {}\n", "broker.tls: our own broker needs none on loopback"),
        (
            "poller: {devices: {attic: {driver: whatsmaner}}}\n",
            "attic.driver: 'whatsmaner' is not known",
        ),
        ("recorder: {flush: 1}\n", "recorder.flush: unknown key; did you mean `flush_s`?"),
        ("simulator: {devices: [{family: bitaxe, host: 10.0.0.1}]}\n", "loopback addresses"),
    ],
)
def test_each_mistake_is_one_line_with_its_place(check: Check, wrong: str, says: str) -> None:
    code, printed = check(wrong)
    assert code == 2, printed
    assert says in printed
    assert len(printed.strip().splitlines()) == 1


def test_a_mistake_that_all_services_find_is_said_once(check: Check) -> None:
    code, printed = check("market: {}\nlog: {level: LOUD}\npoller: {}\nrecorder: {}\n")
    assert code == 2
    assert printed.count("log.level") == 1


def test_mistakes_of_several_services_come_out_together(check: Check) -> None:
    code, printed = check("poller: {interval_s: soon}\nrecorder: {flush_s: later}\n")
    assert code == 2
    assert "poller.interval_s: 'soon' is not a number of seconds" in printed
    assert "recorder.flush_s: 'later' is not a number of seconds" in printed


def test_a_section_of_a_service_that_is_not_installed_is_named(check: Check) -> None:
    code, printed = check(GOOD + "market: {}\n")
    assert code == 0
    assert "not installed here: not checked and not started" in printed
