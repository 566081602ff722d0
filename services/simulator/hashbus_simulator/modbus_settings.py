"""The block of an emulated device that is nothing but Modbus registers."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from hashbus_simulator.blocks import DeviceBlock

Address = Annotated[int, Field(ge=0, le=65_535)]
Word = Annotated[int, Field(ge=0, le=65_535)]
Bit = Annotated[int, Field(ge=0, le=1)]


class ModbusBlock(DeviceBlock):
    """A device with the given registers. `ports`: `modbus` (502) and `rtu` (4001, a gateway for serial frames).

    Only what stands under `input`, `holding`, `discrete` and `coil` exists; everything else is an illegal address.
    Model `SDM630` is a three-phase meter on the grid connection of the simulator's house, `XY-MD02` a thermometer in
    the `room` of that house or `outdoors`, both with input registers of their own. `longest_read` is the most registers
    that it gives in one answer. `stuck` are holding registers that say yes to every value and keep their own, as those
    do that a key switch on the device's front overrules.
    """

    family: Literal["modbus"] = "modbus"
    model: Literal["registers", "SDM630", "XY-MD02"] = "registers"
    room: str | None = None
    unit: int = Field(default=1, ge=1, le=247)
    input: dict[Address, Word] = Field(default_factory=dict)
    holding: dict[Address, Word] = Field(default_factory=dict)
    discrete: dict[Address, Bit] = Field(default_factory=dict)
    coil: dict[Address, Bit] = Field(default_factory=dict)
    longest_read: int = Field(default=125, ge=1, le=125)
    stuck: frozenset[Address] = frozenset()

    @model_validator(mode="after")
    def _hangs_somewhere(self) -> Self:
        if (self.model == "XY-MD02") != (self.room is not None):
            raise ValueError("a thermometer (model XY-MD02) needs a room, and nothing else has one")
        return self
