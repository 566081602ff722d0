"""Farms as site stacks of real processes, each with broker, poller, controller and bridge, before one collector."""

import json
import urllib.request
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

import yaml

from benchmarks.fleet import FAMILIES, PASSWORD
from benchmarks.servers import Service, Simulator, SiteBroker

PER_NETWORK = 250
"""Miners in one /24 network."""

SERVICES = ("poller", "controller", "bridge")


class Farm:
    """One site: so many miners of one family, from the network `127.X.Y.0/24` on."""

    def __init__(self, folder: Path, name: str, miners: int, family: str, network: tuple[int, int]) -> None:
        self.name, self.miners, self.family = name, miners, FAMILIES[family]
        self.folder = folder / name
        self.folder.mkdir(parents=True)
        (self.folder / "password").write_text(PASSWORD)
        sizes = [min(PER_NETWORK, miners - first) for first in range(0, miners, PER_NETWORK)]
        first, second = network
        self.rows = [(f"{name}-{row}", f"127.{first}.{second + row}", size) for row, size in enumerate(sizes)]
        self.broker = SiteBroker(self.folder / "broker")
        self.parts: dict[str, Service] = {}

    def emulated(self) -> list[dict[str, Any]]:
        """Its miners as the simulator wants to know of them."""
        file = {"password_file": str(self.folder / "password")} if "password_file" in self.family.emulated else {}
        return [
            {**self.family.emulated, **file, "id": name, "from": f"{network}.1", "count": size}
            for name, network, size in self.rows
        ]

    def names(self) -> list[str]:
        """Every miner as the poller calls it."""
        return [f"{name}-{number:03}" for name, _, size in self.rows for number in range(1, size + 1)]

    def configure(self, url: str, key: str, *, interval_s: float, bridge: Mapping[str, Any]) -> None:
        """Write a file for each of its services: they have accounts of their own on the broker."""
        (self.folder / "key").write_text(key)
        blocks = [
            {**self.family.driver, "prefix": f"{name}-", "hosts": f"{network}.1-{network}.{size}"}
            for name, network, size in self.rows
        ]
        sections = {
            "poller": {"interval_s": interval_s, "blocks": blocks},
            "controller": {},
            "bridge": {"url": url, "api_key_file": "key", "upload_s": 1, "commands_s": 1, **bridge},
        }
        for service in SERVICES:
            site = {
                "site": self.name,
                "data_dir": str(self.folder / "var"),
                "broker": self.broker.settings(service),
                "health": {"port": 0},
                "log": {"level": "WARNING"},
                service: sections[service],
            }
            file = self.folder / f"{service}.yaml"
            file.write_text(yaml.safe_dump(site))
            self.parts[service] = Service(service, file)

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            stack.enter_context(self.broker)
            for part in self.parts.values():
                stack.enter_context(part)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()


def simulator_of(folder: Path, *farms: Farm) -> Simulator:
    """The process in which the miners of all farms are emulated."""
    folder.mkdir(parents=True, exist_ok=True)
    return Simulator(folder, {"speed": 50, "devices": [block for farm in farms for block in farm.emulated()]})


def truth(simulator: Simulator, miner: str) -> dict[str, Any]:
    """What is really so in an emulated miner, which the simulator counts without leading zeros."""
    row, _, number = miner.rpartition("-")
    url = f"http://127.0.0.1:{simulator.port}/devices/{row}-{int(number)}/state"
    with urllib.request.urlopen(url, timeout=10) as answer:
        found: dict[str, Any] = json.load(answer)
        return found
