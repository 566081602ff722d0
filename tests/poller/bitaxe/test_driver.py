"""The Bitaxe driver on the simulator's Bitaxes, over real sockets."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from hashbus.clock import SYSTEM_CLOCK
from hashbus.messages import MinerState, OrderParams
from hashbus_poller.drivers.bitaxe.driver import DRIVER, Bitaxe, BitaxeOptions, look
from hashbus_poller.drivers.contract import Refused, Unreachable, Unsupported, Wiring
from hashbus_poller.testing.driver_promises import HARMLESS, DriverCase, Fault, MemoryTape, MinerPromises
from hashbus_simulator.devices.bitaxe.device import Bitaxe as EmulatedBitaxe
from hashbus_simulator.faults import Fault as SimulatedFault
from hashbus_simulator.faults import FaultKind
from hashbus_simulator.fleet import Fleet
from hashbus_simulator.settings import SimulatorSettings
from tests.poller.emulated import Bench, emulated_case, on_the_bench

HOST = "127.84.0.1"
VERSIONS = ("v2.5.1", "v2.12.0", "v2.15.0")
"""One of each generation; the parser's fixtures cover more."""


class TestBitaxePromises(MinerPromises):
    @pytest.fixture(params=VERSIONS)
    async def case(self, request: pytest.FixtureRequest) -> AsyncIterator[DriverCase]:
        block = {"family": "bitaxe", "host": HOST, "version": request.param}
        # Up to 2.14 there is no second element in any array of `info`, so no comma to lose.
        endings = {} if request.param == "v2.15.0" else {Fault.MISSING_COMMA: HARMLESS}
        async with emulated_case(DRIVER, block, {}, endings=endings, frequency_mhz=490.0) as case:
            yield case


def bitaxe(
    version: str = "v2.12.0", model: str = "Bitaxe Gamma"
) -> AbstractAsyncContextManager[Bench[Bitaxe, EmulatedBitaxe]]:
    block = {"family": "bitaxe", "host": HOST, "version": version, "model": model}
    return on_the_bench(DRIVER, (Bitaxe, EmulatedBitaxe), block, {})


@pytest.mark.parametrize("version", ["v2.4.5", "v2.9.0", "v2.14.2"])
async def test_watts_become_the_frequency_that_draws_at_most_so_much(version: str) -> None:
    async with bitaxe(version) as bench:
        levels = (await bench.driver.identify()).power_levels
        await bench.driver.set_power_limit(levels[1].power_w + 0.4)
        assert bench.device.truth()["frequency_mhz"] == 490.0
        assert (await bench.driver.read()).power_limit_w == levels[1].power_w


async def test_the_estimate_holds_when_the_frequency_is_really_set() -> None:
    async with bitaxe() as bench:
        levels = (await bench.driver.identify()).power_levels
        for level in (levels[0], levels[-1]):
            await bench.driver.set_power_limit(level.power_w)
            await bench.sees(lambda reading, level=level: abs((reading.power_w or 0) - level.power_w) < 1.0)


async def test_the_steps_stay_where_they_are_while_the_miner_moves_between_them() -> None:
    async with bitaxe() as bench:
        before = (await bench.driver.identify()).power_levels
        await bench.driver.set_power_limit(before[0].power_w)
        await bench.sees(lambda reading: (reading.power_w or 99) <= before[0].power_w)
        assert (await bench.driver.identify()).power_levels == before


async def test_a_miner_that_sleeps_at_first_sight_gets_its_steps_from_the_data_sheet() -> None:
    async with bitaxe("v2.14.2") as bench:
        await bench.driver.sleep()
        await bench.sees(lambda reading: reading.state is MinerState.SLEEPING and (reading.power_w or 99) < 5)
        levels = {level.name: level.power_w for level in (await bench.driver.identify()).power_levels}
        assert levels["525 MHz"] == 19.0


async def test_less_than_the_slowest_step_is_unsupported() -> None:
    async with bitaxe() as bench:
        with pytest.raises(Unsupported, match="400 MHz"):
            await bench.driver.set_power_limit(3.0)


async def test_a_frequency_that_is_not_offered_is_unsupported_and_the_offer_is_named() -> None:
    async with bitaxe() as bench:
        with pytest.raises(Unsupported, match="400, 490, 525"):
            await bench.driver.set_frequency(512.0)


async def test_what_is_set_already_is_not_written_again() -> None:
    async with bitaxe("v2.14.2") as bench:
        await bench.driver.set_frequency(490.0)
        await bench.driver.set_frequency(490.0)
        await bench.driver.wake()
        await bench.driver.sleep()
        await bench.driver.sleep()
        assert bench.asked("PATCH /api/system") == 1
        assert bench.asked("POST /api/system/resume") == 0
        assert bench.asked("POST /api/system/pause") == 1


@pytest.mark.parametrize("version", ["v2.5.1", "v2.12.0"])
async def test_a_controller_does_not_undo_an_overheat_stop_and_a_person_can(version: str) -> None:
    async with bitaxe(version) as bench:
        level = (await bench.driver.identify()).power_levels[-1]
        bench.device.show_symptom("overheat", None)
        hot = await bench.driver.read()
        assert hot.state is MinerState.FAULT
        assert [error.code for error in hot.errors] == ["overheat_mode"]
        with pytest.raises(Refused, match="too hot"):
            await bench.driver.set_power_limit(level.power_w)
        with pytest.raises(Refused, match="too hot"):
            await bench.driver.wake()
        assert bench.device.truth()["halts"] == ["overheat"]
        await bench.driver.restart_mining()
        await bench.sees(lambda reading: reading.state is MinerState.MINING)
        assert bench.device.truth()["frequency_mhz"] == 525.0
        assert bench.device.truth()["core_mv"] == 1150.0


@pytest.mark.parametrize("version", ["v2.5.1", "v2.14.2", "v2.15.0"])
async def test_the_hashes_go_to_the_new_pool(version: str) -> None:
    async with bitaxe(version) as bench:
        pool = OrderParams(url="stratum+tcp://new.example:4444", worker="farm.x", password="secret-1")
        await bench.driver.set_pool(pool)
        reading = await bench.sees(lambda reading: reading.pool_url == "new.example:4444")
        assert reading.worker == "farm.x"
        pools = bench.device.truth()["pools"]
        assert "new.example:4444" in str(pools), "the restart has taken it up"


async def test_the_same_pool_again_restarts_nothing() -> None:
    async with bitaxe("v2.15.0") as bench:
        await bench.driver.set_pool(OrderParams(url="pool.example:3333"))
        await bench.driver.set_pool(OrderParams(url="stratum+tcp://pool.example:3333", worker="farm.b1"))
        assert bench.asked("POST /api/system/restart") == 0


async def test_a_board_that_is_gone_before_it_has_answered_has_restarted() -> None:
    async with bitaxe() as bench:
        await bench.driver.identify()
        await bench.presence.put_fault(SimulatedFault(kind=FaultKind.CUT, count=1))
        await bench.driver.reboot()
        await bench.sees(lambda reading: reading.state is MinerState.MINING)
        assert bench.device.truth()["reboots"] == 1


async def test_a_reboot_that_finds_nobody_is_not_taken_for_one() -> None:
    async with bitaxe() as bench:
        await bench.presence.put_fault(SimulatedFault(kind=FaultKind.REFUSE))
        with pytest.raises(Unreachable) as away:
            await bench.driver.reboot()
        assert away.value.is_refused


@pytest.mark.parametrize("version", ["v2.5.1", "v2.12.0"])
async def test_what_this_firmware_lacks_is_unsupported(version: str) -> None:
    async with bitaxe(version) as bench:
        with pytest.raises(Unsupported, match="pause"):
            await bench.driver.sleep()


async def test_a_strangers_network_is_refused_with_a_hint() -> None:
    async with bitaxe() as bench:
        await bench.presence.put_fault(SimulatedFault(kind=FaultKind.WRONG_PASSWORD))
        with pytest.raises(Refused, match="own network"):
            await bench.driver.read()


@pytest.mark.parametrize(("version", "model"), [("v2.4.5", "Bitaxe Hex"), ("v2.15.0", "Bitaxe Supra")])
async def test_a_scan_recognises_it(version: str, model: str) -> None:
    async with bitaxe(version, model) as bench:
        seen = await look(HOST, 80, bench.wiring)
        assert seen is not None
        assert (seen.make, seen.model) == tuple(model.split())
        assert seen.firmware == f"AxeOS {version.removeprefix('v')}"
        assert seen.mac == bench.device.place.mac.lower()
        assert seen.hashrate_ths
        assert seen.power_w


async def test_a_scan_does_not_take_another_miner_for_it() -> None:
    block = {"family": "antminer", "host": HOST}
    settings = SimulatorSettings.model_validate({"control_port": None, "devices": [block]})
    async with Fleet(settings), aiohttp.ClientSession() as session:
        assert await look(HOST, 80, Wiring(clock=SYSTEM_CLOCK, http=lambda: session, tape=MemoryTape())) is None


async def test_a_relative_without_a_page_of_options_is_known_all_the_same() -> None:
    info = (Path(__file__).parents[2] / "fixtures" / "bitaxe" / "nerdqaxe" / "1.0.33" / "info.json").read_bytes()

    async def answer(request: web.BaseRequest) -> web.Response:
        return web.Response(body=info) if request.path == "/api/system/info" else web.Response(status=404)

    server = web.Server(answer)
    listening = await asyncio.get_running_loop().create_server(server, HOST, 0)
    async with aiohttp.ClientSession() as session:
        wiring = Wiring(clock=SYSTEM_CLOCK, http=lambda: session, tape=MemoryTape())
        port = listening.sockets[0].getsockname()[1]
        identity = await Bitaxe(BitaxeOptions(host=HOST, port=port), wiring).identify()
    listening.close()
    await server.shutdown()
    assert (identity.make, identity.model) == ("NerdAxe", "NerdQAxe++")
    assert [level.name for level in identity.power_levels] == ["400 MHz", "490 MHz", "525 MHz"]
