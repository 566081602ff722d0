"""What must hold at every moment, whatever the weather: each checked by a rule of its own, not the policy's."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from hashbus.messages import BatteryTelemetry, Decision, Message, PowerSetpoint, Rank, SensorTelemetry, ZoneState
from hashbus_controller.replay import replayed
from hashbus_controller.settings import ControllerSection, ControllerSettings, MinerLimits
from hashbus_twin.settings import TwinSettings
from hashbus_twin.world import World

DAY = timedelta(hours=24)
SETTLED = timedelta(minutes=10)
"""After the beginning; miners are found at work, and what waits for its first reading has it by then."""
FOLLOWS = timedelta(minutes=10)
"""So long less power may wait for the interval between two changes, and for the wire to bring it to the miner."""
SILENT = timedelta(minutes=10)
ROUNDING_W = 1e-6
KEPT = 100


@dataclass(frozen=True, slots=True)
class Broken:
    """A promise that did not hold."""

    at: datetime
    promise: str
    what: str


class Promises:
    """Watches what a controller says, and what becomes of it. Looks at the messages and the world alone."""

    def __init__(self, settings: TwinSettings, section: ControllerSection | None, world: World) -> None:
        """Watch this policy set; None: a plain thermostat, which promises nothing but the physics."""
        self.settings, self.section, self.world = settings, section, world
        self.setpoints: dict[str, PowerSetpoint] = {}
        self.winners: dict[str, Rank | None] = {}
        self.raises: dict[str, deque[datetime]] = {}
        self.battery: BatteryTelemetry | None = None
        self.rooms: dict[str, SensorTelemetry] = {}
        self.latched_pct, self.is_cut = 100.0, False
        self.broken: list[Broken] = []
        self.checks = 0
        self._since: dict[str, datetime] = {}

    def hears(self, message: Message) -> None:
        """Take in what devices and the controller say."""
        if isinstance(message, BatteryTelemetry):
            self.battery = message
            self._turn(message.soc_pct)
        elif isinstance(message, SensorTelemetry):
            self.rooms[message.sensor] = message
        elif self.section is not None and isinstance(message, PowerSetpoint | Decision | ZoneState):
            self._check_said(message, self.section)

    def looks(self) -> None:
        """Check what must hold at each step."""
        world = self.world
        self._check(abs(world.flows.imbalance_w) < 1e-3, "energy", f"{world.flows.imbalance_w:g} W come from nowhere")
        if self.section is None or world.now - world.starts_at < SETTLED:
            return
        self._check_leases()
        self._check_limits(self.section)
        self._check_battery(self.section)
        self._check_frost(self.section)
        self._check_obedience()

    def _turn(self, soc_pct: float) -> None:
        """Turn a ratchet of our own, as REQUIREMENTS S2.2 to S2.7 write it."""
        soc = self.section.soc if self.section else None
        if soc is None:
            return
        if soc_pct >= 100:
            self.latched_pct, self.is_cut = 100.0, False
            return
        self.latched_pct = min(self.latched_pct, math.ceil(soc_pct / 10) * 10.0)
        self.is_cut = soc_pct <= soc.cutoff_pct or (self.is_cut and soc_pct < soc.resume_pct)

    def _check_said(self, said: PowerSetpoint | Decision | ZoneState, section: ControllerSection) -> None:
        if isinstance(said, Decision):
            self.winners[said.miner] = next((bid.rank for bid in said.bids if bid.name == said.winner), None)
            self._check(
                replayed(said) == said.power_w, "replay", f"{said.miner}: {said.id} does not follow from itself"
            )
        elif isinstance(said, PowerSetpoint):
            self._check_setpoint(said, section)
        elif said.input_age_s is not None:
            self._check(said.input_age_s <= 3600, "stale", f"{said.zone} goes by a value {said.input_age_s:g} s old")

    def _check_setpoint(self, said: PowerSetpoint, section: ControllerSection) -> None:
        left_s = (said.valid_until - said.at).total_seconds()
        self._check(0 < left_s <= section.lease_s, "lease", f"{said.miner}: a lease of {left_s:g} s")
        before = self.setpoints.get(said.miner)
        self.setpoints[said.miner] = said
        if before is None or said.power_w <= before.power_w:
            return
        raises = self.raises.setdefault(said.miner, deque())
        while raises and said.at - raises[0] >= DAY:
            raises.popleft()
        raises.append(said.at)
        limits = section.miners.get(said.miner, MinerLimits())
        budget = section.restarts_per_day if limits.restarts_per_day is None else limits.restarts_per_day
        self._check(len(raises) <= budget, "budget", f"{said.miner} was raised {len(raises)} times in 24 h")

    def _check_leases(self) -> None:
        now = self.world.now
        for miner, setpoint in self.setpoints.items():
            self._check(setpoint.valid_until > now, "lease", f"{miner}: its lease has ended")

    def _check_limits(self, section: ControllerSection) -> None:
        asked_w = {miner: setpoint.power_w for miner, setpoint in self.setpoints.items()}
        if section.site_limit_w is not None:
            # A miner that nobody was told anything of rests: it is at work and counts.
            total_w = sum(asked_w.values())
            self._check(total_w <= section.site_limit_w + ROUNDING_W, "cap", f"{total_w:g} W above the site's limit")
        for miner, limits in section.miners.items():
            if limits.max_power_w is not None and miner in asked_w:
                is_held = asked_w[miner] <= limits.max_power_w + ROUNDING_W
                self._check(is_held, "cap", f"{miner}: {asked_w[miner]:g} W above its limit")

    def _check_battery(self, section: ControllerSection) -> None:
        soc, now = section.soc, self.world.now
        if soc is None:
            return
        is_blind = self.battery is None or now - self.battery.at > SILENT
        allowed_w = 0.0 if is_blind or self.is_cut else soc.base_w * self.latched_pct / 100
        ruled = self._in_scope(soc.scope)
        asked_w = sum(
            self.setpoints[miner].power_w
            for miner in ruled
            if miner in self.setpoints and self.winners.get(miner) is not Rank.ANTIFREEZE
        )
        words = f"{asked_w:g} W where the battery allows {allowed_w:g} W"
        self._check_soon(asked_w <= allowed_w + ROUNDING_W, "battery", words)

    def _in_scope(self, scope: str) -> Iterable[str]:
        miners = self.settings.twin.miners
        return [name for name, one in miners.items() if scope in ("site", name, one.group)]

    def _check_frost(self, section: ControllerSection) -> None:
        now = self.world.now
        for name, zone in (section.heat.zones if section.heat else {}).items():
            told = self.rooms.get(name)
            if told is None or told.temperature_c is None or now - told.at > SILENT:
                continue
            is_frost = told.temperature_c < zone.targets.antifreeze_c - 1
            is_on = any(self.setpoints[one].power_w > 0 for one in zone.miners if one in self.setpoints)
            self._check_soon(is_on or not is_frost, f"frost {name}", f"{name} is at {told.temperature_c:g} °C and off")

    def _check_obedience(self) -> None:
        for name, miner in self.world.miners.items():
            setpoint = self.setpoints.get(name)
            if setpoint is not None:
                limit_w = 0.0 if miner.asleep else miner.demand.limit_w
                is_held = limit_w <= setpoint.power_w * 1.01 + 1
                self._check_soon(is_held, f"obeyed {name}", f"{name} is at {limit_w:g} W of {setpoint.power_w:g} W")

    def _check_soon(self, is_kept: bool, promise: str, what: str) -> None:
        """Check what may take a while to follow: broken is what does not hold for longer than that."""
        if is_kept:
            self._since.pop(promise, None)
            self.checks += 1
            return
        since = self._since.setdefault(promise, self.world.now)
        self._check(self.world.now - since <= FOLLOWS, promise, f"{what}, since {since:%H:%M}")

    def _check(self, is_kept: bool, promise: str, what: str) -> None:
        self.checks += 1
        if not is_kept and len(self.broken) < KEPT:
            self.broken.append(Broken(self.world.now, promise, what))


def promises_of(settings: TwinSettings, chosen: ControllerSettings | None, world: World) -> Promises:
    """Return the watch over a policy set."""
    return Promises(settings, None if chosen is None else chosen.controller, world)
