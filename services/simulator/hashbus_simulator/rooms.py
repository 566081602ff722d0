"""The rooms of the house: each one mass that miners warm and the weather cools.

`advance_room` is pure. `Rooms` holds the temperatures and follows the house's time when somebody looks.
"""

from collections.abc import Callable, Mapping
from datetime import timedelta

from hashbus_simulator.heat import toward
from hashbus_simulator.house import House
from hashbus_simulator.house_settings import RoomSettings
from hashbus_simulator.weather import outdoor_c

OUTDOORS = "outdoors"
"""What a thermometer measures that hangs in no room."""

STEP_S = 600.0  # longest step: the weather changes over hours
WIDE_OPEN = 5.0  # an open window multiplies the losses: some ten air changes an hour beside the walls


def advance_room(settings: RoomSettings, room_c: float, *, seconds: float, heat_w: float, air_c: float) -> float:
    """The temperature of a room `seconds` later, heated with `heat_w` all the while and with `air_c` outside.

    Exact for one mass and one loss: C dT/dt = heat - loss · (T - air).
    """
    goal_c = air_c + heat_w / settings.loss_w_per_k
    return toward(room_c, goal_c, seconds, settings.capacity_kwh_per_k * 3.6e6 / settings.loss_w_per_k)


class Rooms:
    """The rooms that a simulator runs, by id; `power_w` tells what a miner draws at the moment, in W."""

    def __init__(self, house: House, power_w: Callable[[str], float]) -> None:
        self.settings = {room.id: room for room in house.settings.rooms}
        self._open_windows: set[str] = set()
        self._house = house
        self._power_w = power_w
        self._seen_at = house.state.at
        self._room_c = {room.id: room.initial_c for room in house.settings.rooms}

    def __contains__(self, room: object) -> bool:
        return room in self.settings

    @property
    def temperatures_c(self) -> Mapping[str, float]:
        """Every room's temperature now, in °C."""
        self._catch_up()
        return dict(self._room_c)

    def measured_c(self, where: str) -> float:
        """What a thermometer shows in a room, or outdoors. Raises KeyError where there is no such room."""
        return self._house.outdoor_c if where == OUTDOORS else self.temperatures_c[where]

    def turn_window(self, room: str, *, is_open: bool) -> None:
        """Open or close the window of a room, from now on."""
        self._catch_up()
        (self._open_windows.add if is_open else self._open_windows.discard)(room)

    def _catch_up(self) -> None:
        now = self._house.state.at
        while self._seen_at < now:
            step_s = min(STEP_S, (now - self._seen_at).total_seconds())
            middle = self._seen_at + timedelta(seconds=step_s / 2)
            air_c = outdoor_c(middle, place=self._house.settings.place, seed=self._house.settings.seed)
            for room, settings in self.settings.items():
                heat_w = sum(self._power_w(miner) for miner in settings.miners)
                is_open = room in self._open_windows
                widened = settings.model_copy(update={"loss_w_per_k": settings.loss_w_per_k * WIDE_OPEN})
                self._room_c[room] = advance_room(
                    widened if is_open else settings, self._room_c[room], seconds=step_s, heat_w=heat_w, air_c=air_c
                )
            self._seen_at += timedelta(seconds=step_s)
