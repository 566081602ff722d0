"""Every page at the size of a phone and of a desk: whole, legible, and usable without a mouse or an eye."""

import os
from pathlib import Path

import pytest
from playwright.async_api import Browser

from tests.page.conftest import sign_in, window
from tests.web.world import WebService

pytestmark = pytest.mark.asyncio(loop_scope="session")

PAGES = {
    "site": "/",
    "miners": "/miners",
    "miner": "/miner/attic",
    "heat": "/heat",
    "charts": "/charts",
    "curtailment": "/curtailment",
    "market": "/market",
    "alerts": "/alerts",
    "timeline": "/timeline",
    "network": "/network",
    "users": "/users",
}
PICTURES = os.environ.get("PAGE_PICTURES")
"""A folder into which screenshots go, when somebody wants them."""


@pytest.mark.parametrize(("size", "scheme"), [("phone", "dark"), ("desk", "light")])
@pytest.mark.parametrize("name", PAGES)
async def test_a_page_is_whole_and_usable_by_everybody(
    browser: Browser, page_service: WebService, name: str, size: str, scheme: str
) -> None:
    async with window(browser, page_service, size, scheme) as visitor:
        await visitor.go(PAGES[name])
        await visitor.page.wait_for_function("document.fonts.status === 'loaded'")
        if PICTURES:
            await visitor.page.screenshot(path=Path(PICTURES) / f"{name}-{size}-{scheme}.png")
        assert not await visitor.is_too_wide()
        assert await visitor.serious_findings() == []
        # The recorder does not run here: that the past is away is said, in the page and by the browser.
        assert [one for one in visitor.complaints if "503" not in one] == []


async def test_the_first_page_shows_the_site(browser: Browser, page_service: WebService) -> None:
    async with window(browser, page_service, "phone") as visitor:
        await visitor.go("/")
        await visitor.page.get_by_text("600 TH/s").wait_for()
        flow = await visitor.page.get_by_role("img", name="How energy flows").get_attribute("aria-label")
        assert "Sun: 5.00 kW" in (flow or "")
        assert "discharging" in (flow or "")
        await visitor.page.get_by_text("2 open alerts").wait_for()


async def test_a_miner_says_why_it_is_at_fault(browser: Browser, page_service: WebService) -> None:
    async with window(browser, page_service) as visitor:
        await visitor.go("/miner/garage")
        await visitor.page.get_by_text("fan 0 stands still").wait_for()


@pytest.mark.parametrize(("language", "word"), [("zh-CN", "矿机"), ("ru-RU", "Майнеры"), ("de-DE", "Miners")])
async def test_the_page_speaks_the_language_of_the_browser(
    browser: Browser, page_service: WebService, language: str, word: str
) -> None:
    context = await browser.new_context(locale=language)
    await sign_in(context, page_service)
    page = await context.new_page()
    await page.goto(page_service.url)
    await page.get_by_role("link", name=word).first.wait_for()
    await context.close()


async def test_the_chosen_language_and_look_stay(browser: Browser, page_service: WebService) -> None:
    async with window(browser, page_service) as visitor:
        await visitor.go("/")
        await visitor.page.get_by_label("Language").select_option("ru")
        await visitor.page.get_by_label("Оформление").select_option("dark")
        await visitor.page.reload()
        await visitor.page.get_by_role("link", name="Тепло").wait_for()
        assert await visitor.page.evaluate("document.documentElement.dataset.theme") == "dark"
        assert await visitor.page.evaluate("document.documentElement.lang") == "ru"


async def test_everything_can_be_reached_by_keyboard(browser: Browser, page_service: WebService) -> None:
    async with window(browser, page_service) as visitor:
        await visitor.go("/")
        await visitor.page.keyboard.press("Tab")
        assert await visitor.page.evaluate("document.activeElement.textContent") == "To the content"
        await visitor.page.keyboard.press("Tab")
        await visitor.page.keyboard.press("Tab")
        await visitor.page.keyboard.press("Tab")
        await visitor.page.keyboard.press("Enter")
        await visitor.page.wait_for_url("**/miners")
