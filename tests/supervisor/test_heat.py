"""`hashbus heat` on a running site: how warm it is, another profile for the house, a temperature for a zone."""

from collections.abc import Iterator

import pytest
import yaml

from tests.servers import wait_until
from tests.supervisor.running_up import Up, hashbus

LIVING = {"name": "Living room", "miners": ["attic"], "inputs": [{"miner": "attic", "field": "ambient_c"}]}


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    """A site with one miner that tells how warm it is around it, and the real controller."""
    folder = tmp_path_factory.mktemp("site")
    site = Up(folder, {"poller": "reads"}, services=["poller", "controller"])
    written = yaml.safe_load(site.file.read_text())
    controller = {"auto_control": "enabled", "heat": {"zones": {"living": LIVING}}}
    site.file.write_text(yaml.safe_dump({**written, "controller": controller}))
    with site.start() as up:
        up.until("attic online")
        yield up


def said(up: Up, *arguments: str) -> str:
    """What the command prints."""
    done = hashbus("heat", *arguments, "--config", up.file)
    return done.stdout + done.stderr


def test_zones_are_shown_and_heated_otherwise_for_a_while(up: Up) -> None:
    assert wait_until(lambda: "living: 19.5 °C, 1.5 below 21.0: " in said(up), timeout_s=60), said(up)
    shown = said(up, "away", "--for", "3d")
    assert "4.5 above 15.0" in shown
    assert "away by cli until 20" in shown
    assert "2.5 below 22.0" in said(up, "living", "22")
    assert "manual by cli" in said(up)
    assert "comfort by site file" in said(up, "living", "schedule")


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["cellar", "eco"], "no zone 'cellar'; there are living"),
        (["22"], "a temperature is for one zone: hashbus heat ZONE 22"),
        (["living", "sauna"], "'sauna' is neither a temperature of 0 to 95 °C nor one of comfort, "),
        (["living", "hall", "eco"], "one zone at a time, not living, hall"),
    ],
)
def test_a_slip_of_the_pen_is_explained(up: Up, words: list[str], problem: str) -> None:
    assert wait_until(lambda: "living: " in said(up), timeout_s=60)
    done = hashbus("heat", *words, "--config", up.file)
    assert done.returncode == 1
    assert problem in done.stderr
