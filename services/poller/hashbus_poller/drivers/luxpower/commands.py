"""What is asked of the inverter: pure functions from an intention to bytes for the dongle, or registers for Modbus."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from hashbus_poller.drivers.luxpower.frames import translated

READ_INPUT = 4
MOST_REGISTERS = 40
"""In one question; every model answers as many, only newer ones more (PROTOCOLS.md 5.2)."""


@dataclass(frozen=True, slots=True)
class Block:
    """Input registers that are read together; an older inverter may lack the optional ones."""

    first: int
    count: int = MOST_REGISTERS
    is_optional: bool = False

    def __str__(self) -> str:
        """Say which, for the tape and for complaints."""
        return f"input {self.first}..{self.first + self.count - 1}"


BLOCKS = (Block(0), Block(40), Block(80), Block(160, is_optional=True))
"""What a reading is made of: power and the day, counters and faults, the battery's own figures, the load's counter."""


def read_input(dongle: str, inverter: str, block: Block) -> bytes:
    """Ask through the dongle for input registers of the inverter; both by their serial numbers of ten characters."""
    data = struct.pack("<BB10sHH", 0, READ_INPUT, inverter.encode("ascii"), block.first, block.count)
    return translated(dongle, data)
