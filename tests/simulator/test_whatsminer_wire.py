"""Port 4433 of an emulated WhatsMiner: frames, heartbeats, connections (PROTOCOLS.md 1.1)."""

import asyncio
import struct

from tests.simulator.conftest import Emulate, Emulated
from tests.simulator.wire import WhatsminerClient, exchange, frame

INFO = {"cmd": "get.device.info", "param": "salt"}
HEARTBEAT = struct.pack("<I", 0)


def client(device: Emulated) -> WhatsminerClient:
    return WhatsminerClient(device.host, device.port("api"))


async def test_a_read_needs_no_rights_and_names_its_command(emulate: Emulate) -> None:
    async with client(await emulate("whatsminer_v3")) as miner:
        reply = await miner.get("get.device.info", "miner")
    assert (reply["code"], reply["desc"], reply["when"]) == (0, "get.device.info", 1_760_000_000)
    assert reply["msg"]["miner"]["type"] == "M64_VL40"


async def test_heartbeats_are_passed_over_before_between_and_after_requests(emulate: Emulate) -> None:
    async with client(await emulate("whatsminer_v3")) as miner:
        miner.writer.write(HEARTBEAT + frame(INFO) + HEARTBEAT + HEARTBEAT + frame(INFO) + HEARTBEAT)
        assert [(await miner.receive())["code"] for _ in range(2)] == [0, 0]


async def test_a_request_may_come_in_single_bytes(emulate: Emulate) -> None:
    async with client(await emulate("whatsminer_v3")) as miner:
        for byte in frame(INFO):
            miner.writer.write(bytes([byte]))
            await miner.writer.drain()
            await asyncio.sleep(0)
        assert (await miner.receive())["code"] == 0


async def test_requests_that_come_together_are_answered_in_order_on_one_connection(emulate: Emulate) -> None:
    sections = ["network", "miner", "system", "power", "salt", "error-code"]
    async with client(await emulate("whatsminer_v3")) as miner:
        miner.writer.write(b"".join(frame({"cmd": "get.device.info", "param": one}) for one in sections))
        assert [next(iter((await miner.receive())["msg"])) for _ in sections] == sections


async def test_what_is_no_json_is_answered_with_minus_3(emulate: Emulate) -> None:
    async with client(await emulate("whatsminer_v3")) as miner:
        for nonsense in (b"hello", b"[1,2]", b'{"command":"summary"}', b"\xff\xfe"):
            assert (await miner.request(nonsense))["code"] == -3


async def test_an_absurd_length_ends_the_connection(emulate: Emulate) -> None:
    device = await emulate("whatsminer_v3")
    assert await exchange(device.host, device.port("api"), b"\xff\xff\xff\x7f{}") == b""


async def test_the_eleventh_client_is_sent_away_until_one_leaves(emulate: Emulate) -> None:
    device = await emulate("whatsminer_v3")
    clients = [client(device) for _ in range(10)]
    for one in clients:
        await one.__aenter__()
        await one.get("get.device.info", "salt")
    async with client(device) as eleventh:
        assert await eleventh.hung_up()
    for one in clients:
        await one.__aexit__()
        assert await one.hung_up()
    async with client(device) as late:
        assert (await late.get("get.device.info", "salt"))["code"] == 0


async def test_a_silent_client_is_sent_away(emulate: Emulate) -> None:
    async with client(await emulate("whatsminer_v3", idle_close_s=0.1)) as miner:
        assert await miner.hung_up()


async def test_a_client_that_sends_heartbeats_stays(emulate: Emulate) -> None:
    async with client(await emulate("whatsminer_v3", idle_close_s=1.0)) as miner:
        for _ in range(4):
            miner.writer.write(HEARTBEAT)
            await asyncio.sleep(0.3)
        assert (await miner.get("get.device.info", "salt"))["code"] == 0


async def test_the_log_comes_as_raw_bytes_behind_its_size(emulate: Emulate) -> None:
    async with client(await emulate("whatsminer_v3")) as miner:
        size = int((await miner.get("get.log.download"))["msg"]["logsize"])
        assert len(await miner.reader.readexactly(size)) == size > 10_000
        assert (await miner.get("get.device.info", "salt"))["code"] == 0
