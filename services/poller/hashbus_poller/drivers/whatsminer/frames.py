"""Frames of API v3: four bytes with the length, little-endian, then that many bytes of JSON (PROTOCOLS.md 1.1)."""

from __future__ import annotations

import struct

from hashbus_poller.drivers.contract import Garbled

LONGEST_FRAME = 1_048_576
"""Bytes. The vendor's own worker draws the line here too; only log downloads are longer, and they are not framed."""

KEPT_BYTES = 4096
"""How much of an endless frame is kept."""

_LENGTH = struct.Struct("<I")


def framed(document: bytes) -> bytes:
    """Return the document as it goes over the wire."""
    return _LENGTH.pack(len(document)) + document


class FrameReader:
    """Cuts frames out of a TCP stream, however it was split or joined on the way."""

    __slots__ = ("_held",)

    def __init__(self) -> None:
        """Start at the beginning of a stream."""
        self._held = bytearray()

    def feed(self, data: bytes) -> list[bytes]:
        """Take what arrived, return the documents that are whole now; heartbeats, which are empty, are left out.

        Garbled when a frame announces more than 1 MiB: nothing after it can be found any more.
        """
        held = self._held
        held += data
        documents = []
        start = 0
        while len(held) - start >= _LENGTH.size:
            (length,) = _LENGTH.unpack_from(held, start)
            if length > LONGEST_FRAME:
                raise Garbled(f"a frame announces {length} bytes", bytes(held[start : start + KEPT_BYTES]))
            begin, end = start + _LENGTH.size, start + _LENGTH.size + length
            if len(held) < end:
                break
            if length:
                documents.append(bytes(held[begin:end]))
            start = end
        del held[:start]
        return documents

    @property
    def is_amid(self) -> bool:
        """Whether the stream stands in the middle of a frame."""
        return bool(self._held)
