"""Who decides in the twin: the controller's real step with some policy set, or a plain thermostat to compare with."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Protocol

from hashbus.messages import Message, PowerSetpoint, SensorTelemetry
from hashbus.step import Tick
from hashbus_controller.registry import beginning
from hashbus_controller.settings import ControllerSettings
from hashbus_controller.step import hears, step
from hashbus_twin.settings import LocalHours, TwinSettings

HALF_BAND_K = 0.5
LEASE = timedelta(seconds=300)


class Pilot(Protocol):
    """Hears what the bus carries, and says what each miner may draw."""

    def hear(self, message: Message | Tick, now: datetime) -> Iterable[Message]:
        """Take in one message, or that time has passed; return what is said to it."""
        ...


class Controller:
    """The real controller, as its process runs it, without the process."""

    def __init__(self, settings: ControllerSettings) -> None:
        """Begin with nothing heard."""
        enabled = settings.controller.model_copy(update={"auto_control": "enabled"})
        self.settings = settings.model_copy(update={"controller": enabled})
        self.state = beginning(self.settings)
        self._hears: tuple[type, ...] = (Tick, *hears(self.state))

    def hear(self, message: Message | Tick, now: datetime) -> Iterable[Message]:
        """Decide by the real step."""
        if not isinstance(message, self._hears):
            return ()
        self.state, said = step(self.state, message, now)
        return said


class Thermostat:
    """The plain one: full power below the target, nothing above it. Where there is no room, nobody mines."""

    def __init__(self, settings: TwinSettings) -> None:
        """Hold each room at what the people want."""
        self._site, self._twin = settings.site, settings.twin
        self._hours = LocalHours(settings.time_zone)
        self._is_on: dict[str, bool] = {}
        self._room_c: dict[str, float] = {}

    def hear(self, message: Message | Tick, now: datetime) -> Iterable[Message]:
        """Note a temperature; decide at each tick."""
        if isinstance(message, SensorTelemetry) and message.temperature_c is not None:
            self._room_c[message.sensor] = message.temperature_c
        return [] if not isinstance(message, Tick) else self._decided(now)

    def _decided(self, now: datetime) -> list[Message]:
        said: list[Message] = []
        target_c = self._twin.comfort.target_c(self._hours.at(now)[0])
        for room in self._twin.house.rooms:
            was_on = self._is_on.get(room.id, False)
            room_c = self._room_c.get(room.id, target_c)
            self._is_on[room.id] = room_c < target_c + (HALF_BAND_K if was_on else -HALF_BAND_K)
            said += [self._setpoint(miner, now, is_on=self._is_on[room.id]) for miner in room.miners]
        heating = {miner for room in self._twin.house.rooms for miner in room.miners}
        return [
            *said,
            *(self._setpoint(miner, now, is_on=False) for miner in self._twin.miners if miner not in heating),
        ]

    def _setpoint(self, miner: str, now: datetime, *, is_on: bool) -> PowerSetpoint:
        return PowerSetpoint(
            site=self._site,
            at=now,
            miner=miner,
            power_w=1e5 if is_on else 0.0,
            valid_until=now + LEASE,
            reason="colder than wanted" if is_on else "no heat is wanted",
        )


def pilot_of(settings: TwinSettings, name: str) -> Pilot:
    """Return who decides under this name. KeyError for an unknown one."""
    chosen = settings.policy_set(name)
    return Thermostat(settings) if chosen is None else Controller(chosen)
