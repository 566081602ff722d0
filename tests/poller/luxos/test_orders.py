"""Sessions, orders and scans: the LuxOS driver against emulated miners, on real sockets."""

import asyncio
from contextlib import AbstractAsyncContextManager
from typing import Any

import aiohttp
import pytest

from hashbus.clock import SYSTEM_CLOCK
from hashbus.messages import MinerState, OrderParams
from hashbus_poller.drivers.antminer.sighting import look_at_port as antminer_looks
from hashbus_poller.drivers.contract import Refused, Unsupported, Wiring
from hashbus_poller.drivers.luxos.driver import DRIVER, Luxos
from hashbus_poller.testing.driver_promises import MemoryTape
from hashbus_poller.testing.waiting import until
from hashbus_simulator.devices.luxos.device import Luxos as EmulatedLuxos
from hashbus_simulator.faults import Fault, FaultKind
from hashbus_simulator.fleet import Fleet
from hashbus_simulator.settings import SimulatorSettings
from tests.poller.emulated import Bench, on_the_bench

HOST = "127.84.31.1"
NEVER_S = 1e9


def luxos(**block: Any) -> AbstractAsyncContextManager[Bench[Luxos, EmulatedLuxos]]:
    device = {"family": "luxos", "host": HOST, "session_s": NEVER_S, **block}
    return on_the_bench(DRIVER, (Luxos, EmulatedLuxos), device, {})


async def test_every_order_gives_the_session_back() -> None:
    async with luxos() as bench:
        await bench.driver.sleep()
        await bench.driver.wake()
        await bench.driver.set_fan(60)
        await bench.driver.blink(True)
        await bench.driver.set_power_limit(2500)
        assert bench.truth["session"] == ""
        assert bench.asked("logon") == bench.asked("logoff") == 5


async def test_a_session_that_another_program_holds_is_left_alone() -> None:
    async with luxos() as bench:
        held = bench.device._state.session.begin()
        with pytest.raises(Refused, match="another program holds"):
            await bench.driver.sleep()
        assert bench.truth["session"] == held
        assert not bench.truth["asleep"]
        bench.device._state.session.end()
        await bench.driver.sleep()
        assert bench.truth["asleep"]


async def test_a_refused_order_gives_the_session_back_too() -> None:
    async with luxos(cooling="Hydro") as bench:
        with pytest.raises(Refused, match="Fans are not available"):
            await bench.driver.set_fan(50)
        assert bench.truth["session"] == ""


async def test_a_cancelled_order_gives_the_session_back_with_the_next_one() -> None:
    async with luxos() as bench:
        await bench.driver.identify()
        await bench.presence.put_fault(Fault(kind=FaultKind.SLOW, delay_s=0.2))
        order = asyncio.create_task(bench.driver.blink(True))
        await until(lambda: bench.asked("logon") == 1, "the order holds a session")
        order.cancel()
        with pytest.raises(asyncio.CancelledError):
            await order
        await bench.presence.clear_fault()
        assert bench.truth["session"] != "", "nobody had the time to give it back"
        await bench.driver.blink(False)
        assert bench.truth["session"] == ""


async def test_closing_gives_back_what_is_still_held() -> None:
    async with luxos() as bench:
        await bench.driver.identify()
        await bench.presence.put_fault(Fault(kind=FaultKind.SLOW, delay_s=0.2))
        order = asyncio.create_task(bench.driver.blink(True))
        await until(lambda: bench.asked("logon") == 1, "the order holds a session")
        order.cancel()
        with pytest.raises(asyncio.CancelledError):
            await order
        await bench.presence.clear_fault()
        await bench.driver.close()
        assert bench.truth["session"] == ""


async def test_two_orders_at_once_wait_for_each_other() -> None:
    async with luxos() as bench:
        await asyncio.gather(bench.driver.set_fan(55), bench.driver.blink(True))
        assert (bench.truth["fan_pct"], bench.truth["blinking"]) == (55, True)


async def test_reading_needs_no_session_and_session_ids_are_on_no_question() -> None:
    async with luxos() as bench:
        await bench.driver.read()
        assert bench.asked("logon") == 0
        await bench.driver.set_fan(60)
        assert all("," not in question for question, _ in bench.tape.exchanges)


@pytest.mark.parametrize("joins", [True, False])
async def test_reports_come_at_once_where_the_firmware_joins_them(joins: bool) -> None:
    async with luxos(joins=joins) as bench:
        await bench.driver.identify()
        await bench.driver.read()
        reading = await bench.driver.read()
        assert reading.state is MinerState.MINING
        assert len(reading.boards) == 3
        assert bench.asked("summary") == (0 if joins else 2)
        assert bench.asked("summary+config+devs+power+temps+fans+pools+events") == (2 if joins else 1)


@pytest.mark.parametrize("old", [True, False])
async def test_a_limit_becomes_the_profile_below_it_on_all_boards(old: bool) -> None:
    version = "2023.9.28.220144-66be080" if old else "2025.4.8.220305-57b389c7"
    async with luxos(version=version, board_profiles=old) as bench:
        await bench.driver.set_power_limit(2000)
        reading = await bench.sees(lambda reading: reading.state is MinerState.MINING and reading.power_limit_w == 1891)
        assert reading.power_w == pytest.approx(1891, rel=0.03)
        assert reading.frequency_mhz == 370, "the profile's, not a chip's"
        assert bench.asked("profileset") == (3 if old else 1)
        assert bench.truth["restarts"] == 1


async def test_what_is_set_already_takes_no_session() -> None:
    async with luxos() as bench:
        await bench.driver.set_power_limit(3068)
        await bench.driver.set_frequency(545)
        await bench.driver.wake()
        assert bench.asked("logon") == 0


async def test_thermal_management_may_not_climb_above_the_limit() -> None:
    async with luxos(atm=True) as bench:
        await bench.driver.set_power_limit(2500)
        assert bench.truth["profile"] == bench.truth["max_profile"] != "default"
        await bench.driver.set_power_limit(2500)
        assert bench.asked("logon") == 1


async def test_thermal_management_that_went_lower_by_itself_is_left_alone() -> None:
    async with luxos(atm=True) as bench:
        await bench.driver.set_power_limit(2500)
        state = bench.device._state
        state.take(state.profiles[0])
        await bench.driver.set_power_limit(2500)
        assert bench.truth["profile"] == state.profiles[0].name, "it was too hot for more"


async def test_what_no_profile_can_do_is_unsupported() -> None:
    async with luxos() as bench:
        with pytest.raises(Unsupported, match="145MHz"):
            await bench.driver.set_power_limit(200)
        with pytest.raises(Unsupported, match="545"):
            await bench.driver.set_frequency(500)


async def test_sleep_outlasts_a_reboot() -> None:
    async with luxos() as bench:
        await bench.driver.sleep()
        await bench.sees(lambda reading: reading.state is MinerState.SLEEPING)
        await bench.driver.reboot()
        await until(lambda: bench.truth["reboots"] == 1 and bench.presence.is_reachable, "it came back")
        assert (await bench.sees(lambda _: True)).state is MinerState.SLEEPING
        await bench.driver.wake()
        woken = await bench.sees(lambda reading: reading.state is not MinerState.SLEEPING)
        assert woken.state is MinerState.TUNING


async def test_a_pool_needs_no_session_and_is_not_added_twice() -> None:
    async with luxos() as bench:
        bench.device._state.session.begin()
        pool = OrderParams(url="stratum+tcp://new.example:4444", worker="farm,x", password="p,1")
        await bench.driver.set_pool(pool)
        reading = await bench.sees(lambda reading: reading.pool_url == pool.url)
        assert reading.worker == "farm,x"
        await bench.driver.set_pool(OrderParams(url="stratum+tcp://pool.example:3333", worker="farm.worker1"))
        await bench.driver.set_pool(pool)
        assert len(bench.truth["pools"]) == 3
        assert bench.asked("addpool") == 1


async def test_a_lost_board_shows_with_a_hint() -> None:
    async with luxos() as bench:
        bench.device.show_symptom("board_lost", None)
        reading = await bench.driver.read()
        assert (reading.boards_healthy, reading.boards_total) == (2, 3)
        assert [error.code for error in reading.errors] == ["BOARD_NOT_DETECTED"]
        assert reading.error_message is not None
        assert "look at the cable" in reading.error_message


async def test_a_scan_recognises_it_on_both_ports_and_no_other_driver_takes_it() -> None:
    async with luxos() as bench:
        at_port, at_web = [await look.ask(HOST, look.port, bench.wiring) for look in DRIVER.looks]
        assert at_port is not None
        assert (at_port.make, at_port.model, at_port.firmware) == ("Antminer", "S19j Pro", "LuxOS")
        assert at_port.mac == bench.device.place.mac.lower()
        assert at_port.power_w == pytest.approx(3068, rel=0.02)
        assert at_web is not None
        assert await antminer_looks(HOST, 4028, bench.wiring) is None


async def test_a_scan_does_not_take_another_miner_for_it() -> None:
    devices = [{"family": "vnish", "host": HOST}, {"family": "cgminer", "host": "127.84.31.2"}]
    settings = SimulatorSettings.model_validate({"control_port": None, "devices": devices})
    async with Fleet(settings), aiohttp.ClientSession() as session:
        wiring = Wiring(clock=SYSTEM_CLOCK, http=lambda: session, tape=MemoryTape())
        for host in (HOST, "127.84.31.2"):
            assert [await look.ask(host, look.port, wiring) for look in DRIVER.looks] == [None, None]
