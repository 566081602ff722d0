"""Orders to emulated stock Antminers in all their moods: what is written, what is kept, what is not done twice."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest

from hashbus.clock import SYSTEM_CLOCK
from hashbus.messages import Capability, MinerReading, MinerState, OrderParams
from hashbus_poller.drivers.antminer.driver import DRIVER, Antminer
from hashbus_poller.drivers.antminer.options import AntminerOptions
from hashbus_poller.drivers.contract import DeviceError, Refused, Unreachable, Unsupported, Wiring
from hashbus_poller.testing.driver_promises import DriverCase, Fault, MemoryTape
from hashbus_poller.testing.waiting import PATIENCE_S
from tests.poller.cgminer.scripted import ScriptedMiner, reply
from tests.poller.emulated import emulated_case

HOST = "127.82.1.2"
PASSWORD = "web-secret-2"
POOL = OrderParams(url="stratum+tcp://new.example:3333", worker="farm.new", password="pool-secret-2")


@dataclass
class Bench:
    """A driver, the emulated miner behind it, and what went over the wire."""

    driver: Antminer
    case: DriverCase
    tape: MemoryTape

    def truth(self, what: str) -> Any:
        return self.case.truth()[what]

    def questions(self) -> list[str]:
        return [question for question, _ in self.tape.exchanges]

    async def sees(self, is_so: Callable[[MinerReading], bool]) -> MinerReading:
        """Read until it is so; the mining process is away for a while after each change."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                try:
                    reading = await self.driver.read()
                except Unreachable:
                    reading = None
                if reading is not None and is_so(reading):
                    return reading
                await asyncio.sleep(0.02)


@asynccontextmanager
async def bench(block: dict[str, object] | None = None, **options: object) -> AsyncIterator[Bench]:
    """An emulated miner, 200 times as fast as a real one, with the right password unless `options` say otherwise."""
    full = {"family": "antminer", "host": HOST, "password": PASSWORD, **(block or {})}
    tape = MemoryTape()
    async with (
        emulated_case(DRIVER, full, {"password": PASSWORD, **options}) as case,
        aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session,
    ):
        driver = case.driver(Wiring(clock=SYSTEM_CLOCK, http=lambda: session, tape=tape), timeout_s=5.0)
        yield Bench(driver, case, tape)
        await driver.close()


@pytest.mark.parametrize("mode_key", ["miner-mode", "bitmain-work-mode"])
@pytest.mark.parametrize("as_text", [False, True], ids=["as number", "as text"])
@pytest.mark.parametrize("new_api", [False, True], ids=["old shape", "new shape"])
async def test_every_firmware_sleeps_and_wakes_and_keeps_its_pools(mode_key: str, as_text: bool, new_api: bool) -> None:
    async with bench({"mode_key": mode_key, "mode_as_text": as_text, "new_api": new_api}) as miner:
        pools = miner.truth("pools")
        await miner.driver.sleep()
        asleep = await miner.sees(lambda reading: reading.state is MinerState.SLEEPING)
        assert miner.truth("asleep")
        assert asleep.power_limit_w == 0
        await miner.driver.wake()
        awake = await miner.sees(lambda reading: reading.state is not MinerState.SLEEPING)
        await miner.sees(lambda reading: reading.power_limit_w == 3068.0)
        assert awake.state in {MinerState.TUNING, MinerState.MINING}
        assert miner.truth("pools") == pools


async def test_a_level_is_taken_read_back_and_survives_sleep() -> None:
    async with bench() as miner:
        await miner.driver.set_power_limit(2500.0)
        await miner.sees(lambda reading: reading.power_limit_w == 2454.4)
        assert miner.truth("freq_level") == "80"
        await miner.driver.sleep()
        await miner.sees(lambda reading: reading.state is MinerState.SLEEPING)
        await miner.driver.wake()
        await miner.sees(lambda reading: reading.power_limit_w == 2454.4)
        assert miner.truth("freq_level") == "80"


async def test_below_the_lowest_level_it_sleeps() -> None:
    async with bench() as miner:
        await miner.driver.set_power_limit(500.0)
        await miner.sees(lambda reading: reading.state is MinerState.SLEEPING)


async def test_the_low_power_mode_is_used_where_the_owner_says_there_is_one() -> None:
    async with bench(low_power_pct=65) as miner:
        levels = [(level.name, level.power_w) for level in (await miner.driver.identify()).power_levels]
        assert levels[1] == ("low", 1994.2)
        await miner.driver.set_power_limit(2000.0)
        await miner.sees(lambda reading: reading.power_limit_w == 1994.2)
        assert miner.truth("work_mode") == "3"


async def test_what_is_set_already_restarts_nothing() -> None:
    async with bench({"settle_s": 0}) as miner:
        await miner.driver.wake()
        await miner.driver.set_power_limit(3068.0)
        await miner.driver.set_fan(None)
        assert miner.truth("restarts") == 0


async def test_changes_in_quick_succession_build_on_each_other() -> None:
    async with bench({"settle_s": 600}) as miner:
        await miner.driver.identify()
        await miner.driver.set_pool(POOL)
        await miner.driver.set_fan(60.0)
        await miner.driver.set_power_limit(2800.0)
        await miner.driver.set_power_limit(2800.0)
        assert miner.truth("pools")[0]["url"] == POOL.url, "although the page still shows the old configuration"
        assert (miner.truth("freq_level"), miner.truth("restarts")) == ("90", 3)


async def test_a_restart_writes_the_configuration_as_it_is() -> None:
    async with bench({"settle_s": 0}) as miner:
        pools, before = miner.truth("pools"), miner.truth("restarts")
        await miner.driver.restart_mining()
        await miner.driver.restart_mining()
        assert (miner.truth("pools"), miner.truth("restarts")) == (pools, before + 2)


async def test_a_setting_is_read_once_for_each_run_of_the_miner() -> None:
    async with bench({"new_api": False}) as miner:
        conf = "GET /cgi-bin/get_miner_conf.cgi"
        for _ in range(4):
            assert (await miner.driver.read()).power_limit_w == 3068.0
        assert miner.questions().count(conf) == 1
        assert miner.questions().count("stats") == miner.questions().count("pools") == 4
        await miner.driver.set_fan(60.0)
        await miner.sees(lambda reading: reading.fan_pct == 60)


@pytest.mark.parametrize("fault", [Fault.CUT, Fault.TRUNCATED])
async def test_what_came_before_a_cut_is_read_in_the_new_shape_too(fault: Fault) -> None:
    async with bench() as miner:
        await miner.case.misbehave(fault)
        reading = await miner.driver.read()
        assert reading.is_partial
        assert reading.hashrate_5s_ths is not None


async def test_without_a_password_it_is_read_and_nothing_else() -> None:
    async with bench({"new_api": False}, password=None) as miner:
        assert (await miner.driver.identify()).capabilities == ()
        reading = await miner.driver.read()
        assert reading.state is MinerState.MINING
        assert (reading.power_limit_w, reading.error_message) == (None, None)
        assert not [question for question in miner.questions() if question.startswith(("GET", "POST"))]
        for order in orders(miner.driver):
            with pytest.raises(Refused, match="set `password`"):
                await order()


async def test_without_a_password_new_firmware_still_tells_its_level() -> None:
    async with bench(password=None) as miner:
        assert (await miner.driver.read()).power_limit_w == 3068.0


async def test_with_a_wrong_password_it_is_read_and_every_reading_says_so() -> None:
    async with bench(password="not-this-one") as miner:
        who = await miner.driver.identify()
        assert (who.model, who.capabilities) == ("S19j Pro", ())
        for _ in range(3):
            reading = await miner.driver.read()
            assert reading.state is MinerState.MINING
            assert "login of 'root' is refused" in (reading.error_message or "")
        tries = [question for question in miner.questions() if question.startswith("GET")]
        assert len(tries) == 1, "a refused login is not tried again and again"
        for order in orders(miner.driver):
            with pytest.raises(Refused, match="check `username` and `password`"):
                await order()


async def test_once_the_password_is_right_again_nothing_is_complained_of() -> None:
    async with bench() as miner:
        await miner.case.misbehave(Fault.WRONG_PASSWORD)
        assert (await miner.driver.read()).error_message is not None
        await miner.case.misbehave(None)
        assert Capability.POWER_LIMIT in (await miner.driver.identify()).capabilities
        assert (await miner.driver.read()).error_message is None


OLD = {"missing_comma": True, "new_api": False}
FORMS = {Capability.RESTART, Capability.REBOOT, Capability.FAN, Capability.POOL, Capability.BLINK}


@pytest.mark.parametrize(
    ("model", "more"),
    [
        ("Antminer S17 Pro", {Capability.POWER_LIMIT, Capability.SLEEP}),
        ("Antminer T17", {Capability.POWER_LIMIT, Capability.SLEEP}),
        ("Antminer S9", set()),
    ],
)
async def test_older_generations_offer_what_their_form_has(model: str, more: set[Capability]) -> None:
    async with bench({"model": model, **OLD}) as miner:
        assert set((await miner.driver.identify()).capabilities) == FORMS | more
        assert (await miner.driver.read()).boards_healthy == 3


async def test_an_s17_sleeps_in_its_own_mode_and_keeps_pools_and_frequency() -> None:
    async with bench({"model": "Antminer S17 Pro", **OLD}) as miner:
        pools = miner.truth("pools")
        await miner.driver.sleep()
        asleep = await miner.sees(lambda reading: reading.state is MinerState.SLEEPING)
        assert (miner.truth("work_mode"), asleep.power_limit_w) == ("254", 0)
        await miner.driver.wake()
        await miner.sees(lambda reading: reading.state is not MinerState.SLEEPING)
        assert (miner.truth("work_mode"), miner.truth("freq_mhz"), miner.truth("pools")) == ("0", "590", pools)


async def test_an_s9_has_no_sleep_and_says_so() -> None:
    async with bench({"model": "Antminer S9", **OLD}) as miner:
        with pytest.raises(Unsupported, match="no sleep mode"):
            await miner.driver.sleep()
        assert not miner.truth("asleep")


async def test_the_frequencies_that_the_owner_names_are_steps_of_power() -> None:
    async with bench({"model": "Antminer S9", **OLD}, frequencies_mhz=(550, 500, 400)) as miner:
        who = await miner.driver.identify()
        assert set(who.capabilities) == FORMS | {Capability.POWER_LIMIT, Capability.FREQUENCY}
        assert [(level.name, level.power_w) for level in who.power_levels] == [
            ("400 MHz", 962.2),
            ("500 MHz", 1202.7),
            ("550 MHz", 1323.0),
        ]
        await miner.driver.set_power_limit(1250.0)
        await miner.sees(lambda reading: reading.power_limit_w == 1202.7)
        assert miner.truth("freq_mhz") == "500"
        await miner.driver.set_frequency(400.0)
        await miner.sees(lambda reading: reading.power_limit_w == 962.2)
        assert (await miner.driver.identify()).rated_power_w == 1323.0, "it is still the same version of the model"
        with pytest.raises(Unsupported, match="no step of this miner"):
            await miner.driver.set_frequency(450.0)


async def test_an_s19_has_no_frequency_to_set() -> None:
    async with bench(frequencies_mhz=(545,)) as miner:
        assert Capability.FREQUENCY not in (await miner.driver.identify()).capabilities
        with pytest.raises(Unsupported):
            await miner.driver.set_frequency(545.0)


@pytest.mark.parametrize("model", ["Antminer S17 Pro", "Antminer S9"])
async def test_an_older_miner_takes_each_order_by_its_form(model: str) -> None:
    async with bench({"model": model, "settle_s": 0, **OLD}) as miner:
        await miner.driver.set_fan(60.0)
        await miner.sees(lambda reading: reading.fan_pct == 60)
        await miner.driver.set_pool(POOL)
        await miner.sees(lambda reading: reading.worker == POOL.worker)
        assert miner.truth("pools")[0]["url"] == POOL.url
        assert len(miner.truth("pools")) == 3, "the former pools stay behind it"
        await miner.driver.blink(True)
        assert miner.truth("blinking")
        await miner.driver.blink(False)
        assert not miner.truth("blinking")
        await miner.driver.reboot()
        assert miner.truth("reboots") == 1


async def test_a_configuration_that_the_miner_takes_back_is_refused_in_its_own_words() -> None:
    async with bench(levels_pct=(33,)) as miner:
        with pytest.raises(Refused, match="M001: freq-level error"):
            await miner.driver.set_power_limit(1100.0)


@pytest.mark.parametrize("fan_pct", [-1.0, 101.0])
async def test_fans_take_0_to_100_per_cent(fan_pct: float) -> None:
    async with bench() as miner:
        with pytest.raises(Unsupported):
            await miner.driver.set_fan(fan_pct)


async def test_a_model_nobody_rated_has_no_levels_until_the_owner_rates_it() -> None:
    async with bench({"model": "Antminer S19"}, rated_power_w=3210.0) as miner:
        who = await miner.driver.identify()
        assert (who.rated_power_w, who.max_power_w, who.rated_hashrate_ths) == (3210.0, 3210.0, 95)


async def test_no_pool_password_reaches_the_tape() -> None:
    async with bench() as miner:
        await miner.driver.set_pool(POOL)
        await miner.sees(lambda reading: reading.worker == POOL.worker)
    assert miner.truth("pools")[0]["user"] == POOL.worker
    assert not [answer for _, answer in miner.tape.exchanges if b"pool-secret-2" in answer]


async def test_a_nobody_at_the_web_port_does_not_end_the_readings() -> None:
    async with bench({"new_api": False}, web_port=9) as miner:
        for _ in range(2):
            reading = await miner.driver.read()
            assert (reading.state, reading.power_limit_w) == (MinerState.MINING, None)
        with pytest.raises(Unreachable):
            await miner.driver.identify()
        with pytest.raises(Unreachable):
            await miner.driver.reboot()


def orders(driver: Antminer) -> list[Callable[[], Any]]:
    """Every order, the reboot last."""
    return [
        lambda: driver.set_power_limit(2000.0),
        driver.sleep,
        driver.wake,
        driver.restart_mining,
        lambda: driver.set_fan(50.0),
        lambda: driver.set_pool(POOL),
        lambda: driver.blink(True),
        driver.reboot,
    ]


async def test_a_mining_process_that_goes_down_while_it_is_identified_is_unreachable() -> None:
    version = reply(22, VERSION=[{"Type": "Antminer S19", "API": "3.1"}])
    text = b"Socket connect failed: Connection refused\n\0"
    async with (
        ScriptedMiner(HOST, {"version": version, "stats": text, "pools": text}) as miner,
        aiohttp.ClientSession() as session,
    ):
        wiring = Wiring(clock=SYSTEM_CLOCK, http=lambda: session, tape=MemoryTape())
        driver = Antminer(AntminerOptions(host=HOST, port=miner.port), wiring)
        with pytest.raises(Unreachable, match="the mining process is down"):
            await driver.identify()
        assert (await driver.read()).state is MinerState.FAULT


async def test_half_a_pool_is_refused_before_anything_is_asked() -> None:
    async with bench() as miner:
        with pytest.raises(DeviceError):
            await miner.driver.set_pool(OrderParams(url="stratum+tcp://new.example:1"))
        assert miner.questions() == []
