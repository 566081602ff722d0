"""The pool of connections to PostgreSQL. Each connection has a table of its own into which an upload is copied."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, TypeAlias, cast
from urllib.parse import urlsplit

import asyncpg

from hashbus_collector.columns import INCOMING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from hashbus_collector.settings import DatabaseSettings

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"
Row = Mapping[str, Any]
"""A row by the names of its columns."""

OLDEST_SERVER = 15

AWAY = (
    OSError,
    TimeoutError,
    asyncpg.InterfaceError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,  # it is being stopped, or is starting
    asyncpg.InsufficientResourcesError,  # no connection, no memory or no disk left
    asyncpg.ObjectNotInPrerequisiteStateError,  # it takes no connections now
    asyncpg.TransactionRollbackError,  # two transactions stood in each other's way
)
"""What asyncpg raises when the server is not there or cannot do it now: trying again later makes sense."""


class DatabaseAway(Exception):
    """PostgreSQL does not answer; the text says why, without a password."""


class Database:
    """Connections to one database; everything the collector knows is in it."""

    def __init__(self, pool: asyncpg.Pool[asyncpg.Record]) -> None:
        """Take over an open pool."""
        self._pool = pool

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """Lend a connection; DatabaseAway when there is none to be had or it breaks."""
        try:
            async with self._pool.acquire() as connection:
                yield cast("Connection", connection)
        except AWAY as error:
            raise DatabaseAway(str(error) or type(error).__name__) from error

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """Lend a connection within a transaction: all of it happens, or nothing."""
        async with self.connection() as connection, connection.transaction():
            yield connection

    async def fetch(self, query: str, *values: Any) -> list[Row]:
        """Return all rows of one query."""
        async with self.connection() as connection:
            return await fetch(connection, query, *values)

    async def row(self, query: str, *values: Any) -> Row | None:
        """Return the first row of one query."""
        async with self.connection() as connection:
            return cast("Row | None", await connection.fetchrow(query, *values))

    async def value(self, query: str, *values: Any) -> Any:
        """Return the first value of the first row of one query."""
        async with self.connection() as connection:
            return await connection.fetchval(query, *values)

    async def execute(self, query: str, *values: Any) -> int:
        """Carry out one statement; returns how many rows it touched."""
        async with self.connection() as connection:
            return touched(await connection.execute(query, *values))

    async def close(self) -> None:
        """Give the connections back; those that hang are cut."""
        try:
            async with asyncio.timeout(5):
                await self._pool.close()
        except TimeoutError:
            self._pool.terminate()


async def fetch(connection: Connection, query: str, *values: Any) -> list[Row]:
    """Return all rows of one query within a transaction."""
    return cast("list[Row]", await connection.fetch(query, *values))


def touched(status: str) -> int:
    """Return how many rows a statement touched, from what PostgreSQL calls it: `INSERT 0 5` is 5."""
    last = status.rpartition(" ")[2]
    return int(last) if last.isdigit() else 0


async def open_database(settings: DatabaseSettings, url: str, password: str | None) -> Database:
    """Connect; DatabaseAway when the server does not answer or is older than PostgreSQL 15."""
    try:
        pool = await asyncpg.create_pool(
            url,
            password=password,
            min_size=2,
            max_size=settings.connections,
            command_timeout=settings.timeout_s,
            init=_prepare,
            server_settings={"application_name": "hashbus-collector", "timezone": "UTC"},
        )
    except (*AWAY, asyncpg.PostgresError, ValueError) as error:
        raise DatabaseAway(f"{place(url)}: {str(error) or type(error).__name__}") from None
    async with pool.acquire() as connection:
        version = connection.get_server_version().major
    if version < OLDEST_SERVER:
        await pool.close()
        raise DatabaseAway(f"{place(url)} is PostgreSQL {version}; {OLDEST_SERVER} or newer is needed")
    return Database(pool)


async def _prepare(connection: Connection) -> None:
    await connection.execute(INCOMING)


def place(url: str) -> str:
    """Return a database's address for people, without user and password."""
    parts = urlsplit(url)
    return f"{parts.hostname or 'local socket'}{f':{parts.port}' if parts.port else ''}{parts.path}"
