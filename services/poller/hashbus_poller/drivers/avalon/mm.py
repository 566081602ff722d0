"""The MM string of an Avalon: `Key[values] Key[values] ...`, alone or in the wrappings of home models. Pure.

It is hostile input too: one pass over it, whatever is in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from hashbus_poller.drivers.cgminer.answer import LARGEST_NUMBER, Answer, Section, sensed_c

_ABSENT = frozenset({"", "-", "nan", "-nan", "inf", "-inf", "null", "none", "n/a"})
_WRAPPING = "{}',: "


class Shape(Enum):
    """How `stats` holds the string."""

    MODULES = "modules"  # `MM ID1` to `MM IDn`: the units on the controller of a 7xx to 9xx
    WHOLE = "whole"  # `MM ID0`
    SUMMARY = "summary"  # `MM ID0:Summary`, and the chips apart in `HBinfo`: home models


class Fields:
    """The fields of one string, read by name and kind."""

    __slots__ = ("_answer", "_fields", "_numbers", "name")

    def __init__(self, answer: Answer, name: str, fields: Mapping[str, str]) -> None:
        self._answer = answer
        self._fields = fields
        self._numbers: dict[str, list[float | None]] = {}
        self.name = name

    def has(self, key: str) -> bool:
        """Say whether the firmware tells this at all."""
        return key in self._fields

    def text(self, key: str) -> str | None:
        """Return a text; None where it is missing or empty."""
        return self._fields.get(key, "").strip() or None

    def numbers(self, key: str) -> list[float | None]:
        """Return the numbers of a list, per cent signs left out; none where it is missing."""
        found = self._numbers.get(key)
        if found is None:
            found = self._numbers[key] = [self._number(key, word) for word in self._fields.get(key, "").split()]
        return found

    def number(self, key: str) -> float | None:
        """Return the only or first number; None where it is missing."""
        return next(iter(self.numbers(key)), None)

    def celsius(self, key: str) -> float | None:
        """Return a temperature; None for 0 and for -273, by which a missing sensor shows."""
        return sensed_c(self.number(key))

    def _number(self, key: str, word: str) -> float | None:
        bare = word.rstrip("%")
        if bare.lower() in _ABSENT:
            return None
        try:
            value = float(bare)
        except ValueError:
            value = float("inf")
        if not -LARGEST_NUMBER <= value <= LARGEST_NUMBER:
            self._answer.reject(f"{self.name} has {key}[{self._fields[key][:60]}]; expected numbers")
        return value


@dataclass(frozen=True, slots=True)
class Machine:
    """All strings of one miner: its units, and the chips of each board by its number.

    `when_s` is the time of its reply: the time of day, or the seconds since the miner was powered up.
    """

    shape: Shape
    units: tuple[Fields, ...]
    chips: Mapping[int, Fields]
    when_s: float | None = None

    @property
    def first(self) -> Fields:
        """The controller, or the first unit."""
        return self.units[0]


def machine(stats: Answer | None) -> Machine | None:
    """Return what `stats`, `estats` or `litestats` tells; None where it tells no MM string, or a cut took it away."""
    for row in stats.sections("STATS") if stats else ():
        names = [name for name in row.fields if name.startswith("MM ID")]
        if names:
            return _machine(stats, row, sorted(names, key=_number_of)) if stats else None
    return None


def when_s(answer: Answer) -> float | None:
    """Return the time of a reply in the miner's seconds."""
    heads = answer.fields.get("STATUS")
    when = heads[0].get("When") if isinstance(heads, list) and heads and isinstance(heads[0], dict) else None
    return float(when) if isinstance(when, int | float) and 0 <= when < LARGEST_NUMBER else None


def silent(answer: Answer) -> Machine:
    """Return a miner that tells nothing."""
    return Machine(Shape.WHOLE, (Fields(answer, "the MM string", {}),), {})


def fields_of(text: str) -> dict[str, str]:
    """Return the fields of a string, the last of a name that is there twice."""
    found: dict[str, str] = {}
    for part in text.split("]"):
        head, bracket, value = part.partition("[")
        words = head.split()
        if bracket and words:
            found[words[-1].rpartition("{")[2].strip(_WRAPPING)] = value
    return found


def _machine(stats: Answer, row: Section, names: list[str]) -> Machine:
    units = tuple(Fields(stats, name, fields_of(_long_text(row, name))) for name in names)
    if any(name.endswith(":Summary") for name in names):
        return Machine(Shape.SUMMARY, units, _boards(stats, _long_text(row, "HBinfo")), when_s(stats))
    shape = Shape.WHOLE if names[0] == "MM ID0" else Shape.MODULES
    return Machine(shape, units, {}, when_s(stats))


def _boards(stats: Answer, text: str) -> dict[int, Fields]:
    """Return the chips of each board out of `'HB0':{PVT_T0[...] ...},'HB1':{PVT_T0[...] ...}`."""
    boards: dict[int, Fields] = {}
    for part in text.split("'HB")[1:]:
        number, _, rest = part.partition("'")
        if number.isascii() and number.isdigit() and len(number) < 4:
            boards[int(number)] = Fields(stats, f"HB{number}", fields_of(rest))
    return boards


def _long_text(row: Section, key: str) -> str:
    value = row.fields.get(key, "")
    if not isinstance(value, str):
        row.reject(key, "text")
    return value


def _number_of(name: str) -> int:
    digits = "".join(letter for letter in name.partition(":")[0] if letter.isascii() and letter.isdigit())
    return int(digits[:6] or 0)
