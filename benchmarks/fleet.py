"""An emulated fleet in a process of its own, the broker of a real site, and the settings of a poller for both."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Self

import yaml

from benchmarks.servers import Simulator, SiteBroker

PASSWORD = "bench-pass1"  # noqa: S105 (of emulated miners)
WEB_PORT, MODBUS_PORT = 18080, 15020
"""In place of 80 and 502, on which only root may listen."""

ROW = 254
"""Miners to a row: one block of consecutive addresses."""


class Family(NamedTuple):
    """How the simulator and the poller each call a kind of miner."""

    emulated: Mapping[str, Any]
    driver: Mapping[str, Any]


_PASSWORD_FILE = {"password_file": "password"}
_STEADY = {"tuning_s": 0, "boot_s": 0}

_WEB = {"ports": {"web": WEB_PORT}}

FAMILIES: Mapping[str, Family] = {
    "cgminer": Family({"family": "cgminer", **_STEADY}, {"driver": "cgminer"}),
    "antminer": Family(
        {"family": "antminer", **_WEB, **_PASSWORD_FILE, **_STEADY},
        {"driver": "antminer", "web_port": WEB_PORT, **_PASSWORD_FILE},
    ),
    "whatsminer": Family(
        {"family": "whatsminer_v3", **_PASSWORD_FILE, **_STEADY}, {"driver": "whatsminer", **_PASSWORD_FILE}
    ),
    "bitaxe": Family({"family": "bitaxe", **_WEB, **_STEADY}, {"driver": "bitaxe", "port": WEB_PORT}),
    "whatsminer_v2": Family(
        {"family": "whatsminer_v2", **_PASSWORD_FILE, **_STEADY}, {"driver": "whatsminer_v2", **_PASSWORD_FILE}
    ),
    "avalon": Family({"family": "avalon", **_PASSWORD_FILE, **_STEADY}, {"driver": "avalon", **_PASSWORD_FILE}),
    "braiins": Family(
        # A login that lapses in the middle of a round would be measured as a reading.
        {"family": "braiins", "session_s": 1e9, **_WEB, **_PASSWORD_FILE, **_STEADY},
        {"driver": "braiins", "port": WEB_PORT, **_PASSWORD_FILE},
    ),
    "vnish": Family(
        {"family": "vnish", "start_s": 0, **_WEB, **_PASSWORD_FILE, **_STEADY},
        {"driver": "vnish", "port": WEB_PORT, **_PASSWORD_FILE},
    ),
    "luxos": Family({"family": "luxos", **_WEB, **_STEADY}, {"driver": "luxos"}),
    "modbus": Family(
        {"family": "modbus", "holding": dict.fromkeys(range(36), 0x4100), "ports": {"modbus": MODBUS_PORT}},
        {"driver": "modbus", "template": "tuf2000", "port": MODBUS_PORT},
    ),
    "http_json": Family(
        # Whatever answers with JSON will do.
        {"family": "bitaxe", **_WEB, **_STEADY},
        {
            "driver": "http_json",
            "kind": "sensor",
            "url": f"http://{{host}}:{WEB_PORT}/api/system/info",
            "fields": {"power_w": {"path": "power", "unit": "W"}, "temperature_c": {"path": "temp", "unit": "°C"}},
        },
    ),
}
"""By the name of the driver."""

MIX = ("cgminer", "antminer", "whatsminer", "bitaxe")
"""Of what a mixed farm is made: always the same, so that its figures can be compared."""


NETWORK = f"127.{130 + os.getpid() % 120}"
"""Where the emulated miners are: another for each process, so that two can measure at a time."""


class Row(NamedTuple):
    """Miners of one family on consecutive addresses; `number` is the third of their four."""

    family: str
    number: int
    miners: int

    @property
    def hosts(self) -> list[str]:
        """Return the addresses of its miners."""
        return [f"{NETWORK}.{self.number}.{place}" for place in range(1, self.miners + 1)]


def rows(miners: Mapping[str, int]) -> list[Row]:
    """Lay out that many miners of each family."""
    sizes = [(family, min(ROW, count - first)) for family, count in miners.items() for first in range(0, count, ROW)]
    return [Row(family, number, size) for number, (family, size) in enumerate(sizes, start=1)]


def evenly(miners: int) -> dict[str, int]:
    """Split a number of miners between the families of a mixed farm."""
    share, rest = divmod(miners, len(MIX))
    return {family: share + (place < rest) for place, family in enumerate(MIX)}


class Farm:
    """A fleet, a broker, and `site_file` for the poller that reads the one and writes to the other."""

    def __init__(self, folder: Path, miners: Mapping[str, int], *, speed: float = 1.0, **poller: Any) -> None:
        """Write all files; nothing is started yet. `speed` is that of the emulated time, `poller` of its section."""
        self.rows = rows(miners)
        self.simulator = simulator_of(self.rows, folder, speed=speed)
        self.broker = SiteBroker(folder / "broker")
        self.site_file = folder / "site.yaml"
        site = {
            "site": "farm",
            "data_dir": str(folder / "var"),
            "broker": self.broker.settings("poller"),
            "health": {"port": 0},
            "log": {"level": "WARNING"},
            "poller": {"blocks": [_block(row) for row in self.rows], **poller},
        }
        self.site_file.write_text(yaml.safe_dump(site), encoding="utf-8")

    def __enter__(self) -> Self:
        """Start fleet and broker."""
        self.broker.start()
        try:
            self.simulator.start()
        except BaseException:
            self.broker.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """End both."""
        self.simulator.stop()
        self.broker.stop()


def simulator_of(those: Sequence[Row], folder: Path, *, speed: float = 1.0) -> Simulator:
    """Prepare the process that emulates the miners of these rows."""
    (folder / "password").write_text(PASSWORD, encoding="utf-8")
    return Simulator(folder, {"speed": speed, "devices": [_emulated(row) for row in those]})


def _emulated(row: Row) -> dict[str, Any]:
    first = row.hosts[0]
    return {**FAMILIES[row.family].emulated, "id": f"{row.family}-{row.number}", "from": first, "count": row.miners}


def _block(row: Row) -> dict[str, Any]:
    hosts = f"{row.hosts[0]}-{row.hosts[-1]}"
    return {**FAMILIES[row.family].driver, "prefix": f"{row.family}-{row.number}-", "hosts": hosts}


def hosts_of(those: Sequence[Row], family: str) -> list[str]:
    """Return the addresses of the miners of one family."""
    return [host for row in those if row.family == family for host in row.hosts]
