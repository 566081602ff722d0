"""What to do when a process falls: start it again, later each time, and give up only what a person must mend."""

from __future__ import annotations

import signal
from dataclasses import dataclass, field

from hashbus.backoff import Backoff
from hashbus.service import EXIT_CONFIG

STEADY_S = 60.0
"""A process that ran this long was well: the next fall is the first again."""

LOOP_AFTER = 3
"""From this many falls in a row it is a crash loop, and is called so."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is done about a process that ended: wait and start it again, or leave it (`wait_s` None)."""

    wait_s: float | None
    text: str


@dataclass
class Restarts:
    """The falls of one process, one after the other."""

    backoff: Backoff = field(default_factory=lambda: Backoff(first_s=0.25, longest_s=60))

    def after(self, code: int, ran_s: float) -> Verdict:
        """Decide on a process that ended with `code` (negative: the signal that killed it) after `ran_s` seconds."""
        how = how_it_ended(code)
        if code == EXIT_CONFIG:
            return Verdict(None, "its settings are not right; it is not started again before they are mended")
        if ran_s >= STEADY_S:
            self.backoff.reset()
        wait_s = self.backoff.next_s()
        falls = self.backoff.tries
        if falls >= LOOP_AFTER:
            return Verdict(wait_s, f"crash loop: {how}, {falls} times in a row; next try in {wait_s:.0f} s")
        return Verdict(wait_s, f"{how}; starting it again in {wait_s:.1f} s")


def how_it_ended(code: int) -> str:
    """Say an exit code in words."""
    if code == 0:
        return "ended by itself"
    if code > 0:
        return f"ended with code {code}"
    try:
        return f"was killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"was killed by signal {-code}"
