"""Somebody else's client (pyasic-rs) recognises, reads and controls the emulated firmware of other makers.

A mismatch here is a mistake in one of the two and worth a look (PROTOCOLS.md 9.8).
"""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from pyasic_rs.factory import MinerFactory

from hashbus_simulator.fleet import Fleet
from hashbus_simulator.settings import SimulatorSettings

SITE: dict[str, dict[str, Any]] = {
    "braiins": {"family": "braiins", "version": "25.07", "host": "127.84.50.1"},
    "braiins-newer": {"family": "braiins", "version": "26.04", "host": "127.84.50.2"},
    "vnish": {"family": "vnish", "version": "1.3.4", "host": "127.84.50.3"},
    "vnish-older": {"family": "vnish", "version": "1.2.6", "host": "127.84.50.4"},
    "luxos": {"family": "luxos", "host": "127.84.50.5"},
}


@pytest.fixture
async def site() -> AsyncIterator[Fleet]:
    devices = [{"id": name, **device} for name, device in SITE.items()]
    async with Fleet(SimulatorSettings.model_validate({"control_port": None, "devices": devices})) as fleet:
        yield fleet


async def met(host: str) -> Any:
    """The miner at an address, as the other client sees it."""
    miner = await MinerFactory().get_miner(host)
    assert miner is not None, f"nothing recognised at {host}"
    return miner


@pytest.mark.parametrize(
    ("name", "model", "hashrate_ths", "power_w"),
    [
        ("braiins", "S19XP", 140, 3010),
        ("braiins-newer", "S19XP", 140, 3010),
        ("vnish", "S19Pro", 110, 3250),
        ("vnish-older", "S19Pro", 110, 3250),
        ("luxos", "S19jPro", 104, 3068),
    ],
)
async def test_each_firmware_is_recognised_and_read(
    site: Fleet, name: str, model: str, hashrate_ths: float, power_w: float
) -> None:
    place = site.devices[name].place
    data = (await (await met(place.host)).get_data()).model_dump()
    assert data["device_info"]["model"] == model
    assert data["mac"] == place.mac
    assert data["hashrate"]["value"] == pytest.approx(hashrate_ths, rel=0.06)
    assert data["wattage"] == pytest.approx(power_w, rel=0.03)
    assert sum(board["hashrate"]["value"] for board in data["hashboards"]) == pytest.approx(hashrate_ths, rel=0.06)
    assert len(data["fans"]) == 4
    assert data["is_mining"]
    assert "pool.example" in data["pools"][0]["pools"][0]["url"]


@pytest.mark.parametrize("name", SITE)
async def test_each_firmware_sleeps_and_wakes_by_its_orders(site: Fleet, name: str) -> None:
    device = site.devices[name]
    miner = await met(device.place.host)
    assert await miner.pause()
    assert device.truth()["asleep"]
    assert await miner.resume()
    assert not device.truth()["asleep"]


@pytest.mark.parametrize("name", ["braiins", "braiins-newer", "vnish"])
async def test_power_is_set_by_its_orders(site: Fleet, name: str) -> None:
    device = site.devices[name]
    miner = await met(device.place.host)
    assert await miner.set_power_limit(2600)
    truth = device.truth()
    assert truth.get("saved_preset", truth["power_limit_w"]) in (2600, "2600")
