"""The one HTTP question that drivers ask, against servers that misbehave at the level of sockets."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest

from hashbus.clock import SYSTEM_CLOCK
from hashbus_poller.drivers.contract import Garbled, Unreachable, Wiring
from hashbus_poller.http import HttpQuestion, fetch
from hashbus_poller.testing.driver_promises import MemoryTape
from hashbus_poller.testing.waiting import PATIENCE_S, connections_to, until

ADDRESS = "127.84.2.1"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


@asynccontextmanager
async def server(answer: bytes, *, holds_open: bool = False) -> AsyncIterator[tuple[str, bytearray]]:
    """Answer each request with these bytes; yields the URL and what was asked."""
    asked = bytearray()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.extend(await reader.read(65536))
        writer.write(answer)
        if holds_open:
            await reader.read()
        writer.close()

    listening = await asyncio.start_server(serve, ADDRESS, 0)
    async with listening:
        port = listening.sockets[0].getsockname()[1]
        yield f"http://{ADDRESS}:{port}/api/info?token=secret-3", asked


@asynccontextmanager
async def wired() -> AsyncIterator[tuple[Wiring, MemoryTape]]:
    tape = MemoryTape()
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
        yield Wiring(clock=SYSTEM_CLOCK, http=lambda: session, tape=tape), tape


async def test_the_answer_is_on_the_tape_and_the_query_is_not() -> None:
    async with server(OK) as (url, asked), wired() as (wiring, tape):
        answer = await fetch(HttpQuestion(method="GET", url=url), wiring, timeout_s=PATIENCE_S)
        assert (answer.status, answer.body, answer.is_ok) == (200, b"{}", True)
        assert tape.exchanges == [("GET /api/info", b"{}")]
        assert b"Connection: close" in asked
        assert b"gzip" not in asked


async def test_a_redirect_is_an_answer_and_is_not_followed() -> None:
    moved = b"HTTP/1.1 302 Found\r\nLocation: http://203.0.113.9/\r\nContent-Length: 0\r\n\r\n"
    async with server(moved) as (url, _), wired() as (wiring, _tape):
        assert (await fetch(HttpQuestion(method="GET", url=url), wiring, timeout_s=PATIENCE_S)).status == 302


async def test_cookies_are_handed_over_and_not_kept() -> None:
    with_cookie = b"HTTP/1.1 200 OK\r\nSet-Cookie: JSESSIONID=ABC; Path=/\r\nContent-Length: 2\r\n\r\n{}"
    async with server(with_cookie) as (url, asked), wired() as (wiring, _):
        question = HttpQuestion(method="GET", url=url)
        assert (await fetch(question, wiring, timeout_s=PATIENCE_S)).cookies == {"JSESSIONID": "ABC"}
        await fetch(question, wiring, timeout_s=PATIENCE_S)
        assert b"Cookie" not in asked


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (b"", Unreachable),
        (OK[:20], Unreachable),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{", Unreachable),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{}", Unreachable),
        (b'{"STATUS":[{"STATUS":"E","Code":14}]}\x00', Garbled),
        (b"\x00\xff\xfe garbage \r\n\r\n", Garbled),
        (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100_000 + b"\r\n\r\n", Garbled),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", Garbled),
    ],
)
async def test_what_is_no_whole_answer_is_one_of_the_errors(answer: bytes, error: type[Exception]) -> None:
    async with server(answer) as (url, _), wired() as (wiring, _tape):
        with pytest.raises((Unreachable, Garbled)) as raised:
            await fetch(HttpQuestion(method="GET", url=url), wiring, timeout_s=PATIENCE_S)
        assert type(raised.value) is error, raised.value
        assert "secret-3" not in str(raised.value)


@pytest.mark.parametrize(
    "head",
    [b"HTTP/1.1 200 OK\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 3000000\r\n\r\n"],
    ids=["without-a-length", "announced"],
)
async def test_an_endless_answer_stops_at_a_mebibyte(head: bytes) -> None:
    async with server(head + b"0" * 3_000_000) as (url, _), wired() as (wiring, _tape):
        with pytest.raises(Garbled, match="1 MiB") as garbled:
            await fetch(HttpQuestion(method="GET", url=url), wiring, timeout_s=PATIENCE_S)
        assert len(garbled.value.payload) == 1 << 20
        await until(lambda: connections_to(ADDRESS) == 0, "nobody goes on listening")


async def test_silence_ends_with_the_time_limit() -> None:
    async with server(b"", holds_open=True) as (url, _), wired() as (wiring, _tape):
        with pytest.raises(Unreachable, match=r"within 0\.1 s"):
            await fetch(HttpQuestion(method="GET", url=url), wiring, timeout_s=0.1)
        await until(lambda: connections_to(ADDRESS) == 0, "the connection is gone")


async def test_nobody_listening_is_a_clear_no() -> None:
    async with server(OK) as (url, _):
        pass
    async with wired() as (wiring, _tape):
        with pytest.raises(Unreachable, match="nothing listens") as refused:
            await fetch(HttpQuestion(method="POST", url=url, may_hang_up=True), wiring, timeout_s=PATIENCE_S)
        assert refused.value.is_refused


async def test_a_device_that_restarts_may_hang_up() -> None:
    async with server(b"") as (url, _), wired() as (wiring, _tape):
        answer = await fetch(HttpQuestion(method="POST", url=url, may_hang_up=True), wiring, timeout_s=PATIENCE_S)
        assert (answer.status, answer.body) == (0, b"")


async def test_what_is_sent_does_not_show() -> None:
    question = HttpQuestion(
        method="POST", url="http://127.0.0.1/x", form={"password": "secret-4"}, headers={"Cookie": "secret-5"}
    )
    assert "secret" not in repr(question)
    assert question.title == "POST /x"
