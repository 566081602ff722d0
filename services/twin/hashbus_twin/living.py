"""A stretch of life of the twin: the world moves, devices tell, somebody decides, miners are asked, all is noted."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from hashbus.messages import Message, MinerTelemetry, PowerSetpoint
from hashbus.step import TICK, Tick
from hashbus_twin.ledger import Ledger
from hashbus_twin.pilots import Pilot, pilot_of
from hashbus_twin.promises import Broken, promises_of
from hashbus_twin.settings import LocalHours, TwinSettings
from hashbus_twin.telling import Telling, info_of
from hashbus_twin.wires import Wires
from hashbus_twin.world import World

STEP_S = 60.0
"""As slow as a house is read: a battery's portal once a minute; a meter's word is stale after that."""


@dataclass(frozen=True, slots=True)
class Lived:
    """What came of a stretch of life."""

    name: str
    days: int
    ledger: Ledger
    broken: tuple[Broken, ...]
    checks: int
    restarts: int
    lapses: int


class Life:
    """One house with one policy set."""

    def __init__(
        self,
        settings: TwinSettings,
        name: str,
        *,
        seed: int,
        starts_at: datetime,
        step_s: float = STEP_S,
        pilot: Pilot | None = None,
    ) -> None:
        """Build the house. KeyError for an unknown policy set; `pilot` decides in its place."""
        self.settings, self.name, self.step_s = settings, name, step_s
        self.world = World(settings.twin, seed=seed, starts_at=starts_at)
        self.pilot = pilot or pilot_of(settings, name)
        self.ledger = Ledger(settings)
        self.promises = promises_of(settings, settings.policy_set(name), self.world)
        self.infos = {
            miner: info_of(settings.site, miner, one, self.world) for miner, one in settings.twin.miners.items()
        }
        self.wires = Wires(self.world, self.infos)
        self._telling = Telling(settings.site, self.world, LocalHours(settings.time_zone))
        self._hear(TICK)
        for info in self.infos.values():
            self._hear(info)

    def lives(self, days: int) -> Lived:
        """Let days pass, and return what came of them."""
        ends_at = self.world.now + timedelta(days=days)
        while self.world.now < ends_at:
            self.moves()
        restarts = sum(miner.restarts for miner in self.world.miners.values())
        promises = self.promises
        return Lived(self.name, days, self.ledger, tuple(promises.broken), promises.checks, restarts, self.wires.lapses)

    def moves(self) -> None:
        """Make one step."""
        self.world.moves(self.step_s)
        self.ledger.notes(self.world, self.step_s)
        readings: list[MinerTelemetry] = []
        for message in self._telling.all():
            self.promises.hears(message)
            self._hear(message)
            if isinstance(message, MinerTelemetry):
                readings.append(message)
        self._hear(TICK)
        for reading in readings:
            self.wires.asks(reading)
        self.promises.looks()

    def _hear(self, message: Message | Tick) -> None:
        for said in self.pilot.hear(message, self.world.now):
            self.promises.hears(said)
            if isinstance(said, PowerSetpoint):
                self.wires.hears(said)
                self.ledger.hears(said, self.world)
