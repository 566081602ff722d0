"""How the house is heated, as its owner writes it down: zones, thermometers, temperatures, week and patience."""

from __future__ import annotations

from collections import Counter
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, ConfigDict, Field, model_validator

from hashbus.messages import HeatingCurve, Id, Profile, SwitchPoint, Word, ZoneControl, ZoneTargets
from hashbus.messages.heat import LocalTime, twice_in
from hashbus.settings import Section
from hashbus.units import Celsius, Kelvins, Seconds, Watts

SensorName = Annotated[str, Field(pattern=r"^([A-Za-z0-9_-]{1,64}/)?[A-Za-z0-9_-]{1,64}$")]
"""A sensor of the poller by its id, or `zigbee2mqtt/id` and the like with the source that tells it."""

ZoneId = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,40}$")]
"""Shorter than other ids, as the names under which its choices are kept are made from it."""

OF_SENSORS = ("temperature_c", "inlet_c", "outlet_c")
OF_MINERS = ("ambient_c", "inlet_c", "outlet_c", "liquid_c")


def full_name(sensor: str) -> str:
    """Return a sensor's name with its source: `pipes` is the poller's."""
    return sensor if "/" in sensor else f"poller/{sensor}"


def _clock_time(written: Any) -> Any:
    """Take `22:00` without quotes, which YAML reads as the sexagesimal number 1320."""
    is_number = isinstance(written, int) and not isinstance(written, bool) and 0 <= written < 24 * 60
    return f"{written // 60:02}:{written % 60:02}" if is_number else written


class InputSettings(Section):
    """One thermometer: of a sensor or of a miner; the first of a list that tells something usable counts."""

    sensor: SensorName | None = Field(None, description="Id, or source/id as zigbee2mqtt/living")
    miner: Id | None = Field(None, description="A miner that measures the air or the liquid around it")
    field: Literal["temperature_c", "inlet_c", "outlet_c", "ambient_c", "liquid_c"] | None = Field(
        None, description="Which of its figures; temperature_c of a sensor and ambient_c of a miner when not given"
    )
    correction_k: Kelvins = Field(0, description="Added to what it tells")
    max_age_s: Annotated[Seconds, Field(ge=10)] = Field(3600, description="An older value is never used")

    @model_validator(mode="after")
    def _names_one_thing(self) -> Self:
        if (self.sensor is None) == (self.miner is None):
            raise ValueError("an input needs either sensor or miner")
        known = OF_SENSORS if self.sensor else OF_MINERS
        if self.field is not None and self.field not in known:
            raise ValueError(f"a {'sensor' if self.sensor else 'miner'} has no {self.field}; it has {', '.join(known)}")
        return self

    @property
    def figure(self) -> str:
        """Return the name of the field that is read."""
        return self.field or ("temperature_c" if self.sensor else "ambient_c")

    @property
    def key(self) -> str:
        """Return what it is called in states and reasons: `zigbee2mqtt/living`, `attic ambient_c`."""
        if self.sensor is not None and self.figure == "temperature_c":
            return full_name(self.sensor)
        return f"{full_name(self.sensor) if self.sensor else self.miner} {self.figure}"


class TargetSettings(ZoneTargets):
    """The temperature of each profile."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class CurveSettings(HeatingCurve):
    """How warm the water must be for the weather."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class SwitchPointSettings(SwitchPoint):
    """From this time on, on these days, this profile."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    local_time: Annotated[LocalTime, BeforeValidator(_clock_time)]


class WindowSettings(Section):
    """When an open window pauses the heating, and for how long at most."""

    contacts: tuple[SensorName, ...] = Field((), description="Contact sensors; one that is open is enough")
    after_s: Seconds = Field(30, description="So long it must be open")
    longest_s: Seconds = Field(3600, description="Then the zone is heated again, until it was closed and opened anew")
    drop_k: Annotated[Kelvins, Field(gt=0)] | None = Field(
        1.5, description="The temperature falls by so much within drop_s: a window without a contact; null: not watched"
    )
    drop_s: Annotated[Seconds, Field(ge=60, le=3600)] = 300
    drop_pause_s: Seconds = Field(900, description="How long such a pause lasts")


class RegulatorSettings(Section):
    """How a zone answers to a wrong temperature. What is not given follows from what the zone holds.

    For a room 3 K and 150 minutes, for water 15 K and 20 minutes.
    """

    band_k: Annotated[Kelvins, Field(ge=0.2, le=60)] | None = Field(None, description="So far below: full power")
    integral_s: Annotated[Seconds, Field(ge=60)] | None = Field(
        None, description="In that time a constant difference doubles the answer"
    )
    rise_s: Annotated[Seconds, Field(ge=1)] = Field(600, description="From nothing to full power at the soonest")
    loss_w_per_k: Annotated[float, Field(ge=0, le=1e6)] = Field(
        0, description="Heat that the zone loses for each kelvin of cold outside; 0: it is learnt from the temperature"
    )


class StepSettings(Section):
    """How patient a zone is with its miners, as a change of power restarts mining on most of them."""

    cycles_per_day: Annotated[float, Field(ge=1, le=1000)] = Field(
        12, description="How often a day a miner is put to sleep and woken when half of its heat is needed, at most"
    )
    min_on_s: Seconds = Field(1800, description="Shortest time at work")
    min_off_s: Seconds = Field(1200, description="Shortest time asleep")
    dead_band_w: Watts = Field(100, description="A smaller difference changes nothing")
    most_changes: Annotated[int, Field(ge=2, le=1000)] = Field(
        20, description="Changes of one miner in 24 hours; the last quarter swings wider"
    )


class FrostSettings(Section):
    """What happens when no thermometer of a zone can be used, and how antifreeze reads the weather then."""

    design_outdoor_c: Celsius = Field(-15, description="Outdoors so cold: full power is needed against frost")
    blind_floor_w: Watts = Field(0, description="Heat of a zone whose temperature and weather are both unknown")


class ZoneSettings(Section):
    """One zone: what it holds, which miners heat it, and when it shall be how warm."""

    name: Word | None = None
    control: ZoneControl = Field(ZoneControl.ROOM, description="room, or supply: the water to radiators or a floor")
    miners: tuple[Id, ...] = Field(min_length=1, description="Miners and groups that heat it, and nothing else")
    inputs: tuple[InputSettings, ...] = Field(min_length=1, description="The first that is usable counts")
    room_inputs: tuple[InputSettings, ...] = Field((), description="With supply: the room, for its influence")
    profile: Profile = Field(Profile.COMFORT, description="Where neither schedule nor anybody says another")
    targets: TargetSettings = TargetSettings()
    schedule: tuple[SwitchPointSettings, ...] = Field((), max_length=200)
    curve: CurveSettings = Field(CurveSettings(), description="With supply")
    window: WindowSettings = WindowSettings()
    regulator: RegulatorSettings = RegulatorSettings()
    steps: StepSettings = StepSettings()
    frost: FrostSettings = FrostSettings()
    when_warm: Literal["sleep", "free"] = Field("sleep", description="sleep: asleep; free: whoever wants it may mine")
    too_warm_k: Annotated[Kelvins, Field(ge=0.5)] = Field(2, description="So far above: nobody weaker may mine here")
    heat_share: Annotated[float, Field(gt=0, le=1)] = Field(1.0, description="Share of the power that warms the zone")
    measured_by: Literal["power", "loop"] = Field("power", description="loop: the liquid's flow times its warming")

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        twice_in(self.schedule)
        if self.room_inputs and self.control is ZoneControl.ROOM:
            raise ValueError("room_inputs belong to a zone with control: supply; a room is measured by its inputs")
        return self


class OutdoorSettings(Section):
    """The weather: thermometers, and how slowly the house follows it."""

    inputs: tuple[InputSettings, ...] = ()
    smoothing_s: Seconds = Field(10_800, description="Time constant of the mean that heating curves use")


class HeatSettings(Section):
    """The `heat:` part of the controller."""

    outdoor: OutdoorSettings = OutdoorSettings()
    zones: dict[ZoneId, ZoneSettings] = Field({}, max_length=200)

    @model_validator(mode="after")
    def _heats_one_zone_each(self) -> Self:
        for zone, settings in self.zones.items():
            if len(set(settings.miners)) < len(settings.miners):
                raise ValueError(f"zone {zone} names a miner twice")
        heating = Counter(miner for settings in self.zones.values() for miner in settings.miners)
        twice = next((miner for miner, count in heating.items() if count > 1), None)
        if twice is not None:
            raise ValueError(f"{twice} heats two zones; it can heat one")
        return self
