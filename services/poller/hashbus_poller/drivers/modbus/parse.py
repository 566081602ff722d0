"""From registers to a reading by the map of the options; pure."""

from __future__ import annotations

import math
import struct
from collections.abc import Iterable, Mapping

from hashbus_poller.drivers.modbus.options import ModbusDeviceOptions, Register
from hashbus_poller.drivers.modbus.registers import number
from hashbus_poller.mapped.fields import Reading, combined, reading, shapes, understood
from hashbus_poller.modbus_tables import Span, Table
from hashbus_poller.readings import understanding

Entries = Mapping[tuple[Table, int], int]
"""Words and bits by table and address."""


def entries(spans: Iterable[Span], answers: Iterable[tuple[int, ...]]) -> Entries:
    """Put the answers to all questions into one table."""
    return {
        (span.table, address): entry
        for span, answer in zip(spans, answers, strict=True)
        for address, entry in enumerate(answer, span.first)
    }


def read(options: ModbusDeviceOptions, got: Entries) -> Reading:
    """Make the reading; Garbled when a value is outside the bounds of its field, Unreachable when there is none."""
    known = shapes(options.kind)
    with understanding(_packed(got)):
        fields = {
            name: combined(
                known[name],
                [understood(name, known[name], one, raw(one, got, options.word_order)) for one in registers],
            )
            for name, registers in options.registers.items()
        }
        return reading(options.kind, fields)


def raw(register: Register, got: Entries, word_order: str) -> float | bool | None:
    """Return the number in a register, or what a single bit says; None for what means that there is no sensor."""
    words = [got[register.table, register.address + step] for step in range(register.entries)]
    if register.table.is_bits:
        return bool(words[0])
    found = number(register, words, word_order)
    if found in register.missing or not math.isfinite(found):
        return None
    if register.mask is not None:
        lowest = register.mask & -register.mask
        found = (int(found) & register.mask) // lowest
    return float(found)


def _packed(got: Entries) -> bytes:
    """Return what came as bytes, for a Garbled to keep."""
    return struct.pack(f">{len(got)}H", *got.values())
