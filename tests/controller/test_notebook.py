"""What the controller notes on disk, for when it and the broker die together."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from hashbus.messages import ControlState, Message, MinerControl, PowerRequest, Rank
from hashbus.step import TICK
from hashbus_controller.notebook import Notebook, newest
from hashbus_controller.registry import beginning
from hashbus_controller.settings import ControllerSettings
from hashbus_controller.step import step
from tests.controller.home import Home

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def state_of(latched_pct: float, at: datetime = NOW) -> ControlState:
    return ControlState(site="home", at=at, latches_pct={"soc": latched_pct})


def request(until: datetime) -> PowerRequest:
    return PowerRequest(
        site="home",
        at=NOW,
        source="cli",
        scope="attic",
        name="override",
        rank=Rank.OVERRIDE,
        cap_w=1,
        until=until,
        why="x",
    )


def test_the_newest_of_each_is_found_again_and_what_has_ended_is_not(tmp_path: Path) -> None:
    book = Notebook(tmp_path / "notes" / "notes.sqlite")
    alive, ended = (
        request(NOW + timedelta(hours=2)),
        request(NOW + timedelta(hours=1)).model_copy(update={"name": "past"}),
    )
    book.note([state_of(90)])
    book.note([state_of(60, NOW + timedelta(seconds=1)), alive, ended])
    found = Notebook(tmp_path / "notes" / "notes.sqlite").read(NOW + timedelta(minutes=90))
    assert {type(one): one for one in found} == {
        ControlState: state_of(60, NOW + timedelta(seconds=1)),
        PowerRequest: alive,
    }


def test_of_notes_and_broker_the_newer_counts_and_the_site_comes_before_its_miners() -> None:
    miner = MinerControl(site="home", at=NOW, miner="attic", held_w=1, changed_at=NOW)
    old: list[Message] = [miner, state_of(90)]
    new: list[Message] = [state_of(60, NOW + timedelta(seconds=1))]
    assert newest(old, new) == newest(new, old) == [new[0], miner]


def test_a_disk_that_cannot_be_written_is_done_without(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    book = Notebook(tmp_path / "file" / "notes.sqlite")
    book.note([state_of(60)])
    assert book.read(NOW) == []


def test_a_broken_note_is_struck_out(tmp_path: Path) -> None:
    book = Notebook(tmp_path / "notes.sqlite")
    book.note([state_of(60)])
    assert book._db is not None
    book._db.execute("UPDATE notes SET payload = '{'")
    assert book.read(NOW) == []
    assert book._db.execute("SELECT count(*) FROM notes").fetchone() == (0,)


def test_a_step_notes_what_must_survive_before_it_is_said(tmp_path: Path) -> None:
    book = Notebook(tmp_path / "notes.sqlite")
    decide = book.noting(step)
    site = ControllerSettings.model_validate({"site": "home", "controller": {"auto_control": "enabled"}})
    state, now = beginning(site), NOW
    asked = request(NOW + timedelta(hours=2))
    for message in (TICK, asked, TICK, TICK):
        now += timedelta(seconds=5)
        state, _ = decide(state, message, now)
    assert {type(one) for one in book.read(now)} == {ControlState, PowerRequest}


def test_an_older_request_from_the_brokers_past_never_replaces_a_newer_one() -> None:
    home = Home()
    home.request("me", Rank.OVERRIDE, cap_w=1500)
    newer = next(one for one in home.heard.values() if isinstance(one, PowerRequest))
    home.hear(newer.model_copy(update={"at": newer.at - timedelta(minutes=5), "cap_w": 3000.0}))
    home.passes(130)
    assert home.setpoint_w() == 1500
