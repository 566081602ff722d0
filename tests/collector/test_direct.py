"""Miners that the collector reads itself: with the poller's drivers, and never outside the networks written down."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from hashbus.config_errors import ConfigError
from hashbus_collector.direct import options_of
from hashbus_collector.settings import DirectSettings
from hashbus_simulator.faults import Fault, FaultKind
from hashbus_simulator.fleet import Fleet
from hashbus_simulator.settings import SimulatorSettings
from tests.collector.clouds import PATIENCE_S, Cloud, Visitor, cloud_over

FIRST, SECOND, NOBODY = "127.79.0.1", "127.79.0.2", "127.79.0.9"

SITES = {
    "north": {
        "row1": {"driver": "cgminer", "host": FIRST},
        "row2": {"driver": "bitaxe", "host": SECOND},
        "row9": {"driver": "cgminer", "host": NOBODY},
    }
}


@pytest.fixture
async def fleet() -> AsyncIterator[Fleet]:
    """Two emulated miners on real sockets."""
    devices = [
        {"family": "cgminer", "host": FIRST, "model": "GekkoScience R909"},
        {"family": "bitaxe", "host": SECOND},
    ]
    settings = SimulatorSettings.model_validate({"speed": 200.0, "control_port": None, "devices": devices})
    async with Fleet(settings) as running:
        yield running


async def _until(anna: Visitor, wanted: dict[str, str]) -> dict[str, dict[str, Any]]:
    """Look until the miners have these states; returns them by name."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            seen = {one["miner_id"]: one for one in (await anna.get("miners?site_id=north"))["miners"]}
            if {name: one["state"] for name, one in seen.items()} == wanted:
                return seen
            await asyncio.sleep(0.1)


async def test_miners_are_read_as_if_their_site_had_uploaded_them(fleet: Fleet, cloud_database: str) -> None:
    async with cloud_over(cloud_database) as before:
        await before.site("north")
    direct = {"enabled": True, "networks": ["127.79.0.0/24"], "interval_s": 5, "sites": SITES}
    async with cloud_over(cloud_database, direct=direct) as cloud:
        anna = await cloud.person()
        seen = await _until(anna, {"row1": "online", "row2": "online", "row9": "offline"})
        assert seen["row1"]["model"] == "R909"
        assert seen["row2"]["hashrate_ghs"] > 0
        assert "nothing listens" in seen["row9"]["error_message"]
        assert seen["row1"]["ip_address"] is None
        assert cloud.figure("miner_poll_errors_total", type="refused") >= 1
        for presence in fleet.presences.values():
            await presence.put_fault(Fault(kind=FaultKind.REFUSE))
        await _until(anna, dict.fromkeys(("row1", "row2", "row9"), "offline"))
        await _refuses_commands(cloud, anna)


async def _refuses_commands(cloud: Cloud, anna: Visitor) -> None:
    body = {"site_id": "north", "miner_id": "row1", "command_type": "reboot"}
    answer = await anna.call("POST", "commands", json=body)
    assert (answer.status, "commands need a bridge" in answer.body["error"]) == (409, True)
    assert (await anna.get("uploads"))["uploads"][0]["key_id"] == "direct"
    assert cloud.figure("collector_upload_total", site="north") >= 1


def test_it_is_off_and_reaches_nothing_by_itself() -> None:
    assert (DirectSettings().enabled, DirectSettings().networks) == (False, [])


@pytest.mark.parametrize(
    ("device", "says"),
    [
        ({"driver": "cgminer", "host": "10.0.0.1"}, "10.0.0.1 is in none of collector.direct.networks"),
        ({"driver": "cgminer", "host": "miner.example"}, "is a name, which may lead anywhere"),
        ({"driver": "luxpower", "host": "127.79.0.1", "serial": "x"}, "collector.direct.sites.north.a"),
        ({"driver": "cgmyner", "host": "127.79.0.1"}, "cgmyner"),
        ({"driver": "cgminer"}, "host"),
    ],
)
def test_what_is_not_a_miner_in_its_networks_is_refused_at_the_start(device: dict[str, Any], says: str) -> None:
    settings = DirectSettings.model_validate(
        {"enabled": True, "networks": ["127.79.0.0/24"], "sites": {"north": {"a": device}}}
    )
    with pytest.raises(ConfigError) as refused:
        options_of(settings)
    assert says in refused.value.problems[0]


async def test_a_wrong_device_stops_the_collector_at_its_start(cloud_database: str) -> None:
    direct = {"enabled": True, "sites": {"north": {"a": {"driver": "cgminer", "host": "10.0.0.1"}}}}
    with pytest.raises(ConfigError):
        async with cloud_over(cloud_database, direct=direct):
            pass
