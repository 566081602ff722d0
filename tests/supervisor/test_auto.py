"""`hashbus auto` on a running site: off at first, switched by hand, shown."""

from collections.abc import Iterator

import pytest

from tests.servers import wait_until
from tests.supervisor.running_up import Up, hashbus


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    """A site with one miner, and the real controller."""
    folder = tmp_path_factory.mktemp("site")
    with Up(folder, {"poller": "reads"}, services=["poller", "controller"]).start() as up:
        up.until("attic online")
        yield up


def said(up: Up, *arguments: str) -> str:
    """What the command prints."""
    done = hashbus("auto", *arguments, "--config", up.file)
    return done.stdout + done.stderr


def test_it_is_off_at_first_switched_by_hand_and_shown(up: Up) -> None:
    assert wait_until(lambda: "automatic control is off" in said(up), timeout_s=60)
    assert "automatic control is on since" in said(up, "on", "--why", "spring")
    shown = said(up)
    assert "automatic control is on since" in shown
    assert "by cli (spring)" in shown
    assert ", until 20" in said(up, "off", "--for", "2h")
    assert "automatic control is off since" in said(up)


def test_a_slip_of_the_pen_is_explained(up: Up) -> None:
    done = hashbus("auto", "maybe", "--config", up.file)
    assert done.returncode == 2
    assert "maybe" in done.stderr
