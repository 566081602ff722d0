"""What every reply of a WhatsMiner has in common: the envelope, its codes, its sections (PROTOCOLS.md 1.2, 1.5)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from hashbus_poller.drivers.contract import DeviceError, Garbled, Refused, Unsupported
from hashbus_poller.readings import loaded, number_or_none, shown

Object = dict[str, Any]

LAST_SECOND = 1e11
"""Unix time of the year 5138: no clock is that wrong."""


@dataclass(frozen=True, slots=True)
class Reply:
    """One reply: the code (0 is success), what it says, the command that it answers, and the miner's Unix time."""

    code: int
    msg: Any
    desc: str
    raw: bytes
    when_s: float | None = None


def reply(raw: bytes) -> Reply:
    """Read the envelope of a reply; Garbled when it is none."""
    said = _loaded(raw)
    if not isinstance(said, dict):
        raise Garbled(f"the reply is not an object: {shown(said)}", raw)
    code = said.get("code")
    try:
        number = int(code)  # type: ignore[arg-type]  # whatever it is, int() says
    except (TypeError, ValueError, OverflowError):
        raise Garbled(f"code is {shown(code)}, which is not a number", raw) from None
    desc, when = said.get("desc"), said.get("when")
    return Reply(
        code=number,
        msg=said.get("msg"),
        desc=desc if isinstance(desc, str) else "",
        raw=raw,
        when_s=float(when) if isinstance(when, int | float) and 0 <= when < LAST_SECOND else None,
    )


def _loaded(raw: bytes) -> Any:
    try:
        return loaded(raw)
    except (ValueError, RecursionError):
        # A pool account may hold bytes that are no UTF-8, a fault text raw control characters.
        try:
            return json.loads(raw.decode("utf-8", "replace"), strict=False)
        except (ValueError, RecursionError):
            raise Garbled(f"the reply is not JSON: {shown(raw)}", raw) from None


def failure(said: Reply) -> DeviceError | None:
    """Return the error that a code means; None for success."""
    if said.code == 0:
        return None
    words = f"{said.desc or 'the command'}: code {said.code}, {shown(said.msg)}"
    match said.code:
        case -2:
            return Unsupported(f"this firmware does not know {words}")
        case -4:
            return Refused(f"no permission for {words}")
        case -3 | -5:
            return DeviceError(
                f"the miner did not understand {words}" if said.code == -3 else f"out of memory: {words}"
            )
        case _:
            return DeviceError(f"the miner could not do {words}")


def object_of(said: Reply) -> Object:
    """Return what a successful reply holds; its error, or Garbled when it holds no object."""
    error = failure(said)
    if error is not None:
        raise error
    if not isinstance(said.msg, dict):
        raise Garbled(f"msg is {shown(said.msg)}, not an object", said.raw)
    return said.msg


def section(whole: Object, key: str) -> Object:
    """Return a section of a reply, empty when it is missing; Garbled when it is no object."""
    value = whole.get(key)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise Garbled(f"{key} is {shown(value)}, not an object")
    return value


def is_working(miner: Object) -> bool | None:
    """Return whether mining is switched on; the firmware says it as a string."""
    return {"true": True, "false": False}.get(str(miner.get("working")).lower())


def is_liquid_cooled(miner: Object, power: Object) -> bool:
    """Return whether it is cooled by a liquid: its memory says so, or its supply has a probe in the liquid."""
    return str(miner.get("eeprom-liquid-cooling")) == "1" or "liquid-temperature" in power


def salt_of(said: Reply) -> str | None:
    """Return the salt, if the reply brings one along."""
    salt = said.msg.get("salt") if isinstance(said.msg, dict) else None
    return salt if isinstance(salt, str) and salt else None


def objects(whole: Object, key: str) -> list[Object]:
    """Return a list of objects, empty when it is missing; Garbled when it is anything else."""
    value = whole.get(key)
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        raise Garbled(f"{key} is {shown(value)}, not a list of objects")
    return value


def positive(whole: Object, key: str) -> float | None:
    """Return the number at `key`; None for 0 and below, which the firmware writes for what it does not know."""
    value = number_or_none(whole, key)
    return value if value is not None and value > 0 else None


def whole_number(whole: Object, key: str) -> int | None:
    """Return the whole number at `key`, None when it is missing."""
    value = number_or_none(whole, key)
    return None if value is None else int(value)
