"""The stores every promise is tried on."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests.recorder import stores

NAMES = ("embedded", "influx_v1", "influx_v2", "victoria")


@pytest.fixture(params=NAMES)
async def subject(request: pytest.FixtureRequest, site: str, tmp_path: Path) -> AsyncIterator[stores.Subject]:
    """One store after the other, each with its real server."""
    async with AsyncExitStack() as stack:
        match request.param:
            case "embedded":
                store = await stack.enter_async_context(stores.closing(stores.embedded(tmp_path)))
                yield stores.Subject(store, site)
            case "influx_v1":
                yield await stack.enter_async_context(stores.influx_v1(request.getfixturevalue("influxd"), site))
            case "influx_v2":
                yield await stack.enter_async_context(stores.influx_v2(request.getfixturevalue("influxd"), site))
            case "victoria":
                server = request.getfixturevalue("victoria_metrics")
                yield await stack.enter_async_context(stores.victoria(server, site))
