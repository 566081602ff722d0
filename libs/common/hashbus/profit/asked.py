"""What a person asks the calculator, and what the bus knows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from hashbus.economics import KWH_PER_LITRE_OF_OIL, DisplacedHeat, HeatSource
from hashbus.messages import BitcoinPrice, CurrencyRates, NetworkState, PowerPrice, Word
from hashbus.units import Percent, PricePerKwh

Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$", description="ISO 4217")]


class HeatAsked(BaseModel):
    """The heating that a machine stands in for; `fuel_per_kwh` is the price of a kilowatt-hour in the fuel."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    displaces: HeatSource
    fuel_per_kwh: PricePerKwh | None = None
    oil_per_litre: Annotated[float, Field(gt=0, le=1e6)] | None = Field(None, description="In place of fuel_per_kwh")
    efficiency_pct: Annotated[float, Field(gt=0, le=120)] = 90
    cop: Annotated[float, Field(ge=1, le=15)] = 3.5
    used_pct: Percent = 100

    def displaced(self) -> DisplacedHeat:
        """Return it as the formulas take it."""
        per_kwh = self.oil_per_litre / KWH_PER_LITRE_OF_OIL if self.oil_per_litre else self.fuel_per_kwh
        return DisplacedHeat(self.displaces, per_kwh, self.efficiency_pct, self.cop, self.used_pct)


class ProfitAsked(BaseModel):
    """What a person wants calculated. What is left out comes from the model's data sheet, or live from the bus."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    model: Word | None = Field(None, description="As people or devices spell it: s19pro, M30S++, Bitaxe Gamma")
    hashrate_ths: Annotated[float, Field(gt=0, le=1e6)] | None = Field(None, description="Of one machine")
    power_w: Annotated[float, Field(gt=0, le=1e7)] | None = Field(None, description="Of one machine")
    units: Annotated[int, Field(ge=1, le=10_000)] = 1
    price_per_kwh: PricePerKwh | None = Field(None, description="In `currency`")
    currency: Currency | None = Field(None, description="The tariff's when not given, else USD")
    currency_per_usd: Annotated[float, Field(gt=0, le=1e7)] | None = None
    invested_each: Annotated[float, Field(gt=0, le=1e9)] | None = Field(None, description="Price of one machine")
    pool_fee_pct: Percent = 0
    other_per_day: Annotated[float, Field(ge=0, le=1e9)] = Field(0, description="Rent, people: of all units together")
    price_usd: Annotated[float, Field(gt=0, le=1e9)] | None = Field(None, description="Of one bitcoin")
    difficulty: Annotated[float, Field(ge=1, le=1e20)] | None = None
    subsidy_btc: Annotated[float, Field(gt=0, le=50)] | None = Field(None, description="New bitcoin in a block")
    fees_per_block_btc: Annotated[float, Field(ge=0, le=100)] | None = None
    difficulty_growth_pct: Annotated[float, Field(ge=-20, le=50)] = Field(0, description="A month")
    heat: HeatAsked | None = None


class CannotCalculate(ValueError):
    """A value is missing or makes no sense; `field` is that of ProfitAsked, the text says what would be right."""

    def __init__(self, field: str, problem: str) -> None:
        """Name the field and say what would be right."""
        super().__init__(f"{field}: {problem}")
        self.field = field
        self.problem = problem


@dataclass(frozen=True, slots=True)
class LiveMarket:
    """What the bus says now; None where nothing is heard."""

    bitcoin: BitcoinPrice | None = None
    network: NetworkState | None = None
    power: PowerPrice | None = None
    rates: CurrencyRates | None = None
