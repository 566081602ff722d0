"""What the page weighs, and how soon a browser shows it: bytes on the wire, first paint, first live value.

A real Chromium on the same machine opens the first page of a site of some miners, with an empty cache each time.
"""

from __future__ import annotations

import asyncio
import gzip
import shutil
import tempfile
from contextlib import AsyncExitStack
from pathlib import Path
from statistics import median

from playwright.async_api import Browser, async_playwright

from benchmarks.figures import Figure
from tests.page.site import a_small_site
from tests.servers import ROOT, Mosquitto
from tests.web.world import ADMIN, PASSWORD, WebService, World

STATIC = ROOT / "services/web/hashbus_web/static"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
VISITS, QUICK_VISITS = 15, 1
LIVE_VALUE = "600 TH/s"
"""What the first page shows as soon as it has heard the site."""


async def measure(*, quick: bool) -> list[Figure]:
    """Weigh the page and visit it; about half a minute."""
    paints, lives = await _visited(QUICK_VISITS if quick else VISITS)
    scripts = {path: len(gzip.compress(path.read_bytes(), 9)) / 1000 for path in STATIC.rglob("*.js")}
    first = sum(size for path, size in scripts.items() if path.name.startswith(("index-", "Site-")))
    return [
        Figure("page_js", sum(scripts.values()), "kB gzipped", "<= 200", "all rooms and languages together"),
        Figure("page_js_first", first, "kB gzipped", "", "what the first page needs"),
        Figure("page_first_paint", median(paints), "ms", "", f"on loopback, empty cache; median of {len(paints)}"),
        Figure("page_live", median(lives), "ms", "", "from opening to the first live value on the screen"),
    ]


async def _visited(visits: int) -> tuple[list[float], list[float]]:
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        broker = stack.enter_context(Mosquitto(folder / "broker"))
        service = stack.enter_context(WebService(folder / "web", broker, "page"))
        await service.set_up()
        await a_small_site(World(broker, service.site, stack))
        program = next(found for name in BROWSERS if (found := shutil.which(name)))
        playwright = await stack.enter_async_context(async_playwright())
        browser = await playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        taken = [await _visit(browser, service) for _ in range(visits)]
        await browser.close()
    return [paint for paint, _ in taken], [live for _, live in taken]


async def _visit(browser: Browser, service: WebService) -> tuple[float, float]:
    context = await browser.new_context(locale="en-US")
    login = {"name": ADMIN, "password": PASSWORD, "cookie": True}
    await context.request.post(f"{service.url}/api/auth/login", data=login, headers={"X-Hashbus": "page"})
    page = await context.new_page()
    await page.goto(service.url)
    await page.get_by_text(LIVE_VALUE).first.wait_for()
    live_ms = float(await page.evaluate("performance.now()"))
    paint_ms = float(await page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime"))
    await context.close()
    # Eight logins in five minutes are what a name is allowed when they fail; these do not, and still take a breath.
    await asyncio.sleep(0.1)
    return paint_ms, live_ms
