"""Where a value stands in the tables of a Modbus device, and what number its words are; pure."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from enum import StrEnum
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from hashbus_poller.modbus_tables import Table


class Type(StrEnum):
    """How the words of a number are to be read."""

    U16 = "u16"
    I16 = "i16"
    U32 = "u32"
    I32 = "i32"
    F32 = "f32"

    @property
    def words(self) -> int:
        """How many registers it takes."""
        return 1 if self in (Type.U16, Type.I16) else 2


FORMATS: Mapping[Type, str] = {Type.U16: ">H", Type.I16: ">h", Type.U32: ">I", Type.I32: ">i", Type.F32: ">f"}


class Place(BaseModel):
    """Where one value stands. `address` counts from 0 as on the wire: 30053 in a manual is `input` 52."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    table: Table
    address: int = Field(ge=0, le=65_535)
    type: Type = Field(Type.U16, description="u16, i16, u32, i32 or f32; of no meaning for coil and discrete")
    word_order: Literal["big", "little"] | None = Field(
        None, description="Which word of two comes first: the high (big)"
    )

    @property
    def entries(self) -> int:
        """How many entries of its table it takes."""
        return 1 if self.table.is_bits else self.type.words

    @model_validator(mode="after")
    def _fits_into_the_table(self) -> Self:
        if self.address + self.entries > 65_536:
            raise ValueError(f"{self.type} at {self.address} goes beyond the last register, 65535")
        return self


def number(place: Place, words: list[int], word_order: str) -> float:
    """Return the number that the words at a place are; they come in the order of the wire."""
    ordered = words[::-1] if (place.word_order or word_order) == "little" else words
    [found] = struct.unpack(FORMATS[place.type], struct.pack(f">{len(ordered)}H", *ordered))
    return float(found) if place.type is Type.F32 else found
