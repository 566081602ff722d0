"""One web service that most tests share, each with miners of its own, and the site around it."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.servers import Mosquitto
from tests.web.world import WebService, World


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory, mosquitto: Mosquitto) -> Iterator[WebService]:
    """The service that tests share; it has its administrator."""
    site = f"web-{secrets.token_hex(4)}"
    with WebService(tmp_path_factory.mktemp("web"), mosquitto, site) as service:
        asyncio.run(service.set_up())
        yield service


@pytest.fixture
def own_web(tmp_path: Path, mosquitto: Mosquitto, site: str) -> Iterator[Callable[..., WebService]]:
    """Makes a service for this test alone, with settings of its own; not started."""
    made: list[WebService] = []

    def make(broker: Mosquitto | None = None, **section: Any) -> WebService:
        made.append(WebService(tmp_path / f"web-{len(made)}", broker or mosquitto, site, **section))
        return made[-1]

    yield make
    for service in made:
        service.stop()


@pytest.fixture
async def world(shared: WebService, mosquitto: Mosquitto) -> AsyncIterator[World]:
    """The site around the shared service."""
    async with AsyncExitStack() as stack:
        yield World(mosquitto, shared.site, stack)


@pytest.fixture(scope="session")
def admins_token(shared: WebService) -> str:
    """The access token of the administrator: one login serves many tests, as it serves a program."""

    async def signed_in() -> str:
        async with shared.signed_in() as client:
            return client.headers["Authorization"]

    return asyncio.run(signed_in())


@pytest.fixture
async def admin(shared: WebService, admins_token: str) -> AsyncIterator[httpx.AsyncClient]:
    """A program that may do everything on the shared service."""
    async with shared.client(headers={"Authorization": admins_token}) as client:
        yield client
