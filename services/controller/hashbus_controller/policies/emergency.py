"""Emergency: a leak, smoke, an open cabinet or a room too hot puts its miners to sleep, before everybody else."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, model_validator
from rpds import HashTrieMap

from hashbus.messages import Id, Message, PolicyMemory, Rank, SensorTelemetry
from hashbus.settings import Section
from hashbus.step import Tick
from hashbus.units import Celsius, Seconds
from hashbus_controller.bids import OWN, RENEWED, SITE, Bid
from hashbus_controller.policy import SiteView


def _word(value: object) -> object:
    """Read an unquoted `on` or `off`, which YAML 1.1 takes for a truth value."""
    return {True: "on", False: "off"}[value] if isinstance(value, bool) else value


When = Annotated[Literal["open", "closed", "on", "off"], BeforeValidator(_word)]


class EmergencySettings(Section):
    """One sensor that stops miners, and when it does."""

    sensor: Id = Field(description="Id of the sensor")
    scope: Id = Field(SITE, description="Which miners it stops: a miner, a group, or `site`")
    when: When | None = Field(
        None, description="Of a contact: open or closed; of a leak or smoke sensor or a switch: on or off"
    )
    above_c: Celsius | None = Field(None, description="Or warmer than this")
    hold_s: Seconds = Field(300, description="So long it must be over before they may run again")
    is_silence_alarm: bool = Field(False, description="A sensor that nobody hears any more stops them too")

    @model_validator(mode="after")
    def _watches_something(self) -> Self:
        if (self.when is None) == (self.above_c is None):
            raise ValueError("needs either `when` or `above_c`")
        return self

    def alarm(self, reading: SensorTelemetry) -> str | None:
        """Return in words what is wrong; None when nothing is, or when the sensor does not say."""
        if self.above_c is not None:
            is_hot = reading.temperature_c is not None and reading.temperature_c > self.above_c
            return f"{reading.temperature_c:g} °C, more than {self.above_c:g} °C" if is_hot else None
        if self.when in ("open", "closed"):
            is_wrong = reading.contact is not None and reading.contact is (self.when == "closed")
        else:
            is_on = reading.is_on if reading.is_on is not None else reading.occupancy
            is_wrong = is_on is not None and is_on is (self.when == "on")
        return f"it is {self.when}" if is_wrong else None


@dataclass(frozen=True, slots=True)
class Watch:
    """The last reading of each sensor, what was wrong, and when that was seen last. Keys are places in the settings."""

    readings: HashTrieMap[int, SensorTelemetry] = field(default_factory=HashTrieMap)
    wrong: HashTrieMap[int, str] = field(default_factory=HashTrieMap)
    seen_at: HashTrieMap[int, datetime] = field(default_factory=HashTrieMap)


@dataclass(frozen=True, slots=True)
class Emergency:
    """The policy: caps of nothing, of the strongest rank; nobody can override them."""

    sensors: tuple[EmergencySettings, ...]
    name: str = "emergency"
    hears: tuple[type[Message], ...] = (SensorTelemetry,)

    def begins(self) -> Watch:
        """Start with nothing wrong; sensors are retained on the bus."""
        return Watch()

    def heard(self, memory: Watch, message: Message | Tick, now: datetime, site: SiteView) -> Watch:
        """See what is wrong, and what has been over for long enough."""
        for place, watched in enumerate(self.sensors):
            if isinstance(message, SensorTelemetry) and message.sensor == watched.sensor:
                memory = replace(memory, readings=memory.readings.insert(place, message))
            memory = _looked(memory, place, watched, now)
        return memory

    def bids(self, memory: Watch, now: datetime, site: SiteView) -> tuple[Bid, ...]:
        """Stop what must not run."""
        return tuple(
            Bid(
                OWN,
                self.sensors[place].scope,
                f"{self.name}-{place}",
                Rank.SAFETY,
                now + RENEWED,
                f"emergency by sensor {self.sensors[place].sensor}: {why}",
                cap_w=0.0,
            )
            for place, why in sorted(memory.wrong.items())
        )

    def kept(self, memory: Watch) -> PolicyMemory:
        """Keep what is wrong, so that a restart lets nobody run meanwhile."""
        return PolicyMemory(words={self.sensors[place].sensor: why for place, why in memory.wrong.items()})

    def recalled(self, memory: Watch, kept: PolicyMemory) -> Watch:
        """Take it back; a sensor that is heard to be fine ends it after its time."""
        for place, watched in enumerate(self.sensors):
            why = kept.words.get(watched.sensor)
            if why is not None:
                memory = replace(memory, wrong=memory.wrong.insert(place, why))
        return memory


def _looked(memory: Watch, place: int, watched: EmergencySettings, now: datetime) -> Watch:
    reading = memory.readings.get(place)
    why = None
    if reading is not None and not reading.is_stale(now):
        why = watched.alarm(reading)
    elif watched.is_silence_alarm and reading is not None:
        why = f"silent since {reading.at:%Y-%m-%d %H:%M} UTC"
    elif place in memory.wrong:
        return memory  # whoever fell silent while something was wrong is not fine
    if why is not None:
        wrong = memory.wrong if memory.wrong.get(place) == why else memory.wrong.insert(place, why)
        return replace(memory, wrong=wrong, seen_at=memory.seen_at.insert(place, now))
    if place not in memory.wrong:
        return memory
    seen_at = memory.seen_at.get(place)
    if seen_at is None:
        return replace(memory, seen_at=memory.seen_at.insert(place, now))
    if now - seen_at < timedelta(seconds=watched.hold_s):
        return memory
    return replace(memory, wrong=memory.wrong.remove(place), seen_at=memory.seen_at.discard(place))
