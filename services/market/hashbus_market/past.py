"""Prices of before, in quarters of an hour: what a first start asks for, and what of it is believed. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

SLOT_S = 900
"""The 15 minutes of S3.31."""

WANTED_SAMPLES = 250
"""RSI and MACD remember all that was before; after so many samples the beginning no longer shows in the third digit."""

AGREEMENT = 0.01
"""Two exchanges differ by some tenths of a per cent at the same moment."""

NEAR_NOW = 0.05
"""Further than this from the price of now, the last quarter of a history is not of this bitcoin."""


@dataclass(frozen=True, slots=True)
class Sample:
    """The price in one slot of 15 minutes; `slot` counts them since 1970."""

    slot: int
    price_usd: float


def slot_of(unix_s: float) -> int:
    """Return the slot of a moment."""
    return int(unix_s) // SLOT_S


def believed(histories: Mapping[str, Sequence[Sample]], *, price_usd: float, slot: int) -> list[Sample]:
    """Return the samples before `slot` on which the exchanges agree; those of one alone where only one answered.

    A history whose end is not near the price of now, which many exchanges made, is left out whole.
    """
    usable = [
        {one.slot: one.price_usd for one in history if slot - WANTED_SAMPLES <= one.slot < slot and one.price_usd > 0}
        for history in histories.values()
    ]
    usable = [one for one in usable if one and abs(one[max(one)] / price_usd - 1) <= NEAR_NOW]
    if not usable:
        return []
    common = set.intersection(*(set(one) for one in usable))
    told = {place: [one[place] for one in usable] for place in common}
    return [
        Sample(place, fmean(prices))
        for place, prices in sorted(told.items())
        if max(prices) / min(prices) - 1 <= AGREEMENT
    ]
