"""What is asked of the inverter: pure functions from an intention to bytes for the dongle, or registers for Modbus."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from hashbus_poller.drivers.luxpower.frames import translated

READ_HOLDING, READ_INPUT, WRITE_ONE = 3, 4, 6
"""Functions of Modbus."""

MOST_REGISTERS = 40
"""In one question; every model answers as many, only newer ones more (PROTOCOLS.md 5.2)."""


@dataclass(frozen=True, slots=True)
class Block:
    """Registers that are read together; an older inverter may lack the optional ones."""

    first: int
    count: int = MOST_REGISTERS
    is_optional: bool = False
    function: int = READ_INPUT

    def __str__(self) -> str:
        """Say which, for the tape and for complaints."""
        table = "holding" if self.function == READ_HOLDING else "input"
        return f"{table} {self.first}..{self.first + self.count - 1}"

    @property
    def wanted(self) -> int:
        """What stands behind the first register in a request: how many."""
        return self.count


@dataclass(frozen=True, slots=True)
class Write:
    """A holding register and what it shall hold."""

    first: int
    value: int
    function: int = WRITE_ONE

    def __str__(self) -> str:
        """Say what is written where, for the tape and for complaints."""
        return f"holding {self.first} = {self.value}"

    @property
    def wanted(self) -> int:
        """What stands behind the register in a request: its value."""
        return self.value


BLOCKS = (Block(0), Block(40), Block(80), Block(160, is_optional=True))
"""What a reading is made of: power and the day, counters and faults, the battery's own figures, the load's counter."""


def holding(register: int) -> Block:
    """Return the question for one holding register."""
    return Block(register, 1, function=READ_HOLDING)


def request(dongle: str, inverter: str, asked: Block | Write) -> bytes:
    """Ask something of the inverter through the dongle; both by their serial numbers of ten characters."""
    data = struct.pack("<BB10sHH", 0, asked.function, inverter.encode("ascii"), asked.first, asked.wanted)
    return translated(dongle, data)
