"""Between setpoints and miners: the poller's own rules of what to ask, on the physics instead of a socket."""

from __future__ import annotations

from collections.abc import Mapping

from hashbus.messages import MinerInfo, MinerTelemetry, PowerSetpoint
from hashbus.power import target
from hashbus_poller import setpoints
from hashbus_poller.setpoints import Act, Rules, Wanted
from hashbus_simulator.physics import MinerPhysics
from hashbus_twin.world import World

CONFIRM_S = 60.0
RAISES_PER_DAY = 48
"""As the poller's `power_changes_per_day`: a wire wears nothing out, but it must not be what holds a policy back."""


class Wires:
    """Asks each miner for the power it may draw, again and again, as the poller does after each reading."""

    def __init__(self, world: World, infos: Mapping[str, MinerInfo]) -> None:
        """Nothing is asked yet."""
        self.world, self.infos = world, infos
        self.wanted: dict[str, Wanted] = {}
        self.lapses = 0

    def hears(self, setpoint: PowerSetpoint) -> None:
        """Take a setpoint with its lease."""
        lasts_s = (setpoint.valid_until - self.world.now).total_seconds()
        before = self.wanted.get(setpoint.miner)
        self.wanted[setpoint.miner] = setpoints.heard(before, setpoint, self.world.elapsed_s + lasts_s)

    def asks(self, reading: MinerTelemetry) -> None:
        """Compare what a miner shows with what it may draw, and ask it for the difference, if any."""
        wanted = self.wanted.get(reading.miner)
        if wanted is None:
            return
        info, now_s = self.infos[reading.miner], self.world.elapsed_s
        if now_s >= wanted.ends_s and not wanted.is_lapsed:
            wanted = setpoints.lapsed(wanted, info.safe_power_w or 0.0)
            self.lapses += 1
        goal = target(wanted.power_w, info)
        rules = Rules(CONFIRM_S, info.power_change.min_interval_s, RAISES_PER_DAY)
        act = goal and setpoints.next_act(wanted, goal, reading, info, rules, now_s)
        if act:
            _carried_out(self.world.miners[reading.miner], *act)
            wanted = setpoints.asked(wanted, *act, reading, now_s)
        self.wanted[reading.miner] = wanted


def _carried_out(miner: MinerPhysics, act: Act, power_w: float) -> None:
    if act is Act.SLEEP:
        miner.sleep()
    elif act is Act.WAKE:
        miner.wake()
    else:
        miner.set_limit(power_w)
