"""What can go wrong, on request, on every port of every family (PROTOCOLS.md 9.7)."""

import asyncio
import json
import struct
from typing import Any

import aiohttp
import pytest
from pydantic import ValidationError

from hashbus_simulator.faults import OVERSIZED_BYTES, Fault, FaultKind, FaultSlot, spoil_document
from tests.simulator.conftest import Emulate, Emulated, until
from tests.simulator.wire import WhatsminerClient, ask, code_of, exchange, frame, signed

MEBIBYTE = 1 << 20
SUMMARY = b'{"command":"stats"}'


async def suffer(device: Emulated, kind: str, **options: Any) -> None:
    await device.presence.put_fault(Fault(kind=FaultKind(kind), **options))


async def read(device: Emulated) -> bytes:
    return await exchange(device.host, device.port("cgminer"), SUMMARY)


async def is_well(device: Emulated) -> bool:
    return code_of(json.loads((await read(device)).rstrip(b"\0"))) == 70


class TestOnTheCgminerPort:
    """The same faults, whatever the device says."""

    async def test_refuse_closes_the_port_and_the_connections_until_cleared(self, emulate: Emulate) -> None:
        device = await emulate("cgminer")
        await suffer(device, "refuse")
        with pytest.raises(ConnectionRefusedError):
            await read(device)
        await device.presence.clear_fault()
        assert await is_well(device)

    async def test_hang_accepts_and_stays_silent(self, emulate: Emulate) -> None:
        device = await emulate("cgminer")
        await suffer(device, "hang")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                await read(device)

    async def test_clients_that_give_up_on_a_silent_device_leave_nothing_behind(self, emulate: Emulate) -> None:
        device = await emulate("cgminer")
        await suffer(device, "hang")
        for _ in range(5):
            _, writer = await asyncio.open_connection(device.host, device.port("cgminer"))
            writer.write(SUMMARY)
            await until(lambda: device.presence.clients == 1)
            writer.close()
            await until(lambda: device.presence.clients == 0)

    async def test_cut_hangs_up_in_the_middle(self, emulate: Emulate) -> None:
        device = await emulate("cgminer")
        whole = await read(device)
        await suffer(device, "cut")
        part = await read(device)
        assert whole.startswith(part)
        assert 0 < len(part) < len(whole)

    async def test_trickle_sends_the_right_reply_byte_by_byte(self, emulate: Emulate) -> None:
        device = await emulate("cgminer")
        await suffer(device, "trickle", delay_s=0)
        assert await is_well(device)

    async def test_garbage_is_no_json(self, emulate: Emulate) -> None:
        device = await emulate("cgminer")
        await suffer(device, "garbage")
        with pytest.raises((UnicodeDecodeError, json.JSONDecodeError)):
            json.loads(await read(device))

    async def test_missing_comma_joins_array_elements(self, emulate: Emulate) -> None:
        device = await emulate("cgminer")
        await suffer(device, "missing_comma")
        assert b"}{" in await read(device)

    async def test_oversized_is_valid_json_of_more_than_a_mebibyte(self, emulate: Emulate) -> None:
        device = await emulate("cgminer")
        await suffer(device, "oversized")
        reply = await read(device)
        assert len(reply) > MEBIBYTE
        assert code_of(json.loads(reply.rstrip(b"\0"))) == 70

    async def test_truncated_ends_early_and_cleanly(self, emulate: Emulate) -> None:
        device = await emulate("cgminer")
        await suffer(device, "truncated")
        reply = await read(device)
        assert reply.endswith(b"\0")
        with pytest.raises(json.JSONDecodeError):
            json.loads(reply.rstrip(b"\0"))

    async def test_text_stands_in_place_of_json(self, emulate: Emulate) -> None:
        device = await emulate("cgminer")
        await suffer(device, "not_json_text")
        assert await read(device) == b"Socket connect failed: Connection refused\n\0"

    async def test_slow_is_right_but_late(self, emulate: Emulate) -> None:
        device = await emulate("cgminer")
        await suffer(device, "slow", delay_s=0.3)
        started = asyncio.get_running_loop().time()
        assert await is_well(device)
        assert asyncio.get_running_loop().time() - started >= 0.29

    async def test_wrong_password_denies_what_was_allowed(self, emulate: Emulate) -> None:
        device = await emulate("cgminer", privileged=True)
        await suffer(device, "wrong_password", count=1)
        assert code_of(await ask(device.host, device.port("cgminer"), "switchpool", "1")) == 45
        assert code_of(await ask(device.host, device.port("cgminer"), "switchpool", "1")) == 27

    async def test_a_fault_with_a_count_ends_by_itself(self, emulate: Emulate) -> None:
        device = await emulate("cgminer")
        await suffer(device, "not_json_text", count=2)
        replies = [await read(device) for _ in range(3)]
        assert [reply.startswith(b"Socket") for reply in replies] == [True, True, False]


class TestOnTheWhatsminerPort:
    """Faults keep to the frames where the fault is in the text."""

    async def test_garbage_comes_in_a_proper_frame(self, emulate: Emulate) -> None:
        device = await emulate("whatsminer_v3")
        await suffer(device, "garbage", count=1)
        async with WhatsminerClient(device.host, device.port("api")) as miner:
            miner.writer.write(frame({"cmd": "get.device.info"}))
            (length,) = struct.unpack("<I", await miner.reader.readexactly(4))
            with pytest.raises((UnicodeDecodeError, json.JSONDecodeError)):
                json.loads(await miner.reader.readexactly(length))
            assert (await miner.get("get.device.info"))["code"] == 0

    async def test_cut_breaks_the_frame(self, emulate: Emulate) -> None:
        device = await emulate("whatsminer_v3")
        await suffer(device, "cut")
        async with WhatsminerClient(device.host, device.port("api")) as miner:
            with pytest.raises(asyncio.IncompleteReadError):
                await miner.get("get.device.info")

    async def test_what_comes_during_a_slow_reply_is_answered_afterwards(self, emulate: Emulate) -> None:
        device = await emulate("whatsminer_v3")
        await suffer(device, "slow", delay_s=0.2, count=1)
        async with WhatsminerClient(device.host, device.port("api")) as miner:
            miner.writer.write(frame({"cmd": "get.device.info", "param": "salt"}) + frame({"cmd": "get.fan.setting"}))
            assert [(await miner.receive())["desc"] for _ in range(2)] == ["get.device.info", "get.fan.setting"]

    async def test_a_slow_reply_outlives_the_patience_with_silent_clients(self, emulate: Emulate) -> None:
        device = await emulate("whatsminer_v3", idle_close_s=0.1)
        await suffer(device, "slow", delay_s=0.3)
        async with WhatsminerClient(device.host, device.port("api")) as miner:
            assert (await miner.get("get.fan.setting"))["code"] == 0

    async def test_a_hung_connection_answers_nothing_any_more_and_a_new_one_does(self, emulate: Emulate) -> None:
        device = await emulate("whatsminer_v3")
        await suffer(device, "hang", count=1)
        async with WhatsminerClient(device.host, device.port("api")) as hung:
            hung.writer.write(frame({"cmd": "get.fan.setting"}) * 2)
            async with WhatsminerClient(device.host, device.port("api")) as other:
                assert (await other.get("get.fan.setting"))["code"] == 0
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.2):
                    await hung.receive()

    async def test_wrong_password_is_minus_4_for_writes_and_nothing_for_reads(self, emulate: Emulate) -> None:
        device = await emulate("whatsminer_v3", password="secret", salt="Qw3rTy7u")
        await suffer(device, "wrong_password")
        async with WhatsminerClient(device.host, device.port("api")) as miner:
            write = signed("set.system.led", "secret", "Qw3rTy7u", 1_760_000_000, param="auto")
            assert (await miner.request(write))["code"] == -4
            assert (await miner.get("get.device.info"))["code"] == 0

    async def test_refuse_cuts_connections_that_are_open(self, emulate: Emulate) -> None:
        device = await emulate("whatsminer_v3")
        async with WhatsminerClient(device.host, device.port("api")) as miner:
            await miner.get("get.fan.setting")
            await suffer(device, "refuse")
            with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
                await miner.receive()


class TestOnTheWebPort:
    """The same faults over HTTP, met by somebody who is already logged in."""

    async def get(self, device: Emulated, kind: str, **options: Any) -> tuple[int, bytes]:
        auth = aiohttp.DigestAuthMiddleware("root", "root")
        base = f"http://{device.host}:{device.port('web')}"
        async with aiohttp.ClientSession(middlewares=[auth]) as session:
            async with session.get(f"{base}/") as welcome:
                assert welcome.status == 200
            await suffer(device, kind, **options)
            async with session.get(f"{base}/cgi-bin/stats.cgi") as response:
                return response.status, await response.read()

    @pytest.mark.parametrize("kind", ["garbage", "truncated", "not_json_text"])
    async def test_the_text_is_spoiled_under_a_proper_header(self, emulate: Emulate, kind: str) -> None:
        status, body = await self.get(await emulate("antminer"), kind)
        assert status == 200
        with pytest.raises((UnicodeDecodeError, json.JSONDecodeError)):
            json.loads(body)

    async def test_missing_comma(self, emulate: Emulate) -> None:
        assert b"}{" in (await self.get(await emulate("antminer"), "missing_comma"))[1]

    async def test_oversized(self, emulate: Emulate) -> None:
        assert len((await self.get(await emulate("antminer"), "oversized"))[1]) > MEBIBYTE

    @pytest.mark.parametrize("kind", ["trickle", "slow"])
    async def test_trickle_and_slow_are_right_in_the_end(self, emulate: Emulate, kind: str) -> None:
        assert json.loads((await self.get(await emulate("antminer"), kind, delay_s=0))[1])["STATS"]

    async def test_cut(self, emulate: Emulate) -> None:
        device = await emulate("antminer")
        with pytest.raises(aiohttp.ClientPayloadError):
            await self.get(device, "cut")

    async def test_hang(self, emulate: Emulate) -> None:
        device = await emulate("antminer")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                await self.get(device, "hang")

    async def test_refuse(self, emulate: Emulate) -> None:
        device = await emulate("antminer")
        with pytest.raises(aiohttp.ClientConnectionError):
            await self.get(device, "refuse")
        await device.presence.clear_fault()
        assert (await self.get(device, "slow", delay_s=0))[0] == 200

    async def test_wrong_password_is_401_for_the_right_one(self, emulate: Emulate) -> None:
        device = await emulate("antminer")
        assert (await self.get(device, "wrong_password"))[0] == 401
        await device.presence.clear_fault()
        assert (await self.get(device, "slow", delay_s=0))[0] == 200


def test_a_refusal_has_no_count() -> None:
    with pytest.raises(ValidationError, match="no replies to count"):
        Fault(kind=FaultKind.REFUSE, count=3)


def test_a_new_fault_replaces_the_old_one() -> None:
    slot = FaultSlot()
    slot.put(Fault(kind=FaultKind.HANG))
    slot.put(Fault(kind=FaultKind.SLOW, count=1))
    assert slot.take() is not None
    assert slot.take() is None


@pytest.mark.parametrize("document", [b"", b"{}", b"[1]", b"text", b'{"a":1}'])
def test_oversized_is_oversized_whatever_the_reply_is(document: bytes) -> None:
    spoiled = spoil_document(Fault(kind=FaultKind.OVERSIZED), document)
    assert len(spoiled) > OVERSIZED_BYTES
    assert "padding" in json.loads(spoiled)
