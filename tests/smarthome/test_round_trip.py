"""From Home Assistant to the miner's own wire and back: real processes, a real broker, an emulated WhatsMiner."""

import asyncio
import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

import pytest
import yaml

from tests.servers import ROOT, Mosquitto, free_port, wait_until
from tests.smarthome.homes import PATIENCE_S, filters_of, watching

HOST = "127.94.3.11"
PARTS = ("simulator", "poller", "controller", "smarthome")


class Home:
    """One emulated miner with its poller, its controller and its smarthome service."""

    def __init__(self, broker: Mosquitto, site: str, folder: Path) -> None:
        self.site = site
        self.control = free_port()
        secret = ROOT / "config" / "demo-secrets" / "whatsminer"
        self.file = folder / "site.yaml"
        self.file.write_text(
            yaml.safe_dump(
                {
                    "site": site,
                    "data_dir": str(folder / "var"),
                    "broker": {"host": broker.host, "port": broker.port},
                    "health": {"port": 0},
                    "poller": {
                        "interval_s": 1,
                        "devices": {
                            "attic": {
                                "driver": "whatsminer",
                                "host": HOST,
                                "password_file": str(secret),
                                "rated_power_w": 3600,
                            }
                        },
                    },
                    "controller": {"min_interval_s": 0},
                    "smarthome": {},
                    "simulator": {
                        "control_port": self.control,
                        "speed": 100,
                        "devices": [
                            {
                                "id": "attic",
                                "family": "whatsminer_v3",
                                "model": "M64_VL40",
                                "host": HOST,
                                "password_file": str(secret),
                            }
                        ],
                    },
                }
            )
        )
        self.output = folder / "output.txt"
        self._processes: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Self:
        ours = {name: value for name, value in os.environ.items() if not name.startswith("HASHBUS_")}
        with self.output.open("wb") as output:
            for part in PARTS:
                command = [sys.executable, "-m", f"hashbus_{part}", "--config", str(self.file)]
                self._processes.append(
                    subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=ours)
                )
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._processes:
            process.terminate()
        for process in self._processes:
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def truth(self) -> dict[str, Any]:
        """What is really so in the emulated miner."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.control}/devices/attic/state", timeout=10) as answer:
            found: dict[str, Any] = json.load(answer)
            return found

    def is_so(self, **facts: object) -> bool:
        """Whether the miner comes to be so."""
        return wait_until(lambda: facts.items() <= self.truth().items(), timeout_s=2 * PATIENCE_S)


@pytest.fixture
def home(mosquitto: Mosquitto, site: str, tmp_path: Path) -> Iterator[Home]:
    with Home(mosquitto, site, tmp_path) as found:
        yield found


async def test_what_home_assistant_sets_the_miner_does_and_shows(home: Home, mosquitto: Mosquitto) -> None:
    site = home.site
    async with watching(mosquitto, *filters_of(site)) as seen:
        config = await seen.shown("miner_attic", "power_limit", "mining", "power_limit_w")
        controls = config["components"]
        telemetry = controls["power_limit"]["state_topic"]

        async def until_shown(**values: object) -> None:
            await seen.until(
                lambda one: bool(one.payloads(telemetry)) and values.items() <= one.payloads(telemetry)[-1].items()
            )

        await seen.says(controls["power_limit"]["command_topic"], "2000")
        assert await asyncio.to_thread(home.is_so, power_limit_w=2000), home.truth()
        await until_shown(power_limit_w=2000)

        await seen.says(controls["mining"]["command_topic"], "OFF")
        await until_shown(state="sleeping")
        await seen.says(controls["mining"]["command_topic"], "ON")
        await seen.until(lambda one: one.payloads(telemetry)[-1]["state"] in ("mining", "tuning"))

        await seen.says(controls["blink"]["command_topic"], "PRESS")
        await seen.until(lambda one: controls["order"]["state_topic"] in one.last)
        assert seen.payloads(controls["order"]["state_topic"])[-1]["status"] == "done"
