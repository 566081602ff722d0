"""The collector that most tests of it call."""

from collections.abc import AsyncIterator

import pytest

from hashbus_collector.database import open_database
from hashbus_collector.settings import DatabaseSettings
from tests import servers
from tests.collector.clouds import Cloud, cloud_over

CLEARING = (
    "DELETE FROM site",
    "DELETE FROM person",
    "DELETE FROM audit",
    "DELETE FROM upload_log",
    "DELETE FROM history",
)


@pytest.fixture(scope="session")
def shared_database(postgres: servers.Postgres) -> str:
    """A database that the tests of the collector use one after the other."""
    return postgres.new_database()


@pytest.fixture
async def cloud_database(shared_database: str) -> str:
    """A database in which nothing is yet but the tables."""
    database = await open_database(DatabaseSettings(), shared_database, None)
    for clearing in CLEARING:
        await database.execute(clearing)
    await database.close()
    return shared_database


@pytest.fixture
async def cloud(cloud_database: str) -> AsyncIterator[Cloud]:
    """A collector over a database of its own."""
    async with cloud_over(cloud_database) as running:
        yield running
