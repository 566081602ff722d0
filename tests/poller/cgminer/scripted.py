"""A miner in a few lines that answers exactly what a test tells it to, on a real socket."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from collections.abc import Callable, Mapping
from typing import Self

from hashbus_poller.drivers.cgminer.wire import CgminerOptions, CgminerPort
from hashbus_poller.testing.driver_promises import MemoryTape

Answer = bytes | Callable[[str], bytes]


class ScriptedMiner:
    """Answers `command` with the bytes under its name; `asked` has every request, `at_once` the most at a time.

    `hangs_up` False keeps the connection open after the answer, `resets` breaks it off with RST, `piece_bytes` sends
    the answer in pieces, `is_silent` never answers.
    """

    def __init__(
        self,
        host: str,
        answers: Mapping[str, Answer],
        *,
        hangs_up: bool = True,
        resets: bool = False,
        piece_bytes: int | None = None,
        is_silent: bool = False,
    ) -> None:
        self.host = host
        self.port = 0
        self.answers = dict(answers)
        self.hangs_up = hangs_up
        self.resets = resets
        self.piece_bytes = piece_bytes
        self.is_silent = is_silent
        self.asked: list[dict[str, object]] = []
        self.open_now = 0
        self.at_once = 0
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, self.host, 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()

    @property
    def commands(self) -> list[object]:
        return [request["command"] for request in self.asked]

    def options(self, *, timeout_s: float = 5.0) -> CgminerOptions:
        return CgminerOptions(host=self.host, port=self.port, timeout_s=timeout_s)

    def client(self, tape: MemoryTape | None = None, *, timeout_s: float = 5.0) -> CgminerPort:
        return CgminerPort(self.options(timeout_s=timeout_s), tape or MemoryTape())

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.open_now += 1
        self.at_once = max(self.at_once, self.open_now)
        try:
            request = json.loads(await reader.read(4096))
            self.asked.append(request)
            if not self.is_silent:
                await self._say(writer, self._answer(request))
            if self.is_silent or not self.hangs_up:
                await reader.read()  # until the client goes
            elif self.resets:
                linger = struct.pack("ii", 1, 0)
                writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        finally:
            self.open_now -= 1
            writer.close()

    def _answer(self, request: Mapping[str, object]) -> bytes:
        command = str(request.get("command", request.get("cmd")))
        answer = self.answers.get(command, refusal(14, "Invalid command"))
        return answer(str(request.get("parameter", ""))) if callable(answer) else answer

    async def _say(self, writer: asyncio.StreamWriter, answer: bytes) -> None:
        size = self.piece_bytes or len(answer) or 1
        for start in range(0, len(answer), size):
            writer.write(answer[start : start + size])
            await writer.drain()
            if self.piece_bytes:
                await asyncio.sleep(0)  # let it go out as a segment of its own


def reply(code: int = 11, **sections: object) -> bytes:
    """A good reply, with its NUL."""
    head = {"STATUS": "S", "When": 1760000000, "Code": code, "Msg": "fine", "Description": "scripted"}
    return json.dumps({"STATUS": [head], **sections, "id": 1}).encode() + b"\0"


def refusal(code: int, message: str) -> bytes:
    """A no, with its NUL."""
    head = {"STATUS": "E", "When": 1760000000, "Code": code, "Msg": message, "Description": "scripted"}
    return json.dumps({"STATUS": [head], "id": 1}).encode() + b"\0"
