"""The hashboards of an Avalon, their chips and their faults, out of the MM string. Pure."""

from __future__ import annotations

from hashbus.messages import BoardTelemetry, MinerError
from hashbus_poller.drivers.avalon import faults
from hashbus_poller.drivers.avalon.mm import Fields, Machine, Shape
from hashbus_poller.drivers.cgminer.answer import sensed_c

GHS_PER_THS = 1000.0
CENTIVOLTS_PER_VOLT = 100.0
MILLIVOLTS_PER_VOLT = 1000.0
HIGHEST_CENTIVOLTS = 5000.0
"""The supply of a Nano gives thousandths of a volt; no Avalon has boards of more than 50 V."""


def boards(told: Machine, *, is_mining: bool) -> tuple[BoardTelemetry, ...]:
    """Return the boards; of a 7xx to 9xx the units, of which each is told as a whole."""
    if told.shape is Shape.MODULES:
        return tuple(_unit_as_board(unit, slot, is_mining=is_mining) for slot, unit in enumerate(told.units))
    unit = told.first
    count = max(len(unit.numbers("MGHS")), len(unit.numbers("MTmax")), len(told.chips))
    return tuple(_board(told, slot, is_mining=is_mining) for slot in range(count))


def _board(told: Machine, slot: int, *, is_mining: bool) -> BoardTelemetry:
    unit = told.first
    rate_ths = ths(_at(unit.numbers("MGHS"), slot))
    chips, code = _chips(told, slot), _at(unit.numbers("ECHU"), slot)
    chips_c = _sensed(chips)
    hottest_c = sensed_c(_at(unit.numbers("MTmax"), slot))
    return BoardTelemetry(
        slot=slot,
        hashrate_ths=rate_ths,
        chip_min_c=min(chips_c, default=None),
        chip_avg_c=sensed_c(_at(unit.numbers("MTavg"), slot)),
        chip_max_c=hottest_c if hottest_c is not None else max(chips_c, default=None),
        inlet_c=sensed_c(_at(unit.numbers("HBITemp"), slot)),
        outlet_c=sensed_c(_at(unit.numbers("HBOTemp"), slot)),
        voltage_v=_volts(_at(unit.numbers("PS"), 2)),
        chips_ok=len(chips_c) or None,
        chips_total=len(chips) or None,
        hardware_errors=_whole(_at(unit.numbers("MH"), slot)),
        is_healthy=_is_healthy(rate_ths, code) if is_mining and rate_ths is not None else None,
    )


def _unit_as_board(unit: Fields, slot: int, *, is_mining: bool) -> BoardTelemetry:
    """Return a whole unit of a 7xx to 9xx, which tells what it could hash and not what it does."""
    codes = [faults.serious(code, is_hashing=is_mining) for code in unit.numbers("ECHU")]
    return BoardTelemetry(
        slot=slot,
        expected_ths=ths(unit.number("GHSmm")) or None,
        chip_max_c=unit.celsius("TMax"),
        frequency_mhz=unit.number("Freq") or None,
        chips_total=_whole(unit.number("TA")),
        hardware_errors=_whole(unit.number("HW")),
        serial=unit.text("DNA"),
        is_healthy=not any(codes) if is_mining else None,
    )


def _volts(told: float | None) -> float | None:
    """Return the voltage that the supply gives the boards."""
    if not told or told < 0:
        return None
    return told / (CENTIVOLTS_PER_VOLT if told <= HIGHEST_CENTIVOLTS else MILLIVOLTS_PER_VOLT)


def _is_healthy(rate_ths: float, code: float | None) -> bool:
    return rate_ths > 0 and not faults.serious(code, is_hashing=True)


def errors(told: Machine) -> tuple[MinerError, ...]:
    """Return the faults of supply, controller, fans and boards."""
    found: list[MinerError] = []
    slot = 0
    for unit in told.units:
        rates = unit.numbers("MGHS")
        supply = unit.numbers("PS")
        found += faults.supply_errors(supply[0] if supply else None)
        found += faults.controller_errors(unit.number("ECMM"))
        found += faults.fan_errors(unit.numbers("FanErr"))
        is_up = bool(unit.number("GHSmm"))
        for number, code in enumerate(unit.numbers("ECHU")):
            is_hashing = bool(_at(rates, number)) if rates else is_up
            found += faults.board_errors(slot, code, is_hashing=is_hashing)
            slot += 1
    return tuple(found)


def _chips(told: Machine, slot: int) -> list[float | None]:
    """Return the temperatures of the chips of a board, None for those without a sensor that works."""
    apart = told.chips.get(slot)
    return apart.numbers("PVT_T0") if apart else told.first.numbers(f"PVT_T{slot}")


def chip_lists(told: Machine) -> list[list[float]]:
    """Return the temperatures of the chips of each board, without those that have no sensor."""
    if told.shape is Shape.MODULES:
        return []
    count = max(len(told.chips), len(told.first.numbers("MGHS")))
    return [_sensed(_chips(told, slot)) for slot in range(count)]


def _at(values: list[float | None], place: int) -> float | None:
    return values[place] if place < len(values) else None


def _sensed(values: list[float | None]) -> list[float]:
    return [at_c for value in values if (at_c := sensed_c(value)) is not None]


def ths(ghs: float | None) -> float | None:
    """Return a rate in TH/s, to 1 MH/s."""
    return None if ghs is None else round(ghs / GHS_PER_THS, 6)


def _whole(value: float | None) -> int | None:
    return None if value is None else int(value)
