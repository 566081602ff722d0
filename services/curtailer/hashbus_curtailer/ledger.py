"""What was planned, done and settled, on disk: one SQLite file that survives the process, for the log and the proof."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import astuple
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from hashbus.messages import CurtailmentPlan, PlanState
from hashbus_curtailer.operations import Operation, operations
from hashbus_curtailer.plan import FINAL

SCHEMA = """
CREATE TABLE IF NOT EXISTS plans (
    plan TEXT PRIMARY KEY, at TEXT NOT NULL, begun_at TEXT, ended_at TEXT, state TEXT NOT NULL,
    said TEXT NOT NULL, is_settled INTEGER NOT NULL DEFAULT 0, is_cleared INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE IF NOT EXISTS operations (
    number INTEGER PRIMARY KEY, at TEXT NOT NULL, plan TEXT NOT NULL, operation TEXT NOT NULL,
    miner TEXT, cap_w REAL, saves_w REAL, note TEXT
);
CREATE INDEX IF NOT EXISTS operations_of_plan ON operations (plan, number);
CREATE INDEX IF NOT EXISTS operations_by_time ON operations (at);
"""

KEPT_FOR = timedelta(days=3 * 366)
"""A farm of 1,500 miners that is curtailed every day writes about 100 MB in that time."""

KEPT_ON_BUS = 50
"""Progress and settlement of so many plans stay retained; older ones are in here only."""


class Ledger:
    """The plans of a site and the operation log."""

    def __init__(self, file: Path) -> None:
        """Open or make the file; OSError when that cannot be."""
        file.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._db = sqlite3.connect(file, isolation_level=None, timeout=10)
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.executescript(SCHEMA)
        except sqlite3.Error as error:
            raise OSError(f"{file}: {error}") from None
        self._last: CurtailmentPlan | None = self._newest()

    def __enter__(self) -> Self:
        """Use it."""
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _at: TracebackType | None
    ) -> None:
        """Close the file."""
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def note(self, plan: CurtailmentPlan) -> None:
        """Keep what a plan says now, and what that does to each miner; both or neither."""
        before = self._last if self._last and self._last.plan == plan.plan else self.plan(plan.plan)
        with self._whole():
            if self._last and self._last.plan != plan.plan and self._last.state not in FINAL:
                # Another request took its miners over: what it delivered until now is settled.
                self._keep(self._last.model_copy(update={"state": PlanState.DONE, "at": plan.at}))
            self._keep(plan)
            self._db.executemany(
                "INSERT INTO operations (at, plan, operation, miner, cap_w, saves_w, note) VALUES (?,?,?,?,?,?,?)",
                [_row(one) for one in operations(before, plan)],
            )
        self._last = plan

    def forget_before(self, moment: datetime) -> None:
        """Drop what is older than that: plans that were over by then, and the entries of the log."""
        with self._whole():
            self._db.execute("DELETE FROM operations WHERE at < ?", (_text(moment),))
            self._db.execute("DELETE FROM plans WHERE ended_at < ? AND is_cleared", (_text(moment),))

    def _keep(self, plan: CurtailmentPlan) -> None:
        ended_at = plan.at if plan.state in FINAL else None
        self._db.execute(
            "INSERT INTO plans (plan, at, begun_at, ended_at, state, said) VALUES (?,?,?,?,?,?)"
            " ON CONFLICT (plan) DO UPDATE SET at=excluded.at, begun_at=excluded.begun_at, ended_at=excluded.ended_at,"
            " state=excluded.state, said=excluded.said",
            (
                plan.plan,
                _text(plan.at),
                _text(plan.begun_at),
                _text(ended_at),
                plan.state.value,
                plan.encode().decode(),
            ),
        )

    def plan(self, name: str) -> CurtailmentPlan | None:
        """Return a plan as it was last said."""
        return _read(self._db.execute("SELECT said FROM plans WHERE plan = ?", (name,)).fetchone())

    def plans(self, most: int = 50) -> list[CurtailmentPlan]:
        """Return the newest plans, the last one first."""
        rows = self._db.execute("SELECT said FROM plans ORDER BY at DESC LIMIT ?", (most,))
        return [plan for row in rows if (plan := _read(row))]

    def begun_since(self, since: datetime) -> list[CurtailmentPlan]:
        """Return the plans that have begun, as far as they are not older."""
        rows = self._db.execute(
            "SELECT said FROM plans WHERE begun_at IS NOT NULL AND (ended_at IS NULL OR ended_at >= ?) ORDER BY at",
            (_text(since),),
        )
        return [plan for row in rows if (plan := _read(row))]

    def unsettled(self, ended_before: datetime) -> list[CurtailmentPlan]:
        """Return the plans that have begun, are over since that time, and are not settled."""
        rows = self._db.execute(
            "SELECT said FROM plans WHERE begun_at IS NOT NULL AND ended_at <= ? AND NOT is_settled ORDER BY ended_at",
            (_text(ended_before),),
        )
        return [plan for row in rows if (plan := _read(row))]

    def mark_settled(self, name: str) -> None:
        """Note that a plan is settled."""
        self._db.execute("UPDATE plans SET is_settled = 1 WHERE plan = ?", (name,))

    def to_clear(self) -> list[str]:
        """Return the plans whose retained messages are older than those that stay on the bus."""
        rows = self._db.execute(
            "SELECT plan FROM plans WHERE NOT is_cleared AND plan NOT IN"
            " (SELECT plan FROM plans ORDER BY at DESC LIMIT ?)",
            (KEPT_ON_BUS,),
        )
        return [str(name) for (name,) in rows]

    def mark_cleared(self, name: str) -> None:
        """Note that nothing of a plan is retained any more."""
        self._db.execute("UPDATE plans SET is_cleared = 1 WHERE plan = ?", (name,))

    def log(self, name: str) -> Iterator[Operation]:
        """Yield the operation log of a plan, in order."""
        rows = self._db.execute(
            "SELECT at, plan, operation, miner, cap_w, saves_w, note FROM operations WHERE plan = ? ORDER BY number",
            (name,),
        )
        for at, *rest in rows:
            yield Operation(datetime.fromisoformat(at), *rest)

    def _newest(self) -> CurtailmentPlan | None:
        return _read(self._db.execute("SELECT said FROM plans ORDER BY at DESC LIMIT 1").fetchone())

    @contextmanager
    def _whole(self) -> Iterator[None]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")


def _text(at: datetime | None) -> str | None:
    # One form for all, so that texts are in the order of time.
    return at.astimezone(UTC).isoformat(timespec="microseconds") if at else None


def _row(one: Operation) -> tuple[Any, ...]:
    return (_text(one.at), *astuple(one)[1:])


def _read(row: tuple[Any, ...] | None) -> CurtailmentPlan | None:
    return CurtailmentPlan.model_validate_json(row[0]) if row else None
