"""The dongle's frames (PROTOCOLS.md 5.2): a header, a data frame, a checksum over the data frame; pure."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from hashbus_poller.drivers.contract import Garbled

PREFIX = b"\xa1\x1a"
HEADER = struct.Struct("<2sHHBB10s")
"""Prefix, protocol, bytes after this field, 1, TCP function, serial of the dongle."""

LENGTH_AT = 4
LENGTH_END = 6
LONGEST_FRAME = 600
"""Bytes: 127 registers, the longest read that any model answers, are not half of it."""

REQUEST_PROTOCOL = 1
TRANSLATED = 0xC2
"""TCP function of what is passed on to the inverter; 0xC1 is a heartbeat, 0xC3 and 0xC4 are for the dongle itself."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame as it came: who sent it by which protocol, and what is in it."""

    protocol: int
    function: int
    dongle: bytes
    data: bytes
    """The data frame without its checksum; of a heartbeat what there is."""
    is_sound: bool
    """Whether length and checksum of the data frame are right; a heartbeat has none."""


def crc16(data: bytes) -> int:
    """Return the checksum of Modbus RTU: polynomial A001, initial value FFFF."""
    crc = 0xFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ 0xA001 if crc & 1 else crc >> 1
    return crc


def translated(dongle: str, data: bytes) -> bytes:
    """Return the frame that has the dongle pass a data frame on to the inverter."""
    payload = struct.pack("<H", len(data) + 2) + data + struct.pack("<H", crc16(data))
    length = HEADER.size - LENGTH_END + len(payload)
    return HEADER.pack(PREFIX, REQUEST_PROTOCOL, length, 1, TRANSLATED, dongle.encode("ascii")) + payload


def taken(received: bytearray) -> Frame | None:
    """Remove the first frame from what was received; None while it is not whole, Garbled when none can begin there."""
    if not PREFIX.startswith(received[:2]):
        raise Garbled("what came does not begin like a frame of the dongle", bytes(received))
    if len(received) < LENGTH_END:
        return None
    (length,) = struct.unpack_from("<H", received, LENGTH_AT)
    end = LENGTH_END + length
    if not HEADER.size <= end <= LONGEST_FRAME:
        raise Garbled(f"a frame of {end} bytes is announced", bytes(received))
    if len(received) < end:
        return None
    whole = bytes(received[:end])
    del received[:end]
    _, protocol, _, _, function, dongle = HEADER.unpack_from(whole)
    rest = whole[HEADER.size :]
    data = rest[2:-2]
    is_sound = len(rest) >= 4 and rest[:2] == struct.pack("<H", len(rest) - 2) and rest[-2:] == _checksum(data)
    return Frame(protocol, function, dongle, data, is_sound)


def _checksum(data: bytes) -> bytes:
    return struct.pack("<H", crc16(data))
