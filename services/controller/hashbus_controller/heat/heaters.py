"""Miners as heaters: which powers they can take, what a change costs them, and what others leave them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from math import inf

from hashbus.messages import Capability, MinerInfo, MinerState, MinerTelemetry
from hashbus.power import target
from hashbus_controller.fast import LEAST_SHARE
from hashbus_controller.held import Held
from hashbus_controller.policy import SiteView

ASSUMED_W = 3000.0
"""What a miner draws of which neither its firmware nor the model table says so; its owner can: `rated_power_w`."""


@dataclass(frozen=True, slots=True)
class Heater:
    """One miner as a heater; all figures are electric power.

    `limit_w` is what the caps of others leave it, known only while it is asked for more. From `free_from_w` to
    `free_to_w` another power costs it nothing while it runs; sleep and waking always cost a start.
    """

    miner: str
    info: MinerInfo
    least_w: float
    most_w: float
    free_from_w: float = 0.0
    free_to_w: float = 0.0
    limit_w: float = inf
    found_w: float = 0.0
    """What it was last told, or else runs at: where the heating takes it over."""
    measured_w: float | None = None
    loop_w: float | None = None
    is_available: bool = True
    efficiency_j_per_th: float = inf

    @property
    def order(self) -> tuple[float, str]:
        """Sort by what a watt earns beside its warmth, the best first; equal ones by name."""
        return self.efficiency_j_per_th, self.miner

    @property
    def is_free(self) -> bool:
        """Say whether it can take up a difference without a restart."""
        return self.free_to_w > 0

    def below(self, power_w: float) -> float:
        """Return the most it can take that is not above `power_w`."""
        goal = target(max(0.0, min(power_w, self.most_w)), self.info)
        return goal.power_w if goal else 0.0

    def above(self, power_w: float) -> float:
        """Return the least it can take that is not below `power_w`; its most where that is less."""
        if power_w <= 0:
            return self.below(0.0)
        wanted_w = max(power_w, self.least_w)
        levels = sorted(level.power_w for level in self.info.power_levels if level.power_w >= wanted_w)
        if levels:
            return min(levels[0], self.most_w)
        taken_w, step_w = self.below(wanted_w), self.info.power_step_w or 0.0
        if taken_w < wanted_w and step_w:
            taken_w = self.below(taken_w + step_w)
        return taken_w if taken_w >= wanted_w else self.below(self.most_w)

    def gives(self, asked_w: float) -> float:
        """Return what it draws when so much is asked, as far as others let it."""
        return min(asked_w, self.limit_w)

    @property
    def widest_gap_w(self) -> float:
        """Return the widest gap between two powers that it can take: from sleep, or between its levels.

        One that takes any number of watts, but restarts for each, is spared as if it had two.
        """
        levels = sorted({0.0, *(level.power_w for level in self.info.power_levels)})
        widest_w = max((high - low for low, high in pairwise(levels)), default=self.least_w or self.most_w)
        has_any = len(levels) == 1 and not self.is_free
        return max(widest_w, self.most_w / 2) if has_any else widest_w


def heaters_of(
    miners: Iterable[str], site: SiteView, asked_w: Mapping[str, float], now: datetime, *, is_fast: bool
) -> list[Heater]:
    """Return the miners of a zone that can be told their power, the most efficient first.

    `is_fast` says that the site modulates tuned miners below their limits.
    """
    found = (
        _heater(info, site.readings.get(miner), site.held.get(miner), asked_w.get(miner, 0.0), now, is_fast=is_fast)
        for miner in miners
        if (info := site.infos.get(miner)) is not None and target(0.0, info) is not None
    )
    return sorted(found, key=lambda heater: heater.order)


def _heater(
    info: MinerInfo,
    reading: MinerTelemetry | None,
    held: Held | None,
    asked_w: float,
    now: datetime,
    *,
    is_fast: bool,
) -> Heater:
    levels = [level.power_w for level in info.power_levels if level.power_w > 0]
    shown_w = reading.power_limit_w or reading.power_w if reading else None
    # Not what it shows: a figure that moves with every reading would move the regulator with it.
    most_w = info.max_power_w or max(levels, default=0.0) or info.rated_power_w or ASSUMED_W
    can_limit = Capability.POWER_LIMIT in info.capabilities
    least_w = min(levels, default=info.min_power_w or 0.0) if can_limit else most_w
    is_fresh = reading is not None and not reading.is_stale(now)
    free_from_w, free_to_w = _free_range_w(info, reading if is_fresh else None, is_fast=is_fast)
    is_limited = held is not None and asked_w > held.upper_w
    is_awake = reading is not None and reading.state not in (MinerState.SLEEPING, MinerState.UNKNOWN)
    rated_w, rated_ths = info.rated_power_w, info.rated_hashrate_ths
    return Heater(
        miner=info.miner,
        info=info,
        least_w=least_w,
        most_w=most_w,
        free_from_w=free_from_w,
        free_to_w=free_to_w if can_limit else 0.0,
        limit_w=held.upper_w if held is not None and is_limited else inf,
        found_w=held.power_w if held is not None else (shown_w or 0.0) if is_awake else 0.0,
        measured_w=reading.power_w if reading and is_fresh else None,
        loop_w=reading.heat_w if reading and is_fresh else None,
        is_available=reading is not None and is_fresh and reading.state is not MinerState.FAULT,
        efficiency_j_per_th=rated_w / rated_ths if rated_w and rated_ths else inf,
    )


def _free_range_w(info: MinerInfo, reading: MinerTelemetry | None, *, is_fast: bool) -> tuple[float, float]:
    """Return between which powers a change costs nothing: any, none, or what fast modulation reaches.

    Below its standing limit a tuned miner with such a firmware takes a percentage of it within a second.
    """
    if not info.power_change.restarts_mining:
        return 0.0, inf
    can_modulate = is_fast and Capability.POWER_PERCENT in info.capabilities
    if not can_modulate or reading is None or reading.state is not MinerState.MINING:
        return 0.0, 0.0
    standing_w = reading.power_limit_w or 0.0
    return standing_w * LEAST_SHARE, standing_w
