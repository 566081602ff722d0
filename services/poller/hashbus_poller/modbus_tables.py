"""What a Modbus device has: four tables of numbered entries, read in spans."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Table(StrEnum):
    """The four tables of a Modbus device."""

    COIL = "coil"
    DISCRETE = "discrete"
    INPUT = "input"
    HOLDING = "holding"

    @property
    def function(self) -> int:
        """The function code that reads it."""
        return {Table.COIL: 1, Table.DISCRETE: 2, Table.HOLDING: 3, Table.INPUT: 4}[self]

    @property
    def write_functions(self) -> tuple[int, int]:
        """The function codes that write one entry of it, and several: 0 where there is none."""
        return {Table.COIL: (5, 15), Table.HOLDING: (6, 16)}.get(self, (0, 0))

    @property
    def is_bits(self) -> bool:
        """Whether its entries are single bits."""
        return self in (Table.COIL, Table.DISCRETE)

    @property
    def longest_read(self) -> int:
        """How many entries the protocol lets one question ask for."""
        return 2000 if self.is_bits else 125


@dataclass(frozen=True, slots=True)
class Span:
    """Consecutive entries of a table; `first` counts from 0, as on the wire."""

    table: Table
    first: int
    count: int

    def meets(self, other: Span) -> bool:
        """Say whether an entry is in both."""
        is_apart = self.first + self.count <= other.first or other.first + other.count <= self.first
        return self.table is other.table and not is_apart

    def __str__(self) -> str:
        """Say which, for the tape and for complaints."""
        return f"{self.table} {self.first}..{self.first + self.count - 1}"
