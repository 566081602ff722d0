"""What a reading shows of an order whose reply was lost: pure.

A device may have done what it did not confirm. Where a reading can show it, that is the answer; a blinking light shows
in no reading, so of that nobody knows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple

from hashbus.messages import Command, DeviceOrder, MinerReading, MinerState, OrderParams

AWAKE = frozenset({MinerState.MINING, MinerState.TUNING, MinerState.IDLE})
FREQUENCY_TOLERANCE_MHZ = 1.0
FAN_TOLERANCE_PCT = 2.0

PATIENCE_S: Mapping[Command, float] = MappingProxyType({Command.REBOOT: 180.0, Command.RESTART: 60.0})
"""How long a device may take to show an order: a control board boots for a minute or two."""

USUAL_PATIENCE_S = 30.0
"""A configuration page may show the old state for so long (PROTOCOLS.md 3.6)."""


class Marks(NamedTuple):
    """What is remembered of each reading, because a later one is compared with it; a farm has thousands of them."""

    uptime_s: float | None
    mining_s: float | None
    are_fans_held: bool

    @classmethod
    def of(cls, reading: MinerReading) -> Marks:
        """Return the marks of a reading."""
        return cls(reading.uptime_s, reading.mining_s, reading.fan_pct is not None)


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known when an order is looked for: how it was before, a new reading, and how long ago it was begun.

    `before` is None after the poller itself was restarted.
    """

    order: DeviceOrder
    before: Marks | None
    now: MinerReading
    since_s: float


def is_done(evidence: Evidence) -> bool | None:
    """Say whether the device did it; None where its readings cannot tell."""
    judge = JUDGES.get(evidence.order.command)
    return None if judge is None else judge(evidence)


def words_for(evidence: Evidence) -> str:
    """Return in words what the reading shows of the order."""
    now, command = evidence.now, evidence.order.command
    if command is Command.SET_POOL:
        return f"the miner mines for {now.pool_url or 'nobody'}"
    if command is Command.SET_FAN:
        return "the fans are automatic" if now.fan_pct is None else f"the fans are held at {now.fan_pct:g} %"
    if command is Command.SET_FREQUENCY:
        return f"the chips run at {now.frequency_mhz:g} MHz" if now.frequency_mhz is not None else "no frequency shows"
    if command in (Command.REBOOT, Command.RESTART):
        up_s = now.uptime_s if command is Command.REBOOT and now.uptime_s is not None else now.mining_s
        return f"it has been up for {up_s:.0f} s" if up_s is not None else f"the miner is {now.state.value}"
    return f"the miner is {now.state.value}"


def patience_s(command: Command) -> float:
    """Return how long to look for an order before it counts as not done."""
    return PATIENCE_S.get(command, USUAL_PATIENCE_S)


def _enabled(evidence: Evidence) -> bool | None:
    return _is_state(evidence.now, AWAKE)


def _disabled(evidence: Evidence) -> bool | None:
    return _is_state(evidence.now, frozenset({MinerState.SLEEPING}))


def _is_state(now: MinerReading, states: frozenset[MinerState]) -> bool | None:
    return None if now.state is MinerState.UNKNOWN else now.state in states


def _pool_set(evidence: Evidence) -> bool | None:
    now, wanted = evidence.now, evidence.order.params
    if now.pool_url is None and not now.pools:
        return None
    shown = [(pool.url, pool.worker) for pool in now.pools] or [(now.pool_url or "", now.worker)]
    return any(_is_pool(url, worker, wanted) for url, worker in shown)


def _is_pool(url: str, worker: str | None, wanted: OrderParams) -> bool:
    return url == wanted.url and (worker is None or worker == wanted.worker)


def _frequency_set(evidence: Evidence) -> bool | None:
    shown, wanted = evidence.now.frequency_mhz, evidence.order.params.frequency_mhz
    if shown is None or wanted is None:
        return None
    return abs(shown - wanted) <= FREQUENCY_TOLERANCE_MHZ


def _fan_set(evidence: Evidence) -> bool | None:
    shown, wanted = evidence.now.fan_pct, evidence.order.params.fan_pct
    if wanted is None:
        # Automatic and unknown look the same: only that the fans were held before tells them apart.
        was_held = evidence.before is not None and evidence.before.are_fans_held
        return None if shown is None and not was_held else shown is None
    return None if shown is None else abs(shown - wanted) <= FAN_TOLERANCE_PCT


def _rebooted(evidence: Evidence) -> bool | None:
    before_s = evidence.before.uptime_s if evidence.before else None
    by_uptime = _began_anew(before_s, evidence.now.uptime_s, evidence.since_s)
    return _restarted(evidence) if by_uptime is None else by_uptime


def _restarted(evidence: Evidence) -> bool | None:
    before_s = evidence.before.mining_s if evidence.before else None
    return _began_anew(before_s, evidence.now.mining_s, evidence.since_s)


def _began_anew(before_s: float | None, now_s: float | None, since_s: float) -> bool | None:
    """Say whether what counts its own age began after the order: it is younger than the order, or than it was."""
    if now_s is None:
        return None
    return now_s < since_s or (before_s is not None and now_s < before_s)


JUDGES: Mapping[Command, Callable[[Evidence], bool | None]] = MappingProxyType(
    {
        Command.ENABLE: _enabled,
        Command.DISABLE: _disabled,
        Command.SET_POOL: _pool_set,
        Command.SET_FREQUENCY: _frequency_set,
        Command.SET_FAN: _fan_set,
        Command.REBOOT: _rebooted,
        Command.RESTART: _restarted,
    }
)
