"""The hashboards in an Antminer's `stats`: numbered keys in old firmware, lists in new (PROTOCOLS.md 3.5).

Pure. Which board sits where differs: S19 and later use slots 1 to 3 (4), S17 1 to 3 of 16, S9 6 to 8. A slot without
chips is no board.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from hashbus.messages import BoardTelemetry
from hashbus_poller.drivers.cgminer.answer import Section, sensed_c

SLOTS = 16
# A minus sign after a digit separates two sensors, elsewhere it belongs to a number: "48-46--2".
_SENSOR = re.compile(r"(?<!\d)-?\d+(?:\.\d+)?")


@dataclass(frozen=True, slots=True)
class Board:
    """One board and its single chip sensors, of which the message has only minimum, mean and maximum."""

    telemetry: BoardTelemetry
    chips_c: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class _Sensors:
    """Temperatures of one board in degrees Celsius; None where there is no sensor."""

    pcb: list[float | None]
    chip: list[float | None]
    pic: list[float | None]

    def chips_c(self, *, is_hydro: bool) -> tuple[float, ...]:
        """Return what the chips' sensors show; on hydro models the first "pic" sensor is a chip's (3.5)."""
        return _present(self.chip) or (_present(self.pic[:1]) if is_hydro else ())


def numbered_boards(stats: Section, per_terahash: float, *, is_hydro: bool) -> tuple[Board, ...]:
    """Return the boards of old firmware: `chain_acn1`, `temp_chip1` and so on."""
    return tuple(
        _numbered(stats, slot, per_terahash, is_hydro=is_hydro)
        for slot in range(1, SLOTS + 1)
        if stats.count(f"chain_acn{slot}")
    )


def listed_boards(chains: list[Section], per_terahash: float, *, is_hydro: bool) -> tuple[Board, ...]:
    """Return the boards of new firmware and of the web page: a list of objects."""
    return tuple(
        _listed(chain, place, per_terahash, is_hydro=is_hydro)
        for place, chain in enumerate(chains)
        if chain.count("asic_num") != 0
    )


def _numbered(stats: Section, slot: int, per_terahash: float, *, is_hydro: bool) -> Board:
    sensors = _Sensors(
        pcb=_sensors(stats, f"temp_pcb{slot}") or [stats.celsius(f"temp{slot}")],
        chip=_sensors(stats, f"temp_chip{slot}") or [stats.celsius(f"temp2_{slot}")],
        pic=_sensors(stats, f"temp_pic{slot}") if is_hydro else [],
    )
    hashrate_ths, chips_total = stats.rate_ths(f"chain_rate{slot}", per_terahash), stats.count(f"chain_acn{slot}")
    chips_c = sensors.chips_c(is_hydro=is_hydro)
    board = BoardTelemetry(
        slot=slot,
        hashrate_ths=hashrate_ths,
        frequency_mhz=stats.number(f"freq{slot}") or None,
        chips_total=chips_total,
        hardware_errors=stats.count(f"chain_hw{slot}"),
        **_sensed(sensors, chips_c, is_hydro=is_hydro),
        **_chips(stats.text(f"chain_acs{slot}"), chips_total, hashrate_ths),
    )
    return Board(board, chips_c)


def _listed(chain: Section, place: int, per_terahash: float, *, is_hydro: bool) -> Board:
    sensors = _Sensors(_sensors(chain, "temp_pcb"), _sensors(chain, "temp_chip"), _sensors(chain, "temp_pic"))
    index = chain.count("index")
    hashrate_ths, chips_total = chain.rate_ths("rate_real", per_terahash), chain.count("asic_num")
    chips_c = sensors.chips_c(is_hydro=is_hydro)
    board = BoardTelemetry(
        slot=place if index is None else index,
        hashrate_ths=hashrate_ths,
        expected_ths=chain.rate_ths("rate_ideal", per_terahash) or None,
        frequency_mhz=chain.number("freq_avg") or None,
        chips_total=chips_total,
        hardware_errors=chain.count("hw"),
        serial=chain.text("sn"),
        **_sensed(sensors, chips_c, is_hydro=is_hydro),
        **_chips(chain.text("asic"), chips_total, hashrate_ths),
    )
    return Board(board, chips_c)


def _sensed(sensors: _Sensors, chips_c: tuple[float, ...], *, is_hydro: bool) -> dict[str, Any]:
    """Return the temperatures of a board, by the fields of the message."""
    return {
        "board_c": max(_present(sensors.pcb), default=None),
        "chip_min_c": min(chips_c, default=None),
        "chip_avg_c": round(sum(chips_c) / len(chips_c), 1) if chips_c else None,
        "chip_max_c": max(chips_c, default=None),
        "inlet_c": _nth(sensors.pcb, 0) if is_hydro else None,
        "outlet_c": _nth(sensors.pcb, 2) if is_hydro else None,
    }


def _chips(chip_map: str | None, chips_total: int | None, hashrate_ths: float | None) -> dict[str, Any]:
    """Return what follows from the map of the chips, by the fields of the message."""
    return {
        "chips_ok": _chips_ok(chip_map, chips_total, is_hashing=bool(hashrate_ths)),
        # A board that does not hash may have many reasons; only while it does, a bad chip is the board's fault.
        "is_healthy": "x" not in (chip_map or "") if hashrate_ths else None,
    }


def _chips_ok(chip_map: str | None, chips_total: int | None, *, is_hashing: bool) -> int | None:
    """Return how many chips answer; None where the map does not show each of them.

    While nothing hashes every chip is shown as bad (3.5, sleep): that says nothing about the chips.
    """
    letters = (chip_map or "").replace(" ", "")
    good = letters.count("o")
    if len(letters) != chips_total or (good == 0 and not is_hashing):
        return None
    return good


def _sensors(row: Section, key: str) -> list[float | None]:
    """Return temperatures that stand as "48-46-62-61" or as [48, 46, 62, 61]; empty where there are none."""
    value = row.fields.get(key)
    numbers = _SENSOR.findall(value) if isinstance(value, str) else row.listed(key)
    try:
        return [None if number is None else sensed_c(float(number)) for number in numbers]
    except (TypeError, ValueError, OverflowError):
        row.reject(key, "temperatures")


def _present(sensors: list[float | None]) -> tuple[float, ...]:
    return tuple(value for value in sensors if value is not None)


def _nth(sensors: list[float | None], place: int) -> float | None:
    return sensors[place] if place < len(sensors) else None
