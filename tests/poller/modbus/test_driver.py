"""The modbus driver on emulated devices: over TCP, through a gateway for serial frames, and on a serial cable."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest

from hashbus.clock import SYSTEM_CLOCK
from hashbus.messages import MeterReading, SensorReading
from hashbus_poller.drivers.contract import Garbled, Unreachable, Unsupported, Wiring
from hashbus_poller.drivers.modbus.driver import DRIVER, ModbusDevice
from hashbus_poller.drivers.modbus.options import ModbusDeviceOptions
from hashbus_poller.testing.driver_promises import HARMLESS, DriverCase, DriverPromises, Fault, MemoryTape
from hashbus_simulator.devices.modbus.device import ModbusDevice as Emulated
from hashbus_simulator.faults import Fault as SimulatedFault
from hashbus_simulator.faults import FaultKind
from hashbus_simulator.fleet import Fleet
from hashbus_simulator.settings import SimulatorSettings
from tests.poller.emulated import emulated_case
from tests.poller.modbus.serial_cable import serial_cable

HOST = "127.85.3.1"
BLOCK: Mapping[str, Any] = {
    "family": "modbus",
    "host": HOST,
    "input": {0: 215, 1: 386, 2: 0, 3: 84},
    "holding": {1000: 2400},
    "coil": {0: 1},
    "discrete": {9: 0},
}
PROBE: Mapping[str, Any] = {
    "inlet_c": {"table": "input", "address": 0, "unit": "°C", "scale": 0.1},
    "outlet_c": {"table": "input", "address": 1, "unit": "°C", "scale": 0.1},
    "flow_lpm": {"table": "input", "address": 3, "unit": "L/min", "scale": 0.1},
    "pump_rpm": {"table": "holding", "address": 1000, "unit": "rpm"},
    "is_on": {"table": "coil", "address": 0},
    "contact": {"table": "discrete", "address": 9},
}
OPTIONS: Mapping[str, Any] = {"kind": "sensor", "registers": PROBE}
EXPECTED = SensorReading(inlet_c=21.5, outlet_c=38.6, flow_lpm=8.4, pump_rpm=2400, is_on=True, contact=False)
LACKS = frozenset({Fault.WRONG_PASSWORD, Fault.TRUNCATED})
"""There is no password; and an answer that stops in the middle is tried below, with less patience."""


class TestTcpPromises(DriverPromises):
    @pytest.fixture
    async def case(self) -> AsyncIterator[DriverCase]:
        endings = {Fault.MISSING_COMMA: HARMLESS}
        async with emulated_case(DRIVER, BLOCK, OPTIONS, lacks=LACKS, endings=endings) as case:
            yield case


class TestSerialGatewayPromises(DriverPromises):
    @pytest.fixture
    async def case(self) -> AsyncIterator[DriverCase]:
        # A serial frame has no beginning that could be wrong: noise is waited out like silence.
        lacks = LACKS | {Fault.GARBAGE, Fault.NOT_JSON_TEXT}
        options = {**OPTIONS, "transport": "rtu_over_tcp", "port": 4001}
        endings = {Fault.MISSING_COMMA: HARMLESS}
        async with emulated_case(DRIVER, BLOCK, options, lacks=lacks, endings=endings) as case:
            yield case


class Bench:
    """Emulated devices, and drivers that share what one poller's drivers share."""

    def __init__(self, fleet: Fleet, session: aiohttp.ClientSession) -> None:
        self.tape = MemoryTape()
        self.fleet = fleet
        self._wiring = Wiring(clock=SYSTEM_CLOCK, http=lambda: session, tape=self.tape)

    @property
    def device(self) -> Emulated:
        device = next(iter(self.fleet.devices.values()))
        assert isinstance(device, Emulated)
        return device

    def driver(self, **options: Any) -> ModbusDevice:
        return ModbusDevice(ModbusDeviceOptions.model_validate({"host": HOST, **OPTIONS, **options}), self._wiring)

    async def misbehaves(self, kind: FaultKind) -> None:
        await next(iter(self.fleet.presences.values())).put_fault(SimulatedFault(kind=kind))


@asynccontextmanager
async def bench(**block: Any) -> AsyncIterator[Bench]:
    settings = SimulatorSettings.model_validate({"control_port": None, "devices": [{**BLOCK, **block}]})
    async with Fleet(settings) as fleet, aiohttp.ClientSession() as session:
        yield Bench(fleet, session)


@pytest.mark.parametrize("place", [{}, {"transport": "rtu_over_tcp", "port": 4001}], ids=["tcp", "serial frames"])
async def test_a_reading_has_the_values_of_all_four_tables(place: Mapping[str, Any]) -> None:
    async with bench() as here:
        assert await here.driver(**place).read() == EXPECTED


async def test_the_same_values_come_over_a_serial_cable() -> None:
    async with bench() as here:
        with serial_cable(here.device.unit) as cable:
            driver = here.driver(transport="rtu", serial_port=cable.path)
            assert await driver.read() == EXPECTED
            assert await driver.read() == EXPECTED


async def test_neighbours_are_read_with_one_question() -> None:
    async with bench() as here:
        await here.driver(longest_gap=1).read()
        assert here.device.reads == [(1, 0, 1), (2, 9, 1), (4, 0, 4), (3, 1000, 1)]


async def test_noise_on_the_cable_before_an_answer_is_passed_over() -> None:
    async with bench() as here:
        with serial_cable(here.device.unit) as cable:
            cable.is_noisy = True
            assert await here.driver(transport="rtu", serial_port=cable.path).read() == EXPECTED


async def test_units_on_one_cable_wait_for_each_other() -> None:
    """Two questions at once on a serial line destroy each other."""
    async with bench() as here:
        asked: list[int] = []

        def units(unit_id: int) -> Emulated:
            asked.append(unit_id)
            return here.device

        with serial_cable(units) as cable:
            drivers = [here.driver(transport="rtu", serial_port=cable.path, unit=unit) for unit in (1, 2, 3)]
            assert await asyncio.gather(*(driver.read() for driver in drivers)) == [EXPECTED] * 3
        assert asked == sorted(asked), "one unit is asked all its questions before the next begins"


async def test_a_silent_unit_does_not_keep_its_neighbours_from_being_read() -> None:
    async with bench() as here:
        with serial_cable(here.device.unit) as cable:
            silent = here.driver(transport="rtu", serial_port=cable.path, unit=7, timeout_s=0.2)
            well = here.driver(transport="rtu", serial_port=cable.path, unit=1)
            problem, reading = await asyncio.gather(silent.read(), well.read(), return_exceptions=True)
        assert isinstance(problem, Unreachable)
        assert reading == EXPECTED


async def test_a_serial_port_that_is_not_there_is_known_at_once() -> None:
    async with bench() as here:
        with pytest.raises(Unreachable, match="/dev/tty-none cannot be opened") as unreachable:
            await here.driver(transport="rtu", serial_port="/dev/tty-none").read()
        assert unreachable.value.is_refused


async def test_a_unit_behind_a_gateway_that_does_not_answer_is_unreachable() -> None:
    async with bench() as here:
        with pytest.raises(Unreachable, match="the unit behind the gateway does not answer"):
            await here.driver(unit=9).read()


async def test_a_register_that_is_not_there_is_named() -> None:
    async with bench() as here:
        one = {"power_w": {"table": "input", "address": 77, "unit": "W"}}
        with pytest.raises(Unsupported, match=r"unit 1 input 77..77: illegal data address \(exception 2\)"):
            await here.driver(registers=one).read()


async def test_a_device_of_another_protocol_on_the_port_is_garbled() -> None:
    async with bench() as here:
        await here.misbehaves(FaultKind.NOT_JSON_TEXT)
        with pytest.raises(Garbled, match="not Modbus TCP") as garbled:
            await here.driver().read()
        assert garbled.value.payload.startswith(b"Socket connect failed")


@pytest.mark.parametrize("place", [{}, {"transport": "rtu_over_tcp", "port": 4001}], ids=["tcp", "serial frames"])
@pytest.mark.parametrize("kind", [FaultKind.TRUNCATED, FaultKind.GARBAGE])
async def test_an_answer_that_never_becomes_whole_ends_within_the_time_limit(
    kind: FaultKind, place: Mapping[str, Any]
) -> None:
    async with bench() as here:
        await here.misbehaves(kind)
        with pytest.raises((Unreachable, Garbled)):
            await here.driver(**place, timeout_s=0.2).read()
        assert here.tape.exchanges[-1][1], "what came is kept"


async def test_an_emulated_meter_shows_the_house() -> None:
    house = {"starts_at": "2025-06-21T20:30:00Z", "battery": {"initial_soc_pct": 10}}
    settings = {"control_port": None, "house": house, "devices": [{**BLOCK, "model": "SDM630"}]}
    async with Fleet(SimulatorSettings.model_validate(settings)) as fleet, aiohttp.ClientSession() as session:
        here = Bench(fleet, session)
        options = ModbusDeviceOptions.model_validate({"template": "sdm630", "host": HOST})
        driver = ModbusDevice(options, here._wiring)
        reading = await driver.read()
        flows = fleet.world.house.state.flows
        assert isinstance(reading, MeterReading)
        assert reading.power_w == pytest.approx(flows.import_w - flows.export_w, abs=5)
        assert sum(reading.phases_w) == pytest.approx(reading.power_w, abs=1)
        assert reading.power_w > 0, "in the evening, with an empty battery, the house buys"
