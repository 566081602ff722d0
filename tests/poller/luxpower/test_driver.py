"""The luxpower driver on the simulator's inverter, over dongle and Modbus, on real sockets."""

import asyncio
import struct
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from pydantic import ValidationError

from hashbus.clock import SYSTEM_CLOCK
from hashbus_poller.drivers.contract import Garbled, Unreachable, Unsupported, Wiring
from hashbus_poller.drivers.luxpower.driver import DRIVER, Luxpower, LuxpowerOptions
from hashbus_poller.testing.driver_promises import HARMLESS, DriverCase, DriverPromises, Fault, MemoryTape
from hashbus_simulator.devices.luxpower.device import Luxpower as EmulatedInverter
from hashbus_simulator.faults import Fault as SimulatedFault
from hashbus_simulator.faults import FaultKind
from hashbus_simulator.fleet import Fleet
from hashbus_simulator.settings import SimulatorSettings
from tests.poller.emulated import emulated_case

HOST = "127.85.1.1"
BLOCK: Mapping[str, Any] = {"family": "luxpower", "host": HOST, "heartbeat_s": 0.05}
DONGLE: Mapping[str, Any] = {"host": HOST, "dongle_serial": "BA12345678", "inverter_serial": "4512345678"}
MODBUS: Mapping[str, Any] = {"host": HOST, "transport": "tcp"}
LACKS = frozenset({Fault.WRONG_PASSWORD, Fault.TRUNCATED})
"""There is no password; and an answer that stops in the middle is tried below, with less patience."""

ENDINGS = {Fault.MISSING_COMMA: HARMLESS}


class TestDonglePromises(DriverPromises):
    @pytest.fixture
    async def case(self) -> AsyncIterator[DriverCase]:
        async with emulated_case(DRIVER, BLOCK, DONGLE, lacks=LACKS, endings=ENDINGS) as case:
            yield case


class TestModbusPromises(DriverPromises):
    @pytest.fixture
    async def case(self) -> AsyncIterator[DriverCase]:
        async with emulated_case(DRIVER, BLOCK, MODBUS, lacks=LACKS, endings=ENDINGS) as case:
            yield case


class Bench:
    """An emulated inverter with drivers in front of it."""

    def __init__(self, fleet: Fleet, session: aiohttp.ClientSession) -> None:
        self.tape = MemoryTape()
        self.presence = next(iter(fleet.presences.values()))
        (device,) = fleet.devices.values()
        assert isinstance(device, EmulatedInverter)
        self.inverter = device
        self._wiring = Wiring(clock=SYSTEM_CLOCK, http=lambda: session, tape=self.tape)

    def driver(self, options: Mapping[str, Any], **changes: Any) -> Luxpower:
        """A driver with these options."""
        return Luxpower(LuxpowerOptions.model_validate({**options, **changes}), self._wiring)


@asynccontextmanager
async def inverter(**block: Any) -> AsyncIterator[Bench]:
    house = {"starts_at": "2025-06-21T10:00:00Z", "place": {"cloudiness": 0, "utc_offset_h": 2}}
    settings = {"control_port": None, "house": house, "devices": [{**BLOCK, **block}]}
    async with Fleet(SimulatorSettings.model_validate(settings)) as fleet, aiohttp.ClientSession() as session:
        yield Bench(fleet, session)


@pytest.mark.parametrize("options", [DONGLE, MODBUS], ids=["dongle", "modbus"])
async def test_a_reading_shows_the_house(options: Mapping[str, Any]) -> None:
    async with inverter(warning_bits=[16]) as bench:
        reading, truth = await bench.driver(options).read(), bench.inverter.truth()
        assert reading.soc_pct == pytest.approx(truth["soc_pct"], abs=1)
        for field in ("pv_w", "battery_w", "grid_w", "load_w"):
            assert getattr(reading, field) == pytest.approx(truth[field], abs=5), field
        assert reading.pv_w
        assert reading.battery_v == pytest.approx(52, abs=4)
        assert reading.load_energy_wh is not None
        assert reading.status == "PV charges and feeds the house"
        assert [error.text for error in reading.errors] == [
            "no grid: it waits for the mains; if others have them, check the breaker"
        ]


@pytest.mark.parametrize("options", [DONGLE, MODBUS], ids=["dongle", "modbus"])
async def test_an_older_inverter_is_asked_once_for_what_it_lacks(options: Mapping[str, Any]) -> None:
    async with inverter(last_register=127) as bench:
        driver = bench.driver(options)
        for _ in range(3):
            assert (await driver.read()).load_energy_wh is None
        assert sum("160" in question for question, _ in bench.tape.exchanges) == 1


async def test_both_ways_say_the_same() -> None:
    async with inverter() as bench:
        by_dongle, by_modbus = await bench.driver(DONGLE).read(), await bench.driver(MODBUS).read()
        assert (
            by_dongle.model_dump(exclude={"soc_pct", "battery_v", "load_w"}).keys()
            == by_modbus.model_dump(exclude={"soc_pct", "battery_v", "load_w"}).keys()
        )
        assert by_dongle.pv_energy_wh == by_modbus.pv_energy_wh
        assert by_dongle.max_charge_a == by_modbus.max_charge_a


async def test_a_second_client_is_sent_away_and_told_why_and_served_when_the_first_is_gone() -> None:
    async with inverter() as bench:
        _, writer = await asyncio.open_connection(HOST, 8000)
        with pytest.raises(Unreachable, match="one client at a time"):
            await bench.driver(DONGLE).read()
        writer.close()
        await writer.wait_closed()
        async with asyncio.timeout(20):
            while bench.presence.clients:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        assert (await bench.driver(DONGLE).read()).soc_pct


@pytest.mark.parametrize("serial", ["dongle_serial", "inverter_serial"])
async def test_a_wrong_serial_number_is_silence_and_the_error_asks_for_it(serial: str) -> None:
    async with inverter(heartbeat_s=0) as bench:
        with pytest.raises(Unreachable, match="are both serial numbers right"):
            await bench.driver(DONGLE, **{serial: "0000000000"}, timeout_s=0.3).read()


@pytest.mark.parametrize("options", [DONGLE, MODBUS], ids=["dongle", "modbus"])
async def test_an_answer_that_stops_in_the_middle_ends_with_the_time_limit(options: Mapping[str, Any]) -> None:
    async with inverter(heartbeat_s=0, mirrors=False) as bench:
        await bench.presence.put_fault(SimulatedFault(kind=FaultKind.TRUNCATED))
        with pytest.raises(Unreachable, match="answer to"):
            await bench.driver(options, timeout_s=0.3).read()
        assert bench.tape.exchanges, "what came is kept"


async def test_registers_that_no_inverter_can_have_are_garbled() -> None:
    async with inverter() as bench:
        driver = bench.driver(MODBUS)
        bench.inverter.inverter.read = lambda *asked: [0xFFFF] * asked[-1]  # type: ignore[method-assign]
        with pytest.raises(Garbled, match="soc_pct") as garbled:
            await driver.read()
        assert garbled.value.payload.startswith(struct.pack("<H", 0xFFFF))


@pytest.mark.parametrize(
    ("options", "missing"),
    [
        ({"host": HOST}, "dongle_serial, inverter_serial"),
        ({"transport": "tcp"}, "host"),
        ({"transport": "rtu"}, "serial_port"),
        ({**DONGLE, "dongle_serial": "BA1234"}, "dongle_serial"),
    ],
)
def test_what_a_transport_needs_is_asked_for_at_the_start(options: Mapping[str, Any], missing: str) -> None:
    with pytest.raises(ValidationError, match=missing):
        LuxpowerOptions.model_validate(options)


@pytest.mark.parametrize("options", [DONGLE, MODBUS], ids=["dongle", "modbus"])
async def test_a_charge_limit_is_set_and_read_back(options: Mapping[str, Any]) -> None:
    async with inverter() as bench:
        driver = bench.driver(options, takes_orders=True)
        for setting in driver.settings:
            value = 40.0
            await driver.write_setting(setting.name, value)
            assert await driver.read_setting(setting.name) == value
        holding = bench.inverter.truth()["holding"]
        assert isinstance(holding, dict)
        assert {holding[register] for register in ("64", "65", "66", "67", "105")} == {40}


@pytest.mark.parametrize(
    ("more", "name", "value", "problem"),
    [
        ({}, "charge_power_pct", 40.0, "nothing that can be set here"),
        ({"takes_orders": True}, "grid_w", 40.0, "nothing that can be set here"),
        ({"takes_orders": True}, "discharge_to_pct", 5.0, "it can be a number from 10 to 90 %"),
    ],
)
async def test_nothing_else_is_ever_written(more: Mapping[str, Any], name: str, value: float, problem: str) -> None:
    async with inverter() as bench:
        before = bench.inverter.truth()["holding"]
        with pytest.raises(Unsupported, match=problem):
            await bench.driver(MODBUS, **more).write_setting(name, value)
        assert bench.inverter.truth()["holding"] == before
