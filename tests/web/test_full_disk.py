"""A disk that is full: live values and acts go on, nothing that waits grows without bound, and it is said."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from hashbus.messages import Decision
from hashbus.testing.hand_clock import HandClock
from hashbus.testing.memory_bus import MemoryBroker, MemoryBus
from hashbus_web.history.events import Events
from hashbus_web.live_site import MOST_WAITING, LiveSite
from hashbus_web.people.audit import Audit
from hashbus_web.people.database import Database, DatabaseUnusable
from hashbus_web.view.timeline import EventKind

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """The service's memory."""
    found = Database(tmp_path / "web.sqlite3")
    yield found
    found.close()


def fill(database: Database) -> None:
    """Let the file grow no more, as on a full disk."""
    pages = database.run_now(lambda db: db.execute("PRAGMA page_count").fetchone()[0])
    database.run_now(lambda db: db.execute(f"PRAGMA max_page_count = {pages}"))


def free(database: Database) -> None:
    """Make room again."""
    database.run_now(lambda db: db.execute("PRAGMA max_page_count = 1000000"))


def decision(number: int) -> Decision:
    return Decision(
        site="home",
        at=AT + timedelta(seconds=number),
        miner=f"m{number}",
        id=f"d{number}",
        power_w=0,
        winner="grid",
        reason=f"reason {number} " + "x" * 900,
        bids=(),
    )


async def test_what_happened_is_told_when_there_is_room_again(database: Database) -> None:
    site = LiveSite(MemoryBus(MemoryBroker(), "web"), HandClock(AT), Events(database, days=90))
    fill(database)
    for number in range(MOST_WAITING + 50):
        site.hear(decision(number), AT)
    await site.tell_what_happened(AT)
    assert site.problem is not None
    assert "full" in site.problem
    free(database)
    await site.tell_what_happened(AT)
    assert site.problem is None
    told = await Events(database, days=90).newest(2_000, kinds=(EventKind.DECISION,))
    assert len(told) == MOST_WAITING
    assert told[0].target == f"m{MOST_WAITING + 49}"


async def test_an_act_that_cannot_be_recorded_stands_in_the_log(
    database: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    audit = Audit(database, HandClock(AT))
    fill(database)
    for number in range(20):
        await audit.note("power_limit", who="anna", via="page", address="x", detail={"why": "y" * 3000, "n": number})
    said = capsys.readouterr()
    assert "not in the record" in said.out + said.err


def test_a_file_that_is_no_database_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "web.sqlite3").write_bytes(b"this is no database, it is a letter to grandmother" * 100)
    with pytest.raises(DatabaseUnusable, match=r"web\.sqlite3 cannot be used"):
        Database(tmp_path / "web.sqlite3")


def test_a_file_of_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    made = Database(tmp_path / "web.sqlite3")
    made.run_now(lambda db: db.execute("PRAGMA user_version = 99"))
    made.close()
    with pytest.raises(DatabaseUnusable, match="newer hashbus"):
        Database(tmp_path / "web.sqlite3")
