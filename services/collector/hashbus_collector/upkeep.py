"""Upkeep of the database: days made ahead and dropped when they are over, old lines deleted, commands that lapse."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from hashbus import logs
from hashbus_collector import partitions
from hashbus_collector.database import DatabaseAway

if TYPE_CHECKING:
    from datetime import datetime

    from hashbus.clock import Clock
    from hashbus.health import Health
    from hashbus_collector.commands import Commands
    from hashbus_collector.database import Connection, Database
    from hashbus_collector.settings import KeepSettings

LOCK = 0x68617369
"""Number of the advisory lock under which only one collector does the upkeep at a time."""

TIDY_S = 3600.0
LAPSE_S = 10.0

log = logs.get("upkeep")


async def tidy(database: Database, keep: KeepSettings, now: datetime) -> None:
    """Make the days that are missing and drop what is kept no longer (S1.35); safe from several collectors at once."""
    async with database.transaction() as connection:
        await connection.execute("SELECT pg_advisory_xact_lock($1)", LOCK)
        for day in partitions.wanted(now, keep.history_days):
            await connection.execute(partitions.making(day))
        rows = await connection.fetch(
            "SELECT child.relname FROM pg_inherits JOIN pg_class child ON child.oid = inhrelid "
            "WHERE inhparent = 'history'::regclass"
        )
        for name in partitions.outlived([row["relname"] for row in rows], now, keep.history_days):
            await connection.execute(partitions.dropping(name))
            log.info("a day of history is over its time", partition=name)
        await _delete_old(connection, keep, now)


async def _delete_old(connection: Connection, keep: KeepSettings, now: datetime) -> None:
    for statement, days in (
        ("DELETE FROM upload_log WHERE at < $1", keep.upload_log_days),
        ("DELETE FROM command WHERE ended_at < $1", keep.command_days),
        ("DELETE FROM audit WHERE at < $1", keep.audit_days),
        ("DELETE FROM session WHERE ends_at < $1", 0),
    ):
        await connection.execute(statement, now - timedelta(days=days))


class Upkeep:
    """Does the upkeep again and again; a database that is away is waited for."""

    def __init__(
        self, database: Database, commands: Commands, keep: KeepSettings, clock: Clock, health: Health
    ) -> None:
        """Nothing is done yet."""
        self._database = database
        self._commands = commands
        self._keep = keep
        self._clock = clock
        self._health = health

    async def run(self) -> None:
        """Let commands lapse every few seconds, tidy up every hour, for ever."""
        tidied_s = self._clock.monotonic()
        while True:
            await self._clock.sleep(LAPSE_S)
            try:
                await self._commands.lapse(self._clock.now())
                if self._clock.monotonic() - tidied_s >= TIDY_S:
                    await tidy(self._database, self._keep, self._clock.now())
                    tidied_s = self._clock.monotonic()
            except DatabaseAway as error:
                self._report(f"the database is away: {error}")
            else:
                self._report(None)

    def _report(self, problem: str | None) -> None:
        if self._health.report("database", problem):
            log.info("the database is there") if problem is None else log.error("database", problem=problem)
