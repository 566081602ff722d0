"""What a site's configuration says of a Modbus device: where it is, and which register is which field or setting."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from hashbus_poller.drivers.modbus.registers import Place, Type
from hashbus_poller.drivers.modbus.settings import ModbusSetting
from hashbus_poller.mapped import fields, settable
from hashbus_poller.mapped.fields import Value
from hashbus_poller.mapped.options import AsList, MappedOptions
from hashbus_poller.mapped.settable import SettingName
from hashbus_poller.modbus_options import ModbusOptions

EVERYBODY = 0
"""The unit id to which all units on a line listen and none answers."""


class Register(Place, Value):
    """Where one value of a reading stands, and how it is to be understood."""

    mask: int | None = Field(None, ge=1, le=0xFFFF_FFFF, description="Only these bits, moved down to the lowest")
    missing: Annotated[tuple[int, ...], AsList] = Field(
        (), description="Raw values that mean `no sensor`, as whole numbers of the type"
    )

    @model_validator(mode="after")
    def _masks_a_whole_number(self) -> Self:
        if self.mask is not None and (self.table.is_bits or self.type not in (Type.U16, Type.U32)):
            raise ValueError("mask is for u16 and u32")
        return self


class ModbusDeviceOptions(ModbusOptions, MappedOptions):
    """A Modbus device, the map of its registers, and what of it may be set."""

    driver_name: ClassVar[str] = "modbus"

    registers: Mapping[str, Annotated[tuple[Register, ...], AsList]] = Field(
        description="Field of the reading: where it stands; several are added up"
    )
    settings: Mapping[SettingName, ModbusSetting] = Field({}, description="What an order may set, within which bounds")
    takes_orders: bool = Field(False, description="Let orders change its settings; else it is only read")
    word_order: Literal["big", "little"] = Field("big", description="Of numbers of two words, unless they say it")
    longest_read: int = Field(125, ge=2, le=125, description="Most registers in one question")
    longest_gap: int = Field(
        0, ge=0, le=100, description="Registers nobody wants that are read along to save a question"
    )

    @model_validator(mode="after")
    def _map_fits_the_reading(self) -> Self:
        fields.check(self.kind, self.registers)
        return self

    @model_validator(mode="after")
    def _settings_are_safe(self) -> Self:
        for name, setting in self.settings.items():
            try:
                settable.check(name, setting, self.registers)
            except ValueError as error:
                raise ValueError(f"settings.{name}: {error}") from None
        for (one, its), (other, others) in combinations(self.settings.items(), 2):
            if its.span.meets(others.span):
                raise ValueError(f"settings.{one} and settings.{other} stand in the same register")
        if self.takes_orders and not self.settings:
            raise ValueError("takes_orders, but nothing stands under settings")
        if self.takes_orders and self.unit == EVERYBODY:
            raise ValueError("unit 0 is every unit on the line: an order needs the one that is meant")
        return self
