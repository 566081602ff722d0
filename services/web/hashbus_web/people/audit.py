"""Who did what and when: every act that changes something, and every login."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from hashbus import logs
from hashbus.clock import Clock
from hashbus.messages import Moment
from hashbus_web.people.database import Database, DatabaseAway

KEPT = 100_000
log = logs.get("audit")

SECRET_WORDS = ("password", "token", "secret", "code")


class Act(BaseModel):
    """One thing that somebody did."""

    n: int
    at: Moment
    who: str
    via: str
    address: str
    act: str
    target: str
    detail: dict[str, Any]


class Audit:
    """The record of acts; at `KEPT` the oldest go."""

    def __init__(self, database: Database, clock: Clock) -> None:
        """Write into `database`."""
        self._database = database
        self._clock = clock

    async def note(
        self, act: str, *, who: str, via: str, address: str, target: str = "", detail: Mapping[str, Any] | None = None
    ) -> None:
        """Write down one act; what sounds like a secret is left out.

        What is done is done: when the disk is full it stands in the log at least.
        """
        shown = json.dumps(masked(detail or {}), ensure_ascii=False, default=str)[:4000]
        values = (self._clock.now().isoformat(), who, via, address, act, target, shown)
        try:
            await self._database.run(
                lambda db: db.execute(
                    "INSERT INTO acts (at, who, via, address, act, target, detail) VALUES (?, ?, ?, ?, ?, ?, ?)", values
                )
            )
        except DatabaseAway as error:
            log.error("an act is not in the record", act=act, who=who, via=via, target=target, problem=str(error))

    async def newest(self, limit: int, before: int | None = None) -> list[Act]:
        """Return acts, the newest first."""
        rows = await self._database.run(
            lambda db: db.execute(
                "SELECT * FROM acts WHERE n < ? ORDER BY n DESC LIMIT ?", (before or 2**62, limit)
            ).fetchall()
        )
        return [Act(**{**dict(row), "detail": _read(row["detail"])}) for row in rows]

    async def forget_old(self) -> None:
        """Keep the newest `KEPT`."""
        await self._database.run(
            lambda db: db.execute("DELETE FROM acts WHERE n <= (SELECT max(n) FROM acts) - ?", (KEPT,))
        )


def masked(detail: Mapping[str, Any]) -> dict[str, Any]:
    """Return the same without secrets, at any depth."""
    return {
        key: "***"
        if any(word in key.lower() for word in SECRET_WORDS)
        else masked(value)
        if isinstance(value, Mapping)
        else value
        for key, value in detail.items()
    }


def _read(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError:
        return {"text": text}
    return found if isinstance(found, dict) else {"text": found}
