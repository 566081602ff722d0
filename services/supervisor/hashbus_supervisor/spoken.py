"""What a service prints, read for people: its JSON log lines and everything else."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

ERRORS = ("error", "critical")
ORDINARY = ("event", "level", "at", "service", "part", "logger", "exception", "exc_info")


@dataclass(frozen=True, slots=True)
class Spoken:
    """One line: what it says, whether it is an error, and whether it is a log line at all."""

    text: str
    is_error: bool
    is_log: bool


def spoken(line: str) -> Spoken:
    """Read one line that a process printed."""
    fields = _fields(line)
    if fields is None:
        return Spoken(line, is_error=False, is_log=False)
    facts = ", ".join(f"{key} {value}" for key, value in fields.items() if key not in ORDINARY)
    exception = str(fields.get("exception", "exc_info") or "").strip().splitlines()
    event = str(fields["event"]).splitlines()[:1]
    said = [*event, *([exception[-1]] if exception else []), *([facts] if facts else [])]
    return Spoken(": ".join(said), is_error=fields.get("level") in ERRORS, is_log=True)


def _fields(line: str) -> dict[str, Any] | None:
    if not line.startswith("{"):
        return None
    try:
        fields = json.loads(line)
    except ValueError:
        return None
    return fields if isinstance(fields, dict) and "event" in fields else None
