"""Logins, orders and scans: the VNish driver against emulated miners, on real sockets."""

import asyncio
from contextlib import AbstractAsyncContextManager
from typing import Any

import aiohttp
import pytest

from hashbus.clock import SYSTEM_CLOCK
from hashbus.messages import MinerState, OrderParams
from hashbus_poller.drivers.antminer.sighting import look_at_port as antminer_looks
from hashbus_poller.drivers.contract import Refused, Unsupported, Wiring
from hashbus_poller.drivers.vnish.driver import DRIVER, Vnish
from hashbus_poller.testing.driver_promises import MemoryTape
from hashbus_simulator.devices.vnish.device import Vnish as EmulatedVnish
from hashbus_simulator.fleet import Fleet
from hashbus_simulator.settings import SimulatorSettings
from tests.poller.emulated import Bench, on_the_bench

HOST = "127.84.21.1"
PASSWORD = "web-secret-1"
UNLOCK = "POST /api/v1/unlock"


def vnish(
    options: dict[str, Any] | None = None, **block: Any
) -> AbstractAsyncContextManager[Bench[Vnish, EmulatedVnish]]:
    device = {"family": "vnish", "host": HOST, "password": PASSWORD, **block}
    return on_the_bench(DRIVER, (Vnish, EmulatedVnish), device, {"password": PASSWORD} | (options or {}))


async def test_reading_needs_no_login() -> None:
    async with vnish({"password": None}) as bench:
        assert (await bench.driver.identify()).capabilities == ()
        assert (await bench.driver.read()).state is MinerState.MINING
        assert bench.asked(UNLOCK) == 0


async def test_without_a_login_an_order_says_which_setting_is_missing() -> None:
    async with vnish({"password": None}) as bench:
        for order in (bench.driver.sleep(), bench.driver.set_power_limit(3000), bench.driver.blink(True)):
            with pytest.raises((Refused, Unsupported), match=r"`password`|no tuned preset"):
                await order


async def test_a_key_for_programs_opens_as_the_password_does() -> None:
    async with vnish({"password": None, "api_key": "key-secret-1"}, api_key="key-secret-1") as bench:
        assert (await bench.driver.identify()).capabilities
        await bench.driver.sleep()
        assert bench.truth["asleep"]
        assert bench.asked(UNLOCK) == 0
        kept = b"".join(answer for _, answer in bench.tape.exchanges)
        assert b"key-secret-1" not in kept


async def test_a_wrong_key_is_refused() -> None:
    async with vnish({"password": None, "api_key": "another"}, api_key="key-secret-1") as bench:
        with pytest.raises(Refused, match="api_key"):
            await bench.driver.restart_mining()


async def test_a_wrong_password_is_tried_once_and_then_left_alone() -> None:
    async with vnish({"password": "not-the-one"}) as bench:
        for _ in range(4):
            with pytest.raises(Refused, match="check `password`"):
                await bench.driver.restart_mining()
        assert bench.asked(UNLOCK) == 1, "more would lock the miner"
        bench.clock.ahead_s = 301
        with pytest.raises(Refused):
            await bench.driver.restart_mining()
        assert bench.asked(UNLOCK) == 2
        assert bench.truth["locked_s"] is None


async def test_a_locked_miner_is_left_in_peace_for_as_long_as_it_says() -> None:
    async with vnish(tries=1, lock_s=100_000) as bench:
        bench.device._state.locksmith.unlock("somebody else was wrong")
        with pytest.raises(Refused, match="too many wrong passwords"):
            await bench.driver.restart_mining()
        bench.clock.ahead_s = 5000
        with pytest.raises(Refused, match="not tried again"):
            await bench.driver.restart_mining()
        assert bench.asked(UNLOCK) == 1
        assert (await bench.driver.read()).state is MinerState.MINING, "reading goes on"


async def test_a_refused_login_shows_in_the_readings() -> None:
    async with vnish({"password": "not-the-one"}) as bench:
        assert (await bench.driver.identify()).capabilities == ()
        reading = await bench.driver.read()
        assert reading.state is MinerState.MINING
        assert reading.error_message is not None
        assert "check `password`" in reading.error_message


async def test_a_token_that_has_lapsed_is_renewed_without_anybody_noticing() -> None:
    async with vnish(session_s=100) as bench:  # half a second of the test's time
        await bench.driver.sleep()
        await asyncio.sleep(0.6)
        await bench.driver.wake()
        assert bench.asked(UNLOCK) == 2
        assert not bench.truth["asleep"]


async def test_neither_tokens_nor_pool_passwords_are_kept_on_the_tape() -> None:
    async with vnish() as bench:
        await bench.driver.set_pool(OrderParams(url="stratum+tcp://new.example:1", worker="w", password="pool-secret"))
        await bench.driver.set_fan(50)
        kept = b"".join(answer for _, answer in bench.tape.exchanges)
        assert b'"token": "***"' in kept
        assert b'"pass": "***"' in kept
        assert b"pool-secret" not in kept


@pytest.mark.parametrize("version", ["1.2.6", "1.3.4"])
async def test_a_limit_becomes_the_tuned_preset_below_it(version: str) -> None:
    async with vnish(version=version) as bench:
        await bench.driver.set_power_limit(2599)
        reading = await bench.sees(lambda reading: reading.power_limit_w == 2280 and reading.state is MinerState.MINING)
        assert reading.power_w == pytest.approx(2280, rel=0.03)
        assert bench.truth["restarts"] == 1


async def test_a_preset_that_is_set_already_is_not_saved_again() -> None:
    async with vnish() as bench:
        await bench.driver.set_power_limit(2300)
        await bench.driver.set_power_limit(2300)
        assert bench.truth["restarts"] == 1
        assert bench.asked("POST /api/v1/settings") == 1


async def test_a_preset_that_was_saved_and_never_taken_up_is_taken_up() -> None:
    async with vnish() as bench:
        state = bench.device._state
        state.save(type(state.settings)("2280", pools=state.settings.pools))
        assert (await bench.driver.read()).power_limit_w == 3250, "what is in force counts, not what is saved"
        await bench.driver.set_power_limit(2280)
        await bench.sees(lambda reading: reading.power_limit_w == 2280)


async def test_a_preset_for_a_stopped_miner_waits_for_its_start() -> None:
    async with vnish() as bench:
        await bench.driver.sleep()
        await bench.driver.set_power_limit(2300)
        assert bench.truth["asleep"], "a limit wakes nobody"
        await bench.driver.wake()
        await bench.sees(lambda reading: reading.power_limit_w == 2280)


async def test_less_than_the_lowest_preset_is_unsupported() -> None:
    async with vnish() as bench:
        with pytest.raises(Unsupported, match="1620"):
            await bench.driver.set_power_limit(1000)


async def test_the_firmware_does_not_climb_above_the_limit_by_itself() -> None:
    async with vnish(preset_switcher=True) as bench:
        await bench.driver.set_power_limit(2300)
        assert bench.truth["top_preset"] == "2280"
        await bench.driver.set_power_limit(2300)
        assert bench.truth["restarts"] == 1


async def test_a_throttle_acts_without_a_restart_and_has_its_bounds() -> None:
    async with vnish() as bench:
        await bench.driver.set_power_percent(60.7)
        reading = await bench.sees(lambda reading: (reading.power_w or 9999) < 2050)
        assert reading.power_percent_pct == 60
        assert bench.truth["restarts"] == 0
        with pytest.raises(Unsupported, match="20 %"):
            await bench.driver.set_power_percent(10)


@pytest.mark.parametrize("version", ["1.2.6", "1.3.4"])
async def test_a_stopped_miner_sleeps_although_its_summary_may_be_empty(version: str) -> None:
    async with vnish(version=version) as bench:
        await bench.driver.sleep()
        await bench.driver.sleep()
        reading = await bench.driver.read()
        assert reading.state is MinerState.SLEEPING
        assert reading.power_limit_w == 3250
        assert bench.asked("POST /api/v1/mining/stop") == 1
        await bench.driver.wake()
        starting = await bench.driver.read()
        assert starting.state is MinerState.TUNING, "the daemon is not up yet"
        await bench.sees(lambda reading: reading.state is MinerState.MINING)


async def test_a_pool_that_the_miner_has_is_switched_to_at_once() -> None:
    async with vnish() as bench:
        await bench.driver.set_pool(OrderParams(url="stratum+tcp://backup.example:3333", worker="farm.worker1"))
        reading = await bench.sees(lambda reading: "backup.example" in (reading.pool_url or ""))
        assert reading.pool_latency_ms == 38
        assert bench.truth["restarts"] == 0


async def test_a_new_pool_goes_in_front_of_the_others() -> None:
    async with vnish() as bench:
        await bench.driver.set_pool(OrderParams(url="stratum+tcp://new.example:1", worker="w", password="p1"))
        reading = await bench.sees(lambda reading: "new.example" in (reading.pool_url or ""))
        assert len(reading.pools) == 3
        assert bench.truth["pool_passwords"] == ["p1", "x", "x"]


async def test_fans_go_back_to_the_temperature_that_was_kept_before() -> None:
    async with vnish() as bench:
        state = bench.device._state
        state.save(type(state.settings)("3250", target_c=58, pools=state.settings.pools))
        await bench.driver.identify()
        await bench.driver.set_fan(45)
        assert bench.truth["fan_pct"] == 45
        await bench.driver.set_fan(None)
        assert bench.truth["fan_pct"] is None
        assert state.settings.target_c == 58
        assert bench.truth["restarts"] == 0


async def test_a_failure_shows_in_the_firmwares_own_words() -> None:
    async with vnish() as bench:
        bench.device.show_symptom("failure", None)
        reading = await bench.driver.read()
        assert reading.state is MinerState.FAULT
        assert [error.code for error in reading.errors] == ["7"]
        assert reading.error_message == "Chain 3: voltage is out of range"


async def test_a_scan_recognises_it_on_both_ports_and_no_other_driver_takes_it() -> None:
    async with vnish() as bench:
        at_web, at_port = [await look.ask(HOST, look.port, bench.wiring) for look in DRIVER.looks]
        assert at_web is not None
        assert (at_web.make, at_web.model, at_web.firmware) == ("Antminer", "S19 Pro", "VNish 1.3.4")
        assert at_web.mac == bench.device.place.mac.lower()
        assert at_port is not None
        assert (at_port.make, at_port.model) == ("Antminer", "S19 Pro")
        assert await antminer_looks(HOST, 4028, bench.wiring) is None, "it looks like stock and is not"
        assert bench.asked(UNLOCK) == 0, "no password is tried"


async def test_a_scan_does_not_take_another_miner_for_it() -> None:
    devices = [{"family": "antminer", "host": HOST}, {"family": "braiins", "host": "127.84.21.2"}]
    settings = SimulatorSettings.model_validate({"control_port": None, "devices": devices})
    async with Fleet(settings), aiohttp.ClientSession() as session:
        wiring = Wiring(clock=SYSTEM_CLOCK, http=lambda: session, tape=MemoryTape())
        for host in (HOST, "127.84.21.2"):
            assert [await look.ask(host, look.port, wiring) for look in DRIVER.looks] == [None, None]
