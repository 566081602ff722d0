"""How people call what a message tells: `chip_max_c` is "Chip max temperature", `pv_w` is "PV power"."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from hashbus.units import Unit

ACRONYMS = frozenset({"api", "btc", "macd", "psu", "pv", "rsi", "soc", "soh", "url", "usd"})
"""Words that people write in capitals."""

NOUNS = frozenset({"current", "energy", "flow", "frequency", "power", "pressure", "temperature", "voltage"})
"""Quantities that belong into a name: "Battery" alone says nothing, "Battery power" does."""

PLAIN: Mapping[tuple[str, ...], tuple[str, ...]] = MappingProxyType({("at",): ("updated",)})
"""What a word alone does not tell: every message says when it was made."""

ASSERTIONS = frozenset({"is", "has"})
"""A yes or no begins with one of them; on a page it goes without: "Window open" is on or off."""


def name_of(words: tuple[str, ...], unit: Unit | None = None, before: tuple[str, ...] = ()) -> str:
    """Return the name of an entity; the quantity is added where the words do not say it."""
    own = PLAIN.get(words, words)
    said = [*before, *(own[1:] if own[0] in ASSERTIONS else own)]
    if unit and unit.quantity in NOUNS and unit.quantity not in said:
        said.append(unit.quantity)
    if unit and unit.quantity == "duration" and not said[-1].endswith(("time", "age")):
        said.append("time")
    text = " ".join(word.upper() if word in ACRONYMS else word for word in said)
    return text[:1].upper() + text[1:]
