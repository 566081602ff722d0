"""The world of the twin: sun, weather, people, battery, rooms and miners on one clock that stands until it is moved.

The same physics as the simulator's, which real processes read over real protocols.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from hashbus_simulator.house import Flows, HouseState, advance_house
from hashbus_simulator.models import MODELS
from hashbus_simulator.noise import wobble
from hashbus_simulator.physics import MinerPhysics, Timing
from hashbus_simulator.rooms import advance_room
from hashbus_simulator.weather import outdoor_c
from hashbus_twin.settings import TwinSection

SILENT_DAYS = 0.93
"""On about one day in fourteen a device is silent for a while: wobble is even between -1 and 1."""
SILENT_S = 5400.0
BATTERY_CHANNEL, ROOM_CHANNEL, MINER_CHANNEL = 301, 310, 400


class World:
    """Everything outside of the decisions. `moves` lets time pass; nothing else does."""

    def __init__(self, settings: TwinSection, *, seed: int, starts_at: datetime) -> None:
        """Begin as the settings say, every miner warm and at work."""
        self.settings = settings
        self.house = settings.house.model_copy(update={"seed": seed})
        self.seed = seed
        self.starts_at = starts_at
        self.elapsed_s = 0.0
        self.state = HouseState(at=starts_at, soc_pct=self.house.battery.initial_soc_pct)
        self.miners = {
            name: MinerPhysics(
                MODELS[one.model], self._clock, seed=seed + MINER_CHANNEL + at, timing=Timing(tuning_s=one.tuning_s)
            )
            for at, (name, one) in enumerate(settings.miners.items())
        }
        self.rooms_c = {room.id: room.initial_c for room in self.house.rooms}
        self.outdoor_c = outdoor_c(starts_at, place=self.house.place, seed=seed)
        self.mean_w = dict.fromkeys(self.miners, 0.0)
        """Of the last move, as are the hashes."""
        self.hashes_th = 0.0

    def _clock(self) -> float:
        return self.elapsed_s

    @property
    def now(self) -> datetime:
        """Return the moment on the world's clock."""
        return self.starts_at + timedelta(seconds=self.elapsed_s)

    @property
    def flows(self) -> Flows:
        """Return the power at the busbar during the last minute."""
        return self.state.flows

    def moves(self, seconds: float) -> None:
        """Let time pass: the miners first, then the house that feeds them and the rooms that they heat."""
        self.elapsed_s += seconds
        self.hashes_th = 0.0
        for name, miner in self.miners.items():
            energy_ws, terahashes = miner.energy_ws, miner.terahashes
            miner.catch_up()
            self.mean_w[name] = (miner.energy_ws - energy_ws) / seconds
            self.hashes_th += miner.terahashes - terahashes
        self.state = advance_house(self.house, self.state, seconds=seconds, miners_w=sum(self.mean_w.values()))
        self.outdoor_c = outdoor_c(self.now, place=self.house.place, seed=self.seed)
        for room in self.house.rooms:
            heat_w = sum(self.mean_w[miner] for miner in room.miners)
            self.rooms_c[room.id] = advance_room(
                room, self.rooms_c[room.id], seconds=seconds, heat_w=heat_w, air_c=self.outdoor_c
            )
            for name in room.miners:
                self.miners[name].ambient_c = self.rooms_c[room.id]

    def is_silent(self, channel: int) -> bool:
        """Say whether a device says nothing now: the same moments for the same seed."""
        if not self.settings.silences:
            return False
        day, second = divmod(self.elapsed_s, 86_400)
        luck = wobble(self.seed, channel, day, period_s=1)
        begins_s = (abs(luck) - SILENT_DAYS) / (1 - SILENT_DAYS) * (86_400 - SILENT_S)
        return abs(luck) > SILENT_DAYS and begins_s <= second < begins_s + SILENT_S
