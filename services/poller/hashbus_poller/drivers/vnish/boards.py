"""The hashboards in the `chains` of the summary; pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hashbus.messages import BoardTelemetry
from hashbus_poller.nested import inner
from hashbus_poller.readings import count_or_none, number_or_none, sensor_c, text_or_none

WELL = "mining"
BROKEN = frozenset({"failure", "disconnected"})


def boards_of(
    chains: Sequence[Mapping[str, Any]], *, per_terahash: float, chips: int | None
) -> tuple[BoardTelemetry, ...]:
    """Return the boards in the miner's order; `per_terahash` is how many of its unit are one TH/s."""
    return tuple(_board(chain, place, per_terahash, chips) for place, chain in enumerate(chains))


def is_broken(chain: Mapping[str, Any]) -> bool:
    """Say whether the firmware calls a board broken."""
    return text_or_none(inner(chain, "status"), "state") in BROKEN


def _board(chain: Mapping[str, Any], place: int, per_terahash: float, chips: int | None) -> BoardTelemetry:
    rate, ideal = number_or_none(chain, "hashrate_rt"), number_or_none(chain, "hashrate_ideal")
    number = count_or_none(chain, "id")
    millivolts = number_or_none(chain, "voltage")
    is_mining = text_or_none(inner(chain, "status"), "state") == WELL
    return BoardTelemetry(
        slot=place if number is None else number,
        hashrate_ths=None if rate is None else round(rate / per_terahash, 6),
        expected_ths=round(ideal / per_terahash, 6) if ideal else None,
        board_c=sensor_c(number_or_none(inner(chain, "pcb_temp"), "max")),
        chip_min_c=sensor_c(number_or_none(inner(chain, "chip_temp"), "min")),
        chip_max_c=sensor_c(number_or_none(inner(chain, "chip_temp"), "max")),
        inlet_c=sensor_c(number_or_none(chain, "inlet_water_temp")),
        outlet_c=sensor_c(number_or_none(chain, "outlet_water_temp")),
        frequency_mhz=number_or_none(chain, "frequency") or None,
        voltage_v=round(millivolts / 1000, 3) if millivolts else None,
        chips_ok=_chips_ok(chain, chips) if is_mining else None,
        chips_total=chips,
        hardware_errors=count_or_none(chain, "hw_errors"),
        is_healthy=True if is_mining else False if is_broken(chain) else None,
    )


def _chips_ok(chain: Mapping[str, Any], chips: int | None) -> int | None:
    """Return how many chips hash well or nearly so: the firmware paints the others red or grey."""
    marks = inner(chain, "chip_statuses")
    red, grey = count_or_none(marks, "red"), count_or_none(marks, "grey")
    if chips is None or red is None:
        return None
    return max(0, chips - red - (grey or 0))
