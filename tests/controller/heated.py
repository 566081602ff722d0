"""A heated home in the hand: rooms that cool and warm, miners that follow their setpoints, the real step between."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from hashbus.messages import (
    Capability,
    HeatState,
    Message,
    MinerInfo,
    MinerState,
    PowerChange,
    PowerSetpoint,
    Profile,
    ProfileRequest,
    SensorTelemetry,
    ZoneRequest,
    ZoneState,
)
from hashbus.step import TICK
from tests.controller.home import DAY, Home, info

EVERY_DAY = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


def heater(miner: str = "attic", **more: Any) -> MinerInfo:
    """A miner from 500 to 3500 W that restarts for each change, as a WhatsMiner does."""
    change = PowerChange(restarts_mining=True, ramp_s=600, min_interval_s=300)
    fields = {"max_power_w": 3500, "rated_power_w": 3500, "rated_hashrate_ths": 200, "power_change": change, **more}
    return info(miner, **fields)


def switched(miner: str = "attic", power_w: float = 3250, **more: Any) -> MinerInfo:
    """A miner that only runs or sleeps."""
    whole = heater(miner, max_power_w=power_w, rated_power_w=power_w, **more)
    return whole.model_copy(update={"capabilities": (Capability.SLEEP,)})


class HeatedHome:
    """A zone `living` with the sensor `living`, a room behind it, and miners that warm it."""

    def __init__(
        self,
        zone: dict[str, Any] | None = None,
        heaters: tuple[MinerInfo, ...] = (heater(),),
        *,
        starts: datetime = DAY,
        room_c: float = 20.0,
        outdoor_c: Callable[[float], float] = lambda _: 0.0,
        heat: dict[str, Any] | None = None,
        controller: dict[str, Any] | None = None,
        time_zone: str = "UTC",
        is_running: bool = False,
    ) -> None:
        miners = [one.miner for one in heaters]
        living = {"miners": miners, "inputs": [{"sensor": "living"}], **(zone or {})}
        section = {"heat": {"zones": {"living": living}, **(heat or {})}, **(controller or {})}
        self.home = Home(section, (), starts=starts, time_zone=time_zone)
        self.heaters = {one.miner: one for one in heaters}
        self.room_c, self.outdoor_c = room_c, outdoor_c
        self.capacity_j_per_k, self.loss_w_per_k = 6e6, 120.0
        self.power_w = {one.miner: (one.max_power_w or 0.0) * is_running for one in heaters}
        self.asked_w = dict(self.power_w)
        self.limit_w = dict(self.power_w)
        self.asked_at = dict.fromkeys(self.heaters, starts - timedelta(days=1))
        self.is_silent = False
        self.switches = 0
        self.temperatures: list[tuple[datetime, float]] = []
        for one in heaters:
            self.home.hear(one)
        self.measures()
        self.lives(minutes=1)

    @property
    def now(self) -> datetime:
        """The time."""
        return self.home.now

    @property
    def zone(self) -> ZoneState:
        """What the zone said of itself last."""
        return next(m for m in reversed(self.home.said) if isinstance(m, ZoneState))

    @property
    def house(self) -> HeatState:
        """What the house said of itself last."""
        return next(m for m in reversed(self.home.said) if isinstance(m, HeatState))

    def measures(self, sensor: str = "living", **fields: Any) -> None:
        """Let every miner and a sensor say how they are; the room's own temperature when nothing else is given."""
        for miner, power_w in self.power_w.items():
            state = MinerState.MINING if self.asked_w[miner] > 0 else MinerState.SLEEPING
            # To no decimals: a reading that says nothing new is nothing to decide about.
            self.home.hear(
                self.home.reading(miner, state=state, power_w=round(power_w), power_limit_w=self.limit_w[miner] or None)
            )
        if not self.is_silent:
            told = fields or {"temperature_c": round(self.room_c, 2)}
            self.home.hear(SensorTelemetry(site="home", at=self.now, source="poller", sensor=sensor, **told))

    def lives(self, *, hours: float = 0, minutes: float = 0, dt_s: float = 10) -> None:
        """Let time pass: the room cools, the miners follow, the thermometer tells each minute."""
        end = self.now + timedelta(hours=hours, minutes=minutes)
        while self.now < end:
            self.home.now += timedelta(seconds=dt_s)
            self._moves(dt_s)
            if self.now.second < dt_s:
                self.measures()
            self._obeys(self.home.hear(TICK))
            self.temperatures.append((self.now, self.room_c))

    def chooses(self, profile: Profile, **more: Any) -> None:
        """Let a person choose a profile for the house."""
        self.hears(ProfileRequest(site="home", at=self.now, source="web", profile=profile, **more))

    def asks(self, **more: Any) -> None:
        """Let a person choose a profile or a temperature for the zone."""
        self.hears(ZoneRequest(site="home", at=self.now, source="web", zone="living", **more))

    def hears(self, message: Message) -> None:
        """Let the controller hear a message and decide upon it at its next tick."""
        self._obeys(self.home.hear(message))
        self.home.now += timedelta(seconds=1)
        self._obeys(self.home.hear(TICK))

    def contact(self, *, closed: bool) -> None:
        """Let the window's contact say whether it is closed."""
        said = SensorTelemetry(site="home", at=self.now, source="zigbee2mqtt", sensor="window", contact=closed)
        self.home.hear(said)

    def _moves(self, dt_s: float) -> None:
        for miner, asked_w in self.asked_w.items():
            ramp_s = self.heaters[miner].power_change.ramp_s or 0.0
            is_ramp = self.heaters[miner].power_change.restarts_mining and ramp_s > 0
            share = min(1.0, 0.1 + 0.9 * (self.now - self.asked_at[miner]).total_seconds() / ramp_s) if is_ramp else 1.0
            self.power_w[miner] = asked_w * share
        hour = (self.now - DAY).total_seconds() / 3600
        loss_w = self.loss_w_per_k * (self.room_c - self.outdoor_c(hour))
        self.room_c += (sum(self.power_w.values()) - loss_w) * dt_s / self.capacity_j_per_k

    def _obeys(self, said: list[Any]) -> None:
        for message in said:
            if not isinstance(message, PowerSetpoint) or message.power_w == self.asked_w[message.miner]:
                continue
            self.asked_w[message.miner] = message.power_w
            if message.limit_w is None:
                self.limit_w[message.miner] = message.power_w
                self.asked_at[message.miner] = self.now
                self.switches += 1
