"""The block of an emulated EG4 or LuxPower inverter on the local network."""

from typing import Annotated, Literal

from pydantic import Field

from hashbus_simulator.blocks import DeviceBlock

Bit = Annotated[int, Field(ge=0, le=31)]


class LuxpowerBlock(DeviceBlock):
    """A hybrid inverter with a Wi-Fi dongle, showing the simulator's `house`. `ports`: `dongle` (8000), `modbus` (502).

    `heartbeat_s` is how often the dongle sends a heartbeat unasked (real seconds; 0: never). `mirrors` has it copy its
    talk with the cloud before each answer. `most_registers` is the longest read that it answers, `last_register` the
    highest input register that this model has. `fault_bits` and `warning_bits` are shown as set.
    """

    family: Literal["luxpower"] = "luxpower"
    dongle_serial: str = Field(default="BA12345678", pattern=r"^[A-Za-z0-9]{10}$")
    inverter_serial: str = Field(default="4512345678", pattern=r"^[A-Za-z0-9]{10}$")
    heartbeat_s: float = Field(default=30.0, ge=0)
    mirrors: bool = True
    most_registers: int = Field(default=40, ge=1, le=127)
    last_register: int = Field(default=254, ge=119, le=254)
    fault_bits: tuple[Bit, ...] = ()
    warning_bits: tuple[Bit, ...] = ()
