"""What the portal says: from its raw integers to a battery reading; pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from hashbus.messages import BatteryReading
from hashbus_poller.drivers.contract import Garbled, Refused, Unreachable
from hashbus_poller.readings import json_object, number, number_or_none, shown, text_or_none, understanding

TRANSIENT = frozenset({"DATAFRAME_TIMEOUT", "TIMEOUT", "BUSY"})
"""The portal's own words for `ask again later` (PROTOCOLS.md 5.1)."""


class SessionEnded(Exception):
    """The portal does not take the session any more; the text says how that showed. It never leaves the driver."""


@dataclass(frozen=True, slots=True)
class Runtime:
    """The reply of getInverterRuntime, and the answer that it was read from."""

    said: dict[str, Any]
    body: bytes

    @property
    def device_time(self) -> str | None:
        """The inverter's own clock as the portal shows it: local time, of which zone nobody says."""
        shown_time = self.said.get("deviceTime")
        return shown_time if isinstance(shown_time, str) else None


@dataclass(frozen=True, slots=True)
class Counters:
    """Energy since the inverter was new, in Wh; None where the portal is silent."""

    pv_energy_wh: float | None
    charge_energy_wh: float | None
    discharge_energy_wh: float | None
    import_energy_wh: float | None
    export_energy_wh: float | None
    load_energy_wh: float | None


def session_trouble(status: int, body: bytes) -> str | None:
    """Say how an answer shows that the session is over; None when it does not."""
    if status == 401:
        return "HTTP 401"
    # A browser would be sent to the login page, or be given it in place of the answer.
    if 300 <= status < 400 or body.lstrip()[:1] == b"<":
        return "the login page in place of an answer"
    return None


def inverters(status: int, body: bytes) -> tuple[str, ...]:
    """Return the serial numbers that the account may read; Refused when the portal does not let us in."""
    if status == 401:
        raise Refused("the portal does not let us in: HTTP 401; check `account` and `password`")
    if body.lstrip()[:1] == b"<":
        raise Unreachable("the portal shows a page in place of answering the login: it may be under maintenance")
    said = json_object(body)
    if said.get("success") is not True:
        message = _message(said)
        if message in TRANSIENT:
            raise Unreachable(f"the portal could not log us in now: {message}")
        raise Refused(f"the portal does not let us in: {message}; check `account` and `password`")
    serials = []
    for plant in _parts(said, "plants", body):
        for inverter in _parts(plant, "inverters", body):
            serial = inverter.get("serialNum")
            if isinstance(serial, str | int):
                serials.append(str(serial))
    return tuple(dict.fromkeys(serials))


def chosen(serials: tuple[str, ...], wanted: str | None) -> str:
    """Return the inverter to read: the one that is named, or the only one; Refused when that is not clear."""
    listed = ", ".join(serials)
    if wanted is not None:
        # Some accounts (installers, shared plants) list nothing and may read all the same.
        if serials and wanted not in serials:
            raise Refused(f"the account has no inverter {wanted}; `serial` may be {listed}")
        return wanted
    if len(serials) != 1:
        what = f"has {len(serials)} inverters: {listed}" if serials else "lists no inverter"
        raise Refused(f"the account {what}; set `serial` to the one to read")
    return serials[0]


def running(body: bytes) -> Runtime:
    """Return what the inverter does now.

    Raises Unreachable when the portal cannot tell or has lost the inverter, SessionEnded for a zombie session, whose
    answers are all empty. A battery at 0 % still has its voltage, so 0 % without volts is no reading, ever.
    """
    said = _reply(body)
    with understanding(body):
        if said.get("lost") is True:
            raise Unreachable("the portal has lost the inverter: it is offline")
        if not number_or_none(said, "soc") and not number_or_none(said, "vBat"):
            raise SessionEnded("an answer with nothing in it")
        if said.get("hasRuntimeData") is False:
            raise Unreachable("the portal has no figures of the inverter yet")
    return Runtime(said, body)


def counters(body: bytes) -> Counters:
    """Return the energy counters; the portal counts in tenths of a kWh."""
    said = _reply(body)
    with understanding(body):
        return Counters(
            pv_energy_wh=_scaled(said, "totalYielding", 100),
            charge_energy_wh=_scaled(said, "totalCharging", 100),
            discharge_energy_wh=_scaled(said, "totalDischarging", 100),
            import_energy_wh=_scaled(said, "totalImport", 100),
            export_energy_wh=_scaled(said, "totalExport", 100),
            load_energy_wh=_scaled(said, "totalUsage", 100),
        )


def reading(runtime: Runtime, counted: Counters | None, taken_at: datetime | None) -> BatteryReading:
    """Put a reading together; scales are those of PROTOCOLS.md 5.1 (tenths of a volt, hundredths of a hertz, W)."""
    said = runtime.said
    with understanding(runtime.body):
        return BatteryReading(
            soc_pct=number(said, "soc"),
            taken_at=taken_at,
            pv_w=_pv_w(said),
            load_w=number_or_none(said, "consumptionPower"),
            battery_w=_battery_w(said),
            grid_w=_difference(said, "pToUser", "pToGrid"),
            battery_v=_scaled(said, "vBat", 0.1),
            battery_c=number_or_none(said, "tBat"),
            inverter_c=number_or_none(said, "tinner"),
            grid_v=_scaled(said, "vacr", 0.1),
            grid_hz=_scaled(said, "fac", 0.01),
            max_charge_a=_scaled(said, "maxChgCurr", 0.01),
            max_discharge_a=_scaled(said, "maxDischgCurr", 0.01),
            status=text_or_none(said, "statusText"),
            **(asdict(counted) if counted else {}),
        )


def _reply(body: bytes) -> dict[str, Any]:
    """Return a reply that is a success.

    An unknown complaint counts as passing: a battery that is not read any more because of a word we do not know would
    stay unread for ever.
    """
    said = json_object(body)
    if "success" not in said:
        raise Garbled("success is missing", body)
    if said["success"] is not True:
        raise Unreachable(f"the portal could not tell: {_message(said)}")
    return said


def _message(said: Mapping[str, Any]) -> str:
    message = said.get("msg") or said.get("message")
    return message[:200] if isinstance(message, str) else "no reason given"


def _parts(said: Mapping[str, Any], key: str, body: bytes) -> list[dict[str, Any]]:
    parts = said.get(key)
    if parts is None:
        return []
    if not isinstance(parts, list) or not all(isinstance(part, dict) for part in parts):
        raise Garbled(f"{key} is {shown(parts)}, which is not a list of objects", body)
    return parts


def _pv_w(said: Mapping[str, Any]) -> float | None:
    if (total_w := number_or_none(said, "ppv")) is not None:
        return total_w
    strings = [watts for key in ("ppv1", "ppv2", "ppv3") if (watts := number_or_none(said, key)) is not None]
    return sum(strings) if strings else None


def _battery_w(said: Mapping[str, Any]) -> float | None:
    """Return the battery's power, + charging. The two directions leave no doubt about the sign; `batPower` might."""
    net_w = _difference(said, "pCharge", "pDisCharge")
    return net_w if net_w is not None else number_or_none(said, "batPower")


def _difference(said: Mapping[str, Any], plus: str, minus: str) -> float | None:
    added, taken = number_or_none(said, plus), number_or_none(said, minus)
    return None if added is None or taken is None else added - taken


def _scaled(said: Mapping[str, Any], key: str, factor: float) -> float | None:
    value = number_or_none(said, key)
    return None if value is None else round(value * factor, 3)
