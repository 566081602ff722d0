"""The liquid loop of a miner (S0.13 to S0.16): what its probes say, the heat it carries, and its dangers; pure.

No firmware tells inlet, outlet, flow and pump (decision D1), so probes of other makers do, mapped to the miner in the
configuration.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Self

from pydantic import Field, model_validator

from hashbus.messages import MinerError, MinerReading, MinerState
from hashbus.settings import Section
from hashbus.units import LitresPerMinute, Watts
from hashbus_poller.fluids import MOST_GLYCOL_PCT, Fluid, heat_per_litre_j

SensorName = Annotated[str, Field(pattern=r"^([A-Za-z0-9_-]{1,64}/)?[A-Za-z0-9_-]{1,64}$")]
"""A sensor of the poller by its id, or one of another source as `zigbee2mqtt/tank`."""

REVERSED_FROM_C = 1.0
"""Kelvin by which the inlet is warmer than the outlet when somebody mixed them up, and no probe is as wrong as that."""

ROTATING_FROM_RPM = 1.0
BLOCKED, STOPPED, REVERSED = "loop_blocked", "pump_stopped", "loop_reversed"
AT_WORK = frozenset({MinerState.MINING, MinerState.TUNING})


class LoopSettings(Section):
    """Which probes are in a miner's loop, what flows there, and what is too little or too hot."""

    inlet: SensorName | None = Field(None, description="Probe where the liquid enters the miner: the cold side")
    outlet: SensorName | None = Field(None, description="Probe where it leaves the miner: the warm side")
    flow: SensorName | None = None
    pump: SensorName | None = Field(None, description="Its speed, or whether it is on, or the power that it draws")
    fluid: Fluid = Fluid.WATER
    glycol_pct: float = Field(0, ge=0, le=MOST_GLYCOL_PCT, description="Share of glycol by mass")
    max_age_s: float = Field(60, ge=1, le=3600, description="An older value of a probe counts as absent")
    max_rise_c: float = Field(20, gt=0, le=80, description="The liquid warms by more: too little of it flows")
    min_flow_lpm: LitresPerMinute | None = Field(None, description="Less is too little, whatever the power")
    at_work_from_w: Watts = Field(200, description="From here on a miner heats and needs its loop")
    pump_from_w: Watts = Field(2, description="A pump that draws less stands still")

    @model_validator(mode="after")
    def _says_what_flows(self) -> Self:
        if not any((self.inlet, self.outlet, self.flow, self.pump)):
            raise ValueError("name at least one probe: inlet, outlet, flow or pump")
        if (self.glycol_pct > 0) != (self.fluid is not Fluid.WATER):
            raise ValueError("glycol_pct and a glycol as fluid belong together")
        return self


@dataclass(frozen=True, slots=True)
class Probes:
    """What the probes of one loop say now; None where one is missing, silent or too old."""

    inlet_c: float | None = None
    outlet_c: float | None = None
    flow_lpm: float | None = None
    pump_rpm: float | None = None
    pump_is_on: bool | None = None
    pump_w: float | None = None


def completed(reading: MinerReading, probes: Probes, settings: LoopSettings) -> MinerReading:
    """Return a miner's reading with its loop in it: temperatures, flow, pump, heat, and warnings as errors.

    What a probe says goes before what the miner says itself; without a probe the miner's own figure stays.
    """
    found = {
        "inlet_c": probes.inlet_c,
        "outlet_c": probes.outlet_c,
        "flow_lpm": probes.flow_lpm,
        "pump_rpm": probes.pump_rpm,
    }
    with_probes = reading.model_copy(update={name: value for name, value in found.items() if value is not None})
    return with_probes.model_copy(
        update={
            "heat_w": heat_w(with_probes, settings),
            "errors": (*reading.errors, *warnings(with_probes, probes, settings)),
        }
    )


def heat_w(reading: MinerReading, settings: LoopSettings) -> float | None:
    """Return the heat that the loop carries away, in watts; None when flow or a temperature is not known.

    Q = flow x density x specific heat x (outlet - inlet), with flow in L/min (divided by 60 for L/s) and density
    times specific heat in J/(L K) at the mean temperature (fluids.py): 10 L/min of water that warm by 5 K carry 3.5 kW.
    A loop that seems to cool the other way round has no heat to tell.
    """
    flow_lpm, rise_c = reading.flow_lpm, _rise_c(reading)
    if flow_lpm is None or rise_c is None or reading.inlet_c is None or rise_c < -REVERSED_FROM_C:
        return None
    per_litre_j = heat_per_litre_j(settings.fluid, settings.glycol_pct, reading.inlet_c + rise_c / 2)
    return round(flow_lpm / 60 * per_litre_j * max(0.0, rise_c), 1)


def warnings(reading: MinerReading, probes: Probes, settings: LoopSettings) -> tuple[MinerError, ...]:
    """Return what endangers a miner that is at work; one that rests needs neither flow nor pump."""
    if not _is_at_work(reading, settings):
        return ()
    found = {
        STOPPED: _stopped(probes, settings),
        BLOCKED: _blocked(reading, settings),
        REVERSED: _reversed(reading),
    }
    return tuple(MinerError(code=code, text=text) for code, text in found.items() if text is not None)


def _is_at_work(reading: MinerReading, settings: LoopSettings) -> bool:
    if reading.power_w is None:
        return reading.state in AT_WORK
    return reading.power_w >= settings.at_work_from_w


def _stopped(probes: Probes, settings: LoopSettings) -> str | None:
    if probes.pump_rpm is not None and probes.pump_rpm < ROTATING_FROM_RPM:
        return "the pump stands still while the miner heats: check its supply and its fuse"
    if probes.pump_is_on is False:
        return "the pump is switched off while the miner heats"
    if probes.pump_w is not None and probes.pump_w < settings.pump_from_w:
        return f"the pump draws {probes.pump_w:g} W while the miner heats: it is stuck, or not connected"
    return None


def _blocked(reading: MinerReading, settings: LoopSettings) -> str | None:
    """Say why too little flows: measured too low, too low for this power, or seen in how warm the liquid comes back."""
    flow_lpm, rise_c = reading.flow_lpm, _rise_c(reading)
    needed_lpm = _needed_lpm(reading, settings)
    if flow_lpm is not None and needed_lpm is not None and flow_lpm < needed_lpm:
        return (
            f"{flow_lpm:.1f} L/min flow, at least {needed_lpm:.1f} are needed: "
            "check valves, filter, air in the loop, and the pump"
        )
    if rise_c is not None and rise_c > settings.max_rise_c:
        return (
            f"the liquid warms by {rise_c:.1f} K, at most {settings.max_rise_c:g} K are right: too little of it flows; "
            "check valves, filter, air in the loop, and the pump"
        )
    return None


def _needed_lpm(reading: MinerReading, settings: LoopSettings) -> float | None:
    """Return the least flow: the configured one, or the one at which the miner's power warms it by the most allowed."""
    least_lpm = settings.min_flow_lpm
    if reading.power_w is None:
        return least_lpm
    middle_c = 40.0 if reading.inlet_c is None else reading.inlet_c + settings.max_rise_c / 2
    per_litre_j = heat_per_litre_j(settings.fluid, settings.glycol_pct, middle_c)
    return max(least_lpm or 0.0, reading.power_w * 60 / per_litre_j / settings.max_rise_c)


def _reversed(reading: MinerReading) -> str | None:
    rise_c = _rise_c(reading)
    if rise_c is None or rise_c >= -REVERSED_FROM_C:
        return None
    return f"the inlet is {-rise_c:.1f} K warmer than the outlet: the two probes are mixed up, or one is broken"


def _rise_c(reading: MinerReading) -> float | None:
    if reading.inlet_c is None or reading.outlet_c is None:
        return None
    return reading.outlet_c - reading.inlet_c
