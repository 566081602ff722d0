"""Which poller reads which device, agreed without a word about any device."""

from __future__ import annotations

from collections.abc import Collection
from hashlib import blake2b


def part_of(device: str, parts: int) -> int:
    """Return which of `parts` pollers, counted from 1, reads a device.

    Rendezvous hashing: each part has a lot for each device and the highest wins, so that with one part more or less
    only the devices of that part move. Source: D. Thaler, C. Ravishankar, "Using name-based mappings to increase hit
    rates", 1998.
    """
    return max(range(1, parts + 1), key=lambda part: _lot(device, str(part)))


def owner_of(device: str, members: Collection[str]) -> str | None:
    """Return which of the members reads a device, by the same lots; None when there is no member."""
    return max(members, key=lambda member: (_lot(device, member), member), default=None)


def _lot(device: str, member: str) -> bytes:
    return blake2b(f"{device}/{member}".encode(), digest_size=8).digest()
