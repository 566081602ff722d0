"""Which poller reads which device, agreed without a word between them."""

from __future__ import annotations

from hashlib import blake2b


def part_of(device: str, parts: int) -> int:
    """Return which of `parts` pollers, counted from 1, reads a device.

    Rendezvous hashing: each part has a lot for each device and the highest wins, so that with one part more or less
    only the devices of that part move. Source: D. Thaler, C. Ravishankar, "Using name-based mappings to increase hit
    rates", 1998.
    """
    return max(range(1, parts + 1), key=lambda part: _lot(device, part))


def _lot(device: str, part: int) -> bytes:
    return blake2b(f"{device}/{part}".encode(), digest_size=8).digest()
