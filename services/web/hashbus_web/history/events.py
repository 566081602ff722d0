"""The timeline on disk: it survives restarts, and what is heard again is not told again."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from hashbus_web.people.database import Database
from hashbus_web.view.timeline import Event, EventKind


class Events:
    """Everything that happened, for as long as it is kept."""

    def __init__(self, database: Database, *, days: int) -> None:
        """Write into `database`."""
        self._database = database
        self._kept = timedelta(days=days)

    async def add(self, events: Iterable[Event]) -> list[Event]:
        """Write down what is new; returns it with its numbers."""
        return await self._database.run(lambda db: _written(db, list(events)))

    async def newest(
        self, limit: int, *, before: int | None = None, kinds: Sequence[EventKind] = (), target: str | None = None
    ) -> list[Event]:
        """Return events, the newest first."""
        marks = ", ".join("?" for _ in kinds)
        wanted = [f"kind IN ({marks})"] if kinds else []
        wanted += ["target = ?"] if target else []
        where = " AND ".join(["n < ?", *wanted])
        values = (before or 2**62, *(kind.value for kind in kinds), *([target] if target else []), limit)
        # Only question marks and fixed words are put together here.
        question = f"SELECT n, body FROM events WHERE {where} ORDER BY n DESC LIMIT ?"  # noqa: S608
        rows = await self._database.run(lambda db: db.execute(question, values).fetchall())
        return [Event(**{**json.loads(row["body"]), "n": row["n"]}) for row in rows]

    async def forget_old(self, now: datetime) -> None:
        """Drop what is older than it is kept."""
        edge = (now - self._kept).isoformat()
        await self._database.run(lambda db: db.execute("DELETE FROM events WHERE at < ?", (edge,)))


def _written(db: sqlite3.Connection, events: list[Event]) -> list[Event]:
    added = []
    for event in events:
        values = (event.key, event.at.isoformat(), event.kind.value, event.target, event.model_dump_json())
        cursor = db.execute("INSERT OR IGNORE INTO events (key, at, kind, target, body) VALUES (?, ?, ?, ?, ?)", values)
        if cursor.rowcount:
            added.append(event.model_copy(update={"n": cursor.lastrowid}))
    return added
