"""One scan of a network with one device of each emulated family: each is found once, by its own driver."""

import json
from collections.abc import Iterator
from typing import get_args

import pytest

from hashbus_poller.cli import scan
from hashbus_simulator.devices import FAMILIES
from tests.poller.network import EmulatedNetwork, logs_put_back, may_listen_on

NETWORK = "127.88.2.0/24"

DRIVER_OF = {
    "whatsminer_v3": "whatsminer",
    "whatsminer_v2": "whatsminer_v2",
    "antminer": "antminer",
    "avalon": "avalon",
    "cgminer": "cgminer",
    "bitaxe": "bitaxe",
    "braiins": "braiins",
    "luxos": "luxos",
    "vnish": "vnish",
    "luxpower": "luxpower",
    "modbus": "modbus",
}
"""Family: driver."""

ELSEWHERE = {"eg4_portal", "hiveos", "market", "nicehash"}
"""What is in the internet, not in this network, and configured by hand."""

EMULATED = sorted(name for block in FAMILIES for name in get_args(block.model_fields["family"].annotation))
HOSTS = {family: f"127.88.2.{number}" for number, family in enumerate(EMULATED, start=1) if family not in ELSEWHERE}


@pytest.fixture(autouse=True)
def _logs() -> Iterator[None]:
    with logs_put_back():
        yield


def test_every_emulated_family_is_searched_for_or_known_to_be_elsewhere() -> None:
    assert set(HOSTS) == set(DRIVER_OF)


@pytest.mark.skipif(not may_listen_on(80), reason="who may not listen on port 80 has no emulated web pages")
def test_one_device_of_each_family_is_found_once_by_its_own_driver(
    tmp_path_factory: pytest.TempPathFactory, capsys: pytest.CaptureFixture[str]
) -> None:
    blocks: list[dict[str, object]] = [{"family": family, "from": host} for family, host in HOSTS.items()]
    with EmulatedNetwork(tmp_path_factory.mktemp("families"), blocks):
        assert scan([NETWORK, "--json"]) == 0
    found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    family_at = {host: family for family, host in HOSTS.items()}
    seen = sorted((family_at[one["host"]], one["driver"]) for one in found)
    assert seen == sorted((family, DRIVER_OF[family]) for family in HOSTS)
