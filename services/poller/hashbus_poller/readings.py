"""What drivers share when they turn an answer into a reading: numbers out of JSON, and figures out of figures."""

from __future__ import annotations

import json
import math
import reprlib
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError
from pydantic_core import from_json

from hashbus.messages.base import describe
from hashbus_poller.drivers.contract import Garbled

MOST_J_PER_TH = 1e6
"""The least efficient miner of any algorithm stays below."""

MAX_SHOWN = 60
"""Characters of a wrong value that an error shows."""


def efficiency_j_per_th(power_w: float | None, hashrate_ths: float | None) -> float | None:
    """Return joules per terahash; None unless the miner both draws power and hashes enough for it to mean something."""
    if not power_w or not hashrate_ths or power_w < 0 or hashrate_ths < 0:
        return None
    # The first hashes after a start make a figure of millions.
    return round(power_w / hashrate_ths, 2) if power_w <= MOST_J_PER_TH * hashrate_ths else None


def mean(values: list[float]) -> float | None:
    """Return the mean; None of nothing."""
    return sum(values) / len(values) if values else None


def loaded(answer: bytes) -> Any:
    """Return what JSON says; ValueError or RecursionError when it is none.

    pydantic's reader takes half the time of the standard library's, which also takes what that refuses, such as NaN.
    """
    try:
        return from_json(answer, allow_inf_nan=False)
    except ValueError:
        return json.loads(answer)


def json_object(answer: bytes) -> dict[str, Any]:
    """Return the JSON object that an answer is; Garbled when it is anything else."""
    try:
        value = loaded(answer)
    # RecursionError: a megabyte of `[` is nested deeper than the parser goes.
    except (ValueError, RecursionError) as error:
        raise Garbled(f"the answer is not JSON: {type(error).__name__} in {shown(answer)}", answer) from None
    if not isinstance(value, dict):
        raise Garbled(f"the answer is not a JSON object: {shown(value)}", answer)
    return value


def number(data: Mapping[str, Any], key: str) -> float:
    """Return the number at `key`, which some firmware writes as a string; Garbled when there is none."""
    value = number_or_none(data, key)
    if value is None:
        raise Garbled(f"{key} is missing")
    return value


def number_or_none(data: Mapping[str, Any], key: str) -> float | None:
    """Return the number at `key`; None when it is absent, null or empty, Garbled when it is anything but a number."""
    value = data.get(key)
    if value is None or value == "":
        return None
    try:
        result = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError, OverflowError):
        result = math.nan
    if not math.isfinite(result):
        raise Garbled(f"{key} is {shown(value)}, which is not a number")
    return result


def count_or_none(data: Mapping[str, Any], key: str) -> int | None:
    """Return the whole number at `key`; None when it is absent or null, Garbled when it is no number."""
    value = number_or_none(data, key)
    return None if value is None else int(value)


def text_or_none(data: Mapping[str, Any], key: str) -> str | None:
    """Return the text at `key`, blanks stripped; None when it is absent, null or empty, Garbled when it is no text."""
    value = data.get(key)
    if value is None:
        return None
    if not isinstance(value, str):
        raise Garbled(f"{key} is {shown(value)}, which is not a text")
    return value.strip() or None


def sensor_c(value: float | None) -> float | None:
    """Return a temperature in degrees Celsius; None for 0 and below, by which firmware says that it has no sensor."""
    return value if value is not None and value > 0 else None


class understanding:  # noqa: N801 - reads as what it is: `with understanding(answer):`
    """Turn whatever is wrong with the values of an answer into a Garbled that keeps the answer."""

    __slots__ = ("_answer",)

    def __init__(self, answer: bytes) -> None:
        """Be about `answer`."""
        self._answer = answer

    def __enter__(self) -> None:
        """Do nothing: most answers are well."""

    def __exit__(self, _kind: object, error: BaseException | None, _traceback: object) -> None:
        """Translate the error, if there is one."""
        if isinstance(error, ValidationError):
            raise Garbled(describe(error), self._answer) from None
        if isinstance(error, Garbled):
            error.payload = error.payload or self._answer


def shown(value: object) -> str:
    """Return a value as an error may show it: in one line and never long."""
    if isinstance(value, str | bytes):
        return repr(value) if len(value) <= MAX_SHOWN else f"{value[:MAX_SHOWN]!r}..."
    return reprlib.repr(value)
