"""How the Avalon driver changes a miner: not twice, confirmed where the reply is missing, explained to the owner."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import pytest

from hashbus.clock import SYSTEM_CLOCK
from hashbus.messages import MinerState, OrderParams
from hashbus_poller.drivers.avalon import orders
from hashbus_poller.drivers.avalon.driver import DRIVER, Avalon, AvalonOptions
from hashbus_poller.drivers.cgminer.driver import DRIVER as CGMINER
from hashbus_poller.drivers.contract import Refused, Unreachable, Unsupported, Wiring
from hashbus_poller.scanning import recognise
from hashbus_poller.testing.driver_case import DriverCase, MemoryTape
from hashbus_poller.testing.driver_promises import text_of
from hashbus_poller.testing.exercises import seen
from hashbus_poller.testing.waiting import until
from tests.poller.avalon.fixtures import FIXTURES, raw
from tests.poller.cgminer.scripted import Answer, ScriptedMiner, refusal, reply
from tests.poller.emulated import emulated_case

ADDRESS = "127.83.4.1"
PASSWORD = "page-password"
WRONG = "another-one"
HELP = reply(118).replace(b"fine", b"ASC 0 set info: help|softoff|softon|")
POOL = OrderParams(url="stratum+tcp://new.example:3333", worker="farm.w9", password="pool-password")


def no_http() -> Any:
    raise AssertionError("this driver needs no HTTP")


class Miners:
    """Starts emulated or scripted miners and drivers for them, and ends them with the test."""

    def __init__(self, stack: AsyncExitStack) -> None:
        self.stack = stack
        self.tape = MemoryTape()

    async def emulated(self, model: str, **block: object) -> DriverCase:
        device = {"family": "avalon", "host": ADDRESS, "model": model, **block}
        return await self.stack.enter_async_context(emulated_case(DRIVER, device, {}))

    async def scripted(self, **answers: Answer) -> ScriptedMiner:
        scene = FIXTURES / "Q" / "25052801" / "eco_with_a_fan_that_fails"
        told = {name: raw(scene, name) or b"" for name in ("version", "summary", "pools", "estats")}
        return await self.stack.enter_async_context(ScriptedMiner(ADDRESS, {**told, **answers}))

    def wiring(self) -> Wiring:
        return Wiring(clock=SYSTEM_CLOCK, http=no_http, tape=self.tape)

    def driver(self, **options: Any) -> Avalon:
        given = {"host": ADDRESS, "timeout_s": 10, **options}
        return Avalon(AvalonOptions.model_validate(given), self.wiring())

    def ordered(self, word: str) -> list[str]:
        """Return the orders that were answered and begin so."""
        return [name for name, _ in self.tape.exchanges if name.startswith(f"ascset 0,{word}")]


@pytest.fixture
async def miners() -> AsyncIterator[Miners]:
    async with AsyncExitStack() as stack:
        yield Miners(stack)


async def becomes(driver: Avalon, state: MinerState) -> None:
    await seen(driver, lambda reading: reading.state is state, f"the miner is {state}")


@pytest.mark.parametrize("closes", ["none", "softon", "both"])
async def test_an_order_without_a_reply_is_confirmed_by_looking(miners: Miners, closes: str) -> None:
    case = await miners.emulated("Avalon 1366", closes_without_reply=closes)
    driver = miners.driver()
    await driver.sleep()
    await becomes(driver, MinerState.SLEEPING)
    await driver.sleep()
    await driver.wake()
    await seen(driver, lambda reading: reading.state is not MinerState.SLEEPING, "the miner is awake")
    assert case.truth()["restarts"] == 1, "it was woken once"


async def test_an_order_that_was_lost_is_not_taken_for_done(miners: Miners, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(orders, "LOOKS_AFTER_S", (0.01, 0.01))

    def ascset(parameter: str) -> bytes:
        return HELP if parameter == "0,help" else b""

    miner = await miners.scripted(ascset=ascset)
    driver = miners.driver(port=miner.port)
    with pytest.raises(Unreachable, match="does not show that it took it"):
        await driver.sleep()


async def test_the_time_of_an_order_is_that_of_the_miner_where_it_knows_the_time(miners: Miners) -> None:
    def ascset(parameter: str) -> bytes:
        return HELP if parameter == "0,help" else reply(119)

    miner = await miners.scripted(ascset=ascset)
    await miners.driver(port=miner.port).sleep()
    assert {"command": "ascset", "parameter": "0,softoff,1:1753431521"} in miner.asked


async def test_old_boards_lose_their_power_and_get_it_back_by_a_reboot(miners: Miners) -> None:
    case = await miners.emulated("Avalon 1047")
    driver = miners.driver()
    await driver.sleep()
    assert case.truth()["unpowered"]
    assert (await driver.read()).state is MinerState.SLEEPING
    await driver.wake()
    await until(lambda: not case.truth()["unpowered"], "it has rebooted")
    assert case.truth()["reboots"] == 1


async def test_what_is_set_already_is_not_set_again(miners: Miners) -> None:
    await miners.emulated("Avalon Q")
    driver = miners.driver()
    await driver.set_power_limit(1674)
    await driver.set_power_limit(5000)
    await driver.wake()
    assert not miners.ordered("workmode")
    assert not miners.ordered("soft")


async def test_a_mode_is_taken_at_once_at_home_and_with_a_reboot_in_the_hall(miners: Miners) -> None:
    case = await miners.emulated("Avalon Q")
    driver = miners.driver()
    await driver.set_power_limit(1400)
    assert ((await driver.read()).power_limit_w, case.truth()["reboots"]) == (1300, 0)


async def test_a_mode_of_the_hall_needs_a_reboot(miners: Miners) -> None:
    case = await miners.emulated("Avalon 1246")
    driver = miners.driver()
    await driver.set_power_limit(3000)
    await seen(driver, lambda reading: reading.power_limit_w == 2736, "the normal mode is in force")
    assert case.truth()["reboots"] == 1


async def test_a_level_of_a_mini_is_set_as_such(miners: Miners) -> None:
    case = await miners.emulated("Avalon Mini 3")
    driver = miners.driver()
    await driver.set_power_limit(600)
    reading = await driver.read()
    assert (reading.power_limit_w, reading.heat_mode, case.truth()["step"]) == (500, "mining", -1)


async def test_a_mode_while_the_chips_are_calibrated_has_to_wait(miners: Miners) -> None:
    await miners.emulated("Avalon Q")
    driver = miners.driver()
    await driver.set_power_limit(800)
    with pytest.raises(Unreachable, match="busy tuning"):
        await driver.set_power_limit(1300)


@pytest.mark.parametrize("model", ["Avalon Q", "Avalon 841"])
async def test_less_than_the_lowest_step_is_said_to_be_too_little(miners: Miners, model: str) -> None:
    await miners.emulated(model)
    with pytest.raises(Unsupported):
        await miners.driver().set_power_limit(300)


@pytest.mark.parametrize("fan_pct", [0, 24, 101, float("nan")])
async def test_fans_are_not_slowed_down_to_where_they_cool_nothing(miners: Miners, fan_pct: float) -> None:
    with pytest.raises(Unsupported):
        await miners.driver().set_fan(fan_pct)


async def test_every_unit_of_a_controller_lights_its_lamp(miners: Miners) -> None:
    await miners.emulated("Avalon 841", modules=3)
    await miners.driver().blink(on=True)
    assert miners.ordered("led") == ["ascset 0,led,1-1", "ascset 0,led,2-1", "ascset 0,led,3-1"]


async def test_a_pool_is_added_and_switched_to_without_any_password(miners: Miners) -> None:
    case = await miners.emulated("Avalon 1366")
    driver = miners.driver()
    for _ in range(2):
        await driver.set_pool(POOL)
    assert (case.truth()["active_pool"], len(pools(case))) == (2, 3), "it is not added twice"
    assert (await driver.read()).pool_url == POOL.url


async def test_with_the_password_of_the_page_a_pool_is_set_for_good(miners: Miners) -> None:
    for model, account in (("Avalon Q", "admin"), ("Avalon 1366", "root")):
        async with AsyncExitStack() as stack:
            miners.stack = stack
            case = await miners.emulated(model, password=PASSWORD)
            driver = miners.driver(password=PASSWORD, account=account)
            await driver.identify()
            await driver.set_pool(POOL)
            await seen(driver, lambda reading: reading.pool_url == POOL.url, "it mines there")
            assert pools(case)[0]["url"] == POOL.url
    shown = str(miners.tape.exchanges)
    assert "workerpassword is ***" in shown
    assert not any(secret in shown for secret in (PASSWORD, str(POOL.password)))


def pools(case: DriverCase) -> list[dict[str, object]]:
    listed = case.truth()["pools"]
    assert isinstance(listed, list)
    return listed


async def test_a_wrong_password_of_the_page_is_named_and_shown_nowhere(miners: Miners) -> None:
    await miners.emulated("Avalon Q", password=PASSWORD)
    with pytest.raises(Refused, match="set `password`") as caught:
        await miners.driver(password=WRONG).set_pool(POOL)
    assert not any(secret in text_of(caught.value) for secret in (WRONG, str(POOL.password)))


async def test_home_models_take_no_pool_without_a_password(miners: Miners) -> None:
    await miners.emulated("Avalon Nano 3S", password=PASSWORD)
    with pytest.raises(Refused, match="only with `password`"):
        await miners.driver().set_pool(POOL)


@pytest.mark.parametrize(
    ("pool", "error"),
    [
        (OrderParams(worker="w"), Unsupported),
        (OrderParams(url="stratum+tcp://a.example:1", worker="one,two"), Refused),
    ],
)
async def test_a_pool_that_setpool_would_misread_is_not_sent(
    miners: Miners, pool: OrderParams, error: type[Exception]
) -> None:
    case = await miners.emulated("Avalon Q", password=PASSWORD)
    with pytest.raises(error):
        await miners.driver(password=PASSWORD).set_pool(pool)
    assert case.truth()["reboots"] == 0


async def test_without_write_access_nothing_is_offered_and_orders_are_refused(miners: Miners) -> None:
    await miners.emulated("Avalon 1366", privileged=False)
    driver = miners.driver()
    assert (await driver.identify()).capabilities == ()
    with pytest.raises((Refused, Unsupported)):
        await driver.sleep()
    with pytest.raises(Refused, match="W:"):
        await driver.set_fan(50)


async def test_firmware_without_estats_is_asked_for_stats(miners: Miners) -> None:
    scene = FIXTURES / "1366" / "24100900" / "mining"
    told = raw(scene, "estats") or b""
    miner = await miners.scripted(estats=refusal(14, "Invalid command"), stats=told)
    driver = miners.driver(port=miner.port)
    for _ in range(2):
        assert (await driver.read()).power_w == 2790
    assert miner.commands.count("estats") == 1


async def test_only_one_question_is_underway_at_a_time(miners: Miners) -> None:
    miner = await miners.scripted()
    driver = miners.driver(port=miner.port)
    await asyncio.gather(*(driver.read() for _ in range(4)))
    assert miner.at_once == 1


async def test_a_reading_takes_one_connection_where_reports_are_joined(miners: Miners) -> None:
    await miners.emulated("Avalon 1246")
    driver = miners.driver()
    await driver.read()
    assert [question for question, _ in miners.tape.exchanges] == ["summary+pools+estats"]


@pytest.mark.parametrize(
    ("block", "expected"),
    [
        ({"family": "avalon", "model": "Avalon Nano 3S"}, ["avalon"]),
        ({"family": "avalon", "model": "Avalon 841"}, ["avalon"]),
        ({"family": "cgminer", "model": "GekkoScience R909"}, ["cgminer"]),
        ({"family": "whatsminer_v2", "model": "M50_VH40"}, ["cgminer"]),
    ],
)
async def test_a_scan_takes_an_avalon_for_one_and_nobody_else(
    miners: Miners, block: dict[str, object], expected: list[str]
) -> None:
    await miners.stack.enter_async_context(emulated_case(DRIVER, {"host": ADDRESS, **block}, {}))
    found = await recognise(ADDRESS, [4028], [*CGMINER.looks, *DRIVER.looks], miners.wiring())
    assert [sighting.driver for sighting in found] == expected
