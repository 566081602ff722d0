"""The processes around what is measured: the broker as `hashbus setup` makes it, the simulator, a service."""

from __future__ import annotations

import re
import sys
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from hashbus.topics import SERVICES
from hashbus_supervisor.broker_files import BrokerFiles, write_broker_files, write_secrets
from tests.servers import Daemon, accepts_connections, answers, free_port, program


class SiteBroker(Daemon):
    """mosquitto with the settings, accounts and access list of a real site."""

    def __init__(self, folder: Path) -> None:
        """Make its files."""
        port, files = free_port(), BrokerFiles(folder)
        self.secrets = folder / "secrets"
        folder.mkdir()
        write_secrets(self.secrets, SERVICES)
        write_broker_files(files, self.secrets, SERVICES, self.host, port)
        super().__init__(
            [program("mosquitto"), "-c", str(files.settings)],
            port=port,
            log=folder / "mosquitto.log",
            is_ready=lambda: accepts_connections(self.host, port),
        )

    def settings(self, account: str) -> dict[str, Any]:
        """Return the `broker:` section of a service with that account."""
        return {
            "host": self.host,
            "port": self.port,
            "username": account,
            "password_file": str(self.secrets / account),
        }


class Simulator(Daemon):
    """The emulated devices of `section`, the `simulator:` section of a site file."""

    def __init__(self, folder: Path, section: Mapping[str, Any]) -> None:
        """Write its file; its control API shows when all devices are there."""
        control_port = free_port()
        file = folder / "simulator.yaml"
        site = {"simulator": {"control_port": control_port, **section}}
        file.write_text(yaml.safe_dump(site), encoding="utf-8")
        super().__init__(
            [sys.executable, "-m", "hashbus_simulator", "--config", str(file)],
            port=control_port,
            log=folder / "simulator.log",
            is_ready=lambda: accepts_connections(self.host, control_port),
        )


class Service(Daemon):
    """A service as the supervisor runs it: a process of its own with the site's file."""

    def __init__(self, name: str, site_file: Path) -> None:
        """Give it a health port of its own."""
        port = free_port()
        command = [sys.executable, "-m", f"hashbus_{name}", "--config", str(site_file)]
        super().__init__(
            ["env", f"HASHBUS_HEALTH__PORT={port}", *command],
            port=port,
            log=site_file.with_name(f"{name}.log"),
            is_ready=lambda: answers(f"http://{self.host}:{port}/healthz"),
        )

    def counted(self, metric: str) -> float:
        """Return a figure that the service counts of itself, all its labels added up."""
        return self.counts(metric)[0]

    def counts(self, *metrics: str) -> list[float]:
        """Return several such figures of one moment."""
        with urllib.request.urlopen(f"http://{self.host}:{self.port}/metrics", timeout=10) as page:
            lines = page.read().decode()
        return [sum(map(float, re.findall(rf"^{name}(?:{{[^}}]*}})? (\S+)$", lines, re.MULTILINE))) for name in metrics]


class HomeSite(Daemon):
    """`hashbus up` on a site file, with one line an event in place of the live table."""

    def __init__(self, site_file: Path) -> None:
        """It is there when every process was ready and every device was read."""
        log = site_file.with_name("up.log")
        services = [name for name in yaml.safe_load(site_file.read_text(encoding="utf-8")) if name in SERVICES]
        miners = ("attic", "garage", "desk")
        said = [*(f"{name} ready" for name in services), *(f"{miner} online" for miner in miners)]
        super().__init__(
            [sys.executable, "-m", "hashbus_supervisor", "up", "--plain", "--config", str(site_file)],
            port=0,
            log=log,
            is_ready=lambda: all(re.search(one, log.read_text(encoding="utf-8")) for one in said),
        )
