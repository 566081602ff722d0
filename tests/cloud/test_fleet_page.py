"""The fleet's page in a real Chromium: what operators see of all sites, and how a command reaches a miner."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect

from benchmarks.servers import Simulator
from hashbus_collector.people import Role
from tests import servers
from tests.cloud.farms import Farm, simulator_of, truth
from tests.cloud.stacks import until, visitor
from tests.collector.clouds import PASSWORD, new_person, new_site
from tests.page.conftest import SIZES, Visitor

pytestmark = pytest.mark.asyncio(loop_scope="session")

PICTURES = os.environ.get("FLEET_PICTURES")
"""A folder into which screenshots go, when somebody wants them."""

ROOMS = {"sites": "/", "miners": "/miners", "alerts": "/alerts", "commands": "/commands"}
MINERS = 3


@dataclass
class Fleet:
    """A collector with two sites: a farm of emulated miners, and one that says nothing any more."""

    url: str
    farm: Farm
    simulator: Simulator


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def fleet(tmp_path_factory: pytest.TempPathFactory, postgres: servers.Postgres) -> AsyncIterator[Fleet]:
    folder, database = tmp_path_factory.mktemp("fleet"), postgres.new_database()
    await new_person(database, "anna")
    await new_person(database, "gustav", Role.GUEST)
    with ExitStack() as stack:
        limits = {"calls_per_minute": 1_000_000, "failures_per_minute": 1000}
        collector = servers.Collector(folder / "collector", database, limits=limits)
        await asyncio.to_thread(stack.enter_context, collector)
        farm = Farm(folder, "north", MINERS, "whatsminer", (96, 40))
        farm.configure(collector.url, await new_site(database, "north"), interval_s=1, bridge={})
        await new_site(database, "silent")
        simulator = simulator_of(folder / "simulator", farm)
        await asyncio.to_thread(stack.enter_context, simulator)
        await asyncio.to_thread(stack.enter_context, farm)
        async with visitor(collector) as anna:
            await until(lambda: anna.get("summary/north"), lambda found: found["summary"]["online"] == MINERS)
        try:
            yield Fleet(collector.url, farm, simulator)
        finally:
            await asyncio.to_thread(stack.close)


@asynccontextmanager
async def window(
    browser: Browser,
    fleet: Fleet,
    size: str = "desk",
    scheme: str = "light",
    *,
    name: str = "anna",
    locale: str = "en-US",
) -> AsyncIterator[Visitor]:
    """A window of that size, in which somebody has logged in by the form."""
    width, height = SIZES[size]
    context = await browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme="dark" if scheme == "dark" else "light",
        locale=locale,
        reduced_motion="reduce",
    )
    context.set_default_timeout(20_000)
    one = Visitor(await context.new_page(), fleet.url)
    one.page.on("pageerror", lambda error: one.complaints.append(str(error)))
    one.page.on("console", lambda said: one.complaints.append(said.text) if said.type == "error" else None)
    await one.page.goto(fleet.url)
    await one.page.locator("input[autocomplete=username]").fill(name)
    await one.page.locator("input[type=password]").fill(PASSWORD)
    await one.page.locator("form button").click()
    await one.page.wait_for_selector("nav")
    one.complaints.clear()  # that nobody was logged in is an error to the browser
    yield one
    await context.close()


@pytest.mark.parametrize(("size", "scheme"), [("phone", "dark"), ("desk", "light")])
async def test_every_room_is_whole_and_usable_by_everybody(
    browser: Browser, fleet: Fleet, size: str, scheme: str
) -> None:
    async with window(browser, fleet, size, scheme) as one:
        for name, path in ROOMS.items():
            await one.go(path)
            await one.page.wait_for_load_state("networkidle")
            if PICTURES:
                await one.page.screenshot(path=Path(PICTURES) / f"fleet-{name}-{size}-{scheme}.png")
            assert not await one.is_too_wide(), name
            assert await one.serious_findings() == [], name
        assert one.complaints == []


async def test_a_command_from_the_page_reaches_the_miner_and_its_result_comes_back(
    browser: Browser, fleet: Fleet
) -> None:
    miner, *others = fleet.farm.names()
    async with window(browser, fleet, "phone") as one:
        await one.go("/")
        await one.page.get_by_role("link", name="north").click()
        await one.page.get_by_role("searchbox").fill(miner)
        await one.page.get_by_label(f"Select {miner}").check()
        await one.page.get_by_role("button", name="Reboot").click()
        dialog = one.page.get_by_role("dialog")
        await expect(dialog).to_contain_text(miner)
        await dialog.get_by_role("button", name="Reboot").click()
        await expect(dialog.get_by_role("status")).to_have_text("1 of 1", timeout=60_000)
        await expect(dialog).to_contain_text("done: 1")
        assert truth(fleet.simulator, miner)["reboots"] == 1
        assert [truth(fleet.simulator, other)["reboots"] for other in others] == [0, 0]
        await dialog.get_by_role("button", name="Close").last.click()
        await one.go("/commands")
        row = one.page.get_by_role("row").filter(has_text=miner)
        await expect(row).to_contain_text("done")
        await expect(row).to_contain_text("anna")


async def test_what_no_site_has_fetched_can_be_taken_back(browser: Browser, fleet: Fleet) -> None:
    async with window(browser, fleet) as one:
        await one.go("/")
        await one.page.get_by_role("region", name="silent").get_by_role("button", name="Curtailment").click()
        dialog = one.page.get_by_role("dialog")
        await dialog.get_by_label("Power to give up, kW").fill("250")
        await dialog.get_by_role("button", name="Curtail", exact=True).click()
        await expect(dialog).to_contain_text("waits: 1")
        await one.go("/commands")
        row = one.page.get_by_role("row").filter(has_text="silent")
        await row.get_by_role("button", name="Cancel").click()
        await expect(row).to_contain_text("cancelled")


async def test_a_guest_sees_everything_and_can_change_nothing(browser: Browser, fleet: Fleet) -> None:
    async with window(browser, fleet, name="gustav") as one:
        await one.go("/")
        await expect(one.page.get_by_role("region", name="north")).to_contain_text(f"{MINERS} miners")
        await expect(one.page.get_by_role("button", name="Curtailment")).to_have_count(0)
        await one.go("/miners")
        await expect(one.page.get_by_role("row")).to_have_count(MINERS + 1)
        await expect(one.page.get_by_role("checkbox")).to_have_count(0)


@pytest.mark.parametrize(("locale", "word"), [("zh-CN", "站点"), ("ru-RU", "Площадки"), ("de-DE", "Sites")])
async def test_the_page_speaks_the_language_of_the_browser(
    browser: Browser, fleet: Fleet, locale: str, word: str
) -> None:
    async with window(browser, fleet, locale=locale) as one:
        await one.page.get_by_role("heading", name=word).wait_for()


async def test_a_wrong_password_is_said_and_lets_nobody_in(browser: Browser, fleet: Fleet) -> None:
    page = await browser.new_page(locale="en-US")
    await page.goto(fleet.url + "/miners")
    await page.get_by_label("Name").fill("anna")
    await page.get_by_label("Password").fill("a guess of somebody")
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.get_by_role("alert")).to_have_text("Name or password is wrong.")
    await page.close()
