"""Logins, orders and scans: the Braiins OS driver against emulated miners, on real sockets."""

import asyncio
from contextlib import AbstractAsyncContextManager
from typing import Any

import aiohttp
import pytest

from hashbus.clock import SYSTEM_CLOCK
from hashbus.messages import MinerState, OrderParams
from hashbus_poller.drivers.antminer.sighting import look_at_port as antminer_looks
from hashbus_poller.drivers.bitaxe.driver import look as bitaxe_looks
from hashbus_poller.drivers.braiins.driver import DRIVER, Braiins
from hashbus_poller.drivers.contract import Refused, Unreachable, Unsupported, Wiring
from hashbus_poller.testing.driver_promises import MemoryTape
from hashbus_simulator.devices.braiins.device import Braiins as EmulatedBraiins
from hashbus_simulator.faults import Fault, FaultKind
from hashbus_simulator.fleet import Fleet
from hashbus_simulator.settings import SimulatorSettings
from tests.poller.emulated import Bench, on_the_bench

HOST = "127.84.11.1"
PASSWORD = "web-secret-1"
LOGIN = "POST /api/v1/auth/login"


def braiins(
    options: dict[str, Any] | None = None, **block: Any
) -> AbstractAsyncContextManager[Bench[Braiins, EmulatedBraiins]]:
    device = {"family": "braiins", "host": HOST, "password": PASSWORD, **block}
    return on_the_bench(DRIVER, (Braiins, EmulatedBraiins), device, {"password": PASSWORD} | (options or {}))


async def test_one_login_lasts_as_long_as_it_is_used() -> None:
    async with braiins() as bench:
        for _ in range(3):
            await bench.driver.read()
        await bench.driver.identify()
        assert bench.asked(LOGIN) == 1


async def test_a_login_that_has_lapsed_is_renewed_without_anybody_noticing() -> None:
    async with braiins(session_s=100) as bench:  # half a second of the test's time
        await bench.driver.read()
        await asyncio.sleep(0.7)
        assert (await bench.driver.read()).state is MinerState.MINING
        assert bench.asked(LOGIN) > 1


async def test_after_a_reboot_the_miner_is_read_again_although_it_forgot_the_login() -> None:
    async with braiins() as bench:
        before = await bench.driver.read()
        await bench.driver.reboot()
        after = await bench.sees(lambda reading: (reading.uptime_s or 0) < (before.uptime_s or 0))
        assert after.state in (MinerState.TUNING, MinerState.MINING)
        assert bench.truth["reboots"] == 1


async def test_a_reboot_that_cuts_the_answer_is_done_and_one_that_finds_nobody_is_not() -> None:
    async with braiins() as bench:
        await bench.driver.read()
        await bench.presence.put_fault(Fault(kind=FaultKind.REFUSE))
        with pytest.raises(Unreachable):
            await bench.driver.reboot()
        assert bench.truth["reboots"] == 0


async def test_without_a_password_it_says_which_setting_is_missing() -> None:
    async with braiins({"password": None}) as bench:
        with pytest.raises(Refused, match="set `password`"):
            await bench.driver.read()
        assert bench.tape.exchanges == [], "nothing is tried with a password that nobody gave"


async def test_a_wrong_password_is_refused_with_a_hint_and_is_not_shown() -> None:
    async with braiins({"password": "not-the-one"}) as bench:
        with pytest.raises(Refused, match="check `username` and `password`") as refusal:
            await bench.driver.read()
        assert "not-the-one" not in str(refusal.value)


async def test_neither_tokens_nor_pool_passwords_are_kept_on_the_tape() -> None:
    async with braiins() as bench:
        await bench.driver.set_pool(OrderParams(url="stratum+tcp://new.example:1", worker="w", password="pool-secret"))
        await bench.driver.set_power_limit(2000)
        kept = b"".join(answer for _, answer in bench.tape.exchanges)
        assert b'"token": "***"' in kept
        assert b'"password": "***"' in kept
        assert b"pool-secret" not in kept


async def test_the_stream_that_never_ends_is_never_asked_for() -> None:
    async with braiins() as bench:
        await bench.driver.identify()
        await bench.driver.read()
        assert bench.asked("GET /api/v1/miner/status") == 0


async def test_a_power_target_does_not_restart_mining() -> None:
    async with braiins() as bench:
        await bench.driver.set_power_limit(2000.9)
        reading = await bench.sees(lambda reading: reading.power_limit_w == 2000)
        assert reading.state is MinerState.TUNING, "the tuner looks for the new power"
        settled = await bench.sees(lambda reading: reading.state is MinerState.MINING)
        assert settled.power_w == pytest.approx(2000, rel=0.02)
        assert bench.truth["restarts"] == 0


async def test_what_is_set_already_is_not_written_again() -> None:
    async with braiins() as bench:
        await bench.driver.set_power_limit(2000)
        await bench.driver.set_power_limit(2000)
        await bench.driver.wake()
        await bench.driver.sleep()
        await bench.driver.sleep()
        assert bench.asked("PUT /api/v1/performance/power-target") == 1
        assert bench.asked("PUT /api/v1/actions/pause") == 1
        assert bench.asked("PUT /api/v1/actions/resume") == 0


@pytest.mark.parametrize("tuner", ["hashrate", "disabled"])
async def test_a_miner_that_is_not_tuned_to_power_is_switched_to_it(tuner: str) -> None:
    async with braiins(tuner=tuner) as bench:
        assert (await bench.driver.read()).power_limit_w is None
        await bench.driver.set_power_limit(2500)
        await bench.sees(lambda reading: reading.power_limit_w == 2500)
        assert bench.truth["tuner"] == "power"


async def test_the_bounds_of_the_miner_hold() -> None:
    async with braiins() as bench:
        with pytest.raises(Unsupported, match="1354 W"):
            await bench.driver.set_power_limit(1000)
        await bench.driver.set_power_limit(99_000)
        assert bench.truth["power_limit_w"] == 3010


async def test_a_miner_that_somebody_stopped_sleeps_and_wakes_by_a_start() -> None:
    async with braiins() as bench:
        await bench.driver.identify()
        bench.device._state.stop()
        assert (await bench.driver.read()).state is MinerState.SLEEPING
        await bench.driver.sleep()
        assert (await bench.driver.identify()).max_power_w == 3010, "the bounds from before still hold"
        await bench.driver.wake()
        await bench.sees(lambda reading: reading.state is MinerState.MINING)
        assert bench.truth["stopped"] is False


@pytest.mark.parametrize("keeps_passwords", [True, False])
async def test_the_old_pools_stay_as_a_reserve(keeps_passwords: bool) -> None:
    async with braiins(keeps_passwords=keeps_passwords) as bench:
        new = OrderParams(url="stratum+tcp://new.example:4444", worker="farm.x", password="p1")
        await bench.driver.set_pool(new)
        reading = await bench.sees(lambda reading: reading.pool_url == new.url)
        assert reading.worker == "farm.x"
        assert len(reading.pools) == 3
        assert bench.truth["pool_passwords"] == ["p1", "x", "x"]


async def test_the_pool_that_is_in_use_is_not_set_again() -> None:
    async with braiins() as bench:
        await bench.driver.set_pool(OrderParams(url="stratum+tcp://pool.example:3333", worker="farm.worker1"))
        assert bench.truth["restarts"] == 0


async def test_a_pool_without_a_worker_is_refused() -> None:
    async with braiins() as bench:
        with pytest.raises(Refused, match="worker"):
            await bench.driver.set_pool(OrderParams(url="stratum+tcp://pool.example:3333"))


async def test_what_this_version_lacks_is_unsupported() -> None:
    async with braiins(version="24.09") as bench:
        with pytest.raises((Unsupported, Refused)):
            await bench.driver.set_fan(50)


async def test_a_lost_board_shows_with_the_words_of_the_journal() -> None:
    async with braiins() as bench:
        assert not (await bench.driver.read()).errors, "what the journal says of old days is over"
        bench.device.show_symptom("board_lost", None)
        reading = await bench.driver.read()
        assert (reading.boards_healthy, reading.boards_total) == (2, 3)
        assert [error.code for error in reading.errors] == ["V2"]
        assert reading.error_message is not None
        assert "voltage" in reading.error_message


async def test_a_scan_recognises_it_on_both_ports_and_no_other_driver_takes_it() -> None:
    async with braiins() as bench:
        at_port, at_web = [await look.ask(HOST, look.port, bench.wiring) for look in DRIVER.looks]
        assert at_port is not None
        assert (at_port.driver, at_port.make, at_port.model) == ("braiins", "Antminer", "S19 XP")
        assert at_web is not None
        assert at_web.firmware == "Braiins OS"
        assert await antminer_looks(HOST, 4028, bench.wiring) is None
        assert await bitaxe_looks(HOST, 80, bench.wiring) is None
        assert LOGIN not in [question for question, _ in bench.tape.exchanges], "no password is tried"


async def test_a_scan_does_not_take_another_miner_for_it() -> None:
    settings = SimulatorSettings.model_validate(
        {"control_port": None, "devices": [{"family": "antminer", "host": HOST}]}
    )
    async with Fleet(settings), aiohttp.ClientSession() as session:
        wiring = Wiring(clock=SYSTEM_CLOCK, http=lambda: session, tape=MemoryTape())
        assert [await look.ask(HOST, look.port, wiring) for look in DRIVER.looks] == [None, None]
