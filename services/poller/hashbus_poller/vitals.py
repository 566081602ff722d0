"""Normal, warning or critical: how a miner is, from its temperatures and its own errors."""

from __future__ import annotations

from pydantic import Field

from hashbus.messages import Health, MinerReading, MinerState
from hashbus.settings import Section
from hashbus.units import Celsius, Rpm

_WORST_FIRST = (Health.CRITICAL, Health.WARNING)


class Thresholds(Section):
    """From where a temperature is a warning and from where it is critical (S0.34, S3.18)."""

    chip_warning_c: Celsius = 85
    chip_critical_c: Celsius = 95
    board_warning_c: Celsius = 75
    board_critical_c: Celsius = 85
    liquid_warning_c: Celsius = 55
    liquid_critical_c: Celsius = 65
    psu_warning_c: Celsius = 75
    psu_critical_c: Celsius = 90
    fan_max_rpm: Rpm = Field(8_000, description="Faster is a warning: the fan fights a blocked duct")
    hysteresis_c: Celsius = Field(3, description="A level is left only this far below its threshold")


def judge(reading: MinerReading, limits: Thresholds, before: Health) -> Health:
    """Return the status word of a reading.

    A level once reached is kept until every temperature is `hysteresis_c` below its threshold, so that a chip at the
    edge does not ring the bell once a minute.
    """
    temperatures = (
        (reading.chip_max_c, limits.chip_warning_c, limits.chip_critical_c),
        (reading.board_max_c, limits.board_warning_c, limits.board_critical_c),
        (reading.liquid_c, limits.liquid_warning_c, limits.liquid_critical_c),
        (reading.psu_c, limits.psu_warning_c, limits.psu_critical_c),
    )
    levels = {
        _of_temperature(value_c, warning_c, critical_c, limits.hysteresis_c, before)
        for value_c, warning_c, critical_c in temperatures
        if value_c is not None
    }
    if reading.state is MinerState.FAULT:
        levels.add(Health.CRITICAL)
    if reading.errors or any(rpm > limits.fan_max_rpm for rpm in reading.fans_rpm):
        levels.add(Health.WARNING)
    return next((level for level in _WORST_FIRST if level in levels), Health.NORMAL)


def _of_temperature(value_c: float, warning_c: float, critical_c: float, hysteresis_c: float, before: Health) -> Health:
    critical_from = critical_c - hysteresis_c if before is Health.CRITICAL else critical_c
    warning_from = warning_c - hysteresis_c if before in (Health.WARNING, Health.CRITICAL) else warning_c
    if value_c >= critical_from:
        return Health.CRITICAL
    return Health.WARNING if value_c >= warning_from else Health.NORMAL
