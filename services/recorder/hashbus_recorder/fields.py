"""What a field's name says of it: its unit, and whether it makes sense to add it up over the devices of a site."""

from __future__ import annotations

import re
from functools import cache

from hashbus.units import unit_of

_ADDITIVE = {"power", "energy", "hashrate", "flow"}
_ONE_OF_MANY = re.compile(r"\d_")


@cache
def symbol_of(field: str) -> str:
    """Return the unit's symbol, empty for plain counts and words."""
    unit = unit_of(field)
    return unit.symbol if unit else ""


@cache
def adds_up(field: str) -> bool:
    """Say whether the site's total of a field means something: watts do, degrees do not; nor do parts of a device."""
    unit = unit_of(field)
    return unit is not None and unit.quantity in _ADDITIVE and not _ONE_OF_MANY.search(field)
