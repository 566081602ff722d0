"""What an Antminer's `stats` says, in the shape of old firmware or of new (PROTOCOLS.md 3.5). Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from hashbus_poller.drivers.antminer.boards import Board, listed_boards, numbered_boards
from hashbus_poller.drivers.cgminer.answer import Answer, Section
from hashbus_poller.drivers.cgminer.identity import split_name

PER_TERAHASH: Mapping[str, float] = MappingProxyType(
    {"H": 1e12, "KH": 1e9, "MH": 1e6, "GH": 1e3, "TH": 1.0, "PH": 1e-3}
)
"""How many of a `rate_unit` are one TH/s; new firmware adds "/s" to its name."""

CUSTOMARY_UNIT = "GH"
MOST_FANS = 8
_POWER = re.compile(r"(\d+(?:\.\d+)?)\s*W?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Stats:
    """One `stats` reply. `is_empty`: it lists no device at all, as new firmware does asleep and while it starts.

    `work_mode` and `level_pct` are None where the firmware does not show here what is set.
    """

    model: str | None = None
    elapsed_s: float | None = None
    latest_ths: float | None = None
    average_ths: float | None = None
    ideal_ths: float | None = None
    frequency_mhz: float | None = None
    fans_rpm: tuple[float, ...] = ()
    boards: tuple[Board, ...] = ()
    power_w: float | None = None
    work_mode: int | None = None
    level_pct: float | None = None
    is_empty: bool = False
    is_partial: bool = False

    @property
    def is_hashing(self) -> bool:
        """Whether hashes are being made."""
        return bool(self.average_ths if self.latest_ths is None else self.latest_ths)


def parse_stats(answer: Answer) -> Stats:
    """Return what the reply says; Garbled when it is neither shape or a field is of the wrong kind."""
    rows = answer.require_success().sections("STATS")
    if "STATS" not in answer.fields:
        answer.reject('lacks "STATS"')
    name = _type_name(answer, rows)
    model = split_name(name)[1]
    device = next((row for row in rows if row.has("Elapsed") or row.has("elapsed")), None)
    if device is None:
        return Stats(model=model, is_empty=True, is_partial=answer.is_partial)
    is_hydro = name is not None and "hyd" in name.lower()
    parse = _new_shape if device.has("elapsed") else _old_shape
    return parse(device, model, is_hydro=is_hydro, is_partial=answer.is_partial)


def _type_name(answer: Answer, rows: list[Section]) -> str | None:
    info = answer.fields.get("INFO")
    if isinstance(info, dict):
        return Section(answer, "INFO", info).text("type")
    return next((row.text("Type") for row in rows if row.has("Type")), None)


def _old_shape(device: Section, model: str | None, *, is_hydro: bool, is_partial: bool) -> Stats:
    unit = _per_terahash(device)
    if not is_partial and not device.has("GHS 5s") and not device.has("GHS av"):
        device.reject("GHS 5s", "the hashrate")
    return Stats(
        model=model,
        elapsed_s=device.number("Elapsed"),
        latest_ths=device.rate_ths("GHS 5s", unit),
        average_ths=device.rate_ths("GHS av", unit),
        ideal_ths=device.rate_ths("total_rateideal", unit) or None,
        frequency_mhz=device.number("total_freqavg") or device.number("frequency") or None,
        fans_rpm=_turning(
            [device.number(f"fan{fan}") for fan in range(1, MOST_FANS + 1)],
            device.count("fan_num"),
        ),
        boards=numbered_boards(device, unit, is_hydro=is_hydro),
        power_w=_power_w(device),
        # Only the S17 generation tells sleep here; on S19 and later Mode is 2 whatever they do.
        work_mode=254 if device.count("Mode") == 254 else None,
        is_partial=is_partial,
    )


def _new_shape(device: Section, model: str | None, *, is_hydro: bool, is_partial: bool) -> Stats:
    unit = _per_terahash(device)
    if not is_partial and not device.has("rate_5s") and not device.has("rate_avg"):
        device.reject("rate_5s", "the hashrate")
    boards = listed_boards(device.nested("chain"), unit, is_hydro=is_hydro)
    speeds = [board.telemetry.frequency_mhz for board in boards if board.telemetry.frequency_mhz is not None]
    return Stats(
        model=model,
        elapsed_s=device.number("elapsed"),
        latest_ths=device.rate_ths("rate_5s", unit),
        average_ths=device.rate_ths("rate_avg", unit),
        ideal_ths=device.rate_ths("rate_ideal", unit) or None,
        frequency_mhz=round(sum(speeds) / len(speeds), 1) if speeds else None,
        fans_rpm=_turning(device.numbers("fan"), device.count("fan_num")),
        boards=boards,
        power_w=_power_w(device),
        work_mode=device.count("miner-mode"),
        level_pct=device.number("freq-level"),
        is_partial=is_partial,
    )


def _per_terahash(device: Section) -> float:
    word = device.text("rate_unit") or CUSTOMARY_UNIT
    unit = word.upper().removesuffix("/S")
    if unit not in PER_TERAHASH:
        device.reject("rate_unit", f"one of {', '.join(PER_TERAHASH)}")
    return PER_TERAHASH[unit]


def _turning(fans: list[float | None], fitted: int | None) -> tuple[float, ...]:
    """Return the speed of each fan that is fitted.

    Places without a fan show 0, and so does a fan that stands still: zeros count up to the number of fans that the
    miner says it has. An S9 has its two at places 3 and 6 of 8.
    """
    places = [rpm for rpm in fans if rpm is not None]
    turning = [rpm for rpm in places if rpm]
    missing = max(0, min(fitted or 0, len(places)) - len(turning))
    return (*turning, *[0.0] * missing)


def _power_w(device: Section) -> float | None:
    """Return the power where this firmware tells it, which most do not (3.5): "3250 W" or a number."""
    for key in ("chain_power", "power", "watt"):
        value = device.text(key)
        match = _POWER.fullmatch(value) if value else None
        if match:
            return float(match[1]) or None
    return None
