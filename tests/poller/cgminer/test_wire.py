"""The cgminer port as hostile input, on real sockets."""

import asyncio
import socket
from collections.abc import Iterator

import pytest
import uvloop
from pydantic import ValidationError

from hashbus_poller.drivers.cgminer.commands import DEVS, POOLS, SUMMARY, question
from hashbus_poller.drivers.cgminer.wire import LARGEST_REPLY, CgminerOptions, CgminerPort
from hashbus_poller.drivers.contract import Garbled, Refused, Unreachable, Unsupported
from hashbus_poller.testing.driver_promises import MemoryTape
from tests.poller.cgminer.scripted import ScriptedMiner, reply

HOST = "127.82.2.1"
SMALL = reply(SUMMARY=[{"MHS av": 1.0}])


@pytest.fixture
def tape() -> MemoryTape:
    return MemoryTape()


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A port that is taken, so that nobody else listens there, and on which nothing listens."""
    with socket.socket() as taken:
        taken.bind((HOST, 0))
        yield taken.getsockname()[1]


async def test_the_reply_is_read_to_its_end_and_kept_on_the_tape(tape: MemoryTape) -> None:
    async with ScriptedMiner(HOST, {"summary": SMALL}, piece_bytes=7) as miner:
        assert await miner.client(tape).ask(SUMMARY) == SMALL
    assert miner.asked == [{"command": "summary"}]
    assert tape.exchanges == [("summary", SMALL)]


def test_the_event_loop_that_services_run_on_reads_the_same() -> None:
    async def ask() -> tuple[bytes, bytes]:
        async with ScriptedMiner(HOST, {"summary": SMALL}) as miner:
            client = miner.client(timeout_s=2.0)
            first = await client.ask(SUMMARY)
            miner.hangs_up = False
            return first, await client.ask(SUMMARY)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        assert runner.run(ask()) == (SMALL, SMALL)


async def test_a_reply_of_many_segments_with_a_nul_in_the_middle_is_read_to_the_hang_up() -> None:
    long = b'{"a":"' + b"\0".join([b"x" * 9000] * 3) + b'"}\0'
    async with ScriptedMiner(HOST, {"summary": long}, piece_bytes=9007) as miner:
        assert await miner.client().ask(SUMMARY) == long


async def test_a_miner_that_forgets_to_hang_up_is_understood_by_the_nul() -> None:
    async with ScriptedMiner(HOST, {"summary": SMALL}, hangs_up=False) as miner:
        assert await miner.client().ask(SUMMARY) == SMALL


async def test_a_reset_after_the_whole_reply_does_not_lose_it() -> None:
    async with ScriptedMiner(HOST, {"summary": SMALL}, resets=True, hangs_up=True) as miner:
        said = await asyncio.gather(*[_whole_or_lost(miner.client()) for _ in range(5)])
    assert set(said) <= {SMALL, b""}, "what arrived before the reset is the reply; a reset that ate it is Unreachable"


async def _whole_or_lost(client: CgminerPort) -> bytes:
    try:
        return await client.ask(SUMMARY)
    except Unreachable:
        return b""


async def test_questions_of_one_client_wait_for_each_other() -> None:
    async with ScriptedMiner(HOST, {"summary": SMALL, "devs": SMALL, "pools": SMALL}) as miner:
        client = miner.client()
        await asyncio.gather(*[client.ask(each) for each in (SUMMARY, DEVS, POOLS) * 4])
    assert len(miner.asked) == 12
    assert miner.at_once == 1, "the API of a miner is a single thread"


async def test_more_than_a_megabyte_is_garbled_and_not_kept(tape: MemoryTape) -> None:
    async with ScriptedMiner(HOST, {"summary": b"0" * (LARGEST_REPLY + 1)}) as miner:
        with pytest.raises(Garbled, match="more than 1048576 bytes") as caught:
            await miner.client(tape).ask(SUMMARY)
    assert 0 < len(caught.value.payload) < 10_000
    assert len(tape.exchanges[0][1]) < 10_000


async def test_a_megabyte_is_taken() -> None:
    most = b"0" * LARGEST_REPLY
    async with ScriptedMiner(HOST, {"summary": most}) as miner:
        assert await miner.client().ask(SUMMARY) == most


async def test_silence_is_unreachable_after_the_time_limit() -> None:
    async with ScriptedMiner(HOST, {}, is_silent=True) as miner:
        with pytest.raises(Unreachable, match=r"no whole answer to summary in 0\.2 s") as caught:
            await miner.client(timeout_s=0.2).ask(SUMMARY)
    assert not caught.value.is_refused


async def test_half_a_reply_without_an_end_is_unreachable_and_on_the_tape(tape: MemoryTape) -> None:
    async with ScriptedMiner(HOST, {"summary": SMALL[:40]}, hangs_up=False) as miner:
        with pytest.raises(Unreachable):
            await miner.client(tape, timeout_s=0.2).ask(SUMMARY)
    assert tape.exchanges == [("summary", SMALL[:40])]


async def test_hanging_up_without_a_word_is_unreachable() -> None:
    async with ScriptedMiner(HOST, {"summary": b""}) as miner:
        with pytest.raises(Unreachable, match="without an answer"):
            await miner.client().ask(SUMMARY)


async def test_nobody_listening_is_known_at_once(closed_port: int) -> None:
    client = CgminerPort(CgminerOptions(host=HOST, port=closed_port), MemoryTape())
    with pytest.raises(Unreachable, match="nothing listens on") as caught:
        await client.ask(SUMMARY)
    assert caught.value.is_refused


@pytest.mark.parametrize("host", ["no-such-miner.invalid", "a..b", "x" * 64 + ".invalid"])
async def test_a_name_that_leads_nowhere_is_unreachable(host: str) -> None:
    client = CgminerPort(CgminerOptions(host=host), MemoryTape())
    with pytest.raises(Unreachable):
        await client.ask(SUMMARY)


@pytest.mark.parametrize("command", ["quit", "save", "debug", "ascset", "summary+quit"])
async def test_a_command_that_is_not_on_the_list_is_never_sent(command: str) -> None:
    async with ScriptedMiner(HOST, {}) as miner:
        with pytest.raises(Unsupported, match="not on the list"):
            await miner.client().ask(question(*command.split("+")))
    assert miner.asked == []


def test_a_request_longer_than_the_miners_buffer_is_refused() -> None:
    longest = 4095 - len('{"command":"addpool","parameter":""}')
    assert len(question("addpool", parameter="u" * longest).request) == 4095
    with pytest.raises(Refused, match="4096 bytes"):
        question("addpool", parameter="u" * (longest + 1))


@pytest.mark.parametrize("host", ["10.0.0.256", "10.0.0.5:4028", "http://10.0.0.5", "miner 1", "", "-", "a;reboot"])
def test_a_host_that_is_none_is_refused_in_the_configuration(host: str) -> None:
    with pytest.raises(ValidationError):
        CgminerOptions(host=host)


@pytest.mark.parametrize("port", [0, -1, 65536, 99999999])
def test_a_port_that_is_none_is_refused_in_the_configuration(port: int) -> None:
    with pytest.raises(ValidationError):
        CgminerOptions(host="10.0.0.5", port=port)


async def test_a_cancelled_question_leaves_the_port_free_for_the_next() -> None:
    async with ScriptedMiner(HOST, {"summary": SMALL}, is_silent=True) as miner:
        client = miner.client()
        asking = asyncio.create_task(client.ask(SUMMARY))
        while not miner.asked:  # noqa: ASYNC110 - the miner tells nobody that it has been asked
            await asyncio.sleep(0.01)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        miner.is_silent = False
        assert await client.ask(SUMMARY) == SMALL
