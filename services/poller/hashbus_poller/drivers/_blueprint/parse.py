"""What an Acme Heater says: pure functions from bytes to a reading, or Garbled with the key that is wrong."""

from __future__ import annotations

import json
from typing import Any

from pydantic import ValidationError

from hashbus.messages import Capability, MinerIdentity, MinerReading, MinerState, PowerChange
from hashbus.messages.base import describe
from hashbus_poller.drivers.contract import DeviceError, Garbled, Refused, Unsupported

CAPABILITIES = (Capability.POWER_LIMIT, Capability.SLEEP)
STATES = {"hash": MinerState.MINING, "ramp": MinerState.TUNING, "off": MinerState.SLEEPING}
MAX_POWER_W = 2000.0  # every Acme Heater has the same supply; the device does not tell


def answer(raw: bytes) -> dict[str, Any]:
    """Read one answer; an error that the device reports becomes the DeviceError that it means."""
    try:
        said = json.loads(raw)
    except (ValueError, RecursionError):
        raise Garbled("the answer is not JSON", raw) from None
    if not isinstance(said, dict):
        raise Garbled(f"the answer is a {type(said).__name__}, not an object", raw)
    if said.get("ok") is not True:
        raise _error(said.get("why"), raw)
    return said


def identity(status: dict[str, Any], raw: bytes, *, has_pin: bool) -> MinerIdentity:
    """Tell who the miner is. Without a PIN nothing can be changed, so nothing is offered."""
    try:
        return MinerIdentity(
            make="Acme",
            model=status["model"],
            serial=status["serial"],
            max_power_w=MAX_POWER_W,
            power_step_w=1.0,
            power_change=PowerChange(restarts_mining=False, min_interval_s=60),
            capabilities=CAPABILITIES if has_pin else (),
        )
    except KeyError as missing:
        raise Garbled(f"status lacks {missing}", raw) from None
    except ValidationError as wrong:
        raise Garbled(describe(wrong), raw) from None


def reading(status: dict[str, Any], raw: bytes) -> MinerReading:
    """Turn a status into a reading: GH/s become TH/s, and 0 degrees means that there is no sensor."""
    try:
        hashrate_ths, power_w = status["ghs"] / 1000.0, float(status["watts"])
        return MinerReading(
            state=STATES.get(status["state"], MinerState.UNKNOWN),
            hashrate_ths=hashrate_ths,
            power_w=power_w,
            power_limit_w=status["limit_watts"],
            efficiency_j_per_th=power_w / hashrate_ths if hashrate_ths > 0 and power_w > 0 else None,
            chip_max_c=status["chip"] or None,
            uptime_s=status.get("up"),  # from firmware 1.2 on
        )
    except KeyError as missing:
        raise Garbled(f"status lacks {missing}", raw) from None
    except (TypeError, ValueError, OverflowError) as wrong:  # a ValidationError is a ValueError
        problem = describe(wrong) if isinstance(wrong, ValidationError) else str(wrong)
        raise Garbled(f"status: {problem}", raw) from None


def _error(why: object, raw: bytes) -> DeviceError:
    match why:
        case "pin":
            return Refused("the heater refused the PIN: `pin` must be the number on its back")
        case "unknown":
            return Unsupported("this heater's firmware does not know that command")
        case str():
            return DeviceError(f"the heater could not do it: {why[:200]}")
        case _:
            return Garbled("the answer says neither `ok` nor `why`", raw)
