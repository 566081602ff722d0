"""Stores what sites upload: the live rows, the history and the log of uploads, all of it or nothing."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import asyncpg

from hashbus_collector.columns import COPIED, INTO_HISTORY, INTO_LIVE, row_of
from hashbus_collector.database import touched
from hashbus_collector.records import Problem

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from hashbus_collector.database import Connection, Database
    from hashbus_collector.records import Batch


@dataclass(frozen=True)
class Arrival:
    """One upload on its way in: whose, when, from where, how large."""

    site: str
    key: str
    at: datetime
    address: str | None
    bytes_travelled: int
    bytes_unpacked: int


class Uploads:
    """The way of readings into the database."""

    def __init__(self, database: Database, *, miners_per_site: int) -> None:
        """Know the number of no miner yet."""
        self._database = database
        self._most_miners = miners_per_site
        self._numbers: defaultdict[str, dict[str, int]] = defaultdict(dict)

    async def store(self, arrival: Arrival, batch: Batch, *, took_ms: Callable[[], float]) -> int:
        """Store a batch; returns how many of its readings are new. `took_ms` tells how long it took so far.

        Readings of miners beyond the bound of the site are taken out of the batch and become its problems.
        """
        try:
            return await self._stored(arrival, batch, took_ms)
        except asyncpg.ForeignKeyViolationError:
            # The site was removed and added again: its miners have new numbers.
            self._numbers.pop(arrival.site, None)
            return await self._stored(arrival, batch, took_ms)

    async def note_refusal(self, arrival: Arrival, status: int, problem: str, *, took_ms: float) -> None:
        """Write an upload that was refused into the log."""
        async with self._database.connection() as connection:
            await _log(connection, arrival, _Outcome(status, 0, 0, 0, 0, took_ms, problem))

    async def _stored(self, arrival: Arrival, batch: Batch, took_ms: Callable[[], float]) -> int:
        async with self._database.transaction() as connection:
            # First of all, because it holds the row: two uploads of one site then never wait for each other's miners.
            await connection.execute("UPDATE site SET last_upload_at = $2 WHERE id = $1", arrival.site, arrival.at)
            numbers = await self._numbered(connection, arrival.site, batch)
            rows = _rows(batch, numbers, arrival.at)
            stored = 0
            if rows:
                await connection.copy_records_to_table("incoming", records=rows, columns=COPIED)
                stored = touched(await connection.execute(INTO_HISTORY))
                await connection.execute(INTO_LIVE, arrival.site)
            outcome = _Outcome(200, len(batch.taken), stored, batch.refused, batch.online, took_ms(), _first(batch))
            await _log(connection, arrival, outcome)
        return stored

    async def _numbered(self, connection: Connection, site: str, batch: Batch) -> dict[str, int]:
        """Return the numbers of a batch's miners; those that are new get theirs, as long as the site has room."""
        known = self._numbers[site]
        missing = {one.record.miner_id for one in batch.taken} - known.keys()
        if not missing:
            return known
        rows = await connection.fetch(
            "SELECT no, miner_id FROM miner WHERE site = $1 AND miner_id = ANY($2::text[])", site, list(missing)
        )
        known.update({row["miner_id"]: row["no"] for row in rows})
        new = sorted(missing - known.keys())
        room = self._most_miners - await connection.fetchval("SELECT count(*) FROM miner WHERE site = $1", site)
        # They are remembered the next time: this transaction can still fail, and then nobody has these numbers.
        made = await connection.fetch(
            "INSERT INTO miner (site, miner_id) SELECT $1, unnest($2::text[]) "
            "ON CONFLICT (site, miner_id) DO UPDATE SET miner_id = excluded.miner_id RETURNING no, miner_id",
            site,
            new[: max(0, room)],
        )
        self._refuse(batch, set(new[max(0, room) :]))
        return {**known, **{row["miner_id"]: row["no"] for row in made}}

    def _refuse(self, batch: Batch, miners: set[str]) -> None:
        if not miners:
            return
        problem = f"this site has {self._most_miners} miners already, and may have no more"
        for one in batch.taken:
            if one.record.miner_id in miners:
                batch.refuse(Problem(one.index, one.record.miner_id, "miner_id", problem))
        batch.taken = [one for one in batch.taken if one.record.miner_id not in miners]


@dataclass(frozen=True)
class _Outcome:
    status: int
    processed: int
    stored: int
    refused: int
    online: int
    processing_ms: float
    problem: str | None


def _rows(batch: Batch, numbers: dict[str, int], received_at: datetime) -> list[tuple[Any, ...]]:
    newest: dict[str, int] = {}
    for place, one in enumerate(batch.taken):
        before = newest.get(one.record.miner_id)
        if before is None or one.at >= batch.taken[before].at:
            newest[one.record.miner_id] = place
    marked = set(newest.values())
    return [
        row_of(one, numbers[one.record.miner_id], received_at, is_newest=place in marked)
        for place, one in enumerate(batch.taken)
    ]


def _first(batch: Batch) -> str | None:
    if not batch.problems:
        return None
    one = batch.problems[0]
    return f"record {one.index}: {one.field}: {one.problem}"[:500]


async def _log(connection: Connection, arrival: Arrival, outcome: _Outcome) -> None:
    await connection.execute(
        "INSERT INTO upload_log (at, site, key, address, bytes_travelled, bytes_unpacked, status, processed, stored, "
        "refused, online, processing_ms, problem) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
        arrival.at, arrival.site, arrival.key, arrival.address, arrival.bytes_travelled, arrival.bytes_unpacked,
        outcome.status, outcome.processed, outcome.stored, outcome.refused, outcome.online, outcome.processing_ms,
        outcome.problem,
    )  # fmt: skip
