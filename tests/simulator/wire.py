"""Clients as small as can be, so that the emulated devices are judged by nobody's driver."""

import asyncio
import base64
import hashlib
import json
import struct
from typing import Any, Self

PATIENCE_S = 20.0


async def exchange(host: str, port: int, request: bytes, *, half_close: bool = False) -> bytes:
    """Send bytes, read until the device hangs up."""
    reader, writer = await asyncio.open_connection(host, port)
    try:
        writer.write(request)
        if half_close:
            writer.write_eof()
        return await asyncio.wait_for(reader.read(), PATIENCE_S)
    finally:
        writer.close()


async def ask(host: str, port: int, command: str, parameter: str | None = None, **fields: Any) -> dict[str, Any]:
    """One request of the cgminer API, one reply."""
    request = {"command": command, **({} if parameter is None else {"parameter": parameter}), **fields}
    reply = await exchange(host, port, json.dumps(request).encode())
    loaded: dict[str, Any] = json.loads(reply.rstrip(b"\0"))
    return loaded


def code_of(reply: dict[str, Any]) -> int:
    """The status code of a reply of the cgminer API."""
    return int(reply["STATUS"][0]["Code"])


def frame(document: Any) -> bytes:
    """A WhatsMiner frame."""
    body = document if isinstance(document, bytes) else json.dumps(document, separators=(",", ":")).encode()
    return struct.pack("<I", len(body)) + body


def signed(cmd: str, password: str, salt: str, ts: int, **fields: Any) -> dict[str, Any]:
    """A signed WhatsMiner request (PROTOCOLS.md 1.4)."""
    token = base64.b64encode(digest(cmd, password, salt, ts))[:8].decode()
    return {"cmd": cmd, "ts": ts, "token": token, "account": "super", **fields}


def digest(cmd: str, password: str, salt: str, ts: int) -> bytes:
    """What the token is cut from, and the key of an encrypted parameter."""
    return hashlib.sha256(f"{cmd}{password}{salt}{ts}".encode()).digest()


class WhatsminerClient:
    """One connection to port 4433."""

    def __init__(self, host: str, port: int) -> None:
        self._address = (host, port)

    async def __aenter__(self) -> Self:
        self.reader, self.writer = await asyncio.open_connection(*self._address)
        return self

    async def __aexit__(self, *_: object) -> None:
        self.writer.close()

    async def receive(self) -> dict[str, Any]:
        """The next frame that is no heartbeat."""
        while True:
            (length,) = struct.unpack("<I", await asyncio.wait_for(self.reader.readexactly(4), PATIENCE_S))
            if length:
                loaded: dict[str, Any] = json.loads(await self.reader.readexactly(length))
                return loaded

    async def request(self, document: Any) -> dict[str, Any]:
        """Send one frame, receive one."""
        self.writer.write(frame(document))
        return await self.receive()

    async def get(self, cmd: str, param: Any = None) -> dict[str, Any]:
        """A read."""
        return await self.request({"cmd": cmd} if param is None else {"cmd": cmd, "param": param})

    async def hung_up(self) -> bool:
        """Wait until the device closes the connection."""
        return await asyncio.wait_for(self.reader.read(), PATIENCE_S) == b""
