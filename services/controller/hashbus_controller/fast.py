"""The fast path: less power than a miner's standing limit, by modulation within a second and without a restart."""

from __future__ import annotations

from datetime import datetime

from hashbus.messages import Capability, MinerInfo, MinerState
from hashbus_controller.held import Held
from hashbus_controller.state import State

LEAST_SHARE = 0.4
"""Below this part of their limit, boards lose stability or efficiency; a lower limit does better, for all it costs."""


def standing_limit(state: State, info: MinerInfo, power_w: float, now: datetime) -> float | None:
    """Return the limit below which the miner can be modulated to `power_w`; None where it needs a limit of its own.

    Only where the settings want it, the firmware can, and the last reading shows a tuned miner at a limit that is high
    enough. What was begun so stays so until the power changes again.
    """
    if not state.settings.fast_power or Capability.POWER_PERCENT not in info.capabilities or power_w <= 0:
        return None
    held, reading = state.held.get(info.miner), state.readings.get(info.miner)
    if held is not None and held.power_w == power_w:
        return held.limit_w
    if reading is None or reading.is_stale(now) or reading.state is not MinerState.MINING:
        return None
    limit_w = reading.power_limit_w
    return limit_w if limit_w and limit_w * LEAST_SHARE <= power_w <= limit_w else None


def is_free(state: State, info: MinerInfo, held: Held, power_w: float, now: datetime) -> bool:
    """Say whether a change restarts nothing: the firmware moves its limit freely, or the fast path does."""
    return not info.power_change.restarts_mining or (
        held.power_w != power_w and standing_limit(state, info, power_w, now) is not None
    )
