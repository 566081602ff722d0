"""The units of every number on the bus: its symbol, its bounds, and what Home Assistant calls it.

A field's type says what it measures (`power_w: Watts`), so bounds, documentation, JSON Schema, time-series columns
and Home Assistant discovery come from one place. Device and state classes are those of Home Assistant's sensor
platform.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

if TYPE_CHECKING:
    from pydantic import GetJsonSchemaHandler
    from pydantic.json_schema import JsonSchemaValue
    from pydantic_core import CoreSchema


@dataclass(frozen=True, slots=True)
class HomeUnit:
    """A unit that people are used to: its symbol, and how many of it one of ours is."""

    symbol: str
    factor: float
    decimals: int


@dataclass(frozen=True, slots=True)
class Flag:
    """What a yes or no says: Home Assistant's class of it, and whether our yes is its no."""

    device_class: str
    is_inverted: bool = False


@dataclass(frozen=True, slots=True)
class Unit:
    """The unit of a number: how it is written after the figure and at the end of a field name."""

    symbol: str
    suffix: str
    quantity: str
    device_class: str | None = None
    state_class: str = "measurement"
    decimals: int = 1
    is_diagnostic: bool = False
    """It tells how a device is, not what it does: Home Assistant puts it aside."""
    at_home: HomeUnit | None = None
    """What people read in a smart home, where that is another unit."""

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Write the unit into the JSON Schema of the field."""
        return {**handler(core), "unit": self.symbol, "quantity": self.quantity}


WATT = Unit("W", "_w", "power", device_class="power", decimals=0)
WATT_HOUR = Unit(
    "Wh",
    "_wh",
    "energy",
    device_class="energy",
    state_class="total_increasing",
    decimals=0,
    at_home=HomeUnit("kWh", 1e-3, 3),
)
CELSIUS = Unit("°C", "_c", "temperature", device_class="temperature")
KELVIN = Unit("K", "_k", "temperature difference")
TERAHASH = Unit("TH/s", "_ths", "hashrate", decimals=2)
TERAHASHES = Unit("TH", "_th", "work", decimals=0)
EXAHASH = Unit("EH/s", "_ehs", "hashrate", decimals=1)
JOULE_PER_TERAHASH = Unit("J/TH", "_j_per_th", "efficiency", decimals=1)
PERCENT = Unit("%", "_pct", "share", decimals=1)
CHARGE_PERCENT = Unit("%", "_pct", "share", device_class="battery", decimals=1)
HUMIDITY_PERCENT = Unit("%", "_pct", "share", device_class="humidity", decimals=1)
RPM = Unit("rpm", "_rpm", "rotation", decimals=0, is_diagnostic=True)
MEGAHERTZ = Unit("MHz", "_mhz", "frequency", device_class="frequency", decimals=0, is_diagnostic=True)
HERTZ = Unit("Hz", "_hz", "frequency", device_class="frequency", decimals=2)
VOLT = Unit("V", "_v", "voltage", device_class="voltage")
AMPERE = Unit("A", "_a", "current", device_class="current")
LITRE_PER_MINUTE = Unit("L/min", "_lpm", "flow", device_class="volume_flow_rate")
BAR = Unit("bar", "_bar", "pressure", device_class="pressure", decimals=2)
MILLISECOND = Unit("ms", "_ms", "latency", device_class="duration", is_diagnostic=True)
SECOND = Unit("s", "_s", "duration", device_class="duration", decimals=0, is_diagnostic=True)
COUNT = Unit("", "", "count", decimals=0, is_diagnostic=True)
COUNTER = Unit("", "", "count", state_class="total_increasing", decimals=0, is_diagnostic=True)
BITCOIN = Unit("BTC", "_btc", "amount", decimals=8)
US_DOLLAR = Unit("USD", "_usd", "amount", decimals=2)
US_DOLLAR_PER_PETAHASH_DAY = Unit("USD/PH/day", "_usd_per_ph_day", "hashprice", decimals=2)
PRICE_PER_KWH = Unit("/kWh", "_per_kwh", "price", decimals=4)
MONEY = Unit("", "_amount", "money", decimals=2)
MONEY_PER_DAY = Unit("/day", "_per_day", "money per day", decimals=2)
US_DOLLAR_PER_DAY = Unit("USD/day", "_usd_per_day", "money per day", decimals=2)
SATOSHI_PER_KWH = Unit("sat/kWh", "_sats_per_kwh", "yield", decimals=1)
DAY = Unit("d", "_days", "duration", device_class="duration", decimals=0)
MONTH = Unit("months", "_months", "duration")
RATIO = Unit("", "", "ratio", decimals=2)

_BY_SUFFIX = sorted(
    (unit for unit in tuple(globals().values()) if isinstance(unit, Unit) and unit.suffix),
    key=lambda unit: -len(unit.suffix),
)


def unit_of(field: str) -> Unit | None:
    """Return the unit that a field's name ends in; None for plain counts and words."""
    return next((unit for unit in _BY_SUFFIX if field.endswith(unit.suffix)), None)


# Bounds are what the physical thing can be, not what is healthy: outside them a reading is broken, not hot.
Watts = Annotated[float, Field(ge=0, le=5e9), WATT]
SignedWatts = Annotated[float, Field(ge=-5e9, le=5e9), WATT]
WattHours = Annotated[float, Field(ge=0, le=1e15), WATT_HOUR]
Celsius = Annotated[float, Field(ge=-80, le=250), CELSIUS]
Kelvins = Annotated[float, Field(ge=-200, le=200), KELVIN]
TerahashPerSecond = Annotated[float, Field(ge=0, le=1e9), TERAHASH]
Terahashes = Annotated[float, Field(ge=0, le=1e18), TERAHASHES]
ExahashPerSecond = Annotated[float, Field(ge=0, le=1e9), EXAHASH]
JoulesPerTerahash = Annotated[float, Field(ge=0, le=1e7), JOULE_PER_TERAHASH]
Percent = Annotated[float, Field(ge=0, le=100), PERCENT]
ChargePercent = Annotated[float, Field(ge=0, le=100), CHARGE_PERCENT]
HumidityPercent = Annotated[float, Field(ge=0, le=100), HUMIDITY_PERCENT]
OverdrivePercent = Annotated[float, Field(ge=0, le=200), PERCENT]
Rpm = Annotated[float, Field(ge=0, le=200_000), RPM]
Megahertz = Annotated[float, Field(ge=0, le=10_000), MEGAHERTZ]
Hertz = Annotated[float, Field(ge=0, le=1_000), HERTZ]
Volts = Annotated[float, Field(ge=0, le=100_000), VOLT]
SignedAmperes = Annotated[float, Field(ge=-100_000, le=100_000), AMPERE]
LitresPerMinute = Annotated[float, Field(ge=0, le=100_000), LITRE_PER_MINUTE]
Bars = Annotated[float, Field(ge=-1, le=1_000), BAR]
Milliseconds = Annotated[float, Field(ge=0, le=1e9), MILLISECOND]
Seconds = Annotated[float, Field(ge=0, le=1e11), SECOND]
Count = Annotated[int, Field(ge=0), COUNT]
Counter = Annotated[int, Field(ge=0), COUNTER]
Bitcoin = Annotated[float, Field(ge=0, le=21e6), BITCOIN]
BitcoinVolume = Annotated[float, Field(ge=0, le=1e9), BITCOIN]
Dollars = Annotated[float, Field(ge=0, le=1e9), US_DOLLAR]
SignedDollars = Annotated[float, Field(ge=-1e9, le=1e9), US_DOLLAR]
DollarsPerPetahashDay = Annotated[float, Field(ge=0, le=1e6), US_DOLLAR_PER_PETAHASH_DAY]
PricePerKwh = Annotated[float, Field(ge=-1e6, le=1e6), PRICE_PER_KWH]
Money = Annotated[float, Field(ge=0, le=1e15), MONEY]
SignedMoneyPerDay = Annotated[float, Field(ge=-1e20, le=1e20), MONEY_PER_DAY]
DollarsPerDay = Annotated[float, Field(ge=0, le=1e15), US_DOLLAR_PER_DAY]
SatoshisPerKwh = Annotated[float, Field(ge=0, le=1e12), SATOSHI_PER_KWH]
Days = Annotated[float, Field(ge=0, le=1e6), DAY]
Months = Annotated[float, Field(ge=0, le=1e5), MONTH]
Ratio = Annotated[float, Field(ge=0, le=1e9), RATIO]

# What a yes means stands with the type; a bare `bool` is a detail of the device.
Closed = Annotated[bool, Flag("opening", is_inverted=True)]
WindowOpen = Annotated[bool, Flag("window")]
Occupied = Annotated[bool, Flag("occupancy")]
SwitchedOn = Annotated[bool, Flag("power")]
Wet = Annotated[bool, Flag("moisture")]
Smoky = Annotated[bool, Flag("smoke")]
