"""Scans that are asked for over the bus: answered while they run, and never beyond the private networks."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta

import pytest

from hashbus.bus import Subscription
from hashbus.clock import SYSTEM_CLOCK
from hashbus.messages import ScanRequest, ScanResult, ScanStatus
from hashbus.testing.memory_bus import MemoryBroker, MemoryBus
from hashbus_poller.client import http_client
from hashbus_poller.scan_requests import Scans
from tests.poller.network import EmulatedNetwork

NETWORK = "127.91.81.0/27"
WHATSMINER, NEW = "127.91.81.1", "127.91.81.2"
PATIENCE_S = 60.0


@pytest.fixture(scope="module", autouse=True)
def _network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    blocks: list[dict[str, object]] = [{"family": "whatsminer_v3", "from": WHATSMINER, "count": 2}]
    with EmulatedNetwork(tmp_path_factory.mktemp("network"), blocks):
        yield


@pytest.fixture
async def scans() -> AsyncIterator[tuple[Scans, Subscription[ScanResult]]]:
    bus = MemoryBus(MemoryBroker(), "poller")
    async with http_client() as http, bus.subscribe(ScanResult) as results:
        yield Scans(bus, SYSTEM_CLOCK, lambda: http, {WHATSMINER: "attic"}), results


def request(*networks: str, late: bool = False) -> ScanRequest:
    now = SYSTEM_CLOCK.now()
    ends = now + timedelta(seconds=-1 if late else 60)
    return ScanRequest(site="home", at=now, source="web", id="s1", networks=networks, expires_at=ends)


async def last(results: Subscription[ScanResult]) -> ScanResult:
    async with asyncio.timeout(PATIENCE_S):
        async for result in results:
            if result.status is not ScanStatus.RUNNING:
                return result
    raise AssertionError("the subscription never ends")


async def test_a_scan_finds_devices_and_says_which_are_known(scans: tuple[Scans, Subscription[ScanResult]]) -> None:
    scan, results = scans
    await scan.carry_out(request(NETWORK))
    result = await last(results)
    assert result.status is ScanStatus.DONE
    assert (result.asker, result.id) == ("web", "s1")
    assert result.visited == result.total == 30
    assert {one.host: one.configured_as for one in result.found} == {WHATSMINER: "attic", NEW: None}
    assert {one.driver for one in result.found} == {"whatsminer"}
    assert NEW in result.configuration
    assert WHATSMINER not in result.configuration.replace(NEW, "")


async def test_a_scan_tells_how_far_it_is_from_its_beginning(scans: tuple[Scans, Subscription[ScanResult]]) -> None:
    scan, results = scans
    await scan.carry_out(request(NETWORK))
    first = results.drain()[0]
    assert (first.status, first.visited, first.total) == (ScanStatus.RUNNING, 0, 30)


async def test_of_two_scans_at_once_the_first_goes_on(scans: tuple[Scans, Subscription[ScanResult]]) -> None:
    scan, results = scans
    second = request(NETWORK).model_copy(update={"id": "s2"})
    await asyncio.gather(scan.carry_out(request(NETWORK)), scan.carry_out(second))
    assert {result.id for result in results.drain()} == {"s1"}


@pytest.mark.parametrize(
    ("network", "late", "because"),
    [
        ("8.8.8.0/24", False, "public"),
        ("10.0.0.0/8", False, "more than a /16"),
        ("the cellar", False, "the cellar"),
        (NETWORK, True, "too late"),
    ],
    ids=["public", "too large", "no network", "too late"],
)
async def test_what_must_not_be_scanned_is_refused_with_the_reason(
    scans: tuple[Scans, Subscription[ScanResult]], network: str, late: bool, because: str
) -> None:
    scan, results = scans
    await scan.carry_out(request(network, late=late))
    [result] = results.drain()
    assert result.status is ScanStatus.REJECTED
    assert because in result.message
