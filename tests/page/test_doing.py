"""What people do on the page arrives on the bus, and what becomes of it comes back to the page."""

import asyncio
import re
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, expect

from hashbus.bus import Subscription
from hashbus.messages import (
    AlertAck,
    CurtailmentOffer,
    CurtailmentQuestion,
    CurtailmentRequest,
    DeviceOrder,
    HeatProgram,
    PowerRequest,
    SetpointResult,
    SetpointStatus,
    ZoneRequest,
)
from hashbus.messages.plan import BidEffect
from tests.page.conftest import window
from tests.servers import Mosquitto
from tests.web.world import PATIENCE_S, WebService, World

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def next_of(heard: Subscription[Any]) -> Any:
    async with asyncio.timeout(PATIENCE_S):
        return await anext(aiter(heard))


async def test_a_limit_set_by_hand_is_confirmed_on_the_page(
    browser: Browser, page_service: WebService, world: World
) -> None:
    miner = await world.new_miner()
    bus = await world.bus("controller")
    async with bus.subscribe(PowerRequest) as heard, window(browser, page_service, "phone") as visitor:
        await visitor.go(f"/miner/{miner}")
        slider = visitor.page.get_by_role("slider")
        await slider.fill("2000")
        await visitor.page.get_by_role("button", name="Set a limit").click()
        request = await next_of(heard)
        assert isinstance(request, PowerRequest)
        assert (request.scope, request.source, request.rank.value) == (miner, "web", "override")
        assert 2000 in (request.cap_w, request.wish_w, request.floor_w)
        decision = world.decision(request, BidEffect.WON, 2000)
        await world.say("controller", decision)
        at = world.now()
        result = SetpointResult(
            site=world.site,
            at=at,
            miner=miner,
            status=SetpointStatus.CONFIRMED,
            asked_w=2000,
            taken_w=2000,
            confirmed_at=at,
            decision=decision.id,
        )
        await world.say("poller", result)
        await expect(visitor.page.get_by_role("status")).to_contain_text("confirmed")


async def test_a_reboot_asks_first(browser: Browser, page_service: WebService, world: World) -> None:
    miner = await world.new_miner()
    bus = await world.bus("poller")
    async with bus.subscribe(DeviceOrder) as heard, window(browser, page_service) as visitor:
        await visitor.go(f"/miner/{miner}")
        await visitor.page.get_by_role("button", name="Reboot").click()
        dialog = visitor.page.get_by_role("dialog")
        await expect(dialog).to_contain_text(miner)
        await dialog.get_by_role("button", name="Reboot").click()
        order = await next_of(heard)
        assert isinstance(order, DeviceOrder)
        assert (order.miner, order.command.value) == (miner, "reboot")


async def test_many_miners_are_told_at_once(browser: Browser, page_service: WebService, world: World) -> None:
    some = sorted([await world.new_miner(group="cave", model="Cave-1") for _ in range(3)])
    bus = await world.bus("controller")
    async with bus.subscribe(PowerRequest) as heard, window(browser, page_service, "phone") as visitor:
        await visitor.go("/miners")
        await visitor.page.get_by_role("searchbox").fill("Cave-1")
        for miner in some:
            await visitor.page.get_by_label(f"Select {miner}").check()
        await visitor.page.get_by_role("button", name="Sleep").click()
        await visitor.page.get_by_role("dialog").get_by_role("button", name="Sleep").click()
        told = set[str]()
        while told != set(some):
            request = await next_of(heard)
            told |= {request.scope} & set(some)
        await expect(visitor.page.get_by_role("dialog").get_by_role("status")).to_contain_text("of 3")


async def test_an_alert_is_cleared(browser: Browser, page_service: WebService, world: World) -> None:
    bus = await world.bus("notifier")
    async with bus.subscribe(AlertAck) as heard, window(browser, page_service, "phone") as visitor:
        await visitor.go("/alerts")
        row = visitor.page.get_by_role("listitem").filter(has_text="cellar is hot")
        await row.get_by_role("button", name="Clear").click()
        ack = await next_of(heard)
        assert isinstance(ack, AlertAck)
        assert (ack.key, ack.by) == ("hot", "anna")
        await visitor.page.get_by_text("seen by anna").wait_for()


async def test_a_zone_is_made_warmer_and_its_curve_changed(
    browser: Browser, page_service: WebService, world: World
) -> None:
    bus = await world.bus("controller")
    async with (
        bus.subscribe(ZoneRequest) as wishes,
        bus.subscribe(HeatProgram) as programs,
        window(browser, page_service) as visitor,
    ):
        await visitor.go("/heat")
        await visitor.page.get_by_label("target").first.fill("22.5")
        await visitor.page.get_by_role("button", name="Set", exact=True).first.click()
        wish = await next_of(wishes)
        assert isinstance(wish, ZoneRequest)
        assert wish.target_c == 22.5
        await visitor.page.get_by_role("button", name="Heating curve").click()
        dialog = visitor.page.get_by_role("dialog")
        await dialog.get_by_label(re.compile("Slope")).fill("1.5")
        await dialog.get_by_role("button", name="Save").click()
        program = await next_of(programs)
        assert isinstance(program, HeatProgram)
        assert program.curve is not None
        assert program.curve.slope == 1.5


async def test_a_week_is_edited(browser: Browser, page_service: WebService, world: World) -> None:
    bus = await world.bus("controller")
    async with bus.subscribe(HeatProgram) as programs, window(browser, page_service, "phone") as visitor:
        await visitor.go("/heat")
        await visitor.page.get_by_role("button", name="Week").last.click()
        dialog = visitor.page.get_by_role("dialog")
        await dialog.get_by_role("button", name="Add a switch point").click()
        await dialog.get_by_label("From").last.fill("22:15")
        await dialog.get_by_label("Profile").last.select_option("eco")
        await dialog.get_by_role("button", name="Save").click()
        while True:
            program = await next_of(programs)
            assert isinstance(program, HeatProgram)
            if program.zone == "living":
                break
        assert program.schedule is not None
        assert [(one.local_time, one.profile.value) for one in program.schedule][-1] == ("22:15", "eco")


async def test_a_curtailment_nobody_can_plan_is_not_begun(browser: Browser, page_service: WebService) -> None:
    async with window(browser, page_service) as visitor:
        await visitor.go("/curtailment")
        await expect(visitor.page.get_by_text("asked by the grid operator")).to_be_visible()
        await visitor.page.get_by_label("How much").select_option("level_pct")
        await visitor.page.get_by_role("button", name="See what it would be").click()
        # Nobody answers the question here; the page says so, and does not begin by itself.
        await expect(visitor.page.get_by_role("alert")).to_be_visible(timeout=PATIENCE_S * 1000)
        await expect(visitor.page.get_by_role("button", name="Start")).to_have_count(0)


async def test_a_curtailment_is_seen_before_it_is_begun(
    browser: Browser, page_service: WebService, world: World
) -> None:
    bus = await world.bus("curtailer")
    async with (
        bus.subscribe(CurtailmentQuestion) as questions,
        bus.subscribe(CurtailmentRequest) as requests,
        window(browser, page_service, "phone") as visitor,
    ):
        await visitor.go("/curtailment")
        await visitor.page.get_by_label("Give up (kW)").fill("3")
        await visitor.page.get_by_role("button", name="See what it would be").click()
        question = await next_of(questions)
        assert isinstance(question, CurtailmentQuestion)
        offer = CurtailmentOffer(
            site=world.site,
            at=world.now(),
            asker="web",
            id=question.id,
            strategy=question.strategy,
            target_w=3000,
            planned_w=3100,
            loses_ths=150,
            why="attic alone gives it",
        )
        await world.say("curtailer", offer)
        await expect(visitor.page.get_by_text("attic alone gives it")).to_be_visible()
        await visitor.page.get_by_role("button", name="Start").click()
        request = await next_of(requests)
        assert isinstance(request, CurtailmentRequest)
        assert (request.target_w, request.source) == (3000, "web")


async def test_the_calculator_says_never_and_not_a_negative_number(browser: Browser, page_service: WebService) -> None:
    async with window(browser, page_service) as visitor:
        await visitor.go("/market")
        await visitor.page.get_by_label("Model").fill("S19 Pro")
        await visitor.page.get_by_label("Price of a kWh").fill("0.10")
        await visitor.page.get_by_label("Price of a machine").fill("2000")
        await visitor.page.get_by_role("button", name="Calculate").click()
        result = visitor.page.get_by_role("status").filter(has_text="ROI")
        await expect(result).to_contain_text("never")


async def test_the_first_administrator_comes_in_by_the_code(
    browser: Browser, mosquitto: Mosquitto, tmp_path: Path
) -> None:
    with WebService(tmp_path / "fresh", mosquitto, "fresh-site") as service:
        async with window(browser, service, "phone", is_known=False) as visitor:
            await visitor.page.goto(service.url)
            await visitor.page.get_by_label("Code").fill("0000-0000-0000")
            await visitor.page.get_by_label("Name").fill("anna")
            await visitor.page.get_by_label("Password").fill("correct horse battery")
            await visitor.page.get_by_role("button", name="Create the account").click()
            await expect(visitor.page.get_by_role("alert")).to_be_visible()
            await visitor.page.get_by_label("Code").fill(service.code())
            await visitor.page.get_by_role("button", name="Create the account").click()
            await visitor.page.get_by_role("heading", name="Site at a glance").wait_for()
            await visitor.page.get_by_text("No device is configured yet.").wait_for()


async def test_a_wrong_password_is_told_and_a_right_one_opens(browser: Browser, page_service: WebService) -> None:
    async with window(browser, page_service, is_known=False) as visitor:
        await visitor.page.goto(page_service.url)
        await visitor.page.get_by_label("Name").fill("anna")
        await visitor.page.get_by_label("Password").fill("wrong")
        await visitor.page.get_by_role("button", name="Sign in").click()
        await expect(visitor.page.get_by_role("alert")).to_contain_text("wrong")
        assert await visitor.serious_findings() == []
        await visitor.page.get_by_label("Password").fill("correct horse battery")
        await visitor.page.get_by_role("button", name="Sign in").click()
        await visitor.page.get_by_role("heading", name="Site at a glance").wait_for()


async def test_the_page_says_when_the_broker_is_away_and_when_it_is_back(
    browser: Browser, tmp_path: Path, own_mosquitto: Mosquitto
) -> None:
    with WebService(tmp_path / "web", own_mosquitto, "lonely") as service:
        await service.set_up()
        async with window(browser, service) as visitor:
            await visitor.go("/")
            own_mosquitto.kill()
            await visitor.page.get_by_text(re.compile("The broker is away")).wait_for(timeout=PATIENCE_S * 1000)
            own_mosquitto.start()
            await expect(visitor.page.get_by_text(re.compile("The broker is away"))).to_be_hidden(
                timeout=PATIENCE_S * 1000
            )


async def test_thousands_of_miners_are_a_short_list_of_rows(
    browser: Browser, tmp_path: Path, mosquitto: Mosquitto
) -> None:
    with WebService(tmp_path / "farm", mosquitto, "farm-of-the-page") as service:
        await service.set_up()
        async with AsyncExitStack() as stack:
            farm = World(mosquitto, service.site, stack)
            names = [f"r{number:04d}" for number in range(2000)]
            for name in names:
                (await farm.bus("poller")).publish(farm.reading(name))
            await (await farm.bus("poller")).flush()
            async with window(browser, service) as visitor:
                await visitor.go("/miners")
                await expect(visitor.page.get_by_role("heading", name="2,000 miners")).to_be_visible()
                assert await visitor.page.get_by_role("row").count() < 100
                await visitor.page.evaluate("scrollTo(0, document.body.scrollHeight)")
                await visitor.page.get_by_role("link", name="r1999").wait_for()
                await visitor.page.get_by_role("searchbox").fill("r0042")
                await expect(visitor.page.get_by_role("heading", name="1 miner")).to_be_visible()
