"""How the WhatsMiner driver changes a miner: signed, not twice, and with a word for the owner when it may not."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import datetime, timedelta
from typing import Any

import pytest

from hashbus.clock import SYSTEM_CLOCK, Clock, SystemClock
from hashbus.messages import Capability, MinerState, OrderParams
from hashbus_poller.drivers.contract import DeviceError, Refused, Unreachable, Unsupported, Wiring
from hashbus_poller.drivers.whatsminer.driver import DRIVER, Whatsminer, WhatsminerOptions
from hashbus_poller.testing.driver_case import DriverCase, MemoryTape
from hashbus_poller.testing.exercises import seen
from tests.poller.emulated import emulated_case
from tests.poller.whatsminer.scripted import ScriptedMiner, answer, scripted_miner, well_behaved

PASSWORD = "miner-pass1"
ADDRESS = "127.89.2.1"


def no_http() -> Any:
    raise AssertionError("this driver needs no HTTP")


class Miners:
    """Starts emulated miners and drivers for them, and ends them with the test."""

    def __init__(self, stack: AsyncExitStack) -> None:
        self.stack = stack
        self.tape = MemoryTape()

    async def emulated(self, **block: object) -> DriverCase:
        family = {"family": "whatsminer_v3", "host": ADDRESS, "password": PASSWORD}
        return await self.stack.enter_async_context(emulated_case(DRIVER, {**family, **block}, {}))

    async def scripted(self) -> ScriptedMiner:
        return await self.stack.enter_async_context(scripted_miner(ADDRESS))

    def driver(self, clock: Clock = SYSTEM_CLOCK, **options: Any) -> Whatsminer:
        given = {"host": ADDRESS, "password": PASSWORD, "timeout_s": 10, **options}
        wiring = Wiring(clock=clock, http=no_http, tape=self.tape)
        driver = Whatsminer(WhatsminerOptions.model_validate(given), wiring)
        self.stack.push_async_callback(driver.close)
        return driver

    def sent(self) -> list[str]:
        """Return the orders that went out."""
        return [question for question, _ in self.tape.exchanges if question.startswith("set.")]


@pytest.fixture
async def miners() -> AsyncIterator[Miners]:
    async with AsyncExitStack() as stack:
        yield Miners(stack)


async def becomes(driver: Whatsminer, state: MinerState) -> None:
    await seen(driver, lambda reading: reading.state is state, f"the miner is {state}")


async def test_what_is_set_already_is_not_set_again(miners: Miners) -> None:
    await miners.emulated()
    driver = miners.driver()
    await driver.set_power_limit(3600.2)
    await driver.set_power_percent(100)
    await driver.wake()
    assert miners.sent() == []
    await driver.sleep()
    await driver.sleep()
    assert miners.sent() == ['set.miner.service "stop"']


async def test_a_new_limit_is_set_while_it_sleeps_too(miners: Miners) -> None:
    case = await miners.emulated()
    driver = miners.driver()
    await driver.sleep()
    await driver.set_power_limit(2500)
    await driver.set_power_limit(2500)
    assert miners.sent().count("set.miner.power_limit 2500") == 1
    assert case.truth()["power_limit_w"] == 2500


async def test_a_modulation_shows_in_the_readings_for_as_long_as_it_lasts(miners: Miners) -> None:
    await miners.emulated()
    driver = miners.driver()
    assert (await driver.read()).power_percent_pct is None
    await driver.set_power_percent(75)
    assert (await driver.read()).power_percent_pct == 75
    assert (await miners.driver().read()).power_percent_pct == 75  # a poller that was restarted sees it as well
    await driver.set_power_percent(100)
    assert (await driver.read()).power_percent_pct is None


async def test_a_percentage_before_the_boards_are_tuned_has_to_wait(miners: Miners) -> None:
    await miners.emulated()
    driver = miners.driver()
    await driver.set_power_limit(3000)
    with pytest.raises(Unreachable, match="busy tuning"):
        await driver.set_power_percent(75)
    await becomes(driver, MinerState.MINING)
    await driver.set_power_percent(75)
    assert (await driver.read()).power_percent_pct == 75


async def test_more_than_the_model_can_bear_is_an_error_in_the_miners_words(miners: Miners) -> None:
    await miners.emulated()
    with pytest.raises(DeviceError, match="must not exceed 3600") as caught:
        await miners.driver().set_power_limit(4000)
    assert type(caught.value) is DeviceError


@pytest.mark.parametrize("power_w", [0, 0.4, 99_998.6, 99_999, 1e9, float("nan")])
async def test_a_limit_that_means_something_else_to_the_firmware_is_not_sent(miners: Miners, power_w: float) -> None:
    with pytest.raises(Unsupported):
        await miners.driver().set_power_limit(power_w)


@pytest.mark.parametrize("power_pct", [0, 201, float("inf")])
async def test_a_percentage_that_means_something_else_is_not_sent(miners: Miners, power_pct: float) -> None:
    with pytest.raises(Unsupported):
        await miners.driver().set_power_percent(power_pct)


@pytest.mark.parametrize(
    ("block", "options", "hint"),
    [
        ({"api_switch": False}, {}, "API switch is off"),
        ({"password": "super"}, {"password": "super"}, "change it with WhatsminerTool"),
        ({}, {"account": "user1"}, "may use no command"),
        ({}, {"password": None}, "set `password`"),
    ],
)
async def test_who_may_not_write_is_offered_nothing_and_told_why(
    miners: Miners, block: dict[str, object], options: dict[str, Any], hint: str
) -> None:
    await miners.emulated(**block)
    driver = miners.driver(**options)
    assert (await driver.identify()).capabilities == ()
    assert (await driver.read()).state is MinerState.MINING
    with pytest.raises(Refused, match=hint):
        await driver.set_power_limit(3000)


async def test_a_wrong_password_is_named_as_such(miners: Miners) -> None:
    await miners.emulated()
    driver = miners.driver(password="not-the-one")
    assert Capability.POWER_LIMIT in (await driver.identify()).capabilities  # nobody can know before the first try
    with pytest.raises(Refused, match="password of super is another one"):
        await driver.restart_mining()


async def test_a_clock_that_is_off_is_named_as_such(miners: Miners) -> None:
    class SlowClock(SystemClock):
        def now(self) -> datetime:
            return super().now() - timedelta(hours=1)

    await miners.emulated()
    with pytest.raises(Refused, match=r"its clock is 3\d\d\d s ahead of ours"):
        await miners.driver(SlowClock()).blink(on=True)


async def test_a_salt_that_a_reboot_changed_is_fetched_again_once(miners: Miners) -> None:
    case = await miners.emulated(boot_s=1)
    driver, other = miners.driver(), miners.driver()
    await driver.blink(on=True)
    old_salt = case.truth()["salt"]
    await other.reboot()
    await becomes(other, MinerState.TUNING)
    assert case.truth()["salt"] != old_salt
    await driver.blink(on=False)
    assert case.truth()["led"] == "auto"


async def test_the_salt_that_a_reading_brought_is_used(miners: Miners) -> None:
    miner = await miners.scripted()
    driver = miners.driver()
    await driver.read()
    await driver.blink(on=True)
    assert miner.asked("get.device.info") == 1


async def test_a_firmware_that_wants_objects_as_text_gets_them_so_from_then_on(miners: Miners) -> None:
    miner = await miners.scripted()

    def picky(request: dict[str, Any]) -> list[bytes]:
        if isinstance(request.get("param"), dict | list):
            return [answer(request["cmd"], "param is null", code=-3)]
        return well_behaved(request)

    miner.script = picky
    driver = miners.driver()
    for _ in range(2):
        await driver.set_power_percent(75)
    params = [request["param"] for request in miner.requests if request["cmd"] == "set.miner.power_percent"]
    assert params == [{"percent": "75", "mode": "fast"}, *['{"percent":"75","mode":"fast"}'] * 2]


async def test_a_pool_takes_the_place_of_all_others(miners: Miners) -> None:
    await miners.emulated()
    driver = miners.driver()
    await driver.set_pool(OrderParams(url="stratum+tcp://new.example:3333", worker="farm.w9", password="pool-secret"))
    reading = await driver.read()
    assert [(pool.url, pool.worker) for pool in reading.pools] == [("stratum+tcp://new.example:3333", "farm.w9")]


async def test_a_pool_without_an_address_is_not_sent(miners: Miners) -> None:
    with pytest.raises(Unsupported, match="url"):
        await miners.driver().set_pool(OrderParams(worker="farm.w9"))
