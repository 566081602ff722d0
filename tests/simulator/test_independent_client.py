"""Somebody else's client (pyasic-rs) recognises and reads the emulated miners on the real ports.

A mismatch here is a mistake in one of the two and worth a look (PROTOCOLS.md 9.8).
"""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from pyasic_rs.config import Pool, PoolGroup
from pyasic_rs.factory import MinerFactory

from hashbus_simulator.fleet import Fleet
from hashbus_simulator.settings import SimulatorSettings

PASSWORD = "secret"
SITE: dict[str, dict[str, Any]] = {
    "attic": {"family": "whatsminer_v3", "model": "M64_VL40", "host": "127.77.1.1", "password": PASSWORD},
    "barn": {"family": "whatsminer_v3", "model": "M50_VH40", "host": "127.77.1.2"},
    "cellar": {"family": "whatsminer_v3", "model": "M60S_VK30", "host": "127.77.1.3"},
    "dairy": {"family": "antminer", "model": "Antminer S19", "host": "127.77.1.4", "settle_s": 0},
    "entry": {"family": "antminer", "model": "Antminer S21", "host": "127.77.1.5", "reports_power": True},
    "floor": {"family": "antminer", "model": "Antminer S17 Pro", "host": "127.77.1.6"},
    "garage": {"family": "bitaxe", "model": "Bitaxe Gamma", "host": "127.77.1.7"},
}


@pytest.fixture
async def site() -> AsyncIterator[Fleet]:
    devices = [{"id": name, **device} for name, device in SITE.items()]
    async with Fleet(SimulatorSettings.model_validate({"devices": devices})) as fleet:
        yield fleet


async def met(host: str) -> Any:
    """The miner at an address, as the other client sees it."""
    miner = await MinerFactory().get_miner(host)
    assert miner is not None, f"nothing recognised at {host}"
    return miner


@pytest.mark.parametrize(
    ("name", "make", "model", "hashrate_ths", "boards", "fans"),
    [
        ("attic", "Whatsminer", "M64VL40", 212, 4, 0),
        ("barn", "Whatsminer", "M50VH40", 118, 3, 2),
        ("cellar", "Whatsminer", "M60SVK30", 186, 3, 2),
        ("dairy", "Antminer", "S19", 95, 3, 4),
        ("entry", "Antminer", "S21", 200, 3, 4),
        ("floor", "Antminer", "S17Pro", 53, 3, 4),
        ("garage", "Bitaxe", "Gamma", 1.07, 1, 1),
    ],
)
async def test_each_family_is_recognised_and_read(
    site: Fleet, name: str, make: str, model: str, hashrate_ths: float, boards: int, fans: int
) -> None:
    place = site.devices[name].place
    data = (await (await met(place.host)).get_data()).model_dump()
    assert (data["device_info"]["make"], data["device_info"]["model"]) == (make, model)
    assert data["mac"] == place.mac
    assert data["hashrate"]["unit"] == "TH/s"
    assert data["hashrate"]["value"] == pytest.approx(hashrate_ths, rel=0.06)
    assert len(data["hashboards"]) == boards
    assert sum(board["hashrate"]["value"] for board in data["hashboards"]) == pytest.approx(hashrate_ths, rel=0.06)
    assert sum(fan["rpm"] > 500 for fan in data["fans"]) == fans
    assert data["is_mining"]
    assert "pool.example" in data["pools"][0]["pools"][0]["url"]


@pytest.mark.parametrize(("name", "power_w"), [("attic", 3600), ("dairy", None), ("entry", 3500)])
async def test_power_is_read_where_the_firmware_tells_it(site: Fleet, name: str, power_w: float | None) -> None:
    data = await (await met(site.devices[name].place.host)).get_data()
    assert data.wattage == (power_w and pytest.approx(power_w, rel=0.01))


async def test_an_antminer_is_put_to_sleep_and_woken(site: Fleet) -> None:
    """With `settle_s` the other client loses the race of its read-back, and calls what worked a failure."""
    miner = await met("127.77.1.4")
    assert await miner.pause()
    assert site.devices["dairy"].truth()["asleep"]
    assert await miner.resume()
    assert not site.devices["dairy"].truth()["asleep"]


async def test_its_light_blinks(site: Fleet) -> None:
    assert await (await met("127.77.1.4")).set_fault_light(True)
    assert site.devices["dairy"].truth()["blinking"]


async def test_a_whatsminer_is_stopped_limited_and_started(site: Fleet) -> None:
    miner = await met("127.77.1.1")
    miner.set_auth("super", PASSWORD)
    assert await miner.pause()
    assert site.devices["attic"].truth()["asleep"]
    assert await miner.resume()
    assert not site.devices["attic"].truth()["asleep"]
    assert await miner.set_power_limit(3000)
    assert site.devices["attic"].truth()["power_limit_w"] == 3000


async def test_pools_encrypted_by_the_other_client_are_understood(site: Fleet) -> None:
    miner = await met("127.77.1.1")
    miner.set_auth("super", PASSWORD)
    pool = Pool(url="stratum+tcp://other.example:3333", username="me.9", password="x")
    assert await miner.set_pools_config([PoolGroup(name="", quota=1, pools=[pool])])
    assert site.devices["attic"].truth()["pools"] == [
        {"url": "stratum+tcp://other.example:3333", "user": "me.9", "enabled": True}
    ]
