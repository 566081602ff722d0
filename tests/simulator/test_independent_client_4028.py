"""Somebody else's client (pyasic-rs) reads and controls the emulated WhatsMiners of API v2 and the Avalons.

A mismatch here is a mistake in one of the two and worth a look (PROTOCOLS.md 9.8).
"""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from pyasic_rs.config import Pool, PoolGroup
from pyasic_rs.factory import MinerFactory

from hashbus_simulator.fleet import Fleet
from hashbus_simulator.settings import SimulatorSettings
from tests.simulator.conftest import until

PASSWORD = "miner-p1"
SITE: dict[str, dict[str, Any]] = {
    "attic": {"family": "whatsminer_v2", "model": "M50_VH40", "host": "127.83.5.1", "password": PASSWORD},
    "barn": {"family": "avalon", "model": "Avalon 1246", "host": "127.83.5.2", "closes_without_reply": "softon"},
    "cellar": {"family": "avalon", "model": "Avalon 1566", "host": "127.83.5.3"},
    "dairy": {"family": "avalon", "model": "Avalon Q", "host": "127.83.5.4", "closes_without_reply": "none"},
    "entry": {"family": "avalon", "model": "Avalon Nano 3S", "host": "127.83.5.5"},
    "floor": {"family": "avalon", "model": "Avalon 1047", "host": "127.83.5.6"},
}


@pytest.fixture
async def site() -> AsyncIterator[Fleet]:
    devices = [{"id": name, **device} for name, device in SITE.items()]
    settings = {"control_port": None, "speed": 200, "devices": devices}
    async with Fleet(SimulatorSettings.model_validate(settings)) as fleet:
        yield fleet


async def met(site: Fleet, name: str) -> Any:
    """The miner of that name, as the other client sees it."""
    miner = await MinerFactory().get_miner(site.devices[name].place.host)
    assert miner is not None, f"{name} is not recognised"
    return miner


@pytest.mark.parametrize(
    ("name", "make", "model", "hashrate_ths", "boards", "fans"),
    [
        ("attic", "Whatsminer", "M50VH40", 118, 3, 2),
        ("barn", "Avalonminer", "Avalon1246", 90, 3, 4),
        ("cellar", "Avalonminer", "Avalon1566", 185, 3, 2),
        ("dairy", "Avalonminer", "AvalonHomeQ", 90, 1, 4),
        ("entry", "Avalonminer", "AvalonNano3s", 6, 1, 1),
        ("floor", "Avalonminer", "Avalon1047", 37, 3, 2),
    ],
)
async def test_each_generation_is_recognised_and_read(
    site: Fleet, name: str, make: str, model: str, hashrate_ths: float, boards: int, fans: int
) -> None:
    data = (await (await met(site, name)).get_data()).model_dump()
    assert (data["device_info"]["make"], data["device_info"]["model"]) == (make, model)
    assert data["mac"] == site.devices[name].place.mac
    assert data["hashrate"]["value"] == pytest.approx(hashrate_ths, rel=0.06)
    assert len(data["hashboards"]) == boards
    assert sum(board["hashrate"]["value"] for board in data["hashboards"]) == pytest.approx(hashrate_ths, rel=0.06)
    assert sum(fan["rpm"] > 500 for fan in data["fans"]) == fans
    assert data["is_mining"]
    assert "pool.example" in data["pools"][0]["pools"][0]["url"]


async def test_a_whatsminer_understands_the_others_token_and_cipher(site: Fleet) -> None:
    miner = await met(site, "attic")
    miner.set_auth("admin", PASSWORD)
    assert await miner.set_power_limit(3000)
    assert site.devices["attic"].truth()["power_limit_w"] == 3000
    assert await miner.pause()
    assert site.devices["attic"].truth()["asleep"]
    assert await miner.resume()
    assert not site.devices["attic"].truth()["asleep"]
    pool = Pool(url="stratum+tcp://other.example:3333", username="me.9", password="x")
    assert await miner.set_pools_config([PoolGroup(name="", quota=1, pools=[pool])])
    listed = site.devices["attic"].truth()["pools"]
    assert listed == [{"url": "stratum+tcp://other.example:3333", "user": "me.9", "enabled": True}]


@pytest.mark.parametrize("name", ["barn", "dairy"])
async def test_an_avalon_goes_to_standby_and_comes_back(site: Fleet, name: str) -> None:
    miner, device = await met(site, name), site.devices[name]
    await miner.pause()  # what it makes of the reply differs between its own generations
    await settled(site, name, asleep=True)
    await miner.resume()
    await settled(site, name, asleep=False)
    assert device.truth()["restarts"] == 1


async def settled(site: Fleet, name: str, *, asleep: bool) -> None:
    """Wait for the five seconds that the client gives the miner: at this speed they pass in 25 ms."""
    await until(lambda: site.devices[name].truth()["asleep"] is asleep)


async def test_an_avalon_lights_its_lamp(site: Fleet) -> None:
    assert await (await met(site, "cellar")).set_fault_light(True)
    assert site.devices["cellar"].truth()["blinking"]
