"""The hashboards of a miner with LuxOS: `devs`, and the sensors in their corners (`temps`); pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from hashbus.messages import BoardTelemetry
from hashbus_poller.drivers.cgminer.answer import Answer, Section

CORNERS = ("TopLeft", "TopRight", "BottomLeft", "BottomRight")
PER_TERAHASH = 1e6
"""`devs` is in MH/s, `summary` in GH/s."""


@dataclass(frozen=True, slots=True)
class Air:
    """Where the air comes in and goes out of a board, as far as the miner labels its sensors."""

    hottest_c: float | None = None
    intake_c: float | None = None
    exhaust_c: float | None = None


def boards_of(devs: Answer | None, temps: Answer | None, *, is_mining: bool) -> tuple[BoardTelemetry, ...]:
    """Return the boards by their number. Whether one is healthy shows only while the miner mines."""
    if devs is None:
        return ()
    air = _air_of(temps)
    rows = devs.sections("DEVS")
    boards = [_board(row, place, air, is_mining=is_mining) for place, row in enumerate(rows)]
    return tuple(sorted(boards, key=lambda board: board.slot))


def _board(row: Section, place: int, air: Mapping[int, Air], *, is_mining: bool) -> BoardTelemetry:
    number = row.count("ASC")
    slot = place if number is None else number
    around = air.get(slot, Air())
    rate_ths, board_c = row.rate_ths("MHS 5s", PER_TERAHASH), row.celsius("Temperature")
    is_well = row.text("Status") == "Alive" and row.flag("Enabled") is not False and bool(rate_ths)
    temperatures = [value for value in (board_c, around.hottest_c) if value is not None]
    return BoardTelemetry(
        slot=slot,
        hashrate_ths=rate_ths,
        expected_ths=row.rate_ths("Nominal MHS", PER_TERAHASH) or None,
        board_c=max(temperatures, default=None),
        inlet_c=around.intake_c,
        outlet_c=around.exhaust_c,
        hardware_errors=row.count("Hardware Errors"),
        serial=row.text("SerialNumber"),
        is_healthy=is_well if is_mining else None,
    )


def _air_of(temps: Answer | None) -> dict[int, Air]:
    if temps is None:
        return {}
    labels = _labels(temps)
    found = {}
    for place, row in enumerate(temps.sections("TEMPS")):
        sensed = {corner: value for corner in CORNERS if (value := row.celsius(corner)) is not None}
        intake = [value for corner, value in sensed.items() if "intake" in labels.get(corner, "")]
        exhaust = [value for corner, value in sensed.items() if "exhaust" in labels.get(corner, "")]
        number = row.count("ID")
        found[place if number is None else number] = Air(
            max(sensed.values(), default=None), min(intake, default=None), max(exhaust, default=None)
        )
    return found


def _labels(temps: Answer) -> dict[str, str]:
    """Return what the corners are called, where this version says so."""
    labels = {}
    for row in temps.sections("METADATA"):
        for corner in CORNERS:
            said = row.fields.get(corner)
            if isinstance(said, dict):
                labels[corner] = str(said.get("Label", "")).lower()
    return labels
