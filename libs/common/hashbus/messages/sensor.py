"""What rooms, pipes, windows and plugs say."""

from __future__ import annotations

from datetime import timedelta
from typing import ClassVar

from pydantic import Field

from hashbus.messages.base import Id, Message, Moment, Part, Text, Word
from hashbus.messages.miner import AvailabilityState
from hashbus.topics import Keep, Topic
from hashbus.units import (
    Bars,
    Celsius,
    ChargePercent,
    Closed,
    HumidityPercent,
    LitresPerMinute,
    Occupied,
    Percent,
    Rpm,
    SignedAmperes,
    SignedWatts,
    Smoky,
    SwitchedOn,
    Volts,
    WattHours,
    Wet,
)


class SensorReading(Part):
    """One reading of a sensor; only what it measures is set."""

    taken_at: Moment | None = Field(None, description="When it was measured, where that is not now")
    temperature_c: Celsius | None = None
    inlet_c: Celsius | None = Field(None, description="Of a loop: the liquid on its way to what it cools")
    outlet_c: Celsius | None = Field(None, description="Of a loop: the liquid on its way back")
    target_c: Celsius | None = None
    humidity_pct: HumidityPercent | None = None
    contact: Closed | None = Field(None, description="True is closed")
    occupancy: Occupied | None = None
    is_on: SwitchedOn | None = None
    is_wet: Wet | None = Field(None, description="Of a leak sensor: there is water")
    has_smoke: Smoky | None = None
    position_pct: Percent | None = Field(None, description="Of a valve: 100 is open")
    flow_lpm: LitresPerMinute | None = None
    pressure_bar: Bars | None = None
    pump_rpm: Rpm | None = None
    speed_pct: Percent | None = Field(None, description="Of a pump or a fan: how fast it is told to run")
    power_w: SignedWatts | None = None
    energy_wh: WattHours | None = None
    voltage_v: Volts | None = Field(None, description="Of a plug: the mains")
    current_a: SignedAmperes | None = None
    battery_pct: ChargePercent | None = None
    link_pct: Percent | None = None


class SensorTelemetry(SensorReading, Message):
    """One reading of a sensor: where it came from and when."""

    topic: ClassVar[Topic] = Topic(
        "sensor/{source}/{sensor}/telemetry",
        writers=("poller", "smarthome"),
        retain=True,
        stale_after=timedelta(minutes=60),
        keep=Keep.EVERY,
    )

    source: Id
    sensor: Id
    name: Word | None = Field(None, description="As people call it; a Zigbee name may have slashes, an id may not")


class SensorAvailability(Message):
    """Whether the sensor is reached, since when, and why not."""

    topic: ClassVar[Topic] = Topic(
        "sensor/{source}/{sensor}/availability", writers=("poller", "smarthome"), retain=True
    )

    source: Id
    sensor: Id
    state: AvailabilityState
    since: Moment
    reason: Text | None = None
