"""What a miner says of itself."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum
from typing import ClassVar

from pydantic import Field

from hashbus.messages.base import Id, Message, Moment, Part, Text, Word
from hashbus.topics import Keep, Topic
from hashbus.units import (
    Celsius,
    Count,
    Counter,
    JoulesPerTerahash,
    LitresPerMinute,
    Megahertz,
    Milliseconds,
    OverdrivePercent,
    Rpm,
    Seconds,
    TerahashPerSecond,
    Volts,
    WattHours,
    Watts,
)


class Capability(StrEnum):
    """One thing a miner can be asked to do. Pages and bots show only buttons for what is listed."""

    POWER_LIMIT = "power_limit"
    POWER_PERCENT = "power_percent"
    SLEEP = "sleep"
    RESTART = "restart"
    REBOOT = "reboot"
    FAN = "fan"
    FREQUENCY = "frequency"
    POOL = "pool"
    BLINK = "blink"


class Level(StrEnum):
    """How far a driver goes: it reads; it survives every fault; it also sets power and confirms by reading back."""

    BRONZE = "bronze"
    SILVER = "silver"
    GOLD = "gold"


class MinerState(StrEnum):
    """What a miner does now. `tuning` is the ramp after a start or a change of power; `idle` is up but without work."""

    MINING = "mining"
    TUNING = "tuning"
    IDLE = "idle"
    SLEEPING = "sleeping"
    FAULT = "fault"
    UNKNOWN = "unknown"


class Health(StrEnum):
    """The status word of a device (S0.28)."""

    NORMAL = "normal"
    WARNING = "warning"
    CRITICAL = "critical"
    UNKNOWN = "unknown"


class PowerLevel(Part):
    """One step a miner's power can take when it cannot take any number of watts."""

    name: Word
    power_w: Watts


class PowerChange(Part):
    """What a change of the power limit costs on this miner."""

    restarts_mining: bool = True
    ramp_s: Seconds | None = Field(None, description="From the change until full hashrate again")
    min_interval_s: Seconds = Field(300, description="Shortest time between two changes")


class MinerIdentity(Part):
    """Who a miner is and what can be done with it, as its driver learns it."""

    make: Word | None = None
    model: Word | None = None
    serial: Word | None = None
    mac: Word | None = Field(None, pattern=r"^([0-9a-f]{2}:){5}[0-9a-f]{2}$", description="Lower case, with colons")
    firmware: Word | None = Field(None, description="Name of the firmware: stock, Braiins OS, ...")
    firmware_version: Word | None = None
    api_version: Word | None = None
    control_board: Word | None = None
    psu_model: Word | None = None
    is_liquid_cooled: bool | None = None
    boards_total: Count | None = None
    rated_hashrate_ths: TerahashPerSecond | None = None
    rated_power_w: Watts | None = None
    min_power_w: Watts | None = None
    max_power_w: Watts | None = None
    power_step_w: Watts | None = None
    power_levels: tuple[PowerLevel, ...] = ()
    power_change: PowerChange = PowerChange()
    capabilities: tuple[Capability, ...] = ()


class MinerInfo(MinerIdentity, Message):
    """Who a miner is and what can be done with it. Sent when it is first reached and whenever it changes."""

    topic: ClassVar[Topic] = Topic("miner/{miner}/info", writers=("poller",), retain=True)

    miner: Id
    driver: Word
    level: Level
    host: Word | None = Field(None, description="Address on the site's network; it stays on the site")
    group: Id | None = None
    safe_power_w: Watts | None = Field(None, description="Where the poller takes it when nobody decides any more")


class BoardTelemetry(Part):
    """One hashboard."""

    slot: Count
    hashrate_ths: TerahashPerSecond | None = None
    expected_ths: TerahashPerSecond | None = None
    board_c: Celsius | None = None
    chip_min_c: Celsius | None = None
    chip_avg_c: Celsius | None = None
    chip_max_c: Celsius | None = None
    inlet_c: Celsius | None = None
    outlet_c: Celsius | None = None
    frequency_mhz: Megahertz | None = None
    voltage_v: Volts | None = None
    chips_ok: Count | None = None
    chips_total: Count | None = None
    hardware_errors: Counter | None = None
    serial: Word | None = None
    is_healthy: bool | None = None


class PoolTelemetry(Part):
    """One configured pool. `latency_ms` is null unless the firmware really measures it (decision D9)."""

    url: Word
    worker: Word | None = None
    status: Word | None = None
    is_active: bool | None = None
    accepted_shares: Counter | None = None
    rejected_shares: Counter | None = None
    stale_shares: Counter | None = None
    latency_ms: Milliseconds | None = None


class MinerError(Part):
    """A fault the miner itself reports, in the vendor's code and in words."""

    code: Word
    text: Text | None = None
    since: Moment | None = None


class MinerReading(Part):
    """One reading of a miner as its driver parsed it. A field is null where the firmware is silent, never zero."""

    state: MinerState
    is_partial: bool = Field(False, description="The miner's answer was cut short; what is missing is null")

    hashrate_ths: TerahashPerSecond | None = Field(None, description="Average as the firmware gives it")
    hashrate_5s_ths: TerahashPerSecond | None = None
    hashrate_expected_ths: TerahashPerSecond | None = None

    power_w: Watts | None = None
    power_limit_w: Watts | None = None
    power_percent_pct: OverdrivePercent | None = Field(None, description="Fast modulation in force")
    efficiency_j_per_th: JoulesPerTerahash | None = Field(None, description="Power over hashrate while mining")
    energy_wh: WattHours | None = Field(None, description="Since power-on, where the firmware counts it")

    chip_min_c: Celsius | None = None
    chip_avg_c: Celsius | None = None
    chip_max_c: Celsius | None = None
    chips_c: tuple[Celsius, ...] = ()
    board_max_c: Celsius | None = None
    ambient_c: Celsius | None = None
    liquid_c: Celsius | None = None
    inlet_c: Celsius | None = None
    outlet_c: Celsius | None = None
    psu_c: Celsius | None = None
    regulator_c: Celsius | None = None

    fans_rpm: tuple[Rpm, ...] = ()
    fan_pct: OverdrivePercent | None = None
    psu_fan_rpm: Rpm | None = None
    pump_rpm: Rpm | None = None
    flow_lpm: LitresPerMinute | None = None
    heat_w: Watts | None = Field(None, description="What the liquid carries away: flow times its warming")
    frequency_mhz: Megahertz | None = None
    input_v: Volts | None = None

    accepted_shares: Counter | None = None
    rejected_shares: Counter | None = None
    stale_shares: Counter | None = None
    hardware_errors: Counter | None = None
    uptime_s: Seconds | None = Field(None, description="Of the device")
    mining_s: Seconds | None = Field(None, description="Of the mining process; it restarts with each change of power")

    heat_mode: Word | None = Field(None, description="Of miners made for heating: normal, heating, anti-freezing")

    pool_url: Word | None = None
    worker: Word | None = None
    pool_latency_ms: Milliseconds | None = None
    pools: tuple[PoolTelemetry, ...] = ()

    boards: tuple[BoardTelemetry, ...] = ()
    boards_total: Count | None = None
    boards_healthy: Count | None = None

    errors: tuple[MinerError, ...] = ()
    error_message: Text | None = None
    latency_ms: Milliseconds | None = Field(None, description="How long the whole reading took on the wire")


class MinerTelemetry(MinerReading, Message):
    """One reading of a miner: when it was taken, by whom, and whether it is healthy."""

    topic: ClassVar[Topic] = Topic(
        "miner/{miner}/telemetry",
        writers=("poller",),
        retain=True,
        stale_after=timedelta(seconds=180),
        keep=Keep.EVERY,
    )

    miner: Id
    driver: Word
    health: Health = Health.UNKNOWN


class AvailabilityState(StrEnum):
    """Zigbee2MQTT's two words."""

    ONLINE = "online"
    OFFLINE = "offline"


class MinerAvailability(Message):
    """Whether the poller reaches the miner, since when, and why not."""

    topic: ClassVar[Topic] = Topic("miner/{miner}/availability", writers=("poller",), retain=True)

    miner: Id
    state: AvailabilityState
    since: Moment
    reason: Text | None = None
