"""Questions about the past as people type them: checked, and made into what a store answers. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from hashbus_recorder.repository import BadQuestion, Question
from hashbus_recorder.steps import MAX_POINTS, chart_step_s

if TYPE_CHECKING:
    from collections.abc import Mapping

DEFAULT_DAYS = 3
"""Enough for most looks back, and read in milliseconds (S2.20)."""

MAX_DAYS = 3_660
MOST_POINTS = 20_000
MOST_FIELDS = 50

_NAME = re.compile(r"[A-Za-z0-9_]{1,100}")
_DEVICE = re.compile(r"[A-Za-z0-9_/-]{1,200}")
_STEP = re.compile(r"(\d{1,8})(s|m|h|d|)")
_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86_400}
_PARAMETERS = ("measurement", "device", "fields", "days", "from", "to", "step", "max_points")


@dataclass(frozen=True, slots=True)
class Asked:
    """A question, and whether the points themselves are wanted instead of buckets."""

    question: Question
    is_raw: bool


def parse(parameters: Mapping[str, str], now: datetime, *, finest_s: int, default_step: str = "auto") -> Asked:
    """Read the parameters of a request. BadQuestion names the one that is wrong, its value, and what would be right."""
    for name in parameters:
        if name not in _PARAMETERS:
            raise BadQuestion(name, f"is not known; known are {', '.join(_PARAMETERS)}")
    measurement = _matched(parameters.get("measurement", "miner"), _NAME, "measurement", "letters, digits and _")
    device = parameters.get("device")
    if device is not None:
        _matched(device, _DEVICE, "device", "the id of a device, as /devices lists them")
    start, stop = _window(parameters, now)
    max_points = _whole(parameters.get("max_points", str(MAX_POINTS)), "max_points", MOST_POINTS)
    step = parameters.get("step", default_step)
    is_raw = step == "raw"
    step_s = chart_step_s(start, stop, max_points, finest_s) if step in {"auto", "raw"} else _step_s(step)
    question = Question(measurement, start, stop, step_s, _fields(parameters), device)
    if question.buckets > MOST_POINTS:
        raise BadQuestion("step", f"{step} makes {question.buckets} points; at most {MOST_POINTS}: take a wider step")
    return Asked(question, is_raw)


def _window(parameters: Mapping[str, str], now: datetime) -> tuple[datetime, datetime]:
    if "days" in parameters and "from" in parameters:
        raise BadQuestion("days", "cannot stand beside `from`; give one of them")
    stop = _moment(parameters["to"], "to") if "to" in parameters else now
    if "from" in parameters:
        start = _moment(parameters["from"], "from")
    else:
        start = stop - timedelta(days=_days(parameters.get("days", str(DEFAULT_DAYS))))
    if start >= stop:
        raise BadQuestion("from", f"{start.isoformat()} is not before {stop.isoformat()}")
    if stop - start > timedelta(days=MAX_DAYS):
        raise BadQuestion("from", f"{start.isoformat()} is more than {MAX_DAYS} days before {stop.isoformat()}")
    return start, stop


def _days(text: str) -> float:
    try:
        days = float(text)
    except ValueError:
        days = 0.0
    if not 0 < days <= MAX_DAYS:
        raise BadQuestion("days", f"{text!r} is not a number of days above 0, at most {MAX_DAYS}, such as 3 or 0.25")
    return days


def _moment(text: str, name: str) -> datetime:
    try:
        # A plus that was not escaped in a URL arrives as a space.
        moment = datetime.fromisoformat(text.replace(" ", "+"))
    except ValueError:
        raise BadQuestion(name, f"{text!r} is not a moment such as 2026-03-01T12:00:00Z") from None
    if not 2009 <= moment.year <= 2200:
        raise BadQuestion(name, f"{text!r} is not between the years 2009 and 2200")
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)


def _step_s(text: str) -> int:
    found = _STEP.fullmatch(text)
    step_s = int(found[1]) * _SECONDS[found[2]] if found else 0
    if not 1 <= step_s <= 30 * 86_400:
        raise BadQuestion("step", f"{text!r} is no step; write auto, raw, or 1s to 30d, such as 5m")
    return step_s


def _fields(parameters: Mapping[str, str]) -> tuple[str, ...]:
    text = parameters.get("fields", "")
    names = tuple(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
    if len(names) > MOST_FIELDS:
        raise BadQuestion("fields", f"{len(names)} are too many; at most {MOST_FIELDS}")
    for name in names:
        _matched(name, _NAME, "fields", "names such as power_w, separated by commas")
    return names


def _whole(text: str, name: str, most: int) -> int:
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:9]) <= most):
        raise BadQuestion(name, f"{text[:60]!r} is not a whole number from 1 to {most}")
    return int(text)


def _matched(text: str, pattern: re.Pattern[str], name: str, right: str) -> str:
    if not pattern.fullmatch(text):
        raise BadQuestion(name, f"{text[:60]!r} is not right: {right}")
    return text
