"""Where a Modbus device is, as a site's configuration says it: in the network, or on a serial port."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Self

from pydantic import Field, model_validator

from hashbus_poller.drivers.contract import DeviceOptions, Host

MODBUS_PORT = 502
PARITIES = {"none": "N", "even": "E", "odd": "O"}


@dataclass(frozen=True, slots=True)
class TcpLine:
    """A device or gateway in the network; `is_rtu` when the gateway passes serial frames on as they are."""

    host: str
    port: int
    is_rtu: bool = False

    def __str__(self) -> str:
        """Say where, for complaints."""
        return f"{self.host} port {self.port}"


@dataclass(frozen=True, slots=True)
class SerialLine:
    """A serial port of this machine. `parity` is N, E or O."""

    path: str
    baud_rate: int
    parity: str
    stop_bits: int

    def __str__(self) -> str:
        """Say where, for complaints."""
        return self.path


class ModbusOptions(DeviceOptions):
    """What reaches a Modbus device: address and port for `tcp` and `rtu_over_tcp`, a serial port for `rtu`."""

    transport: Literal["tcp", "rtu_over_tcp", "rtu"] = Field(
        "tcp", description="rtu_over_tcp is a gateway that passes serial frames on unchanged"
    )
    host: Host | None = Field(None, description="IP address or host name of the device or gateway")
    port: int = Field(MODBUS_PORT, ge=1, le=65535, description="Its TCP port")
    serial_port: str | None = Field(
        None, pattern=r"^(/dev/[A-Za-z0-9_./:-]+|COM\d+)$", description="Such as /dev/ttyUSB0"
    )
    baud_rate: int = Field(9600, ge=300, le=1_000_000)
    parity: Literal["none", "even", "odd"] = "none"
    stop_bits: Literal[1, 2] = 1
    unit: int = Field(1, ge=0, le=255, description="Unit id (slave address) of the device")

    @model_validator(mode="after")
    def _has_an_address(self) -> Self:
        if self.transport == "rtu":
            if self.serial_port is None:
                raise ValueError("transport rtu needs serial_port, such as /dev/ttyUSB0")
        elif self.host is None:
            raise ValueError(f"transport {self.transport} needs host")
        return self

    def line(self) -> TcpLine | SerialLine:
        """Return the line on which the device is."""
        if self.transport == "rtu":
            return SerialLine(self.serial_port or "", self.baud_rate, PARITIES[self.parity], self.stop_bits)
        return TcpLine(self.host or "", self.port, is_rtu=self.transport == "rtu_over_tcp")
