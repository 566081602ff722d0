"""A real Chromium before the page of a real web service, with a small site behind it."""

import asyncio
import secrets
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Page, async_playwright

from tests.page.site import a_small_site
from tests.servers import ROOT, Mosquitto
from tests.web.world import ADMIN, PASSWORD, WebService, World

SIZES = {"phone": (390, 844), "desk": (1440, 900)}
AXE = (ROOT / "services/web/page/node_modules/axe-core/axe.min.js").read_text
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


@dataclass
class Visitor:
    """One browser window, and everything it complained about."""

    page: Page
    url: str
    complaints: list[str] = field(default_factory=list)

    async def go(self, path: str) -> None:
        """Open a place of the page and wait until it is there."""
        await self.page.goto(self.url + path)
        await self.page.wait_for_selector("main h1")

    async def serious_findings(self) -> list[str]:
        """What axe finds that keeps somebody out."""
        await self.page.evaluate(AXE())
        found = await self.page.evaluate("axe.run(document, {resultTypes: ['violations']})")
        return [
            f"{one['id']}: {one['help']}: {one['nodes'][0]['html'][:160]}"
            for one in found["violations"]
            if one["impact"] in ("serious", "critical")
        ]

    async def is_too_wide(self) -> bool:
        """Whether one has to scroll sideways."""
        return bool(await self.page.evaluate("document.documentElement.scrollWidth > innerWidth + 1"))


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    program = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    if program is None:
        pytest.fail("Chromium is not installed: `make setup-test` installs it", pytrace=False)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser
        await browser.close()


@pytest.fixture(scope="session")
def page_service(tmp_path_factory: pytest.TempPathFactory, mosquitto: Mosquitto) -> Iterator[WebService]:
    """The service that the tests of the page share; it has its administrator and a small site."""
    with WebService(tmp_path_factory.mktemp("page"), mosquitto, f"page-{secrets.token_hex(4)}") as service:

        async def fill() -> None:
            await service.set_up()
            async with AsyncExitStack() as stack:
                await a_small_site(World(mosquitto, service.site, stack))

        asyncio.run(fill())
        yield service


@pytest_asyncio.fixture(loop_scope="session")
async def world(page_service: WebService, mosquitto: Mosquitto) -> AsyncIterator[World]:
    """The other services of the shared site."""
    async with AsyncExitStack() as stack:
        yield World(mosquitto, page_service.site, stack)


@asynccontextmanager
async def window(
    browser: Browser, service: WebService, size: str = "desk", scheme: str = "light", *, is_known: bool = True
) -> AsyncIterator[Visitor]:
    """A window of that size; signed in, unless it is not."""
    width, height = SIZES[size]
    context = await browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme="dark" if scheme == "dark" else "light",
        locale="en-US",
        reduced_motion="reduce",
    )
    context.set_default_timeout(20_000)
    if is_known:
        await sign_in(context, service)
    visitor = Visitor(await context.new_page(), service.url)
    visitor.page.on("pageerror", lambda error: visitor.complaints.append(str(error)))
    visitor.page.on(
        "console", lambda said: visitor.complaints.append(said.text) if said.type in ("error", "warning") else None
    )
    yield visitor
    await context.close()


async def sign_in(context: BrowserContext, service: WebService) -> None:
    """Come in with the cookies that the page itself would have."""
    body = {"name": ADMIN, "password": PASSWORD, "cookie": True}
    said = await context.request.post(f"{service.url}/api/auth/login", data=body, headers={"X-Hashbus": "page"})
    assert said.ok, await said.text()
