"""What of an inverter an order may set: holding registers on which public clients agree, in per cent.

64 to 67 and 105 as celsworth/lxp-bridge and joyfulhouse/pylxpweb name them.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from hashbus_poller.mapped.settable import Settable


class Holding(NamedTuple):
    """A holding register and what may stand in it."""

    register: int
    setting: Settable


def _percent(register: int, title: str, lowest: int, highest: int) -> Holding:
    return Holding(register, Settable(title=title, unit="%", lowest=lowest, highest=highest))


SETTINGS: Mapping[str, Holding] = MappingProxyType(
    {
        "charge_power_pct": _percent(64, "Charge power", 0, 100),
        "discharge_power_pct": _percent(65, "Discharge power", 0, 100),
        "ac_charge_power_pct": _percent(66, "Charge power from the grid", 0, 100),
        "ac_charge_to_pct": _percent(67, "State of charge up to which the grid charges", 10, 100),
        "discharge_to_pct": _percent(105, "State of charge down to which the battery discharges", 10, 90),
    }
)
