"""Brings the tables to the form that this version needs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

from alembic import command
from alembic.config import Config
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from hashbus_collector.database import DatabaseAway, place

if TYPE_CHECKING:
    from sqlalchemy import Connection

LOCK = 0x68617368
"""Number of the advisory lock under which only one collector migrates at a time; "hash" in ASCII."""

SCRIPTS = Path(__file__).parent / "migrations"


async def migrate(url: str, password: str | None) -> None:
    """Carry out the steps that are missing, in one transaction; safe to repeat, and from several collectors at once.

    DatabaseAway when the server does not answer or refuses.
    """
    scheme, rest = "postgresql+asyncpg", urlsplit(url)
    engine = create_async_engine(
        urlunsplit((scheme, *rest[1:])), poolclass=NullPool, connect_args={"password": password} if password else {}
    )
    try:
        async with engine.begin() as connection:
            await connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": LOCK})
            await connection.run_sync(_upgrade)
    except (OSError, DBAPIError) as error:
        raise DatabaseAway(f"{place(url)}: {error}") from None
    finally:
        await engine.dispose()


def _upgrade(connection: Connection) -> None:
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS))
    return config
