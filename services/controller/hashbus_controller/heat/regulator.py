"""The regulator: from how far a temperature is off to the heat that a zone needs. A PI in position form.

heat = gain · error + integral + feed-forward, within what the zone's miners could give.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime

LONGEST_S = 60.0
"""A pause of the program (a suspended machine, a restart) must not count as minutes of cold."""


@dataclass(frozen=True, slots=True)
class Gains:
    """How strongly a zone answers. `nominal_w` is what all its miners give together."""

    gain_w_per_k: float
    integral_s: float
    rise_s: float
    nominal_w: float
    feed_w: float = 0.0


@dataclass(frozen=True, slots=True)
class Regulator:
    """What it remembers: the learnt part, what it answered last, and from which thermometer with which gain."""

    integral_w: float = 0.0
    output_w: float = 0.0
    at: datetime | None = None
    basis: tuple[object, ...] = ()
    offset_w: float = 0.0
    """When the basis changes, the answer goes on from where it was, and in `rise_s` over to the new one: no bump."""


def regulated(
    before: Regulator,
    error_k: float,
    gains: Gains,
    *,
    reachable_w: float,
    basis: tuple[object, ...],
    now: datetime,
) -> Regulator:
    """Return the regulator a moment later; `error_k` is positive when it is too cold.

    Against wind-up the integral moves only as far as the miners can follow: never up beyond `reachable_w`, what the
    caps of others leave, and never down below nothing. The answer rises to full power in `rise_s` at the soonest and
    falls at once. The integral stays within ± `nominal_w`.
    """
    elapsed_s = 0.0 if before.at is None else min(LONGEST_S, max(0.0, (now - before.at).total_seconds()))
    direct_w = gains.gain_w_per_k * error_k + gains.feed_w
    offset_w = before.offset_w * math.exp(-elapsed_s / gains.rise_s)
    if before.basis and before.basis != basis:
        offset_w = before.output_w - direct_w - before.integral_w
    direct_w += offset_w
    highest_w = min(gains.nominal_w, before.output_w + gains.nominal_w * elapsed_s / gains.rise_s)
    step_w = gains.gain_w_per_k * error_k * elapsed_s / gains.integral_s
    if step_w > 0:
        step_w = max(0.0, min(step_w, min(highest_w, reachable_w) - direct_w - before.integral_w))
    else:
        step_w = min(0.0, max(step_w, -direct_w - before.integral_w))
    integral_w = min(max(before.integral_w + step_w, -gains.nominal_w), gains.nominal_w)
    output_w = min(max(direct_w + integral_w, 0.0), highest_w)
    return Regulator(integral_w, output_w, now, basis, offset_w)


def paused(before: Regulator, now: datetime) -> Regulator:
    """Return the regulator while nobody heats: it forgets nothing, and goes on from nothing."""
    return Regulator(before.integral_w, 0.0, now, before.basis)
