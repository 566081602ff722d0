"""The faults that AxeOS tells of itself, with what to do about each; pure."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from hashbus.messages import MinerError
from hashbus_poller.readings import text_or_none

LONGEST_DETAIL = 800

TOO_HOT = "too hot: mining has stopped until somebody restarts it; let air reach it first"

FAULTS: Mapping[str, str] = MappingProxyType(
    {
        "power_fault": "the voltage regulator has stopped; look at the power supply and its plug",
        "hardware_fault": "a part does not answer; restart it, then have it repaired",
    }
)
"""By the field in which the firmware tells it; the field's own text goes into more detail."""


def errors_of(said: Mapping[str, Any], *, is_too_hot: bool) -> tuple[MinerError, ...]:
    """Return what is wrong. `is_too_hot`: overheating has stopped it, and it waits for somebody to clear that."""
    errors = [MinerError(code="overheat_mode", text=TOO_HOT)] if is_too_hot else []
    for key, text in FAULTS.items():
        if detail := text_or_none(said, key):
            errors.append(MinerError(code=key, text=f"{text} ({detail[:LONGEST_DETAIL]})"))
    return tuple(errors)
