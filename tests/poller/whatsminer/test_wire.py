"""How the WhatsMiner driver bears what comes over the line."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import pytest

from hashbus.clock import SYSTEM_CLOCK, SystemClock
from hashbus.messages import MinerState
from hashbus_poller.drivers.contract import Garbled, Unreachable, Wiring
from hashbus_poller.drivers.whatsminer.driver import DRIVER, PORT, Whatsminer, WhatsminerOptions
from hashbus_poller.testing.driver_case import MemoryTape
from hashbus_poller.testing.waiting import connections_to, until
from tests.poller.emulated import emulated_case
from tests.poller.whatsminer.scripted import ScriptedMiner, answer, scripted_miner, well_behaved

ADDRESS = "127.89.1.1"
HEARTBEAT = b"\x00\x00\x00\x00"
STATUS = "get.miner.status"
RESTART = "set.miner.service"


class HandClock(SystemClock):
    """The machine's clock, and as much later as the test says."""

    passed_s = 0.0

    def monotonic(self) -> float:
        return super().monotonic() + self.passed_s


def no_http() -> Any:
    raise AssertionError("this driver needs no HTTP")


@pytest.fixture
def tape() -> MemoryTape:
    return MemoryTape()


@pytest.fixture
async def miner() -> AsyncIterator[ScriptedMiner]:
    async with scripted_miner(ADDRESS) as scripted:
        yield scripted


@pytest.fixture
async def driver(tape: MemoryTape) -> AsyncIterator[Whatsminer]:
    options = WhatsminerOptions.model_validate({"host": ADDRESS, "password": "miner-pass1", "timeout_s": 10})
    driver = Whatsminer(options, Wiring(clock=SYSTEM_CLOCK, http=no_http, tape=tape))
    yield driver
    await driver.close()


async def test_a_modulation_that_somebody_else_set_is_seen_within_five_minutes(miner: ScriptedMiner) -> None:
    clock = HandClock()
    options = WhatsminerOptions.model_validate({"host": ADDRESS, "timeout_s": 10})
    driver = Whatsminer(options, Wiring(clock=clock, http=no_http, tape=MemoryTape()))
    asked = []
    for later_s in (0, 10, 280, 20, 10):
        clock.passed_s += later_s
        await driver.read()
        asked.append(miner.asked("get.miner.setting"))
    await driver.close()
    assert asked == [1, 1, 1, 2, 2]


async def test_a_reading_is_two_questions_over_a_connection_that_stays_open(
    miner: ScriptedMiner, driver: Whatsminer
) -> None:
    await driver.read()  # the first one also asks for the modulation
    before = len(miner.requests)
    for _ in range(3):
        await driver.read()
    assert [request["cmd"] for request in miner.requests[before:]] == ["get.device.info", STATUS] * 3
    assert miner.connections == 1


async def test_heartbeats_and_unasked_frames_are_passed_over(miner: ScriptedMiner, driver: Whatsminer) -> None:
    def chatty(request: dict[str, Any]) -> list[bytes]:
        pushed = answer("get.miner.report", {"summary": {"hash-realtime": 1}})
        return [HEARTBEAT, pushed + HEARTBEAT, *well_behaved(request), pushed, HEARTBEAT]

    miner.script = chatty
    for _ in range(2):
        assert (await driver.read()).hashrate_5s_ths == 118


async def test_an_answer_may_come_byte_by_byte_or_two_at_once(miner: ScriptedMiner, driver: Whatsminer) -> None:
    def dripping(request: dict[str, Any]) -> list[bytes]:
        whole = b"".join(well_behaved(request))
        return [whole[start : start + 7] for start in range(0, len(whole), 7)]

    miner.script = dripping
    assert (await driver.read()).state is MinerState.MINING


async def test_a_line_that_the_miner_closed_is_opened_anew_without_a_word(
    miner: ScriptedMiner, driver: Whatsminer
) -> None:
    await driver.read()
    miner.script = lambda request: miner_hangs_up_once(miner, request)
    assert (await driver.read()).state is MinerState.MINING
    assert miner.connections == 2


def miner_hangs_up_once(miner: ScriptedMiner, _request: dict[str, Any]) -> None:
    """Do what an idle time-out looks like when it meets a question."""
    miner.script = well_behaved


async def test_a_miner_that_always_hangs_up_is_tried_once_more_and_no_more(
    miner: ScriptedMiner, driver: Whatsminer
) -> None:
    await driver.read()
    miner.script = lambda _: None
    with pytest.raises(Unreachable, match="hung up"):
        await driver.read()
    assert miner.connections == 2


async def test_an_order_is_never_sent_twice(miner: ScriptedMiner, driver: Whatsminer) -> None:
    await driver.read()
    miner.script = lambda request: None if request["cmd"].startswith("set.") else well_behaved(request)
    with pytest.raises(Unreachable, match="hung up"):
        await driver.restart_mining()
    assert miner.asked(RESTART) == 1


async def test_a_board_that_hangs_up_on_a_reboot_has_taken_it(miner: ScriptedMiner, driver: Whatsminer) -> None:
    miner.script = lambda request: None if request["cmd"] == "set.system.reboot" else well_behaved(request)
    await driver.reboot()
    assert miner.asked("set.system.reboot") == 1


async def test_questions_of_two_tasks_take_turns(miner: ScriptedMiner, driver: Whatsminer) -> None:
    readings = await asyncio.gather(driver.read(), driver.read(), driver.identify(), driver.read())
    assert len(readings) == 4
    assert miner.connections == 1


async def test_after_a_cancelled_question_the_late_answer_is_not_taken_for_the_next(
    miner: ScriptedMiner, driver: Whatsminer
) -> None:
    miner.script = lambda _: []
    reading = asyncio.create_task(driver.read())
    await until(lambda: bool(miner.requests), "the question arrives")
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    miner.script = well_behaved
    assert (await driver.read()).state is MinerState.MINING
    assert miner.connections == 2


async def test_a_line_closed_amid_a_question_stays_closed(miner: ScriptedMiner, driver: Whatsminer) -> None:
    await driver.read()
    asked = len(miner.requests)
    miner.script = lambda _: []
    reading = asyncio.create_task(driver.read())
    await until(lambda: len(miner.requests) > asked, "the question arrives")
    await driver.close()
    with pytest.raises(Unreachable):
        await reading
    assert miner.connections == 1
    assert connections_to(ADDRESS) == 0


async def test_a_full_house_is_named_as_a_reason() -> None:
    block = {"family": "whatsminer_v3", "host": "127.89.1.2"}
    async with emulated_case(DRIVER, block, {}) as case, AsyncExitStack() as guests:
        for _ in range(10):
            _, guest = await asyncio.open_connection(case.address, PORT)
            guests.callback(guest.close)
        options = WhatsminerOptions.model_validate({"host": case.address, "timeout_s": 10})
        late = Whatsminer(options, Wiring(clock=SYSTEM_CLOCK, http=no_http, tape=MemoryTape()))
        guests.push_async_callback(late.close)
        with pytest.raises(Unreachable, match="ten clients"):
            await late.read()


async def test_a_flood_that_answers_nothing_is_garbled(miner: ScriptedMiner, driver: Whatsminer) -> None:
    noise = answer("get.miner.report", "0" * 100_000)
    miner.script = lambda _: [noise] * 30
    with pytest.raises(Garbled, match="without an answer"):
        await driver.read()
    await until(lambda: connections_to(ADDRESS) == 0, "the line is dropped")


async def test_every_answer_is_on_the_tape_before_it_is_understood(
    miner: ScriptedMiner, driver: Whatsminer, tape: MemoryTape
) -> None:
    miner.script = lambda _: [b"\x05\x00\x00\x00{oops"]
    with pytest.raises(Garbled):
        await driver.read()
    assert tape.exchanges == [("get.device.info", b"{oops")]
