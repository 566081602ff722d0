"""What batteries, their inverters and meters say."""

from __future__ import annotations

from datetime import timedelta
from typing import ClassVar

from pydantic import Field

from hashbus.messages.base import Id, Message, Moment, Part, Text, Word
from hashbus.messages.miner import AvailabilityState, Health, MinerError
from hashbus.topics import Keep, Topic
from hashbus.units import (
    Celsius,
    ChargePercent,
    Counter,
    Hertz,
    Percent,
    Seconds,
    SignedAmperes,
    SignedWatts,
    Volts,
    WattHours,
    Watts,
)


class BatteryReading(Part):
    """One reading of a battery and its inverter. `battery_w` is positive while charging, `grid_w` while buying."""

    soc_pct: ChargePercent
    taken_at: Moment | None = Field(None, description="The device's own clock, where it gives one")
    soh_pct: Percent | None = None
    pv_w: Watts | None = None
    load_w: Watts | None = Field(None, description="What the house draws, miners included where they hang on it")
    battery_w: SignedWatts | None = Field(None, description="+ charging, - discharging")
    grid_w: SignedWatts | None = Field(None, description="+ buying, - selling")
    battery_v: Volts | None = None
    battery_a: SignedAmperes | None = None
    battery_c: Celsius | None = None
    inverter_c: Celsius | None = None
    grid_v: Volts | None = None
    grid_hz: Hertz | None = None
    max_charge_a: SignedAmperes | None = None
    max_discharge_a: SignedAmperes | None = None
    cycles: Counter | None = None
    pv_energy_wh: WattHours | None = Field(None, description="Since the device was new")
    charge_energy_wh: WattHours | None = None
    discharge_energy_wh: WattHours | None = None
    import_energy_wh: WattHours | None = None
    export_energy_wh: WattHours | None = None
    load_energy_wh: WattHours | None = None
    status: Word | None = None
    session_age_s: Seconds | None = Field(None, description="Of a portal: for how long we have been logged in")
    errors: tuple[MinerError, ...] = ()


class BatteryTelemetry(BatteryReading, Message):
    """One reading of a battery and its inverter: when it was taken and by whom."""

    # A cloud portal refreshes every few minutes; ten is where the safe side takes over (PROTOCOLS.md section 10).
    topic: ClassVar[Topic] = Topic(
        "battery/{battery}/telemetry",
        writers=("poller",),
        retain=True,
        stale_after=timedelta(minutes=10),
        keep=Keep.EVERY,
    )

    battery: Id
    driver: Word
    health: Health = Health.UNKNOWN


class BatteryAvailability(Message):
    """Whether the poller reaches the battery, since when, and why not."""

    topic: ClassVar[Topic] = Topic("battery/{battery}/availability", writers=("poller",), retain=True)

    battery: Id
    state: AvailabilityState
    since: Moment
    reason: Text | None = None


class MeterReading(Part):
    """One reading of an electricity meter. `power_w` is positive while buying."""

    power_w: SignedWatts
    taken_at: Moment | None = Field(None, description="When it was measured, where that is not now")
    phases_w: tuple[SignedWatts, ...] = ()
    voltage_v: Volts | None = None
    current_a: SignedAmperes | None = None
    frequency_hz: Hertz | None = None
    import_energy_wh: WattHours | None = None
    export_energy_wh: WattHours | None = None


class MeterTelemetry(MeterReading, Message):
    """One reading of an electricity meter: when it was taken and by whom."""

    topic: ClassVar[Topic] = Topic(
        "meter/{meter}/telemetry",
        writers=("poller",),
        retain=True,
        stale_after=timedelta(seconds=60),
        keep=Keep.EVERY,
    )

    meter: Id
    driver: Word


class MeterAvailability(Message):
    """Whether the poller reaches the meter, since when, and why not."""

    topic: ClassVar[Topic] = Topic("meter/{meter}/availability", writers=("poller",), retain=True)

    meter: Id
    state: AvailabilityState
    since: Moment
    reason: Text | None = None
