"""Many devices in one process."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from hashbus_simulator.fleet import Fleet
from hashbus_simulator.serving import PortError
from hashbus_simulator.settings import SimulatorSettings
from tests.simulator.conftest import until
from tests.simulator.wire import WhatsminerClient, ask, code_of

FARM = 5000
SAMPLE = range(0, FARM, 100)


def fleet(*devices: dict[str, Any], **settings: Any) -> Fleet:
    return Fleet(SimulatorSettings.model_validate({"devices": devices, **settings}))


class TestIdentities:
    """Who is who does not change from one start to the next."""

    def test_a_block_counts_addresses_and_names(self) -> None:
        block = {"family": "whatsminer_v3", "id": "hall", "from": "127.20.0.253", "count": 4}
        places = [device.place for device in fleet(block).devices.values()]
        assert [place.id for place in places] == ["hall-1", "hall-2", "hall-3", "hall-4"]
        assert [place.host for place in places] == ["127.20.0.253", "127.20.0.254", "127.20.1.1", "127.20.1.2"]

    def test_devices_without_a_name_are_called_after_their_family(self) -> None:
        blocks = [{"family": "antminer", "host": "127.21.0.1"}, {"family": "antminer", "host": "127.21.0.2"}]
        assert list(fleet(*blocks).devices) == ["antminer-1", "antminer-2"]

    def test_macs_and_serials_are_unique_and_come_from_the_seed(self) -> None:
        block = {"family": "whatsminer_v3", "from": "127.20.0.1", "count": 500}
        one, same, other = (
            [(device.place.mac, device.place.serial) for device in fleet(block, seed=seed).devices.values()]
            for seed in (1, 1, 2)
        )
        assert one == same
        assert len({mac for mac, _ in one} | {mac for mac, _ in other}) == 1000
        assert len({serial for _, serial in one}) == 500

    def test_the_same_id_twice_is_a_mistake(self) -> None:
        with pytest.raises(ValidationError, match="'attic' is there twice"):
            fleet(*[{"family": "cgminer", "id": "attic", "host": f"127.21.0.{n}"} for n in (1, 2)])


class TestSettings:
    """Mistakes are found before anything listens."""

    @pytest.mark.parametrize(
        ("device", "message"),
        [
            ({"family": "cgminer", "host": "192.0.2.1"}, "loopback"),
            ({"family": "cgminer", "host": "127.0.0.1", "model": "S99"}, "unknown model"),
            (
                {"family": "whatsminer_v3", "host": "127.0.0.1", "model": "Antminer S19"},
                "unknown model; known are M30S",
            ),
            ({"family": "cgminer", "host": "127.0.0.1", "colour": "red"}, "Extra inputs"),
            ({"family": "toaster", "host": "127.0.0.1"}, "toaster"),
            ({"family": "cgminer"}, "Field required"),
        ],
    )
    def test_a_mistake_is_named(self, device: dict[str, Any], message: str) -> None:
        with pytest.raises(ValidationError, match=message):
            fleet(device)

    async def test_a_port_that_is_taken_is_named_with_the_setting(self) -> None:
        first = fleet({"family": "cgminer", "id": "attic", "host": "127.21.0.1", "ports": {"cgminer": 0}})
        async with first:
            taken = first.devices["attic"].ports[0].number
            second = fleet({"family": "cgminer", "id": "cellar", "host": "127.21.0.1", "ports": {"cgminer": taken}})
            with pytest.raises(PortError, match=rf"'cellar' cannot listen on 127\.21\.0\.1:{taken}.*ports\.cgminer"):
                await second.start()

    async def test_a_fleet_that_cannot_start_leaves_nothing_open(self) -> None:
        first = fleet({"family": "cgminer", "id": "attic", "host": "127.21.0.1", "ports": {"cgminer": 0}})
        async with first:
            taken = first.devices["attic"].ports[0].number
        good = {"family": "cgminer", "host": "127.21.0.1", "ports": {"cgminer": taken}}
        with pytest.raises(PortError):
            await fleet(good, good).start()
        async with fleet(good):
            assert code_of(await ask("127.21.0.1", taken, "version")) == 22


@contextmanager
def without_rights() -> Iterator[None]:
    """Be nobody for a while."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.mark.skipif(
    int(Path("/proc/sys/net/ipv4/ip_unprivileged_port_start").read_text()) <= 80, reason="everybody may listen here"
)
async def test_a_port_below_1024_needs_rights_and_the_message_says_which_setting_to_change() -> None:
    device = {"family": "antminer", "id": "attic", "host": "127.21.0.9", "ports": {"cgminer": 0}}
    with without_rights(), pytest.raises(PortError, match=r"root or CAP_NET.*simulator\.devices\[attic\]\.ports\.web"):
        await fleet(device).start()


@contextmanager
def simulator(config: Path, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """The simulator as a process of its own."""
    with log.open("wb") as stderr:
        command = [sys.executable, "-m", "hashbus_simulator", "--config", str(config)]
        with subprocess.Popen(command, stderr=stderr) as process:
            try:
                yield process
            finally:
                process.terminate()


async def started(log: Path, process: subprocess.Popen[bytes]) -> dict[str, Any]:
    """What it says once all ports are open."""
    await until(lambda: b"\n" in log.read_bytes() or process.poll() is not None)
    line: dict[str, Any] = json.loads(log.read_bytes().splitlines()[0])  # noqa: ASYNC240
    return line


async def test_five_thousand_miners_in_one_process(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config, log = tmp_path / "farm.yaml", tmp_path / "simulator.log"
    block = "{family: whatsminer_v3, id: hall, from: 127.78.0.1, count: 5000}"
    config.write_text(f"simulator:\n  control_port: 0\n  devices:\n    - {block}\n")
    with simulator(config, log) as process:
        assert (await started(log, process))["devices"] == FARM
        places = [device.place for device in fleet(_farm_block()).devices.values()]
        for index in SAMPLE:
            assert await _serial_of(places[index].host) == places[index].serial
        memory_mb = _resident_mb(process.pid)
    assert process.returncode == 0
    with capsys.disabled():
        print(f"\n{FARM} emulated miners, 2 ports each: {memory_mb:.0f} MB resident")  # noqa: T201
    assert memory_mb < 50 + FARM * 0.010 + 50


def _farm_block() -> dict[str, Any]:
    return {"family": "whatsminer_v3", "id": "hall", "from": "127.78.0.1", "count": FARM}


async def _serial_of(host: str) -> str:
    """From both ports: the one of API v3, and the one that scanners knock at."""
    async with WhatsminerClient(host, 4433) as miner:
        info = (await miner.get("get.device.info", "miner"))["msg"]["miner"]
    assert (await ask(host, 4028, "get_version"))["Msg"]["miner_type"] == info["type"]
    return str(info["miner-sn"])


def _resident_mb(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6
