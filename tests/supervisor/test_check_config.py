"""`hashbus check-config` finds every mistake before a service does, and says each once."""

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import pytest

from hashbus_supervisor import site
from tests.supervisor.conftest import Command

GOOD = """
site: home
poller:
  devices:
    attic: {driver: whatsminer, host: 192.168.1.20}
recorder: {}
collector: {}
"""

Check = Callable[[str], tuple[int, str]]


@pytest.fixture
def check(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: Command) -> Check:
    """Gives the exit code and everything printed for a site file with this text."""
    monkeypatch.chdir(tmp_path)

    def of(text: str) -> tuple[int, str]:
        Path("site.yaml").write_text(text)
        done = command("check-config", "site.yaml")
        return done.code, done.out + done.err

    return of


def test_a_right_file_is_summed_up_and_nothing_is_made(check: Check, monkeypatch: pytest.MonkeyPatch) -> None:
    # As at a site, which has no collector installed.
    monkeypatch.setattr(site, "find_spec", lambda name: None if "collector" in name else find_spec(name))
    code, printed = check(GOOD)
    assert code == 0, printed
    assert "site.yaml is right: 1 device, 2 services" in printed
    assert "whatsminer 1" in printed
    assert "not installed here: not checked and not started" in printed
    assert not Path("var").exists()


def test_mistakes_of_several_services_come_out_together_each_in_one_line(check: Check) -> None:
    code, printed = check(
        "poller: {devices: {attic: {driver: whatsmaner}}}\n"
        "recorder: {flush: 1, batch_points: many}\n"
        "simulator: {devices: [{family: bitaxe, host: 10.0.0.1}]}\n"
    )
    assert code == 2, printed
    poller, flush, batch, simulator = sorted(printed.splitlines())
    assert "site.yaml:1: poller.devices.attic.driver: 'whatsmaner' is not known; did you mean `whatsminer`?" in poller
    assert "site.yaml:2: recorder.batch_points: 'many' is not right" in flush + batch
    assert "site.yaml:2: recorder.flush: unknown key; did you mean `flush_s`?" in flush + batch
    assert "loopback addresses" in simulator


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ("site: my home\n", "site.yaml:1: site:"),
        ("sight: home\n", "site.yaml:1: sight: unknown key; did you mean `site`?"),
        ("log: {level: LOUD}\npoller: {}\nrecorder: {}\n", "site.yaml:1: log.level: 'LOUD' is not right"),
        ("supervisor: {services: [poler]}\npoller: {}\n", "'poler' is no service; known are poller"),
        ("supervisor: {services: [poller, poller]}\n", "a second poller is poller-2"),
        ("supervisor: {broker: rabbit}\npoller: {}\n", "supervisor.broker:"),
        (
            "health: {port: 9000}\npoller: {}\nrecorder: {}\n",
            "9000 is for a service that runs alone",
        ),
        ("broker: {tls: true}\npoller: {}\n", "broker.tls: our own broker needs none on loopback"),
        ("broker: {host: 10.0.0.1, password_file: nowhere}\npoller: {}\n", "nowhere cannot be read"),
    ],
)
def test_each_mistake_in_what_all_share_is_one_line_with_its_place(check: Check, wrong: str, says: str) -> None:
    code, printed = check(wrong)
    assert code == 2, printed
    assert says in printed
    assert len(printed.strip().splitlines()) == 1
