"""The collector that most tests of it call."""

from collections.abc import AsyncIterator

import pytest

from tests.collector.clouds import Cloud, cloud_over


@pytest.fixture
async def cloud(cloud_database: str) -> AsyncIterator[Cloud]:
    """A collector over a database of its own."""
    async with cloud_over(cloud_database) as running:
        yield running
