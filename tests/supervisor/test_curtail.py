"""`hashbus curtail` on a running site: asked by hand, answered by the curtailer, taken back."""

import re
from collections.abc import Iterator

import pytest

from tests.servers import wait_until
from tests.supervisor.running_up import Up, hashbus


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    """A site with one miner, and the real curtailer."""
    folder = tmp_path_factory.mktemp("site")
    with Up(folder, {"poller": "reads"}, services=["poller", "curtailer"]).start() as up:
        up.until("attic online")
        yield up


def said(up: Up, *arguments: str) -> str:
    """What the command prints."""
    done = hashbus("curtail", *arguments, "--config", up.file)
    return done.stdout + done.stderr


def test_there_is_nothing_to_stop_and_nothing_to_show(up: Up) -> None:
    assert "nothing is curtailed by hand" in said(up, "stop")
    assert "nothing has been curtailed yet" in said(up)


def test_what_it_would_be_is_said_and_nothing_happens(up: Up) -> None:
    assert "are missing" in said(up, "5kW", "--what-if", "--strategy", "revenue")
    assert "asked 0.00 kW" in said(up, "--to", "2MW", "--what-if")
    assert "nothing has been curtailed yet" in said(up)


def test_power_is_asked_for_planned_shown_and_taken_back(up: Up) -> None:
    asked = said(up, "5kW", "--for", "30m", "--why", "the grid is short")
    assert "asked until" in asked

    def shown() -> bool:
        return re.search(r"cli-r\d+: (pending|executing)", said(up)) is not None

    assert wait_until(shown, timeout_s=30), asked
    sheet = said(up)
    assert "because the grid is short" in sheet
    assert "asked 5.00 kW" in sheet
    assert "missing" in sheet
    assert "the miners come back" in said(up, "stop")
    assert wait_until(lambda: "recovering" in said(up) or "cancelled" in said(up), timeout_s=30)
    assert "nothing is curtailed by hand" in said(up, "stop")


@pytest.mark.parametrize("wrong", [["plenty"], ["--to", "140%"], ["--to", "2 megs"], ["5kW", "--for", "a while"]])
def test_a_slip_of_the_pen_is_explained(up: Up, wrong: list[str]) -> None:
    done = hashbus("curtail", *wrong, "--config", up.file)
    assert done.returncode == 2
    assert "write" in done.stderr
