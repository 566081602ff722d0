"""What the inverter does now, in words (PROTOCOLS.md 5.4)."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

STATUS: Mapping[int, str] = MappingProxyType(
    {
        0x00: "standby",
        0x02: "firmware update",
        0x04: "PV to house and grid",
        0x08: "PV charges",
        0x0C: "PV charges and feeds the house",
        0x10: "battery feeds the house",
        0x11: "bypass: the grid feeds the house",
        0x14: "PV and battery feed the house",
        0x19: "PV charges, the grid feeds the house",
        0x20: "grid charges",
        0x28: "PV and grid charge",
        0x40: "off grid on battery",
        0x80: "off grid on PV",
        0x88: "off grid, PV charges",
        0xC0: "off grid on PV and battery",
    }
)


def status(code: int) -> str:
    """Return the status in words; a code that nobody has explained as its number."""
    return STATUS.get(code, f"status {code}")
