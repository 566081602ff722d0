"""The boards that AxeOS runs on, for what older firmware does not say of itself.

Sources: PROTOCOLS.md 4.2 and, for the frequencies, the choice that AxeOS 2.5 offered on its own settings page, up to
the one each chip leaves the factory with: every board of that chip runs at those.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from hashbus_poller.drivers.bitaxe.steps import Options


@dataclass(frozen=True, slots=True)
class Chip:
    """One kind of ASIC: the family that carries one of it, and the one that carries six."""

    family: str
    hex_family: str
    options: Options


CHIPS: Mapping[str, Chip] = MappingProxyType(
    {
        "BM1397": Chip("Max", "Max", Options((400.0, 425.0), 425.0, 1400.0)),
        "BM1366": Chip("Ultra", "Hex", Options((400.0, 425.0, 450.0, 475.0, 485.0), 485.0, 1200.0)),
        "BM1368": Chip("Supra", "SupraHex", Options((400.0, 425.0, 450.0, 475.0, 490.0), 490.0, 1166.0)),
        "BM1370": Chip("Gamma", "Gamma", Options((400.0, 490.0, 525.0), 525.0, 1150.0)),
    }
)

BOARD_SERIES: Mapping[str, str] = MappingProxyType(
    {
        "1": "Max",
        "2": "Ultra",
        "3": "Hex",
        "4": "Supra",
        "6": "Gamma",
        "65": "GammaDuo",
        "7": "SupraHex",
        "8": "GammaTurbo",
    }
)
"""The family by the first digits of a three-digit board version; the longest that fits counts."""


def family(chip: str, board_version: str, chips: int | None) -> str | None:
    """Return the family that a board belongs to; None when neither its version nor its chip is known."""
    if len(board_version) == 3 and board_version.isdigit():
        for digits in (2, 1):
            if name := BOARD_SERIES.get(board_version[:digits]):
                return name
    known = CHIPS.get(chip)
    if known is None:
        return None
    return known.hex_family if chips == 6 else known.family
