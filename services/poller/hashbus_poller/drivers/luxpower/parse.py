"""What an inverter says through the dongle: from a frame to the values of its registers; pure."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from hashbus_poller.drivers.contract import Garbled, Unreachable, Unsupported
from hashbus_poller.drivers.luxpower.commands import Block, Write
from hashbus_poller.drivers.luxpower.frames import TRANSLATED, Frame

HEAD = struct.Struct("<BB10sH")
"""Action (0 request, 1 reply), function, serial of the inverter, first register."""

FUNCTIONS = frozenset({3, 4, 6, 16})
REFUSES = 0x80
SINGLE_VALUE_PROTOCOL = 1
"""A reply marked so carries one value and no count of bytes before it."""

PASSING = frozenset({4, 5, 6, 10, 11})
"""Codes of Modbus that mean: not now."""


@dataclass(frozen=True, slots=True)
class Question:
    """Which answer is waited for, among all that a dongle sends."""

    dongle: bytes
    inverter: bytes
    asked: Block | Write


def answer(frame: Frame, question: Question) -> tuple[int, ...] | None:
    """Return the values of the registers, or the one that was written, when the frame answers the question.

    None for what is none of our business: heartbeats, what the cloud asks, what is answered to it, other inverters.
    The cloud reads the same registers in other numbers, so an answer of another length is passed over too.
    Garbled when our own answer, or any frame with a sound checksum, makes no sense; Unsupported when the inverter
    has no such registers.
    """
    if frame.function != TRANSLATED or frame.dongle != question.dongle:
        return None
    if len(frame.data) < HEAD.size:
        raise Garbled(f"a data frame of {len(frame.data)} bytes", frame.data)
    action, function, inverter, first = HEAD.unpack_from(frame.data)
    if action not in (0, 1) or function & ~REFUSES not in FUNCTIONS:
        raise Garbled(f"a data frame with action {action} and function {function}", frame.data)
    asked = question.asked
    if (action, function & ~REFUSES, inverter, first) != (1, asked.function, question.inverter, asked.first):
        return None
    if not frame.is_sound:
        raise Garbled(f"the answer to {asked} has a wrong length or checksum", frame.data)
    rest = frame.data[HEAD.size :]
    if function & REFUSES:
        raise _refusal(asked, rest)
    return _values(frame, rest, asked) if isinstance(asked, Block) else _written(rest, asked)


def _refusal(asked: Block | Write, rest: bytes) -> Unsupported | Unreachable | Garbled:
    if not rest:
        return Garbled(f"the inverter refuses {asked} without a code")
    problem = f"the inverter refuses {asked}: exception {rest[0]}"
    return Unreachable(problem) if rest[0] in PASSING else Unsupported(problem)


def _values(frame: Frame, rest: bytes, block: Block) -> tuple[int, ...] | None:
    if frame.protocol != SINGLE_VALUE_PROTOCOL:
        if not rest or rest[0] != len(rest) - 1 or rest[0] % 2:
            raise Garbled(f"the answer to {block} has another length than it says", frame.data)
        rest = rest[1:]
    return struct.unpack(f"<{block.count}H", rest) if len(rest) == 2 * block.count else None


def _written(rest: bytes, asked: Write) -> tuple[int, ...] | None:
    """Return the value that is echoed; some firmware echoes it like a read one, with a count of bytes before it."""
    if len(rest) not in (2, 3):
        raise Garbled(f"the answer to {asked} has {len(rest)} bytes", rest)
    value = int.from_bytes(rest[-2:], "little")
    # The cloud may have written something else into the same register.
    return (value,) if value == asked.value else None
