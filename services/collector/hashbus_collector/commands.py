"""The commands in the database: made by people, fetched by sites, answered once.

Nothing is lost and nothing is done twice: a command that was fetched and not answered is given again, to bridges that
know each command by its id and carry it out once; others get it once and no more.
"""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from hashbus_collector.audit import Entry, write
from hashbus_collector.command_rules import Status, masked
from hashbus_collector.database import fetch

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hashbus_collector.command_rules import Kind
    from hashbus_collector.database import Connection, Database, Row

NOT_ANSWERED = "no_answer"
FOR_THE_SITE = ""
"""In the column of miners: a command to the whole site."""

NEVER = timedelta(days=36_500)

_NEW = """
INSERT INTO command (id, batch, site, miner_id, ip_address, type, params, priority, made_by, made_at, expires_at)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::jsonb[],
    $8::smallint[], $9::text[], $10::timestamptz[], $11::timestamptz[])
"""

_TAKE = """
WITH due AS (
    SELECT no FROM command
    WHERE site = $1 AND expires_at > $2
        AND (status = 'pending' OR (status = 'sent' AND sent_at <= $3))
    -- What is new comes before what is given again: it must not wait behind a thousand that are being carried out.
    ORDER BY status = 'sent', priority DESC, no LIMIT $4 FOR UPDATE SKIP LOCKED
)
UPDATE command c SET status = 'sent', sent_at = $2, first_sent_at = coalesce(first_sent_at, $2), sends = sends + 1
FROM due WHERE c.no = due.no RETURNING c.*
"""

# A password is needed on the way to the miner and nowhere afterwards.
_WITHOUT_SECRETS = "params - 'password' - 'pool_password'"

_ANSWER = f"""
UPDATE command SET status = $3, result_code = $4, result_message = $5, ended_at = $6, answered_at = $6,
    params = {_WITHOUT_SECRETS}
WHERE id = $1 AND site = $2 AND (status IN ('pending', 'sent') OR (status = 'expired' AND answered_at IS NULL))
RETURNING *
"""  # noqa: S608 (our own text)

_CANCEL = f"""
UPDATE command SET status = 'cancelled', ended_at = $2, params = {_WITHOUT_SECRETS}
WHERE id = $1 AND status = 'pending' RETURNING *
"""  # noqa: S608

_LAPSE = f"""
UPDATE command SET status = 'expired', ended_at = $1, params = {_WITHOUT_SECRETS},
    result_code = CASE WHEN status = 'sent' THEN '{NOT_ANSWERED}' ELSE 'not_fetched' END,
    result_message = CASE WHEN status = 'sent' THEN 'the site fetched it and did not answer'
        ELSE 'the site did not ask for it in time' END
WHERE (status = 'pending' AND expires_at <= $1) OR (status = 'sent' AND expires_at <= $2)
RETURNING *
"""  # noqa: S608


@dataclass(frozen=True)
class Wish:
    """A command that somebody wants."""

    site: str
    miner_id: str | None
    command: Kind
    params: dict[str, Any]
    priority: int
    ttl: timedelta
    ip_address: str | None = None


class Answered(StrEnum):
    """What became of an answer."""

    TAKEN = "taken"
    KNOWN = "known"
    CONTRADICTS = "contradicts"
    UNKNOWN = "unknown"


@dataclass
class Filter:
    """Which commands are looked at. `sites` None is every site."""

    sites: list[str] | None
    miner_id: str | None = None
    status: list[str] | None = None
    batch: str | None = None
    since: datetime | None = None
    before_no: int | None = None
    limit: int = 100
    ids: list[str] | None = field(default=None)


class Commands:
    """All commands of all sites."""

    def __init__(
        self, database: Database, *, resend_s: float, answer_s: float, count: Callable[[str, str], None]
    ) -> None:
        """`count` is told the type and the status of every command that is over."""
        self._database = database
        self._resend = timedelta(seconds=resend_s)
        self._answer = timedelta(seconds=answer_s)
        self._count = count

    async def make(
        self, wishes: Sequence[Wish], now: datetime, *, by: str, address: str | None, batch: str | None = None
    ) -> list[str]:
        """Write down commands; returns their ids in the same order."""
        ids = [secrets.token_hex(12) for _ in wishes]
        rows = [_row(one, wish, now, by, batch) for one, wish in zip(ids, wishes, strict=True)]
        async with self._database.transaction() as connection:
            await connection.execute(_NEW, *(list(column) for column in zip(*rows, strict=True)))
            await write(
                connection, *(_made(one, wish, now, by, address) for one, wish in zip(ids, wishes, strict=True))
            )
        return ids

    async def take(self, site: str, now: datetime, *, most: int, knows_ids: bool) -> list[Row]:
        """Return what a site has to do, the most urgent first, and note it as sent.

        `knows_ids`: the site carries a command out once however often it is given; then those without an answer
        come again.
        """
        earliest = now - (self._resend if knows_ids else NEVER)
        async with self._database.transaction() as connection:
            rows = await fetch(connection, _TAKE, site, now, earliest, most)
            # Once for each: a thousand that are being carried out are given again every minute.
            first = [row for row in rows if row["sends"] == 1]
            await write(connection, *(Entry(now, f"site:{site}", "command fetched", site, row["id"]) for row in first))
        return sorted(rows, key=lambda row: (-row["priority"], row["no"]))

    async def answer(
        self, site: str, command_id: str, status: Status, now: datetime, *, code: str | None, message: str | None
    ) -> Answered:
        """Note how a command ended; the first answer counts."""
        async with self._database.transaction() as connection:
            row = await connection.fetchrow(_ANSWER, command_id, site, status.value, code, message, now)
            if row is None:
                return await self._as_known(connection, site, command_id, status)
            details = {"status": status.value, "code": code, "message": message}
            await write(connection, Entry(now, f"site:{site}", "command answered", site, command_id, details))
        self._count(row["type"], status.value)
        return Answered.TAKEN

    async def cancel(self, command_id: str, now: datetime, *, by: str, address: str | None) -> Row | None:
        """Cancel a command that no site has fetched; the command as it is now, None when it was fetched or is over."""
        async with self._database.transaction() as connection:
            rows = await fetch(connection, _CANCEL, command_id, now)
            row = rows[0] if rows else None
            if row is not None:
                await write(connection, Entry(now, by, "command cancelled", row["site"], command_id, {}, address))
        if row is not None:
            self._count(row["type"], Status.CANCELLED.value)
        return row

    async def lapse(self, now: datetime) -> int:
        """End the commands whose time is over; returns how many."""
        async with self._database.transaction() as connection:
            rows = await connection.fetch(_LAPSE, now, now - self._answer)
            await write(
                connection,
                *(
                    Entry(now, "collector", "command expired", row["site"], row["id"], {"why": row["result_code"]})
                    for row in rows
                ),
            )
        for row in rows:
            self._count(row["type"], Status.EXPIRED.value)
        return len(rows)

    async def one(self, command_id: str) -> Row | None:
        """Return one command."""
        return await self._database.row("SELECT * FROM command WHERE id = $1", command_id)

    async def some(self, wanted: Filter) -> list[Row]:
        """Return commands, the newest first."""
        return await self._database.fetch(
            "SELECT * FROM command "
            "WHERE ($1::text[] IS NULL OR site = ANY($1)) AND ($2::text IS NULL OR miner_id = $2) "
            "AND ($3::text[] IS NULL OR status = ANY($3)) AND ($4::text IS NULL OR batch = $4) "
            "AND ($5::timestamptz IS NULL OR made_at >= $5) AND ($6::bigint IS NULL OR no < $6) "
            "AND ($8::text[] IS NULL OR id = ANY($8)) ORDER BY no DESC LIMIT $7",
            wanted.sites, wanted.miner_id, wanted.status, wanted.batch, wanted.since, wanted.before_no, wanted.limit,
            wanted.ids,
        )  # fmt: skip

    async def counts(self, batch: str, sites: list[str] | None) -> dict[str, int]:
        """Return how many commands of a batch are where in their lives."""
        rows = await self._database.fetch(
            "SELECT status, count(*) AS number FROM command "
            "WHERE batch = $1 AND ($2::text[] IS NULL OR site = ANY($2)) GROUP BY status",
            batch,
            sites,
        )
        return {row["status"]: row["number"] for row in rows}

    async def _as_known(self, connection: Connection, site: str, command_id: str, status: Status) -> Answered:
        known = await connection.fetchval("SELECT status FROM command WHERE id = $1 AND site = $2", command_id, site)
        if known is None:
            return Answered.UNKNOWN
        return Answered.KNOWN if known == status.value else Answered.CONTRADICTS


def _row(command_id: str, wish: Wish, now: datetime, by: str, batch: str | None) -> tuple[Any, ...]:
    miner, params = wish.miner_id or FOR_THE_SITE, json.dumps(wish.params)
    what = (wish.site, miner, wish.ip_address, wish.command.value, params, wish.priority)
    return (command_id, batch, *what, by, now, now + wish.ttl)


def _made(command_id: str, wish: Wish, now: datetime, by: str, address: str | None) -> Entry:
    details = {
        "miner_id": wish.miner_id,
        "command": wish.command.value,
        "params": masked(wish.params),
        "priority": wish.priority,
        "ttl_minutes": wish.ttl.total_seconds() / 60,
    }
    return Entry(now, by, "command made", wish.site, command_id, details, address)
