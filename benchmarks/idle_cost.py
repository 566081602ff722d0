"""What a home costs while nothing happens: `hashbus up` on the site of config/demo.yaml, three miners and one battery.

Memory and CPU of each process as the kernel counts them. The emulated devices are no part of a real site, so the sums
leave the simulator out and say what it adds.
"""

from __future__ import annotations

import asyncio
import re
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import yaml

from benchmarks import processes
from benchmarks.figures import Figure
from benchmarks.servers import HomeSite
from benchmarks.workers import ROOT
from tests.servers import free_port

SETTLE_S, WATCHED_S = 20.0, 60.0
QUICK_SETTLE_S, QUICK_WATCHED_S = 0.0, 1.0
SIMULATOR = "simulator"
CORE = ("broker", "supervisor", "poller", "controller", "recorder", "notifier")
"""What reads, decides, records and tells; page, market, smart home and curtailment are an owner's choice."""

MEMORY_MB, CPU_PCT = 400, 5


class Cost(NamedTuple):
    """Of one process: memory in MB, with shared pages counted whole (RSS) and divided (PSS), and % of a core."""

    rss_mb: float
    pss_mb: float
    cpu_pct: float


async def measure(*, quick: bool) -> list[Figure]:
    """Watch the site for a minute."""
    settle_s, watched_s = (QUICK_SETTLE_S, QUICK_WATCHED_S) if quick else (SETTLE_S, WATCHED_S)
    with tempfile.TemporaryDirectory() as folder, HomeSite(_site_file(Path(folder))) as site:
        await asyncio.sleep(settle_s)
        costs = await _watch(site.pid, watched_s)
    return [*_sums(costs), *(figure for name, cost in sorted(costs.items()) for figure in _of_one(name, cost))]


def _site_file(folder: Path) -> Path:
    """Copy the demo, on addresses and ports of its own: it may run beside this."""
    demo = ROOT / "config" / "demo.yaml"
    site = yaml.safe_load(re.sub(r"\b127\.21\.", "127.94.", demo.read_text(encoding="utf-8")))
    site["data_dir"] = str(folder / "var")
    site["broker"]["port"] = free_port()
    site["health"] = {"port": 0}
    site["recorder"]["history"]["port"] = free_port()
    site["simulator"]["control_port"] = free_port()
    site["web"]["port"] = free_port()
    shutil.copytree(demo.with_name("demo-secrets"), folder / "demo-secrets")
    file = folder / "site.yaml"
    file.write_text(yaml.safe_dump(site), encoding="utf-8")
    return file


async def _watch(supervisor: int, watched_s: float) -> dict[str, Cost]:
    """Return what each process of the site costs, by its name."""
    pids = {"supervisor": supervisor} | {_name(pid): pid for pid in processes.children(supervisor)}
    before_s = {name: processes.cpu_s(pid) for name, pid in pids.items()}
    await asyncio.sleep(watched_s)
    return {
        name: Cost(*processes.memory(pid), (processes.cpu_s(pid) - before_s[name]) / watched_s * 100)
        for name, pid in pids.items()
    }


def _name(pid: int) -> str:
    command = Path(f"/proc/{pid}/cmdline").read_text(encoding="utf-8")
    service = re.search(r"hashbus_(\w+)", command)
    return service[1] if service else "broker"


def _sums(costs: Mapping[str, Cost]) -> list[Figure]:
    parts = [cost for name, cost in costs.items() if name != SIMULATOR]
    rss_mb, pss_mb, cpu_pct = (sum(column) for column in zip(*parts, strict=True))
    more = costs[SIMULATOR]
    counted = f"{len(parts)} processes"
    core_mb = sum(cost.rss_mb for name, cost in costs.items() if name in CORE)
    return [
        Figure("home_core_memory", core_mb, "MB", f"<= {MEMORY_MB}", f"resident: {', '.join(CORE)}"),
        Figure(
            "home_memory",
            rss_mb,
            "MB",
            "",
            f"resident, all {counted} of the demo; the simulator adds {more.rss_mb:.0f}",
        ),
        Figure("home_memory_shared_once", pss_mb, "MB", "", "shared pages counted once (PSS)"),
        Figure(
            "home_cpu", cpu_pct, "% of a core", f"<= {CPU_PCT}", f"{counted}; the simulator adds {more.cpu_pct:.1f}"
        ),
    ]


def _of_one(name: str, cost: Cost) -> list[Figure]:
    return [
        Figure(f"home_{name}_memory", cost.rss_mb, "MB", "", f"resident; {cost.pss_mb:.0f} MB PSS"),
        Figure(f"home_{name}_cpu", cost.cpu_pct, "% of a core"),
    ]
