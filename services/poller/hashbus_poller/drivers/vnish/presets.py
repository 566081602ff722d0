"""The presets of VNish as power levels: profiles of its tuner, named by the watts that they draw; pure.

A preset that was never tuned takes hours until it draws what its name says, and one for a modified power supply draws
more than the stock one can give: neither is offered.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hashbus.messages import PowerLevel
from hashbus_poller.nested import inner, json_objects
from hashbus_poller.readings import json_object, text_or_none, understanding

TUNED = "tuned"
_WATTS = re.compile(r"(\d+(?:\.\d+)?)\s*w(?:att)?s?\b", re.IGNORECASE)
_NAME = re.compile(r"(\d{2,5})(?:\s*w)?", re.IGNORECASE)
LONGEST_NAME = 200


@dataclass(frozen=True, slots=True)
class Level:
    """One preset that can be chosen."""

    name: str
    power_w: float

    def as_message(self) -> PowerLevel:
        """Return it as the identity has it."""
        return PowerLevel(name=self.name, power_w=self.power_w)


def levels_of(answer: bytes) -> tuple[Level, ...]:
    """Return what can be chosen, from the least to the most power."""
    with understanding(answer):
        presets = json_objects(answer)
        levels = (_level(preset) for preset in presets if _can_be_chosen(preset))
        by_power = {level.power_w: level for level in levels if level is not None}
    return tuple(by_power[power_w] for power_w in sorted(by_power))


def power_in_force_w(perf_summary: bytes) -> float | None:
    """Return the watts of the preset that mining runs with; None where overclocking is by hand."""
    said = json_object(perf_summary)
    with understanding(perf_summary):
        return preset_w(inner(said, "current_preset"))


def level_within(levels: Sequence[Level], power_w: float) -> Level | None:
    """Return the highest level that draws at most `power_w`; None when even the lowest draws more."""
    fitting = [level for level in levels if level.power_w <= power_w]
    return fitting[-1] if fitting else None


def preset_w(preset: Mapping[str, Any]) -> float | None:
    """Return the watts in "2500 watt ~ 88 TH", or in the name; None for the preset `disabled`, which has none."""
    found = _WATTS.search(text_or_none(preset, "pretty") or "") or _NAME.fullmatch(text_or_none(preset, "name") or "")
    return float(found[1]) if found else None


def _can_be_chosen(preset: Mapping[str, Any]) -> bool:
    return preset.get("status") == TUNED and preset.get("modded_psu_required") is not True


def _level(preset: Mapping[str, Any]) -> Level | None:
    name, power_w = text_or_none(preset, "name"), preset_w(preset)
    if name is None or len(name) > LONGEST_NAME or not power_w:
        return None
    return Level(name, power_w)
