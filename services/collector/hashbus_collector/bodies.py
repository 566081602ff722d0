"""The body of a request, never larger than agreed: neither as it travels nor once it is unpacked."""

from __future__ import annotations

import asyncio
import zlib
from typing import TYPE_CHECKING

from hashbus_collector.errors import Refusal

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

GZIP = 16 + zlib.MAX_WBITS
PIECE_BYTES = 65_536
MOST_PARTS = 100
"""Packed parts of one body: usual is one, and a million empty ones would cost a second."""


async def read_body(pieces: AsyncIterator[bytes], announced: str | None, *, most: int, within_s: float) -> bytes:
    """Return the body; Refusal 413 when it is longer than `most` bytes, 408 when it takes too long.

    What is announced to be too long is not read at all.
    """
    if announced is not None and announced.isdigit() and int(announced) > most:
        raise _too_long(most)
    body = bytearray()
    try:
        async with asyncio.timeout(within_s):
            async for piece in pieces:
                body += piece
                if len(body) > most:
                    raise _too_long(most)
    except TimeoutError:
        raise Refusal(408, f"the body did not arrive within {within_s:g} s") from None
    return bytes(body)


def unpacked(body: bytes, encoding: str | None, *, most: int) -> bytes:
    """Return the body as it was before it was packed; Refusal 413 when that is longer than `most` bytes.

    It is unpacked piece by piece and given up at the bound: a body that unpacks to a million times its size costs no
    more than one that is just too long. A body that begins like gzip is unpacked without being announced as gzip.
    """
    name = (encoding or "identity").strip().lower()
    if name not in ("gzip", "x-gzip", "identity", ""):
        raise Refusal(415, f"Content-Encoding {name[:40]!r} is not understood; gzip is, and none")
    if name in ("identity", "") and not body.startswith(b"\x1f\x8b"):
        return body
    return _gunzipped(body, most)


def _gunzipped(body: bytes, most: int) -> bytes:
    result = bytearray()
    rest = body
    for _ in range(MOST_PARTS):
        # A gzip body may be several packed parts behind each other (RFC 1952, section 2.2).
        part = zlib.decompressobj(GZIP)
        try:
            while not part.eof:
                piece = part.decompress(rest, PIECE_BYTES)
                rest = part.unconsumed_tail
                result += piece
                if len(result) > most:
                    raise _too_long(most, "once it is unpacked")
                if not piece and not rest and not part.eof:
                    raise Refusal(400, "the gzip body ends in the middle")
        except zlib.error:
            raise Refusal(400, "the body is not gzip, or it is damaged") from None
        rest = part.unused_data
        if not rest:
            return bytes(result)
    raise Refusal(400, f"the gzip body has more than {MOST_PARTS} parts")


def _too_long(most: int, when: str = "as it travels") -> Refusal:
    return Refusal(413, f"the body is longer than {most} bytes {when}; send less at once")
