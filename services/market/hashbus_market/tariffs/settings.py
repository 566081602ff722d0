"""Settings of tariffs: the kinds, and what a supplier and the state add to the price of energy."""

from __future__ import annotations

from datetime import time
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr

from hashbus.messages import Word
from hashbus.settings import Section
from hashbus.units import PricePerKwh

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$", description="ISO 4217")]
Url = Annotated[str, Field(pattern=r"^https?://[^\s/]+(/[^\s?#]*)?$")]
Days = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun", "weekdays", "weekend"]


def _known(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"{name!r} is not a time zone such as Europe/Berlin") from None
    return name


TimeZone = Annotated[str, AfterValidator(_known)]


def _clock_time(value: object) -> object:
    # YAML reads 22:00 without quotes as the number 1320 (minutes, in base 60).
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 1440:
        value = f"{value // 60:02}:{value % 60:02}"
    return "00:00" if value == "24:00" else value


ClockTime = Annotated[time, BeforeValidator(_clock_time)]


class AnyTariff(Section):
    """What all kinds have in common: (energy * (1 + markup_pct) + markup_per_kwh) * (1 + tax_pct) is what is paid."""

    name: Word | None = Field(None, description="As pages show it; the kind when not given")
    currency: Currency = "USD"
    markup_pct: Annotated[float, Field(ge=-100, le=1000)] = Field(0, description="Supplier's share of the energy price")
    markup_per_kwh: PricePerKwh = Field(0, description="Grid fees and levies on each kWh")
    tax_pct: Annotated[float, Field(ge=0, le=100)] = Field(0, description="VAT on all of it")
    export_per_kwh: PricePerKwh | None = Field(None, description="What a kWh that is fed in earns")


class FixedTariff(AnyTariff):
    """The same price at all times."""

    kind: Literal["fixed"]
    price_per_kwh: PricePerKwh


class TariffWindow(Section):
    """A price at some hours of some days; over midnight where `until` is not after `from`, by the day it begins."""

    days: tuple[Days, ...] = ("weekdays", "weekend")
    months: tuple[Annotated[int, Field(ge=1, le=12)], ...] = Field((), description="1 to 12; all when not given")
    from_: ClockTime = Field(time(0), alias="from")
    until: ClockTime = time(0)
    price_per_kwh: PricePerKwh


class TimeOfUseTariff(AnyTariff):
    """Prices by day and hour; the first window that fits counts, `price_per_kwh` at all other times."""

    kind: Literal["time_of_use"]
    time_zone: TimeZone = "UTC"
    price_per_kwh: PricePerKwh
    windows: tuple[TariffWindow, ...] = ()


class FetchedTariff(AnyTariff):
    """Prices that are known some hours ahead and come from elsewhere."""

    every_s: Annotated[float, Field(ge=60, le=86_400)] = Field(3600, description="Time between two looks")
    otherwise_per_kwh: PricePerKwh | None = Field(
        None, description="What is paid, all in, at hours nobody has named a price for; not known when not given"
    )


class FileTariff(FetchedTariff):
    """A CSV or JSON file that another program writes."""

    kind: Literal["file"]
    path: Path = Field(description="Relative to where hashbus is started")
    every_s: Annotated[float, Field(ge=1, le=86_400)] = Field(60, description="Time between two looks")
    time_zone: TimeZone = Field("UTC", description="Of times in it that say none")


class HttpTariff(FetchedTariff):
    """The same CSV or JSON from an address."""

    kind: Literal["http"]
    url: Annotated[str, Field(pattern=r"^https?://[^\s]+$")]
    token: SecretStr | None = Field(None, description="Sent as bearer; write token_file: PATH")
    time_zone: TimeZone = "UTC"


class AwattarTariff(FetchedTariff):
    """The hourly day-ahead price of Germany or Austria as aWATTar gives it, in EUR."""

    kind: Literal["awattar"]
    country: Literal["de", "at"] = "de"
    url: Url | None = None
    currency: Literal["EUR"] = "EUR"


class EntsoeTariff(FetchedTariff):
    """The day-ahead price of a European bidding zone from the ENTSO-E transparency platform."""

    kind: Literal["entsoe"]
    zone: Annotated[str, Field(pattern=r"^[0-9A-Z-]{16}$", description="EIC code, such as 10Y1001A1001A82H")]
    token: SecretStr = Field(description="Of the platform; write token_file: PATH")
    url: Url = "https://web-api.tp.entsoe.eu"
    currency: Currency = "EUR"


class OctopusTariff(FetchedTariff):
    """Octopus Agile: half hours, in pounds, VAT included."""

    kind: Literal["octopus"]
    product: Annotated[str, Field(pattern=r"^[A-Z0-9-]+$")] = "AGILE-24-10-01"
    region: Annotated[str, Field(pattern=r"^[A-P]$", description="Grid region, A to P; C is London")] = "C"
    url: Url = "https://api.octopus.energy"
    currency: Literal["GBP"] = "GBP"


class ErcotTariff(FetchedTariff):
    """The settlement point price of Texas: `day_ahead` hours or `real_time` quarters, in USD."""

    kind: Literal["ercot"]
    point: Annotated[str, Field(pattern=r"^[A-Z0-9_]+$", description="Settlement point, such as HB_NORTH or LZ_WEST")]
    market: Literal["day_ahead", "real_time"] = "day_ahead"
    api_key: SecretStr = Field(description="Subscription key; write api_key_file: PATH")
    username: str = Field(min_length=3, description="Of the account at the API explorer")
    password: SecretStr = Field(description="Write password_file: PATH")
    url: Url = "https://api.ercot.com"
    login_url: Url = "https://ercotb2c.b2clogin.com"
    currency: Literal["USD"] = "USD"


Tariff = Annotated[
    FixedTariff
    | TimeOfUseTariff
    | FileTariff
    | HttpTariff
    | AwattarTariff
    | EntsoeTariff
    | OctopusTariff
    | ErcotTariff,
    Field(discriminator="kind"),
]
