"""Waiting for something to come true, and counting connections: what the promises watch a driver with."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from pathlib import Path

PATIENCE_S = 20.0
"""Far more than anything here takes, even on a busy machine: whoever runs into it hangs."""

LOOK_EVERY_S = 0.02
OPEN_STATES = frozenset({"01", "02", "08"})  # ESTABLISHED, SYN_SENT and CLOSE_WAIT: somebody still holds the socket


async def until(is_so: Callable[[], bool], promise: str) -> None:
    """Wait until it is so; fails with the promise that was broken when it never is."""
    try:
        async with asyncio.timeout(PATIENCE_S):
            while not is_so():  # noqa: ASYNC110 - what is waited for may be in the kernel or another process
                await asyncio.sleep(LOOK_EVERY_S)
    except TimeoutError:
        raise AssertionError(promise) from None


def connections_to(address: str) -> int:
    """Return how many TCP connections to that IPv4 address are open, counted at the client's end.

    Linux only: the kernel's own table needs nobody's help, neither the driver's nor the stand-in's.
    """
    wanted = f"{int.from_bytes(socket.inet_aton(address), 'little'):08X}"
    lines = Path("/proc/self/net/tcp").read_text(encoding="ascii").splitlines()[1:]
    rows = (line.split() for line in lines)
    return sum(row[2].partition(":")[0] == wanted and row[3] in OPEN_STATES for row in rows)
