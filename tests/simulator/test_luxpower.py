"""The emulated inverter: the dongle's frames byte by byte as in PROTOCOLS.md 5.2, and the same registers by Modbus."""

import asyncio
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from hashbus_simulator.devices.luxpower.device import Luxpower
from hashbus_simulator.fleet import Fleet
from hashbus_simulator.settings import SimulatorSettings

HOST = "127.85.2.1"
PATIENCE_S = 20.0
READ_0_TO_39 = bytes.fromhex(
    "a11a0100200001c24241313233343536373812000004343531323334353637380000280033 52".replace(" ", "")
)
WRITE_105_20 = bytes.fromhex(
    "a11a0100200001c2424131323334353637381200000634353132333435363738690014 00bdcf".replace(" ", "")
)
HEARTBEAT = bytes.fromhex("a11a02000d0001c14241313233343536373800")


def crc16(data: bytes) -> int:
    crc = 0xFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ 0xA001 if crc & 1 else crc >> 1
    return crc


def request(
    function: int, first: int, value: int, *, dongle: bytes = b"BA12345678", inverter: bytes = b"4512345678"
) -> bytes:
    data = struct.pack("<BB10sHH", 0, function, inverter, first, value)
    payload = struct.pack("<H", len(data) + 2) + data + struct.pack("<H", crc16(data))
    return b"\xa1\x1a\x01\x00" + struct.pack("<HBB10s", 12 + len(payload), 1, 0xC2, dongle) + payload


class Client:
    """One client of the dongle, as small as can be."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def frame(self) -> bytes:
        head = await asyncio.wait_for(self.reader.readexactly(6), PATIENCE_S)
        return head + await asyncio.wait_for(self.reader.readexactly(int.from_bytes(head[4:6], "little")), PATIENCE_S)

    async def ask(self, question: bytes) -> bytes:
        self.writer.write(question)
        return await self.frame()

    async def hung_up(self) -> bool:
        return await asyncio.wait_for(self.reader.read(), PATIENCE_S) == b""


@asynccontextmanager
async def inverter(**block: Any) -> AsyncIterator[Luxpower]:
    settings = {"family": "luxpower", "host": HOST, "heartbeat_s": 0, "mirrors": False, **block}
    async with Fleet(SimulatorSettings.model_validate({"control_port": None, "devices": [settings]})) as fleet:
        (device,) = fleet.devices.values()
        assert isinstance(device, Luxpower)
        yield device


@asynccontextmanager
async def dongle() -> AsyncIterator[Client]:
    reader, writer = await asyncio.open_connection(HOST, 8000)
    yield Client(reader, writer)
    writer.close()
    await writer.wait_closed()


async def modbus(question: bytes) -> bytes:
    reader, writer = await asyncio.open_connection(HOST, 502)
    writer.write(question)
    head = await asyncio.wait_for(reader.readexactly(6), PATIENCE_S)
    body = await asyncio.wait_for(reader.readexactly(int.from_bytes(head[4:6], "big")), PATIENCE_S)
    writer.close()
    await writer.wait_closed()
    return head + body


async def test_the_question_of_the_sheet_is_answered_with_forty_values_in_a_sound_frame() -> None:
    async with inverter() as device, dongle() as client:
        reply = await client.ask(READ_0_TO_39)
        assert reply[:8] == b"\xa1\x1a\x02\x00" + (len(reply) - 6).to_bytes(2, "little") + b"\x01\xc2"
        data = reply[20:-2]
        assert int.from_bytes(reply[18:20], "little") == len(data) + 2
        assert struct.pack("<H", crc16(data)) == reply[-2:]
        assert data[:14] == b"\x01\x04" + b"4512345678" + b"\x00\x00"
        assert data[14] == 80
        values = struct.unpack("<40H", data[15:])
        assert values[5] & 0xFF == pytest.approx(device.truth()["soc_pct"], abs=1)
        assert values[5] >> 8 == 100


async def test_the_write_of_the_sheet_is_taken_and_echoed() -> None:
    async with inverter() as device, dongle() as client:
        reply = await client.ask(WRITE_105_20)
        assert len(reply[20:-2]) == 16
        assert reply[20:-2] == b"\x01\x06" + b"4512345678" + b"\x69\x00\x14\x00"
        assert device.inverter.holding[105] == 20


async def test_a_single_value_comes_marked_as_protocol_1_without_a_count() -> None:
    async with inverter(), dongle() as client:
        reply = await client.ask(request(3, 105, 1))
        assert reply[2:4] == b"\x01\x00"
        assert reply[34:-2] == b"\x0a\x00"


@pytest.mark.parametrize(
    ("question", "code"), [(request(4, 0, 41), 3), (request(4, 250, 40), 2), (request(5, 0, 1), 1)]
)
async def test_more_than_forty_and_what_is_not_there_is_refused(question: bytes, code: int) -> None:
    async with inverter(), dongle() as client:
        reply = await client.ask(question)
        assert reply[21] == question[21] | 0x80
        assert reply[20 + 14] == code


async def test_heartbeats_come_unasked_after_the_first_question() -> None:
    async with inverter(heartbeat_s=0.02), dongle() as client:
        await client.ask(READ_0_TO_39)
        assert await client.frame() == HEARTBEAT
        client.writer.write(HEARTBEAT)
        assert await client.frame() == HEARTBEAT


async def test_its_talk_with_the_cloud_is_copied_before_the_answer() -> None:
    async with inverter(mirrors=True), dongle() as client:
        frames = [await client.ask(READ_0_TO_39), await client.frame(), await client.frame(), await client.frame()]
        assert [frame[22:32] for frame in frames[:2]] == [b"9999999999", b"4512345678"]
        assert frames[2] == HEARTBEAT
        assert frames[3][34] == 80


@pytest.mark.parametrize("serials", [{"dongle": b"ZZ00000000"}, {"inverter": b"0000000000"}])
async def test_what_is_for_another_serial_is_not_answered(serials: dict[str, bytes]) -> None:
    async with inverter(), dongle() as client:
        client.writer.write(request(4, 0, 40, **serials))
        reply = await client.ask(request(4, 40, 40))
        assert reply[32:34] == b"\x28\x00", "the first answer that comes is to the second question"


async def test_it_serves_one_client() -> None:
    async with inverter(), dongle() as first:
        await first.ask(READ_0_TO_39)
        async with dongle() as second:
            assert await second.hung_up()
        await first.ask(READ_0_TO_39)


async def test_garbage_makes_it_hang_up() -> None:
    async with inverter(), dongle() as client:
        client.writer.write(b"GET / HTTP/1.1\r\n\r\n")
        assert await client.hung_up()


async def test_modbus_shows_the_same_registers() -> None:
    async with inverter(fault_bits=[19], warning_bits=[9]), dongle() as client:
        by_dongle = struct.unpack("<4H", (await client.ask(request(4, 60, 4)))[35:-2])
        by_modbus = struct.unpack(">4H", (await modbus(bytes.fromhex("00070000000601 04 003c 0004")))[9:])
        assert by_dongle == by_modbus == (0, 8, 1 << 9, 0)


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("000100000006 01 04 0000 0029", "000100000003 01 84 03"),
        ("000200000006 01 04 00fa 0028", "000200000003 01 84 02"),
        ("000300000006 01 01 0000 0008", "000300000003 01 81 01"),
        ("000400000006 09 04 0000 0001", "000400000003 09 84 0b"),
        ("000500000006 01 06 0040 0032", "000500000006 01 06 0040 0032"),
        ("000600000006 01 2b 0e01 0000", "000600000003 01 ab 01"),
    ],
    ids=["too many", "not there", "no coils", "another unit", "a write", "unknown function"],
)
async def test_modbus_answers_as_the_standard_says(question: str, answer: str) -> None:
    async with inverter():
        assert await modbus(bytes.fromhex(question)) == bytes.fromhex(answer)
