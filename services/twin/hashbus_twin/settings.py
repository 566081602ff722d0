"""The house of the twin as its owner writes it down: building, miners, prices, and the policy sets to compare."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, model_validator

from hashbus.messages import Id
from hashbus.settings import Section
from hashbus.units import Celsius, PricePerKwh, Watts
from hashbus_controller.settings import ControllerSection, ControllerSettings, Name
from hashbus_simulator.house_settings import HouseSettings
from hashbus_simulator.models import MODELS

LIVE = "house"
"""The policy set of the section `controller`."""

Hour = Annotated[int, Field(ge=0, le=24)]


def _known_model(name: str) -> str:
    if name not in MODELS:
        raise ValueError(f"no model {name!r}; there are {', '.join(sorted(MODELS))}")
    return name


class TwinMiner(Section):
    """One miner of the house."""

    model: Annotated[str, AfterValidator(_known_model)] = "M50S_VH50"
    group: Id | None = None
    tuning_s: Annotated[float, Field(ge=0, le=7200)] = Field(
        300, description="How long mining takes to ramp up after a change; the controller is not told"
    )
    safe_power_w: Watts = Field(0, description="Where it goes when a lease ends")


class Tariff(Section):
    """What a kilowatt-hour costs by the hour of the day at the site."""

    currency: str = "EUR"
    per_kwh: PricePerKwh = 0.30
    cheap_per_kwh: PricePerKwh = 0.22
    cheap_from_h: Hour = 22
    cheap_until_h: Hour = 6
    export_per_kwh: PricePerKwh = 0.08

    def price(self, hour: int) -> float:
        """Return the price of this hour of the day."""
        if self.cheap_from_h <= self.cheap_until_h:
            is_cheap = self.cheap_from_h <= hour < self.cheap_until_h
        else:
            is_cheap = hour >= self.cheap_from_h or hour < self.cheap_until_h
        return self.cheap_per_kwh if is_cheap else self.per_kwh


class Comfort(Section):
    """What the people want, by which every policy set is judged alike."""

    day_c: Celsius = 21
    night_c: Celsius = 18
    day_from_h: Hour = 6
    day_until_h: Hour = 22

    def target_c(self, hour: int) -> float:
        """Return the temperature that is wanted at this hour of the day."""
        return self.day_c if self.day_from_h <= hour < self.day_until_h else self.night_c


class Network(Section):
    """What hashes bring: the state of the Bitcoin network, held constant so that runs compare."""

    difficulty: Annotated[float, Field(ge=1)] = 1.3e14
    reward_btc: Annotated[float, Field(gt=0)] = Field(3.15, description="Subsidy and fees of one block")


class TwinSection(Section):
    """The `twin:` section."""

    house: HouseSettings = HouseSettings()
    miners: dict[Id, TwinMiner] = Field(min_length=1)
    tariff: Tariff = Tariff()
    comfort: Comfort = Comfort()
    network: Network = Network()
    silences: bool = Field(True, description="Now and then a battery or a thermometer says nothing for 90 minutes")
    policy_sets: dict[Name, ControllerSection | Literal["thermostat"]] = Field(
        {},
        description="To compare with `controller`; thermostat is the plain one, on and off by half a kelvin",
    )

    @model_validator(mode="after")
    def _rooms_name_its_miners(self) -> Self:
        for room in self.house.rooms:
            for miner in room.miners:
                if miner not in self.miners:
                    raise ValueError(f"room {room.id} is heated by {miner}, which is not in miners")
        if LIVE in self.policy_sets:
            raise ValueError(f"policy_sets.{LIVE}: that is the name of the section `controller`")
        return self


class TwinSettings(ControllerSettings):
    """What the twin reads of its file."""

    twin: TwinSection

    def policy_set(self, name: str) -> ControllerSettings | None:
        """Return the settings with one policy set, None for the thermostat; KeyError for an unknown name."""
        chosen = self.controller if name == LIVE else self.twin.policy_sets[name]
        if not isinstance(chosen, ControllerSection):
            return None
        known = ControllerSettings.model_fields
        fields = {key: getattr(self, key) for key in known if key != "controller"}
        return ControllerSettings(**fields, controller=chosen)


class LocalHours:
    """The hour on the wall of the site, found once an hour: time zones are dear to ask a million times."""

    def __init__(self, time_zone: str) -> None:
        """Read the clock of this time zone."""
        self._zone = ZoneInfo(time_zone)
        self._until: datetime | None = None
        self._hour, self._day = 0, ""

    def at(self, now: datetime) -> tuple[int, str]:
        """Return hour and date of a moment; moments come in order."""
        if self._until is None or now >= self._until:
            local = now.astimezone(self._zone)
            self._hour, self._day = local.hour, f"{local:%Y-%m-%d}"
            into = timedelta(minutes=local.minute, seconds=local.second, microseconds=local.microsecond)
            self._until = now - into + timedelta(hours=1)
        return self._hour, self._day
