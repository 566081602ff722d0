"""The latest word of each sensor of the site, for the loops of miners."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hashbus.messages import MinerReading, SensorTelemetry
from hashbus_poller.device import SOURCE
from hashbus_poller.loop import LoopSettings, Probes, completed

if TYPE_CHECKING:
    from datetime import datetime


class LatestSensors:
    """What each sensor said last, whoever reads it: this poller, another one, or Zigbee2MQTT."""

    def __init__(self) -> None:
        """Begin with nothing heard."""
        self._latest: dict[str, SensorTelemetry] = {}

    def hear(self, telemetry: SensorTelemetry) -> None:
        """Take a reading; an older one that comes late changes nothing."""
        name = f"{telemetry.source}/{telemetry.sensor}"
        known = self._latest.get(name)
        if known is None or telemetry.at >= known.at:
            self._latest[name] = telemetry

    def fresh(self, name: str | None, now: datetime, max_age_s: float) -> SensorTelemetry | None:
        """Return the reading of a sensor; None when it is silent for longer than `max_age_s`."""
        if name is None:
            return None
        found = self._latest.get(name if "/" in name else f"{SOURCE}/{name}")
        return found if found is not None and found.age_s(now) <= max_age_s else None


@dataclass(frozen=True)
class Loop:
    """The loop of one miner."""

    settings: LoopSettings
    sensors: LatestSensors

    def complete(self, reading: MinerReading, now: datetime) -> MinerReading:
        """Return the miner's reading with what the probes of its loop say."""
        return completed(reading, self.probes(now), self.settings)

    def probes(self, now: datetime) -> Probes:
        """Return what the probes say now.

        A probe for a single pipe has `temperature_c`; one for the whole loop has `inlet_c` and `outlet_c`.
        """
        settings = self.settings
        inlet, outlet, flow, pump = (
            self.sensors.fresh(name, now, settings.max_age_s)
            for name in (settings.inlet, settings.outlet, settings.flow, settings.pump)
        )
        return Probes(
            inlet_c=_first(inlet.inlet_c, inlet.temperature_c) if inlet else None,
            outlet_c=_first(outlet.outlet_c, outlet.temperature_c) if outlet else None,
            flow_lpm=flow.flow_lpm if flow else None,
            pump_rpm=pump.pump_rpm if pump else None,
            pump_is_on=pump.is_on if pump else None,
            pump_w=pump.power_w if pump else None,
        )


def _first(one: float | None, other: float | None) -> float | None:
    return other if one is None else one
