"""The protocol data units of Modbus as a server answers them (Modbus Application Protocol 1.1b3). Pure functions."""

import struct
from collections.abc import Sequence
from enum import IntEnum
from typing import Protocol

MOST_WORDS = 125
MOST_BITS = 2000


class Function(IntEnum):
    """The function codes that are answered."""

    READ_COILS = 1
    READ_DISCRETE = 2
    READ_HOLDING = 3
    READ_INPUT = 4
    WRITE_COIL = 5
    WRITE_ONE = 6
    WRITE_MANY = 16


COIL_ON, COIL_OFF = 0xFF00, 0


class Refusal(Exception):
    """The device answers with an exception code."""

    def __init__(self, code: int) -> None:
        """1 illegal function, 2 illegal address, 3 illegal value, 4 device failure, 6 busy, 11 unit does not answer."""
        super().__init__(code)
        self.code = code


class HungUp(Exception):
    """The device does what it is told, and hangs up before it has said so."""


class Unit(Protocol):
    """What answers to one unit id."""

    def read(self, function: Function, first: int, count: int) -> Sequence[int]:
        """Return words, or bits as 0 and 1. Raises Refusal."""

    def write(self, first: int, values: Sequence[int]) -> None:
        """Take values into holding registers. Raises Refusal or HungUp."""

    def turn(self, coil: int, *, is_on: bool) -> None:
        """Turn a coil on or off. Raises Refusal or HungUp."""


def answered(unit: Unit, request: bytes) -> bytes:
    """The answer to a protocol data unit, without unit id and checksum."""
    function = request[0] if request else 0
    try:
        return bytes((function,)) + _answer(unit, function, request[1:])
    except Refusal as refusal:
        return bytes((function | 0x80, refusal.code))


def _answer(unit: Unit, function: int, body: bytes) -> bytes:
    if function not in tuple(Function):
        raise Refusal(1)
    if len(body) < 4:
        raise Refusal(3)
    first, second = struct.unpack_from(">HH", body)
    if function == Function.WRITE_COIL:
        if second not in (COIL_ON, COIL_OFF):
            raise Refusal(3)
        unit.turn(first, is_on=second == COIL_ON)
        return body[:4]
    if function == Function.WRITE_ONE:
        unit.write(first, [second])
        return body[:4]
    if function == Function.WRITE_MANY:
        values = body[5:]
        if len(values) != 2 * second:
            raise Refusal(3)
        unit.write(first, struct.unpack(f">{second}H", values))
        return body[:4]
    is_bits = function in (Function.READ_COILS, Function.READ_DISCRETE)
    if not 1 <= second <= (MOST_BITS if is_bits else MOST_WORDS):
        raise Refusal(3)
    entries = unit.read(Function(function), first, second)
    packed = _packed_bits(entries) if is_bits else struct.pack(f">{second}H", *entries)
    return bytes((len(packed),)) + packed


def _packed_bits(bits: Sequence[int]) -> bytes:
    packed = bytearray((len(bits) + 7) // 8)
    for place, bit in enumerate(bits):
        packed[place // 8] |= bool(bit) << place % 8
    return bytes(packed)


def crc16(data: bytes) -> int:
    """The checksum of serial frames: polynomial A001, initial value FFFF, sent low byte first."""
    crc = 0xFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ 0xA001 if crc & 1 else crc >> 1
    return crc
