"""The least that a walk over a network can cost in asyncio: connect to every port of every address, and ask nobody."""

from __future__ import annotations

import asyncio
import resource
import socket
import time
from collections.abc import Iterable, Iterator
from ipaddress import IPv4Address

from benchmarks import workers


def cost(began_s: float, began_cpu_s: float) -> dict[str, float]:
    """Return seconds and CPU seconds since then, and the highest memory of this process so far in MB."""
    return {
        "seconds": time.perf_counter() - began_s,
        "cpu_s": time.process_time() - began_cpu_s,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6,
    }


async def connect(first: str, last: str, ports: list[int], at_once: int) -> dict[str, float]:
    """Connect to these ports of the addresses from `first` to `last`, so many at a time."""
    began = time.perf_counter(), time.process_time()
    hosts = (str(IPv4Address(number)) for number in range(int(IPv4Address(first)), int(IPv4Address(last)) + 1))
    doors = _doors(hosts, ports)
    await asyncio.gather(*(_knock_at(doors) for _ in range(at_once)))
    return cost(*began)


def _doors(hosts: Iterable[str], ports: list[int]) -> Iterator[tuple[str, int]]:
    return ((host, port) for host in hosts for port in ports)


async def _knock_at(doors: Iterator[tuple[str, int]]) -> None:
    loop = asyncio.get_running_loop()
    for door in doors:
        with socket.socket() as connection:
            connection.setblocking(False)
            try:
                await loop.sock_connect(connection, door)
            except OSError:
                continue


async def main() -> None:
    """Walk whenever told."""
    await workers.obey({"connect": connect})


if __name__ == "__main__":
    workers.run(main())
