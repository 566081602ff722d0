"""What a site's configuration says of a Modbus device: where it is, and which register is which field."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from hashbus_poller.mapped.fields import Value, check
from hashbus_poller.mapped.options import AsList, MappedOptions
from hashbus_poller.modbus_options import ModbusOptions
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


class Register(Value):
    """Where one value stands. `address` counts from 0 as on the wire: 30053 in a manual is `input` 52."""

    table: Table
    address: int = Field(ge=0, le=65_535)
    type: Type = Field(Type.U16, description="u16, i16, u32, i32 or f32; of no meaning for coil and discrete")
    word_order: Literal["big", "little"] | None = Field(
        None, description="Which word of two comes first: the high (big)"
    )
    mask: int | None = Field(None, ge=1, le=0xFFFF_FFFF, description="Only these bits, moved down to the lowest")
    missing: Annotated[tuple[int, ...], AsList] = Field(
        (), description="Raw values that mean `no sensor`, as whole numbers of the type"
    )

    @property
    def words(self) -> int:
        """How many entries of its table it takes."""
        return 1 if self.table.is_bits else self.type.words

    @model_validator(mode="after")
    def _fits_into_the_table(self) -> Self:
        if self.address + self.words > 65_536:
            raise ValueError(f"{self.type} at {self.address} goes beyond the last register, 65535")
        if self.mask is not None and (self.table.is_bits or self.type not in (Type.U16, Type.U32)):
            raise ValueError("mask is for u16 and u32")
        return self


class ModbusDeviceOptions(ModbusOptions, MappedOptions):
    """A Modbus device and the map of its registers."""

    driver_name: ClassVar[str] = "modbus"

    registers: Mapping[str, Annotated[tuple[Register, ...], AsList]] = Field(
        description="Field of the reading: where it stands; several are added up"
    )
    word_order: Literal["big", "little"] = Field("big", description="Of numbers of two words, unless they say it")
    longest_read: int = Field(125, ge=2, le=125, description="Most registers in one question")
    longest_gap: int = Field(
        0, ge=0, le=100, description="Registers nobody wants that are read along to save a question"
    )

    @model_validator(mode="after")
    def _map_fits_the_reading(self) -> Self:
        check(self.kind, self.registers)
        return self
