"""Finding devices on a network: `hashbus scan`, and what it is made of."""

import asyncio
import contextlib
import json
import signal
import socket
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from hashbus.clock import SYSTEM_CLOCK
from hashbus.settings import load
from hashbus_poller.cli import scan
from hashbus_poller.client import http_client
from hashbus_poller.drivers.contract import Look, Sighting, Wiring
from hashbus_poller.neighbours import neighbours
from hashbus_poller.networks import WrongNetwork, span_of, targets
from hashbus_poller.registry import drivers
from hashbus_poller.scanning import Door, Scan, knock, looks_of
from hashbus_poller.settings import settings_model
from hashbus_poller.sightings import Findings, configuration, merged, names
from hashbus_poller.tapes import Ring
from tests.poller.network import EmulatedNetwork, command, hashbus, logs_put_back, may_listen_on

NETWORK = "127.91.1.0/24"
WHATSMINERS = [f"127.91.1.{last}" for last in range(1, 9)]
ANTMINERS = [f"127.91.1.{last}" for last in range(20, 25)]
CGMINERS = [f"127.91.1.{last}" for last in range(40, 43)]
BITAXES = [f"127.91.1.{last}" for last in range(60, 64)] if may_listen_on(80) else []
WEB = {} if may_listen_on(80) else {"ports": {"web": 0}}

BLOCKS: list[dict[str, object]] = [
    {"family": "whatsminer_v3", "from": WHATSMINERS[0], "count": len(WHATSMINERS)},
    {"family": "antminer", "from": ANTMINERS[0], "count": len(ANTMINERS), **WEB},
    {"family": "cgminer", "from": CGMINERS[0], "count": len(CGMINERS)},
    *[{"family": "bitaxe", "from": host} for host in BITAXES],
]
DRIVER_OF = {
    **dict.fromkeys(WHATSMINERS, "whatsminer"),
    **dict.fromkeys(ANTMINERS, "antminer"),
    **dict.fromkeys(CGMINERS, "cgminer"),
    **dict.fromkeys(BITAXES, "bitaxe"),
}


@pytest.fixture(scope="module", autouse=True)
def _network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with EmulatedNetwork(tmp_path_factory.mktemp("network"), BLOCKS):
        yield


@pytest.fixture(autouse=True)
def _logs() -> Iterator[None]:
    with logs_put_back():
        yield


@pytest.fixture
async def wiring() -> AsyncIterator[Wiring]:
    async with http_client() as http:
        yield Wiring(SYSTEM_CLOCK, lambda: http, Ring(SYSTEM_CLOCK, 0))


def devices_in(path: Path) -> dict[str, Any]:
    settings: Any = load(settings_model(), path, account="poller", environ={})
    return dict(settings.poller.devices)


def test_every_device_of_a_network_is_found_once_though_some_open_two_ports(capsys: pytest.CaptureFixture[str]) -> None:
    assert scan([NETWORK, "--json"]) == 0
    found = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert sorted((one["host"], one["driver"]) for one in found) == sorted(DRIVER_OF.items())
    by_host = {one["host"]: one for one in found}
    first = by_host[WHATSMINERS[0]]
    assert (first["make"], first["model"]) == ("WhatsMiner", "M64_VL40")
    assert first["hashrate_ths"] > 100
    assert first["power_w"] > 1000
    assert len({one["mac"] for one in found if one["driver"] in ("whatsminer", "bitaxe")}) == len(WHATSMINERS + BITAXES)


def test_what_is_printed_can_be_pasted_into_a_site_file(tmp_path: Path) -> None:
    run = hashbus("scan", NETWORK)
    assert run.returncode == 0
    (tmp_path / "site.yaml").write_text(run.stdout)
    devices = devices_in(tmp_path / "site.yaml")
    assert {device.host: device.driver for device in devices.values()} == DRIVER_OF
    assert "m64-0001" in devices, "the name is the model and the end of the MAC"
    assert "# password_file: secrets/m64-0001" in run.stdout, "what is needed to control it is pointed out"
    assert f"{len(DRIVER_OF)} devices found" in run.stderr, "what is for people does not stand in the file"


def test_devices_of_the_site_file_are_marked_and_not_printed_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    site = tmp_path / "site.yaml"
    site.write_text(f"poller:\n  devices:\n    attic: {{driver: whatsminer, host: {WHATSMINERS[0]}}}\n")
    assert scan([WHATSMINERS[0], WHATSMINERS[1], "--config", str(site)]) == 0
    printed = capsys.readouterr()
    assert WHATSMINERS[0] not in printed.out
    assert WHATSMINERS[1] in printed.out
    assert "attic" in printed.err


def test_ctrl_c_shows_what_was_found_so_far() -> None:
    # One host at a time, and thousands of them behind the devices.
    slow = command("scan", NETWORK, "127.91.128.0/17", "--concurrency", "1")
    with subprocess.Popen(slow, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        seen = iter(process.stderr.readline, "")
        assert any(line.startswith(f"● {WHATSMINERS[-1]} ") for line in seen)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert process.returncode == 0
    assert all(f"host: {host}\n" in out for host in WHATSMINERS)
    assert "Stopped before the end" in err


def test_an_empty_network_is_exit_code_1_and_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert scan(["127.91.2.0/28"]) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "No device found; 14 of 14 addresses answered" in printed.err


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["192.168.1.300"], "is no network: write 192.168.1.0/24"),
        (["attic"], "is no network"),
        (["10.0.0.9-10.0.0.1"], "ends before it begins"),
        (["8.8.8.0/24"], "some of these addresses are public"),
        (["172.16.0.0-172.32.0.0"], "more than a /16 network"),
        (["172.31.255.0-172.32.0.1"], "some of these addresses are public"),
        (["127.91.2.1", "--exclude", "127.91.0.0/16"], "nothing is left to scan"),
        (["127.91.2.1", "--concurrency", "0"], "--concurrency 0: it takes 1 to 10000"),
        (["127.91.2.1", "--timeout", "0"], "--timeout 0"),
        (["127.91.2.1", "--config", "no/such.yaml"], "no/such.yaml: cannot be read"),
    ],
)
def test_wrong_usage_is_said_in_one_line(
    arguments: list[str], problem: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert scan(arguments) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert problem in printed.err
    assert len(printed.err.splitlines()) == 1


def test_excluded_hosts_are_left_alone(capsys: pytest.CaptureFixture[str]) -> None:
    assert scan([NETWORK, "--json", "--exclude", "127.91.1.2-127.91.1.254"]) == 0
    assert [json.loads(line)["host"] for line in capsys.readouterr().out.splitlines()] == [WHATSMINERS[0]]


async def test_a_host_that_is_silent_is_told_from_one_that_is_closed() -> None:
    with contextlib.ExitStack() as stack:
        # Where the queue of a listening socket is full, Linux answers no further caller.
        full = stack.enter_context(socket.socket())
        full.bind(("127.91.3.1", 0))
        full.listen(0)
        port = full.getsockname()[1]
        for _ in range(4):
            caller = stack.enter_context(socket.socket())
            caller.setblocking(False)
            caller.connect_ex(("127.91.3.1", port))
        assert await knock("127.91.3.1", port, 0.2) is Door.SILENT
        assert await knock("127.91.3.2", port, 5) is Door.CLOSED
    assert await knock(WHATSMINERS[0], 4433, 5) is Door.OPEN


async def test_no_more_hosts_are_held_than_are_looked_at(wiring: Wiring) -> None:
    handed_out = 0
    most_held = 0

    def hosts() -> Iterator[str]:
        nonlocal handed_out, most_held
        for host in targets(["127.91.64.0/22"]):
            handed_out += 1
            most_held = max(most_held, handed_out - walk.tally.done)
            yield host

    walk = Scan(looks_of(drivers().values()), wiring, lambda _: None, connections=30)
    await walk.walk(hosts())
    assert walk.tally.done == handed_out == 1022
    assert most_held <= 30


async def test_five_hundred_are_asked_at_once_when_so_many_are_allowed(wiring: Wiring) -> None:
    all_here = asyncio.Barrier(500)

    async def ask(host: str, _port: int, _wiring: Wiring) -> Sighting:
        async with asyncio.timeout(60):
            await all_here.wait()
        return Sighting(driver="acme", host=host)

    server = await asyncio.start_server(lambda _, writer: writer.close(), "0.0.0.0", 0)
    async with server:
        look = Look(port=server.sockets[0].getsockname()[1], ask=ask)
        walk = Scan([look], wiring, lambda _: None, connections=500, timeout_s=30)
        await walk.walk(targets(["127.91.72.1-127.91.73.244"]))
    assert walk.tally.found == 500


async def test_a_driver_that_fails_to_look_spoils_it_for_nobody(wiring: Wiring) -> None:
    async def fail(_host: str, _port: int, _wiring: Wiring) -> Sighting:
        raise KeyError("model")

    found: list[Sighting] = []
    looks = [Look(port=4433, ask=fail, order=1), *drivers()["whatsminer"].looks]
    await Scan(looks, wiring, found.append).walk(WHATSMINERS[:2])
    assert {one.host for one in found} == set(WHATSMINERS[:2])


async def test_an_open_port_that_no_driver_knows_is_reported(wiring: Wiring) -> None:
    async def not_mine(_host: str, _port: int, _wiring: Wiring) -> None:
        return None

    walk = Scan([Look(port=4433, ask=not_mine)], wiring, lambda _: None)
    await walk.walk(WHATSMINERS[:1])
    assert walk.tally.some_strangers == {WHATSMINERS[0]: (4433,)}


async def test_nothing_is_written_and_no_password_tried(wiring: Wiring, tmp_path: Path) -> None:
    with EmulatedNetwork(tmp_path, [{"family": "whatsminer_v3", "id": "one", "host": "127.91.4.1"}]) as network:
        url = f"http://{network.host}:{network.port}/devices/one/state"
        async with aiohttp.ClientSession() as session:
            before = await (await session.get(url)).json()
            await Scan(looks_of(drivers().values()), wiring, lambda _: None).walk(["127.91.4.1"])
            after = await (await session.get(url)).json()
    steady = {key: value for key, value in before.items() if isinstance(value, bool | str | int | list)}
    assert {key: after[key] for key in steady} == steady


def seen(host: str = "10.0.0.1", driver: str = "whatsminer", **known: Any) -> Sighting:
    return Sighting(driver=driver, host=host, **known)


class TestWhatWasSeen:
    def test_two_looks_at_one_device_make_one_with_all_that_both_know(self) -> None:
        web = seen(driver="antminer", make="Antminer", note="give a password")
        port = seen(driver="cgminer", make="Antminer", model="S19", hashrate_ths=95.0, note="another driver is better")
        [device] = merged([web, port])
        assert (device.driver, device.model, device.hashrate_ths) == ("antminer", "S19", 95.0)
        assert device.note == "give a password", "the note is the driver's that knows the device best"

    def test_two_macs_or_two_makes_behind_one_address_are_two_devices(self) -> None:
        assert len(merged([seen(mac="02:00:00:00:00:01"), seen(mac="02:00:00:00:00:02")])) == 2
        assert len(merged([seen(make="WhatsMiner"), seen(make="Antminer")])) == 2

    def test_a_device_with_two_addresses_is_listed_once(self) -> None:
        findings = Findings()
        assert findings.add(seen("10.0.0.1", mac="02:00:00:00:00:01"))
        assert not findings.add(seen("10.0.0.2", mac="02:00:00:00:00:01"))
        assert findings.also_at == {"10.0.0.2": "10.0.0.1"}
        assert len(findings.devices()) == 1

    @pytest.mark.parametrize(
        ("device", "name"),
        [
            (seen(make="WhatsMiner", model="M64_VL40", mac="c2:05:11:00:ab:cd"), "m64-abcd"),
            (seen(make="WhatsMiner", model="M30S++_VH70", mac="c2:05:11:00:ab:cd"), "m30spp-abcd"),
            (seen(make="Antminer", model="Antminer S19j Pro", host="192.168.1.23"), "s19j-pro-1-23"),
            (seen(driver="bitaxe", mac="c2:05:11:00:ab:cd"), "bitaxe-abcd"),
            (seen(model="\x1b[2J: {}\n", mac="c2:05:11:00:ab:cd"), "2j-abcd"),
        ],
    )
    def test_a_name_is_the_model_and_the_end_of_the_mac(self, device: Sighting, name: str) -> None:
        assert names([device]) == [name]

    def test_names_that_would_be_the_same_get_more_digits(self) -> None:
        twins = [seen(model="M64", mac=f"c2:05:11:{third}:ab:cd") for third in ("00", "01")]
        assert names(twins) == ["m64-00abcd", "m64-01abcd"]
        assert names(twins[:1], taken={"m64-abcd"}) == ["m64-00abcd"]

    def test_what_is_to_say_of_many_devices_is_said_once(self) -> None:
        twins = [seen(mac=f"c2:05:11:00:ab:{last:02d}", note="turn on the API switch") for last in range(3)]
        assert configuration(twins, drivers()).count("# turn on the API switch") == 1

    def test_nothing_a_device_says_leaves_its_comment(self) -> None:
        hostile = seen(model="x\ny: z", make="#\u2028", firmware="\x1b[2J", note="a\nb: c", mac="c2:05:11:00:ab:cd")
        written = yaml.safe_load(configuration([hostile], drivers()))
        assert written == {"poller": {"devices": {"x-y-z-abcd": {"driver": "whatsminer", "host": "10.0.0.1"}}}}


class TestNetworks:
    @pytest.mark.parametrize(
        ("text", "first", "last"),
        [
            ("192.168.1.0/24", "192.168.1.1", "192.168.1.254"),
            ("192.168.1.77/24", "192.168.1.1", "192.168.1.254"),
            ("192.168.1.4/31", "192.168.1.4", "192.168.1.5"),
            ("192.168.1.7", "192.168.1.7", "192.168.1.7"),
            ("192.168.1.10-40", "192.168.1.10", "192.168.1.40"),
            (" 192.168.1.10 - 192.168.2.3 ", "192.168.1.10", "192.168.2.3"),
        ],
    )
    def test_a_network_is_read_as_people_write_it(self, text: str, first: str, last: str) -> None:
        assert [str(end) for end in (span_of(text).first, span_of(text).last)] == [first, last]

    @given(st.text(max_size=20))
    def test_whatever_is_written_it_is_a_network_or_a_wrong_one(self, text: str) -> None:
        with contextlib.suppress(WrongNetwork):
            assert len(span_of(text)) >= 1

    @given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), min_size=1), st.lists(st.integers(0, 120)))
    def test_every_address_comes_once_and_none_that_is_excluded(
        self, spans: list[tuple[int, int]], excluded: list[int]
    ) -> None:
        wanted = [f"10.0.0.{first}-10.0.0.{first + more}" for first, more in spans]
        found = targets(wanted, [f"10.0.0.{last}" for last in excluded])
        expected = {number for first, more in spans for number in range(first, first + more + 1)} - set(excluded)
        assert list(found) == [f"10.0.0.{number}" for number in sorted(expected)]
        assert len(found) == len(expected)


def test_the_kernel_knows_the_macs_of_neighbours_and_routers_do_not_count(tmp_path: Path) -> None:
    table = tmp_path / "arp"
    table.write_text(
        "IP address       HW type     Flags       HW address            Mask     Device\n"
        "192.168.1.5      0x1         0x2         C2:05:11:00:AB:CD     *        eth0\n"
        "192.168.1.6      0x1         0x0         00:00:00:00:00:00     *        eth0\n"
        "10.0.0.1         0x1         0x2         02:00:00:00:00:99     *        eth0\n"
        "10.0.0.2         0x1         0x2         02:00:00:00:00:99     *        eth0\n"
    )
    assert neighbours(table) == {"192.168.1.5": "c2:05:11:00:ab:cd"}
    assert neighbours(tmp_path / "none") == {}
