"""The fields of a message as a person reads them: a name, a figure, a unit."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import datetime
from enum import Enum

from hashbus.messages.base import Part
from hashbus.units import SECOND, unit_of
from hashbus_poller.cli.console import NONE, plain

MOST_DECIMALS = 3

NAMES = {
    "fan_pct": "Fan speed",
    "hashrate_5s_ths": "Hashrate, 5 s",
    "input_v": "Input voltage",
    "mining_s": "Mining for",
}
"""Fields that words alone would name badly."""

SPELLINGS = {
    "api": "API",
    "is": "",
    "mac": "MAC",
    "psu": "PSU",
    "pv": "PV",
    "soc": "SOC",
    "soh": "SOH",
    "url": "URL",
}


def facts(part: Part, leave_out: frozenset[str] = frozenset()) -> Iterator[tuple[str, str]]:
    """Return name and value of every field that is known, in the order of the message; parts of parts are left out."""
    for field in type(part).model_fields:
        value = getattr(part, field)
        if field in leave_out or value is None or value == ():
            continue
        if isinstance(value, Part) or (isinstance(value, tuple) and isinstance(value[0], Part)):
            continue
        yield label(field), written(field, value)


def label(field: str) -> str:
    """Return a field's name in words, without its unit: `psu_fan_rpm` is `PSU fan`."""
    unit = unit_of(field)
    words = field.removesuffix(unit.suffix if unit else "").split("_")
    text = " ".join(SPELLINGS.get(word, word) for word in words).strip()
    return NAMES.get(field, text[:1].upper() + text[1:])


def written(field: str, value: object) -> str:
    """Return the value of a field with its unit."""
    unit = unit_of(field)
    if unit is SECOND and isinstance(value, int | float):
        return duration(value)
    symbol = unit.symbol if unit else ""
    values = value if isinstance(value, tuple) else (value,)
    return f"{', '.join(figure(field, one) for one in values)} {symbol}".rstrip()


def figure(field: str, value: object) -> str:
    """Return the value of a field without its unit; what comes from a device can do no harm to the terminal."""
    if value is None:
        return NONE
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.{_decimals(field, value)}f}"
    if isinstance(value, datetime):
        return f"{value.astimezone():%Y-%m-%d %H:%M:%S}"
    return plain(str(value.value if isinstance(value, Enum) else value))


def _decimals(field: str, value: float) -> int:
    """Return how many decimals a figure needs: those of its unit, and of a small one three digits in all."""
    unit = unit_of(field)
    least = unit.decimals if unit else 1
    if value == 0 or (least == 0 and value.is_integer()):
        return least
    return min(MOST_DECIMALS, max(least, 2 - math.floor(math.log10(abs(value)))))


def duration(seconds: float) -> str:
    """Return a time as its two largest units: `3 d 4 h`."""
    left, words = round(seconds), []
    for length, word in ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s")):
        count, left = divmod(left, length)
        if count:
            words.append(f"{count} {word}")
    return " ".join(words[:2]) or "0 s"
