"""The hashboards in `miner/hw/hashboards`; pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hashbus.messages import BoardTelemetry
from hashbus_poller.nested import inner, objects
from hashbus_poller.readings import count_or_none, number_or_none, sensor_c, text_or_none


def boards_of(said: Mapping[str, Any], *, is_mining: bool) -> tuple[BoardTelemetry, ...]:
    """Return the boards in the miner's order. Whether one is healthy shows only while the miner mines."""
    return tuple(_board(board, place, is_mining=is_mining) for place, board in enumerate(objects(said, "hashboards")))


def water_of(said: Mapping[str, Any]) -> tuple[float | None, float | None]:
    """Return the coldest water at an inlet and the warmest at an outlet, of hydro models (26.05 and newer)."""
    boards = objects(said, "hashboards")
    inlets = [_celsius(board, "lowest_water_inlet_temp") for board in boards]
    outlets = [_celsius(board, "highest_water_outlet_temp") for board in boards]
    return (
        min((value for value in inlets if value is not None), default=None),
        max((value for value in outlets if value is not None), default=None),
    )


def _board(said: Mapping[str, Any], place: int, *, is_mining: bool) -> BoardTelemetry:
    now_ghs = _ghs(inner(said, "stats", "real_hashrate"), "last_5s")
    expected_ghs = _ghs(inner(said, "stats"), "nominal_hashrate")
    hertz = number_or_none(inner(said, "current_frequency"), "hertz")
    is_healthy = said.get("enabled") is not False and bool(now_ghs)
    return BoardTelemetry(
        slot=_slot(said, place),
        hashrate_ths=None if now_ghs is None else round(now_ghs / 1000, 6),
        expected_ths=round(expected_ghs / 1000, 6) if expected_ghs else None,
        board_c=_celsius(said, "board_temp"),
        chip_max_c=_celsius(inner(said, "highest_chip_temp"), "temperature"),
        # Hydro models tell of the water, the others of the air; both are null where there is no sensor.
        inlet_c=_celsius(said, "lowest_water_inlet_temp") or _celsius(said, "lowest_inlet_temp"),
        outlet_c=_celsius(said, "highest_water_outlet_temp") or _celsius(said, "highest_outlet_temp"),
        frequency_mhz=round(hertz / 1e6, 3) if hertz else None,
        voltage_v=_round(number_or_none(inner(said, "current_voltage"), "volt") or None),
        chips_total=count_or_none(said, "chips_count"),
        serial=text_or_none(said, "serial_number"),
        is_healthy=is_healthy if is_mining else None,
    )


def _slot(said: Mapping[str, Any], place: int) -> int:
    """Return the id, which is a number written as text; where it is a name, the place in the list."""
    spelled = str(said.get("id", ""))
    return int(spelled) if spelled.isdecimal() and len(spelled) < 6 else place


def _ghs(said: Mapping[str, Any], key: str) -> float | None:
    return number_or_none(inner(said, key), "gigahash_per_second")


def _celsius(said: Mapping[str, Any], key: str) -> float | None:
    return sensor_c(number_or_none(inner(said, key), "degree_c"))


def _round(value: float | None) -> float | None:
    return None if value is None else round(value, 3)
