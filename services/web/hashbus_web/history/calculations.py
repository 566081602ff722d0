"""What people calculated, kept so that they can come back to it (S3.9)."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from pydantic import BaseModel

from hashbus.messages import Moment
from hashbus_web.people.database import Database

KEPT = 1_000


class Calculated(BaseModel):
    """One calculation: what was put in and what came out."""

    n: int
    at: Moment
    who: str
    asked: dict[str, Any]
    answer: dict[str, Any]


class Calculations:
    """The newest `KEPT` calculations."""

    def __init__(self, database: Database) -> None:
        """Write into `database`."""
        self._database = database

    async def keep(self, at: datetime, who: str, asked: dict[str, Any], answer: dict[str, Any]) -> None:
        """Write one down; the oldest go."""
        values = (at.isoformat(), who, json.dumps(asked, default=str), json.dumps(answer, default=str))
        await self._database.run(
            lambda db: db.execute("INSERT INTO calculations (at, who, asked, answer) VALUES (?, ?, ?, ?)", values)
        )
        await self._database.run(
            lambda db: db.execute("DELETE FROM calculations WHERE n <= (SELECT max(n) FROM calculations) - ?", (KEPT,))
        )

    async def newest(self, limit: int) -> list[Calculated]:
        """Return them, the newest first."""
        rows = await self._database.run(
            lambda db: db.execute("SELECT * FROM calculations ORDER BY n DESC LIMIT ?", (limit,)).fetchall()
        )
        return [
            Calculated(**{**dict(row), "asked": json.loads(row["asked"]), "answer": json.loads(row["answer"])})
            for row in rows
        ]
