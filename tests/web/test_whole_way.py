"""From a request to the wire of the device and back: `hashbus up` with all services and emulated devices."""

import asyncio
import json
import subprocess
import urllib.request
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from tests.servers import ROOT, Daemon, accepts_connections, free_port
from tests.supervisor.running_up import HASHBUS, environment
from tests.web.world import ADMIN, PASSWORD, PATIENCE_S, until

ATTIC, GARAGE, PORTAL, NEW = (f"127.98.7.{last}" for last in (11, 12, 14, 17))
SECRETS = ROOT / "config" / "demo-secrets"


class Site(Daemon):
    """A home with two miners and a battery behind its portal, and one miner nobody has written down."""

    def __init__(self, folder: Path) -> None:
        self.web, self.control = free_port(), free_port()
        self.url = f"http://127.0.0.1:{self.web}"
        self.folder = folder
        file = folder / "site.yaml"
        file.write_text(yaml.safe_dump(self._written(folder)))
        super().__init__(
            [*HASHBUS, "up", "--plain", "--config", str(file)],
            port=self.web,
            log=folder / "up.log",
            is_ready=lambda: accepts_connections("127.0.0.1", self.web),
        )

    def _written(self, folder: Path) -> dict[str, Any]:
        def secret(name: str) -> str:
            return str(SECRETS / name)

        attic = {"host": ATTIC, "password_file": secret("whatsminer")}
        garage = {"host": GARAGE, "password_file": secret("antminer")}
        portal = {"account": "owner", "password_file": secret("eg4_portal")}
        web = free_port(GARAGE)
        emulated = {"family": "whatsminer_v3", "model": "M64_VL40", "tuning_s": 1}
        return {
            "site": "whole",
            "data_dir": str(folder / "var"),
            "broker": {"port": free_port()},
            "health": {"port": 0},
            "poller": {
                "interval_s": 1,
                "devices": {
                    "attic": {"driver": "whatsminer", **attic, "rated_power_w": 3600},
                    "garage": {"driver": "antminer", **garage, "web_port": web},
                    "house": {"driver": "eg4_portal", "base_url": f"http://{PORTAL}:{web}", **portal},
                },
            },
            "controller": {"min_interval_s": 1},
            "curtailer": {"improve_within_s": 0},
            "web": {"host": "127.0.0.1", "port": self.web},
            "simulator": {
                "control_port": self.control,
                "house": {"starts_at": "2026-06-21T07:00:00Z", "speed": 1},
                "devices": [
                    {"id": "attic", **attic, **emulated},
                    {"id": "new", "host": NEW, "password_file": secret("whatsminer"), **emulated},
                    {
                        "id": "garage",
                        "family": "antminer",
                        **garage,
                        "ports": {"web": web},
                        "tuning_s": 1,
                        "reports_power": True,
                    },
                    {"id": "portal", "family": "eg4_portal", "host": PORTAL, "ports": {"web": web}, **portal},
                ],
            },
        }

    def truth(self, device: str) -> dict[str, Any]:
        """What is really so in the emulated device."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.control}/devices/{device}/state", timeout=10) as answer:
            found: dict[str, Any] = json.load(answer)
            return found

    def code(self) -> str:
        """What `hashbus web code` prints."""
        command = [*HASHBUS, "web", "code", "--config", str(self.folder / "site.yaml")]
        done = subprocess.run(command, env=environment(), capture_output=True, text=True, timeout=60, check=True)
        return done.stdout.strip()


@pytest.fixture
async def owner(tmp_path: Path) -> AsyncIterator[tuple[Site, httpx.AsyncClient]]:
    """The site with all its devices read, and its owner on the page."""
    async with AsyncExitStack() as stack:
        site = stack.enter_context(Site(tmp_path))
        headers = {"X-Hashbus": "page"}
        client = await stack.enter_async_context(
            httpx.AsyncClient(base_url=site.url, headers=headers, timeout=PATIENCE_S, trust_env=False)
        )
        body = {"code": await asyncio.to_thread(site.code), "name": ADMIN, "password": PASSWORD}
        assert (await client.post("/api/setup", json=body)).status_code == 201
        await until(lambda: client.get("/api/system/status"), is_whole)
        yield site, client


def is_whole(said: httpx.Response) -> bool:
    status = said.json()
    return bool(
        status["totals"]["complete_pct"] == 100 and status["energy"]["soc_pct"] and status["totals"]["miners"] == 2
    )


async def ended(client: httpx.AsyncClient, said: httpx.Response) -> dict[str, Any]:
    assert said.status_code == 202, said.text
    found = await until(
        lambda: client.get(f"/api/operations/{said.json()['id']}"),
        lambda one: one.json()["status"] not in ("pending", "taken"),
    )
    operation: dict[str, Any] = found.json()
    return operation


async def test_what_the_owner_asks_on_the_page_is_so_on_the_devices(owner: tuple[Site, httpx.AsyncClient]) -> None:
    site, client = owner
    limited = await ended(client, await client.post("/api/miner/attic/power_limit", json={"power_w": 2500}))
    assert limited["status"] == "confirmed", limited
    assert site.truth("attic")["power_limit_w"] == 2500
    assert "anna" in (await client.get("/api/miner/attic/decision")).json()["reason"]

    refreshed = await ended(client, await client.post("/api/battery/refresh_session"))
    assert refreshed["status"] == "confirmed", refreshed

    offer = await client.post("/api/curtailment/preview", json={"target_w": 1000})
    assert offer.status_code == 200, offer.text
    assert offer.json()["planned_w"] >= 1000

    assert (await client.post("/api/network/scan", json={"networks": ["127.98.7.0/27"]})).status_code == 202
    found = await until(
        lambda: client.get("/api/network/scan"), lambda one: one.json() and one.json()["status"] == "done"
    )
    known = {one["host"]: one["configured_as"] for one in found.json()["found"]}
    assert known[ATTIC] == "attic"
    assert known[NEW] is None
    assert NEW in found.json()["configuration"]

    switched = await ended(client, await client.post("/api/auto-control/enable"))
    assert switched["status"] == "confirmed", switched
    await until(
        lambda: client.get("/api/timeline", params={"kind": "act"}),
        lambda said: any(one["who"] == ADMIN for one in said.json()["events"]),
    )
