"""What a WhatsMiner adds when it is read through its cgminer-compatible port (PROTOCOLS.md 2.3).

Its own API says more and takes orders (driver `whatsminer`); this keeps the generic reading right. Pure.
"""

from __future__ import annotations

from hashbus.messages import BoardTelemetry, MinerError, MinerReading, MinerState
from hashbus_poller.drivers.cgminer.answer import Section
from hashbus_poller.drivers.whatsminer.faults import family_of
from hashbus_poller.readings import efficiency_j_per_th

MHS_PER_THS = 1e6
GHS_PER_THS = 1e3
UNIT_TURNS_AT = 10_000.0
"""Firmware of the v3 era gives a board's rate in TH/s, older in MH/s; no board makes 10,000 TH/s or as little as
10,000 MH/s (PROTOCOLS.md 2.3, "unit trap")."""

SLOWEST_FAN_RPM = 200.0
"""Below this the fan of a fanless power supply is really its liquid temperature (PROTOCOLS.md 0)."""

MOST_ERRORS = 32


def is_summary(summary: Section) -> bool:
    """Say whether a `summary` comes from a WhatsMiner."""
    return summary.has("Upfreq Complete") or summary.has("Btminer Fast Boot")


def is_board(row: Section) -> bool:
    """Say whether a row of `devs` comes from a WhatsMiner."""
    return row.has("Upfreq Complete") or row.has("PCB SN")


def with_extras(reading: MinerReading, summary: Section) -> MinerReading:
    """Return the reading with power, temperatures, fans and errors of the summary."""
    is_liquid_cooled = summary.flag("Liquid Cooling") is True
    power_w, limit_w = summary.number("Power"), summary.number("Power Limit")
    psu_fan_rpm = summary.number("Power Fanspeed")
    extras = {
        "state": _state(reading, summary, limit_w),
        "hashrate_expected_ths": summary.rate_ths("Target MHS", MHS_PER_THS) or None,
        "power_w": power_w,
        "power_limit_w": limit_w,
        "efficiency_j_per_th": efficiency_j_per_th(power_w, reading.hashrate_ths),
        "chip_min_c": summary.celsius("Chip Temp Min"),
        "chip_avg_c": summary.celsius("Chip Temp Avg"),
        "chip_max_c": summary.celsius("Chip Temp Max"),
        "ambient_c": summary.celsius("Env Temp"),
        "liquid_c": summary.celsius("Liquid Temp") if is_liquid_cooled else None,
        "fans_rpm": () if is_liquid_cooled else _fans_rpm(summary),
        "psu_fan_rpm": None if psu_fan_rpm is None or psu_fan_rpm < SLOWEST_FAN_RPM else psu_fan_rpm,
        "frequency_mhz": summary.number("freq_avg") or None,
        "uptime_s": summary.number("Uptime"),
        "errors": _errors(summary),
    }
    return MinerReading.model_validate({**dict(reading), **extras})


def parse_board(row: Section, place: int) -> BoardTelemetry:
    """Return one hashboard."""
    slot = row.count("Slot")
    return BoardTelemetry(
        slot=place if slot is None else slot,
        hashrate_ths=_board_ths(row),
        expected_ths=row.rate_ths("Factory GHS", GHS_PER_THS) or None,
        board_c=row.celsius("Temperature"),
        chip_min_c=row.celsius("Chip Temp Min"),
        chip_avg_c=row.celsius("Chip Temp Avg"),
        chip_max_c=row.celsius("Chip Temp Max"),
        frequency_mhz=row.number("Chip Frequency") or None,
        chips_ok=row.count("Effective Chips"),
        serial=row.text("PCB SN"),
        is_healthy=None if row.text("Status") is None else row.text("Status") == "Alive",
    )


def _board_ths(row: Section) -> float | None:
    rate = row.number("MHS av")
    return rate if rate is None or rate < UNIT_TURNS_AT else row.rate_ths("MHS av", MHS_PER_THS)


def _state(reading: MinerReading, summary: Section, limit_w: float | None) -> MinerState:
    if limit_w == 0 and not reading.hashrate_5s_ths:
        return MinerState.SLEEPING
    if summary.flag("Upfreq Complete") is False and reading.state in {MinerState.MINING, MinerState.IDLE}:
        return MinerState.TUNING
    return reading.state


def _fans_rpm(summary: Section) -> tuple[float, ...]:
    fans = (summary.number("Fan Speed In"), summary.number("Fan Speed Out"))
    return tuple(rpm for rpm in fans if rpm is not None)


def _errors(summary: Section) -> tuple[MinerError, ...]:
    """Return `Error Code 0` to `Error Code n`; firmware from API 2.0.4 on counts them here and tells them elsewhere."""
    count = min(summary.count("Error Code Count") or 0, MOST_ERRORS)
    codes = (summary.text(f"Error Code {index}") for index in range(count))
    return tuple(MinerError(code=code, text=family_of(code)) for code in codes if code)
