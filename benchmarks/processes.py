"""What a process costs, as the kernel counts it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")


class Memory(NamedTuple):
    """Resident memory in MB (10^6 bytes): all of it, and with shared pages divided among those who share them."""

    rss_mb: float
    pss_mb: float


def memory(pid: int) -> Memory:
    """Return the memory of a process now."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines()[1:]
    sizes_kib = {name: float(rest.split()[0]) for name, _, rest in (line.partition(":") for line in lines)}
    return Memory(sizes_kib["Rss"] * 1024 / 1e6, sizes_kib["Pss"] * 1024 / 1e6)


def cpu_s(pid: int) -> float:
    """Return the CPU seconds that a process has used since it began, in user mode and in the kernel."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS_PER_S


def children(pid: int) -> list[int]:
    """Return the direct children of a process."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return [int(child) for task in tasks for child in (task / "children").read_text(encoding="ascii").split()]
