"""The units in which devices give their values, and how they become the unit that a field has."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from hashbus import units
from hashbus.units import Unit

DECIMALS = 6
"""More than any sensor has: what is beyond is left over from arithmetic in base two."""


class Conversion(NamedTuple):
    """`value * factor + shift` is the value in the unit of our fields."""

    unit: Unit
    factor: float
    shift: float = 0.0

    def of(self, value: float) -> float:
        """Return the value in the unit of our fields."""
        return round(value * self.factor + self.shift, DECIMALS)


GIVEN: Mapping[str, Conversion] = MappingProxyType(
    {
        "W": Conversion(units.WATT, 1),
        "kW": Conversion(units.WATT, 1e3),
        "MW": Conversion(units.WATT, 1e6),
        "Wh": Conversion(units.WATT_HOUR, 1),
        "kWh": Conversion(units.WATT_HOUR, 1e3),
        "MWh": Conversion(units.WATT_HOUR, 1e6),
        "Wmin": Conversion(units.WATT_HOUR, 1 / 60),
        "MJ": Conversion(units.WATT_HOUR, 1e6 / 3600),
        "°C": Conversion(units.CELSIUS, 1),
        "C": Conversion(units.CELSIUS, 1),
        "°F": Conversion(units.CELSIUS, 5 / 9, -160 / 9),
        "F": Conversion(units.CELSIUS, 5 / 9, -160 / 9),
        "K": Conversion(units.CELSIUS, 1, -273.15),
        "V": Conversion(units.VOLT, 1),
        "mV": Conversion(units.VOLT, 1e-3),
        "kV": Conversion(units.VOLT, 1e3),
        "A": Conversion(units.AMPERE, 1),
        "mA": Conversion(units.AMPERE, 1e-3),
        "Hz": Conversion(units.HERTZ, 1),
        "%": Conversion(units.PERCENT, 1),
        "s": Conversion(units.SECOND, 1),
        "min": Conversion(units.SECOND, 60),
        "h": Conversion(units.SECOND, 3600),
        "rpm": Conversion(units.RPM, 1),
        "L/min": Conversion(units.LITRE_PER_MINUTE, 1),
        "L/s": Conversion(units.LITRE_PER_MINUTE, 60),
        "L/h": Conversion(units.LITRE_PER_MINUTE, 1 / 60),
        "m3/h": Conversion(units.LITRE_PER_MINUTE, 1000 / 60),
        "m³/h": Conversion(units.LITRE_PER_MINUTE, 1000 / 60),
        "gpm": Conversion(units.LITRE_PER_MINUTE, 3.785411784),  # US gallons, 231 cubic inches each
        "bar": Conversion(units.BAR, 1),
        "mbar": Conversion(units.BAR, 1e-3),
        "Pa": Conversion(units.BAR, 1e-5),
        "kPa": Conversion(units.BAR, 1e-2),
        "MPa": Conversion(units.BAR, 10),
        "psi": Conversion(units.BAR, 0.0689475729),
    }
)


def units_for(wanted: Unit) -> list[str]:
    """Return the units in which a device may give what a field has in `wanted`."""
    return [name for name, conversion in GIVEN.items() if conversion.unit is wanted]
