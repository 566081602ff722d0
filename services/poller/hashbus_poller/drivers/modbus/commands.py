"""Which questions get all registers of a map: neighbours together, no number torn apart; pure."""

from __future__ import annotations

from collections.abc import Collection

from hashbus_poller.drivers.modbus.options import Register
from hashbus_poller.modbus_tables import Span, Table

LONGEST_BITS = 2000


def spans(registers: Collection[Register], *, longest_read: int, longest_gap: int) -> tuple[Span, ...]:
    """Return the fewest questions, in the order of tables and addresses; each within the device's `longest_read`."""
    found: list[Span] = []
    for table in Table:
        longest = LONGEST_BITS if table.is_bits else longest_read
        places = sorted({(one.address, one.entries) for one in registers if one.table is table})
        for address, words in places:
            last = found[-1] if found and found[-1].table is table else None
            end = address + words
            is_near = last is not None and address <= last.first + last.count + longest_gap
            if last is not None and is_near and end - last.first <= longest:
                found[-1] = Span(table, last.first, max(last.count, end - last.first))
            else:
                found.append(Span(table, address, words))
    return tuple(found)
