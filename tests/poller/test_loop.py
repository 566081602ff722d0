"""The liquid loop of a miner: heat from flow and warming, and the dangers that its probes show."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from hashbus.messages import (
    AvailabilityState,
    Health,
    MinerError,
    MinerReading,
    MinerState,
    MinerTelemetry,
    SensorAvailability,
    SensorTelemetry,
)
from hashbus_poller.fluids import Fluid, heat_per_litre_j
from hashbus_poller.loop import LoopSettings, Probes, completed
from hashbus_poller.probes import LatestSensors, Loop
from tests.poller.site import site, until

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
SETTINGS = LoopSettings(inlet="cold", outlet="warm", flow="flow", pump="pump")
WELL = Probes(inlet_c=30, outlet_c=35, flow_lpm=10, pump_rpm=2400)


def miner(power_w: float | None = 3500, state: MinerState = MinerState.MINING, **more: Any) -> MinerReading:
    return MinerReading(state=state, power_w=power_w, **more)


def codes(reading: MinerReading) -> list[str]:
    return [error.code for error in reading.errors]


def test_ten_litres_a_minute_that_warm_by_five_kelvin_carry_three_and_a_half_kilowatts() -> None:
    reading = completed(miner(), WELL, SETTINGS)
    assert reading.heat_w == pytest.approx(10 / 60 * 0.9940 * 4180 * 5, rel=0.002)
    assert (reading.inlet_c, reading.outlet_c, reading.flow_lpm, reading.pump_rpm) == (30, 35, 10, 2400)
    assert reading.errors == ()


@pytest.mark.parametrize(
    ("fluid", "glycol_pct", "at_c", "expected_j"),
    [
        (Fluid.WATER, 0, 20, 998.2 * 4.184),
        (Fluid.WATER, 0, 50, 988.1 * 4.181),
        (Fluid.WATER, 0, 95, 971.8 * 4.197),
        (Fluid.ETHYLENE_GLYCOL, 30, 40, 1028.8 * 3.775),
        (Fluid.PROPYLENE_GLYCOL, 40, 60, 1006.3 * 3.834),
        (Fluid.PROPYLENE_GLYCOL, 0, 20, 998.2 * 4.184),
    ],
)
def test_a_litre_carries_what_the_tables_say(fluid: Fluid, glycol_pct: float, at_c: float, expected_j: float) -> None:
    assert heat_per_litre_j(fluid, glycol_pct, at_c) == pytest.approx(expected_j, rel=0.002)


@given(st.sampled_from([Fluid.ETHYLENE_GLYCOL, Fluid.PROPYLENE_GLYCOL]), st.floats(0, 50), st.floats(-20, 120))
def test_glycol_never_carries_more_than_water(fluid: Fluid, glycol_pct: float, at_c: float) -> None:
    assert heat_per_litre_j(fluid, glycol_pct, at_c) <= heat_per_litre_j(Fluid.WATER, 0, at_c) + 1e-9
    assert heat_per_litre_j(fluid, glycol_pct, at_c) > 3000


def test_glycol_in_the_loop_counts() -> None:
    glycol = LoopSettings(flow="flow", fluid=Fluid.PROPYLENE_GLYCOL, glycol_pct=40)
    in_water, in_glycol = completed(miner(), WELL, SETTINGS).heat_w, completed(miner(), WELL, glycol).heat_w
    assert in_water is not None
    assert in_glycol is not None
    assert in_glycol / in_water == pytest.approx(0.923, abs=0.01)


@pytest.mark.parametrize("missing", ["inlet_c", "outlet_c", "flow_lpm"])
def test_without_one_of_the_three_there_is_no_heat(missing: str) -> None:
    assert completed(miner(), replace(WELL, **{missing: None}), SETTINGS).heat_w is None


def test_what_the_miner_says_itself_stays_where_there_is_no_probe() -> None:
    hydro = miner(inlet_c=28, outlet_c=34)
    reading = completed(hydro, Probes(outlet_c=33, flow_lpm=10), SETTINGS)
    assert (reading.inlet_c, reading.outlet_c) == (28, 33)
    assert reading.heat_w == pytest.approx(3465, rel=0.01)


DANGERS = """
    power  inlet  outlet  flow  rpm    says
    3500   30     35      10    2400   -                            # as it should be
    3500   30     35      10    0      pump_stopped                 # the pump stands still
    3500   30     52      10    2400   loop_blocked                 # 22 K are more than 20
    3500   30     35      2     2400   loop_blocked                 # 3.5 kW would warm 2 L/min by 25 K
    3500   30     30      0     0      pump_stopped loop_blocked    # nothing moves: no rise to be seen at the probes
    3500   35     30      10    2400   loop_reversed                # probes mixed up
    3500   30     29.5    10    2400   -                            # no probe is as good as half a kelvin
    13     30     30      0     0      -                            # asleep it needs no loop
    0      60     30      0     0      -                            # and off neither
    -      30     52      10    2400   loop_blocked                 # a miner that does not tell its power, but mines
    3500   -      -       -     -      -                            # silent probes say nothing
    3500   -      -       1     -      loop_blocked                 # a flow meter alone is enough
"""


@pytest.mark.parametrize("row", [line.partition("#")[0].strip() for line in DANGERS.strip().splitlines()[1:]])
def test_a_loop_says_what_endangers_its_miner(row: str) -> None:
    power, inlet, outlet, flow, rpm, *says = row.split()
    number = [None if one == "-" else float(one) for one in (power, inlet, outlet, flow, rpm)]
    probes = Probes(inlet_c=number[1], outlet_c=number[2], flow_lpm=number[3], pump_rpm=number[4])
    reading = completed(miner(number[0]), probes, SETTINGS)
    assert codes(reading) == [code for code in says if code != "-"]


@pytest.mark.parametrize(
    ("pump", "is_stopped"),
    [
        ({"pump_is_on": False}, True),
        ({"pump_is_on": True}, False),
        ({"pump_is_on": True, "pump_w": 0.4}, True),
        ({"pump_w": 45.0}, False),
        ({"pump_rpm": 2400.0, "pump_is_on": True, "pump_w": 45.0}, False),
    ],
)
def test_a_pump_behind_a_plug_stands_still_when_it_is_off_or_draws_nothing(
    pump: Mapping[str, Any], is_stopped: bool
) -> None:
    reading = completed(miner(), Probes(inlet_c=30, outlet_c=35, flow_lpm=10, **pump), SETTINGS)
    assert codes(reading) == (["pump_stopped"] if is_stopped else [])


def test_a_least_flow_of_ones_own_counts_whatever_the_power() -> None:
    settings = LoopSettings(flow="flow", min_flow_lpm=8)
    assert codes(completed(miner(500), Probes(flow_lpm=7.9), settings)) == ["loop_blocked"]
    assert codes(completed(miner(500), Probes(flow_lpm=8), settings)) == []


def test_a_warning_says_the_figures_and_what_to_do() -> None:
    (error,) = completed(miner(), Probes(inlet_c=30, outlet_c=52, flow_lpm=10), SETTINGS).errors
    assert error.text == (
        "the liquid warms by 22.0 K, at most 20 K are right: too little of it flows; "
        "check valves, filter, air in the loop, and the pump"
    )


def test_the_miners_own_errors_stay_before_those_of_the_loop() -> None:
    own = MinerError(code="540", text="board 0")
    reading = completed(miner(errors=(own,)), Probes(pump_rpm=0), SETTINGS)
    assert codes(reading) == ["540", "pump_stopped"]


@given(
    st.none() | st.floats(0, 20_000),
    st.none() | st.floats(-20, 95),
    st.none() | st.floats(-20, 95),
    st.none() | st.floats(0, 200),
)
def test_any_probes_give_a_reading_that_the_bus_takes(
    power_w: float | None, inlet_c: float | None, outlet_c: float | None, flow_lpm: float | None
) -> None:
    probes = Probes(inlet_c=inlet_c, outlet_c=outlet_c, flow_lpm=flow_lpm)
    reading = completed(miner(power_w), probes, SETTINGS)
    assert MinerReading.model_validate(reading.model_dump()) == reading
    if reading.heat_w is not None and power_w is not None and not reading.errors and reading.heat_w > 0:
        assert reading.outlet_c is not None
        assert reading.inlet_c is not None
        assert reading.outlet_c >= reading.inlet_c


def telemetry(sensor: str, *, ago_s: float = 0, source: str = "poller", **values: Any) -> SensorTelemetry:
    return SensorTelemetry(site="home", at=NOW - timedelta(seconds=ago_s), source=source, sensor=sensor, **values)


def test_stale_probes_count_as_absent() -> None:
    sensors = LatestSensors()
    loop = Loop(SETTINGS, sensors)
    sensors.hear(telemetry("cold", temperature_c=30, ago_s=59))
    sensors.hear(telemetry("warm", temperature_c=35, ago_s=61))
    sensors.hear(telemetry("flow", flow_lpm=10))
    assert loop.probes(NOW) == Probes(inlet_c=30, flow_lpm=10)
    assert loop.complete(miner(), NOW).heat_w is None


def test_one_device_may_be_all_probes_and_a_zigbee_probe_is_one_too() -> None:
    sensors = LatestSensors()
    loop = Loop(LoopSettings(inlet="loop", outlet="loop", flow="loop", pump="zigbee2mqtt/plug"), sensors)
    sensors.hear(telemetry("loop", inlet_c=30, outlet_c=35, flow_lpm=10))
    sensors.hear(telemetry("plug", source="zigbee2mqtt", is_on=True, power_w=45))
    assert loop.probes(NOW) == Probes(inlet_c=30, outlet_c=35, flow_lpm=10, pump_is_on=True, pump_w=45)


def test_a_reading_that_comes_late_changes_nothing() -> None:
    sensors = LatestSensors()
    sensors.hear(telemetry("cold", temperature_c=30))
    sensors.hear(telemetry("cold", temperature_c=20, ago_s=10))
    assert Loop(SETTINGS, sensors).probes(NOW).inlet_c == 30


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({}, "name at least one probe"),
        ({"inlet": "a b"}, "inlet"),
        ({"flow": "f", "glycol_pct": 30}, "belong together"),
        ({"flow": "f", "fluid": "ethylene_glycol"}, "belong together"),
        ({"flow": "f", "fluid": "ethylene_glycol", "glycol_pct": 51}, "glycol_pct"),
        ({"flow": "f", "fluid": "oil"}, "fluid"),
    ],
)
def test_a_loop_that_cannot_be_is_refused_at_the_start(settings: Mapping[str, Any], problem: str) -> None:
    with pytest.raises(ValidationError, match=problem):
        LoopSettings.model_validate(settings)


async def test_a_miner_shows_its_loop_and_warns_when_the_pump_stops(tmp_path: Path) -> None:
    """The whole way: a Modbus probe is read and said on the bus, and comes back as part of the miner's telemetry."""
    registers = {0: 300, 1: 365, 2: 84, 3: 2400}
    emulated: list[dict[str, object]] = [
        {"family": "cgminer", "id": "attic", "host": "127.85.6.1", "tuning_s": 0, "model": "Antminer S19"},
        {"family": "modbus", "id": "loop", "host": "127.85.6.2", "holding": registers},
    ]
    fields = {
        "inlet_c": {"table": "holding", "address": 0, "unit": "°C", "scale": 0.1},
        "outlet_c": {"table": "holding", "address": 1, "unit": "°C", "scale": 0.1},
        "flow_lpm": {"table": "holding", "address": 2, "unit": "L/min", "scale": 0.1},
        "pump_rpm": {"table": "holding", "address": 3, "unit": "rpm"},
    }
    probe = {"driver": "modbus", "host": "127.85.6.2", "kind": "sensor", "registers": fields}
    loop = {"inlet": "loop", "outlet": "loop", "flow": "loop", "pump": "loop"}
    attic = {"driver": "cgminer", "host": "127.85.6.1", "loop": loop}
    async with site(tmp_path, emulated=emulated, devices={"attic": attic, "loop": probe}) as here:
        async with here.bus("recorder").subscribe(MinerTelemetry) as miners:
            said = await until(miners, lambda one: one.heat_w is not None)
            assert (said.inlet_c, said.outlet_c, said.flow_lpm, said.pump_rpm) == (30, 36.5, 8.4, 2400)
            assert said.heat_w == pytest.approx(3790, rel=0.01)
            assert said.errors == ()
            device: Any = here.fleet.devices["loop"]
            device.write(3, [0])
            said = await until(miners, lambda one: one.pump_rpm == 0)
            assert codes(said) == ["pump_stopped"]
            assert said.health is Health.WARNING
        async with here.bus("recorder").subscribe(SensorAvailability) as sensors:
            there = await until(sensors, lambda one: one.state is AvailabilityState.ONLINE)
            assert (there.source, there.sensor) == ("poller", "loop")
