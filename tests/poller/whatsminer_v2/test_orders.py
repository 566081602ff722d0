"""How the driver of API v2 changes a miner: with few tokens, not twice, and with a word when it may not."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import pytest

from hashbus.clock import SYSTEM_CLOCK, Clock, SystemClock
from hashbus.messages import Capability, MinerState, OrderParams
from hashbus_poller.drivers.contract import Refused, Unreachable, Unsupported, Wiring
from hashbus_poller.drivers.whatsminer.driver import DRIVER as V3
from hashbus_poller.drivers.whatsminer_v2.driver import DRIVER, WhatsminerV2, WhatsminerV2Options
from hashbus_poller.scanning import recognise
from hashbus_poller.testing.driver_case import DriverCase, MemoryTape
from hashbus_poller.testing.exercises import seen
from hashbus_poller.testing.waiting import until
from tests.poller.emulated import emulated_case

PASSWORD = "miner-p1"
ADDRESS = "127.83.2.1"


class HandClock(SystemClock):
    """The driver's clock, which a test moves on."""

    ahead_s = 0.0

    def monotonic(self) -> float:
        return super().monotonic() + self.ahead_s


def no_http() -> Any:
    raise AssertionError("this driver needs no HTTP")


class Miners:
    """Starts emulated miners and drivers for them, and ends them with the test."""

    def __init__(self, stack: AsyncExitStack) -> None:
        self.stack = stack
        self.tape = MemoryTape()
        self.clock = HandClock()

    async def emulated(self, **block: object) -> DriverCase:
        family = {"family": "whatsminer_v2", "host": ADDRESS, "password": PASSWORD}
        return await self.stack.enter_async_context(emulated_case(DRIVER, {**family, **block}, {}))

    def wiring(self, clock: Clock = SYSTEM_CLOCK) -> Wiring:
        return Wiring(clock=clock, http=no_http, tape=self.tape)

    def driver(self, **options: Any) -> WhatsminerV2:
        given = {"host": ADDRESS, "password": PASSWORD, "timeout_s": 10, **options}
        return WhatsminerV2(WhatsminerV2Options.model_validate(given), self.wiring(self.clock))

    def asked(self, name: str) -> int:
        """Return how often that was asked or ordered."""
        return sum(question.split(" ")[0] == name for question, _ in self.tape.exchanges)


@pytest.fixture
async def miners() -> AsyncIterator[Miners]:
    async with AsyncExitStack() as stack:
        yield Miners(stack)


async def becomes(driver: WhatsminerV2, state: MinerState) -> None:
    await seen(driver, lambda reading: reading.state is state, f"the miner is {state}")


async def test_what_is_set_already_is_not_set_again(miners: Miners) -> None:
    await miners.emulated()
    driver = miners.driver()
    await driver.set_power_limit(3306.2)
    await driver.set_power_percent(100)
    await driver.wake()
    assert miners.asked("get_token") == 0
    await driver.sleep()
    await driver.sleep()
    assert miners.asked("power_off") == 1


async def test_one_token_serves_for_half_an_hour(miners: Miners) -> None:
    await miners.emulated()
    driver = miners.driver()
    await driver.identify()
    for on in (True, False, True):
        await driver.blink(on=on)
    assert miners.asked("get_token") == 1
    miners.clock.ahead_s += 1800
    await driver.blink(on=False)
    assert miners.asked("get_token") == 2


async def test_a_token_that_has_become_void_is_exchanged_once(miners: Miners) -> None:
    case = await miners.emulated(token_s=60)
    driver = miners.driver()
    await driver.blink(on=True)
    await until(lambda: case.truth()["tokens"] == 0, "the token is void")
    await driver.blink(on=False)
    assert miners.asked("get_token") == 2
    assert case.truth()["led"] == "auto"


async def test_after_a_lock_out_nothing_is_asked_until_it_is_over(miners: Miners) -> None:
    await miners.emulated(most_tokens=1, lock_s=180)
    first, second = miners.driver(), miners.driver()
    await first.blink(on=True)
    with pytest.raises(Unreachable, match="over max connect"):
        await second.blink(on=True)
    asked = miners.asked("get_token")
    for waited_s in (0, 100, 80):
        miners.clock.ahead_s += waited_s
        with pytest.raises(Unreachable, match="asked again in"):
            await second.blink(on=True)
    assert miners.asked("get_token") == asked, "each question would begin the three minutes anew"
    await first.blink(on=False)  # its token is still good
    miners.clock.ahead_s += 6
    with pytest.raises(Unreachable, match="over max connect"):
        await second.blink(on=True)
    assert miners.asked("get_token") == asked + 1


async def test_a_lock_out_does_not_take_the_buttons_away(miners: Miners) -> None:
    await miners.emulated(most_tokens=1)
    await miners.driver().blink(on=True)
    assert Capability.POWER_LIMIT in (await miners.driver().identify()).capabilities


async def test_a_wrong_password_is_named_as_such_and_costs_few_tokens(miners: Miners) -> None:
    await miners.emulated()
    driver = miners.driver(password="another")
    for _ in range(3):
        with pytest.raises(Refused, match="password of `admin` is another one"):
            await driver.restart_mining()
    assert miners.asked("get_token") == 1
    miners.clock.ahead_s += 61
    with pytest.raises(Refused):
        await driver.restart_mining()
    assert miners.asked("get_token") == 2


@pytest.mark.parametrize(
    ("block", "options", "hint"),
    [
        ({"api_switch": False}, {}, "opens the API with WhatsminerTool"),
        ({"password": "admin"}, {"password": "admin"}, "a password of its own"),
        ({}, {"password": None}, "set `password`"),
        ({}, {"password": "ninechars"}, "more than 8 characters"),
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


async def test_firmware_that_does_not_know_respbefore_sleeps_without_it_from_then_on(miners: Miners) -> None:
    await miners.emulated(knows_respbefore=False)
    driver = miners.driver()
    for _ in range(2):
        await driver.sleep()
        await becomes(driver, MinerState.SLEEPING)
        await driver.wake()
    orders = [question for question, _ in miners.tape.exchanges if question.startswith("power_off")]
    assert orders == ["power_off respbefore=true", "power_off", "power_off"]


async def test_a_percentage_before_the_boards_are_tuned_has_to_wait(miners: Miners) -> None:
    await miners.emulated()
    driver = miners.driver()
    await driver.set_power_limit(3000)
    with pytest.raises(Unreachable, match="busy tuning"):
        await driver.set_power_percent(75)
    await becomes(driver, MinerState.MINING)
    await driver.set_power_percent(75)
    assert (await driver.read()).power_percent_pct == 75


async def test_a_new_limit_is_set_while_it_sleeps_too(miners: Miners) -> None:
    case = await miners.emulated()
    driver = miners.driver()
    await driver.sleep()
    await driver.set_power_limit(2500)
    await driver.set_power_limit(2500)
    assert miners.asked("adjust_power_limit") == 1
    assert case.truth()["power_limit_w"] == 2500


@pytest.mark.parametrize("power_w", [0, 0.4, 99_998.6, 99_999, float("nan")])
async def test_a_limit_that_means_something_else_to_the_firmware_is_not_sent(miners: Miners, power_w: float) -> None:
    with pytest.raises(Unsupported):
        await miners.driver().set_power_limit(power_w)


@pytest.mark.parametrize("power_pct", [0, 101, float("inf")])
async def test_a_percentage_that_means_something_else_is_not_sent(miners: Miners, power_pct: float) -> None:
    with pytest.raises(Unsupported):
        await miners.driver().set_power_percent(power_pct)


async def test_a_pool_without_an_address_is_not_sent(miners: Miners) -> None:
    with pytest.raises(Unsupported, match="url"):
        await miners.driver().set_pool(OrderParams(worker="farm.w9"))


async def test_the_spelling_that_was_found_is_remembered(miners: Miners) -> None:
    await miners.emulated(shape="newer")
    driver = miners.driver()
    await driver.read()
    first = len(miners.tape.exchanges)
    await driver.read()
    assert len(miners.tape.exchanges) - first == 5, "three reports that are not joined, status and supply"


async def test_joined_reports_take_one_connection(miners: Miners) -> None:
    await miners.emulated()
    driver = miners.driver()
    await driver.read()
    assert [question for question, _ in miners.tape.exchanges] == ["summary+edevs+pools", "status", "get_psu"]


async def test_a_miner_that_was_asleep_is_read_joined_again_when_it_wakes(miners: Miners) -> None:
    await miners.emulated(summary_asleep="error")
    driver = miners.driver()
    await driver.sleep()
    assert (await driver.read()).state is MinerState.SLEEPING
    await driver.wake()
    miners.tape.exchanges.clear()
    await driver.read()
    assert miners.tape.exchanges[0][0] == "summary+edevs+pools"


async def test_a_miner_of_the_v3_era_is_left_to_the_driver_that_reads_more_of_it(miners: Miners) -> None:
    v3 = {"family": "whatsminer_v3", "host": ADDRESS, "model": "M64_VL40", "password": PASSWORD}
    await miners.stack.enter_async_context(emulated_case(V3, v3, {}))
    assert await DRIVER.looks[0].ask(ADDRESS, 4028, miners.wiring()) is None
    found = await recognise(ADDRESS, [4028, 4433], [*DRIVER.looks, *V3.looks], miners.wiring())
    assert [sighting.driver for sighting in found] == ["whatsminer"]


async def test_a_stranger_on_the_port_is_not_taken_for_a_whatsminer(miners: Miners) -> None:
    cgminer = {"family": "cgminer", "host": ADDRESS, "model": "GekkoScience R909"}
    await miners.stack.enter_async_context(emulated_case(DRIVER, cgminer, {}))
    assert await recognise(ADDRESS, [4028], DRIVER.looks, miners.wiring()) == []
