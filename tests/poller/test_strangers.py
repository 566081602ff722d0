"""What a scan recognises though no driver speaks it: each family by its sign, and nobody else for one of them."""

import asyncio
import contextlib
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from hashbus.clock import SYSTEM_CLOCK
from hashbus_poller.client import http_client
from hashbus_poller.dongle_and_gateway import dongle_serial, identification, look_for_dongle, look_for_gateway
from hashbus_poller.drivers.contract import DeviceError, Sighting, Wiring
from hashbus_poller.registry import drivers
from hashbus_poller.scanning import looks_of, recognise
from hashbus_poller.sightings import configuration, merged
from hashbus_poller.strangers import LOOKS, MARATHON_PAGE, ORDER, look_at_page, look_for_epic
from hashbus_poller.tapes import Ring
from tests.servers import free_port

HOST = "127.88.1.1"
HEARTBEAT = bytes.fromhex("a11a02000d0001c1") + b"BA12345678" + b"\0"

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@pytest.fixture
async def wiring() -> AsyncIterator[Wiring]:
    async with http_client() as http:
        yield Wiring(SYSTEM_CLOCK, lambda: http, Ring(SYSTEM_CLOCK, 0))


@contextlib.asynccontextmanager
async def listening(talk: Talk) -> AsyncIterator[int]:
    """A server that does with each connection what `talk` says, and its port."""
    server = await asyncio.start_server(talk, HOST, 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


class WebServer:
    """Answers paths with what it was given, everything else with 404, and remembers what it was asked."""

    def __init__(self, pages: Mapping[str, tuple[int, str, str]]) -> None:
        self.pages = pages
        self.asked: list[tuple[str, str]] = []

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        path = head.split(" ")[1]
        self.asked.append((path, head))
        status, header, body = self.pages.get(path, (404, "", ""))
        content = body.encode()
        lines = [f"HTTP/1.1 {status} Any", f"Content-Length: {len(content)}", "Connection: close"]
        writer.write("\r\n".join([*lines, *([header] if header else []), "", ""]).encode() + content)
        writer.close()


def web(pages: Mapping[str, tuple[int, str, str]]) -> tuple[WebServer, AbstractAsyncContextManager[int]]:
    server = WebServer(pages)
    return server, listening(server.talk)


def page(text: str) -> Mapping[str, tuple[int, str, str]]:
    return {"/": (200, "", text)}


def locked(realm: str) -> Mapping[str, tuple[int, str, str]]:
    return {"/": (401, f'WWW-Authenticate: Digest realm="{realm}", nonce="1"', "")}


async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        await reader.read()
    writer.close()


@pytest.mark.parametrize(
    ("pages", "make", "firmware"),
    [
        (locked("blackMiner Configuration"), "VolcMiner", None),
        (locked("Daoge Configuration"), "Elphapex", None),
        (locked("MaraFW"), None, "MARA"),
        (page("<title>Miner Web Dashboard</title>"), None, "ePIC"),
        (page('<link href="cloud-box.css">'), "Goldshell", None),
        (page("<h1>DragonMint</h1>"), "Innosilicon", None),
        (page("<title>Miner UI</title>"), "Auradine", None),
        (page('<html><title lang="zh"> 用户界面 </title>'), "IceRiver", None),
        (page("<title>Fluminer</title>"), "Fluminer", None),
        (page("<h1>Lucky miner</h1>"), "LuckyMiner", None),
        (page("<title>NerdQAxe</title>"), "NerdAxe", None),
        ({"/": (404, "", ""), MARATHON_PAGE: (401, 'WWW-Authenticate: Digest realm="any"', "")}, None, "MARA"),
    ],
)
async def test_each_family_is_recognised_by_its_page(
    pages: Mapping[str, tuple[int, str, str]], make: str | None, firmware: str | None, wiring: Wiring
) -> None:
    _, serving = web(pages)
    async with serving as port:
        found = await look_at_page(HOST, port, wiring)
    assert found is not None
    assert (found.driver, found.make, found.firmware) == (None, make, firmware)
    assert found.note


@pytest.mark.parametrize(
    "pages",
    [
        page("<title>Printer</title>"),
        page("the 用户界面 of something else"),
        locked("Router"),
        {"/": (404, "", "Nerd"), MARATHON_PAGE: (404, "", "")},
        {"/": (302, "Location: https://127.88.1.1/", "Fluminer")},
        {"/": (404, "", ""), MARATHON_PAGE: (401, 'WWW-Authenticate: Basic realm="x"', "")},
    ],
)
async def test_other_web_servers_are_left_alone(pages: Mapping[str, tuple[int, str, str]], wiring: Wiring) -> None:
    _, serving = web(pages)
    async with serving as port:
        assert await look_at_page(HOST, port, wiring) is None


async def test_a_web_server_is_asked_for_its_start_page_once_and_gets_no_password(wiring: Wiring) -> None:
    server, serving = web(locked("Router"))
    async with serving as port:
        looks = [*(look for look in looks_of(drivers().values()) if look.port == 80), LOOKS[0]]
        here = [type(look)(port=port, ask=look.ask, order=look.order) for look in looks]
        assert await recognise(HOST, [port], here, wiring) == []
        pages = [path for path, _ in server.asked]
        assert MARATHON_PAGE not in pages, "whoever locks every page tells nothing by locking one more"
        assert not [head for _, head in server.asked if "authorization" in head.lower()]
        before = len(server.asked)
        shared = [look for look in here if look.ask is look_at_page] * 3
        assert await recognise(HOST, [port], shared, wiring) == []
        assert len(server.asked) == before + 1


@pytest.mark.parametrize(
    ("answer", "firmware"),
    [
        ((200, "", '{"Software": "PowerPlay-BM v1.2.3", "Mining": {}}'), "ePIC PowerPlay-BM v1.2.3"),
        ((200, "", "[]"), "ePIC"),
        ((400, "", "Bad Request"), "ePIC"),
    ],
)
async def test_http_on_the_port_of_bare_json_is_epic(
    answer: tuple[int, str, str], firmware: str, wiring: Wiring
) -> None:
    _, serving = web({"/summary": answer})
    async with serving as port:
        found = await look_for_epic(HOST, port, wiring)
    assert found is not None
    assert (found.driver, found.firmware) == (None, firmware)


async def test_a_cgminer_that_nobody_could_name_is_not_taken_for_epic(wiring: Wiring) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(4096)
        writer.write(b'{"STATUS":[{"STATUS":"E","Code":23,"Msg":"Invalid JSON"}],"id":1}\0')
        writer.close()

    async with listening(talk) as port:
        with pytest.raises(DeviceError):
            await look_for_epic(HOST, port, wiring)


class TestDongle:
    async def test_a_heartbeat_tells_its_serial_number(self, wiring: Wiring) -> None:
        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(HEARTBEAT)
            await silent(reader, writer)

        async with listening(talk) as port:
            found = await look_for_dongle(HOST, port, wiring)
        assert found is not None
        assert (found.driver, found.options) == ("luxpower", {"dongle_serial": "BA12345678"})

    async def test_one_that_hangs_up_on_http_may_be_one(self, wiring: Wiring) -> None:
        heard = bytearray()

        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            heard.extend(await reader.read(4096))
            writer.close()

        async with listening(talk) as port:
            found = await look_for_dongle(HOST, port, wiring)
        assert found is not None
        assert found.driver == "luxpower"
        assert found.note is not None
        assert "dongle_serial and inverter_serial" in found.note
        assert heard.startswith(b"GET / "), "nothing else is said to it"

    async def test_a_web_server_is_none(self, wiring: Wiring) -> None:
        _, serving = web(page("hello"))
        async with serving as port:
            assert await look_for_dongle(HOST, port, wiring) is None

    async def test_what_greets_in_another_way_is_none(self, wiring: Wiring) -> None:
        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(b"SSH-2.0-x\r\n")
            await silent(reader, writer)

        async with listening(talk) as port:
            assert await look_for_dongle(HOST, port, wiring) is None

    @given(st.binary(max_size=40), st.booleans())
    def test_no_bytes_break_it(self, heard: bytes, begins_well: bool) -> None:
        serial = dongle_serial(HEARTBEAT[:8] + heard if begins_well else heard)
        assert serial is None or len(serial) == 10


def modbus(answer: bytes) -> Talk:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        number, _, length, unit = struct.unpack(">HHHB", await reader.readexactly(7))
        await reader.readexactly(length - 1)
        writer.write(struct.pack(">HHHB", number, 0, len(answer) + 1, unit) + answer)
        await silent(reader, writer)

    return talk


class TestGateway:
    async def test_it_names_itself(self, wiring: Wiring) -> None:
        objects = b"".join(bytes((number, len(text))) + text for number, text in enumerate((b"Acme", b"EM-3", b"1.0")))
        async with listening(modbus(b"\x2b\x0e\x01\x01\x00\x00\x03" + objects)) as port:
            found = await look_for_gateway(HOST, port, wiring)
        assert found is not None
        assert (found.driver, found.make, found.model) == ("modbus", "Acme", "EM-3")

    async def test_one_that_says_no_is_one_too(self, wiring: Wiring) -> None:
        async with listening(modbus(b"\xab\x0b")) as port:
            found = await look_for_gateway(HOST, port, wiring)
        assert found is not None
        assert (found.driver, found.make) == ("modbus", None)

    @pytest.mark.parametrize("said", [b"", b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\x48\x42\0\0\0\3\1\x03\x00"])
    async def test_other_answers_are_none(self, said: bytes, wiring: Wiring) -> None:
        async def talk(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(said)
            writer.close()

        async with listening(talk) as port:
            assert await look_for_gateway(HOST, port, wiring) is None

    async def test_nobody_there_is_none(self, wiring: Wiring) -> None:
        assert await look_for_gateway(HOST, free_port(), wiring) is None

    @given(st.binary(max_size=60))
    def test_no_bytes_break_it(self, rest: bytes) -> None:
        identification(b"\x48\x42\0\0\0\x20\1\x2b" + rest)
        identification(rest)


def test_whoever_speaks_with_a_device_is_asked_first() -> None:
    assert max(look.order for look in looks_of(drivers().values())) < ORDER


def test_a_page_makes_no_second_device_of_one_that_a_driver_knows() -> None:
    known = Sighting(driver="cgminer", host=HOST, make="Antminer", model="S19")
    page_only = Sighting(driver=None, host=HOST, make="Goldshell", note="not spoken")
    [device] = merged([known, page_only])
    assert (device.driver, device.make) == ("cgminer", "Antminer")


def test_what_nobody_speaks_stands_in_the_file_as_a_comment() -> None:
    devices = [
        Sighting(driver=None, host="10.0.0.1", make="Goldshell", note="recognised, not spoken"),
        Sighting(driver="whatsminer", host="10.0.0.2", make="WhatsMiner", model="M64"),
        Sighting(driver="luxpower", host="10.0.0.3", options={"dongle_serial": "BA12345678"}, note="add the other"),
    ]
    written = configuration(devices, drivers())
    assert yaml.safe_load(written) == {"poller": {"devices": {"m64-0-2": {"driver": "whatsminer", "host": "10.0.0.2"}}}}
    assert "    # device-0-1:  # Goldshell\n    #   # recognised, not spoken\n    #   host: 10.0.0.1\n" in written
    assert "    #   dongle_serial: BA12345678\n" in written
    assert yaml.safe_load(configuration(devices[:1], drivers())) == {"poller": {"devices": {}}}
