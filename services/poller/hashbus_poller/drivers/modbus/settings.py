"""Which registers of a Modbus device an order may write, and the words that a value becomes there; pure.

Only what a description names can be written, with the bounds that it gives: a register may be anything, and some of
them end a warranty.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Literal, Self

from pydantic import Field, model_validator

from hashbus.messages import SettingValue
from hashbus_poller.drivers.modbus.registers import FORMATS, Place, Type, number
from hashbus_poller.mapped import settable
from hashbus_poller.mapped.settable import Settable
from hashbus_poller.modbus_tables import Span, Table

RANGES: Mapping[Type, tuple[int, int]] = {
    Type.U16: (0, 0xFFFF),
    Type.I16: (-0x8000, 0x7FFF),
    Type.U32: (0, 0xFFFF_FFFF),
    Type.I32: (-0x8000_0000, 0x7FFF_FFFF),
}
"""What a whole number of a type can be."""

COIL_ON, COIL_OFF = 1, 0


class ModbusSetting(Place, Settable):
    """A coil or a holding register that an order may write."""

    write: Literal["single", "multiple"] | None = Field(
        None, description="How a lone register is written: function 6 (single, the usual) or 16"
    )

    @model_validator(mode="after")
    def _can_be_written(self) -> Self:
        if self.table not in (Table.COIL, Table.HOLDING):
            raise ValueError(f"table {self.table} cannot be written; a setting is a coil or a holding register")
        if self.table is Table.COIL and (
            self.is_number or self.words or (self.value_off, self.value_on) != (COIL_OFF, COIL_ON)
        ):
            raise ValueError("a coil is a switch: it has no bounds, no words, and its off is 0 and its on 1")
        if self.table is Table.COIL and self.write == "multiple":
            raise ValueError("a coil is written by itself")
        for value in self._raw_values():
            self._check_fits(value)
        return self

    def _raw_values(self) -> list[float]:
        if self.words:
            return [float(raw) for raw in self.words.values()]
        if self.lowest is None or self.highest is None:
            return [self.value_off, self.value_on]
        return [(bound - self.offset) / self.scale for bound in (self.lowest, self.highest)]

    def _check_fits(self, raw: float) -> None:
        if self.type is Type.F32:
            if self.words or not self.is_number:
                raise ValueError("f32 is for a number with lowest and highest")
            return
        least, most = RANGES[self.type]
        if not least <= raw <= most:
            raise ValueError(f"{raw:g} would stand in the register, and {self.type} holds {least} to {most}")
        if abs(raw - round(raw)) > 1e-9 * max(1.0, abs(raw)):
            raise ValueError(f"{raw:g} would stand in the register, which holds whole numbers: take another bound")

    @property
    def finest(self) -> float | None:
        """The smallest step of its raw value; None of a float."""
        return None if self.type is Type.F32 else 1.0

    @property
    def span(self) -> Span:
        """Where it stands."""
        return Span(self.table, self.address, self.entries)


def words_for(setting: ModbusSetting, value: SettingValue, word_order: str) -> tuple[int, ...]:
    """Return the words, or the bit, that a value becomes; the order of the words is the device's unless it has one."""
    raw = settable.raw_of(setting, value)
    if setting.table.is_bits:
        return (int(raw),)
    packed = struct.pack(FORMATS[setting.type], raw if setting.type is Type.F32 else round(raw))
    words = list(struct.unpack(f">{len(packed) // 2}H", packed))
    if (setting.word_order or word_order) == "little":
        words.reverse()
    return tuple(words)


def value_in(setting: ModbusSetting, words: tuple[int, ...], word_order: str) -> SettingValue | None:
    """Return what the words, or the bit, of a setting say; None when that is nothing it can be set to."""
    raw = float(words[0]) if setting.table.is_bits else float(number(setting, list(words), word_order))
    return settable.value_of(setting, raw)
