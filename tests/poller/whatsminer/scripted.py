"""A miner that answers from a script: for what the emulator does too well."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from hashbus_poller.drivers.whatsminer.frames import FrameReader, framed

Script = Callable[[dict[str, Any]], list[bytes] | None]
"""From a request to the pieces that go onto the wire, one after the other; None hangs up without a word."""

INFO: dict[str, Any] = {
    "miner": {"working": "true", "type": "M50_VH40", "power-limit-set": "3306"},
    "system": {"apiswitch": "1"},
    "power": {},
    "salt": "Qw3rTy7u",
}
SUMMARY: dict[str, Any] = {"summary": {"hash-realtime": 118.0, "up-freq-finish": 1}}


def answer(cmd: str, msg: object = "ok", code: int = 0) -> bytes:
    """Return a framed reply."""
    return framed(json.dumps({"code": code, "when": 1760000000, "msg": msg, "desc": cmd}).encode())


def well_behaved(request: dict[str, Any]) -> list[bytes]:
    """Answer as a miner does that is in order."""
    cmd = request["cmd"]
    told: dict[str, object] = {"get.device.info": INFO, "get.miner.status": SUMMARY, "get.miner.setting": {}}
    return [answer(cmd, told.get(cmd, "ok"))]


class ScriptedMiner:
    """Listens on one address; keeps every request, and counts the connections."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.requests: list[dict[str, Any]] = []
        self.connections = 0

    def asked(self, cmd: str) -> int:
        """Return how often a command came."""
        return sum(request["cmd"] == cmd for request in self.requests)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        frames = FrameReader()
        try:
            while data := await reader.read(4096):
                for document in frames.feed(data):
                    request = json.loads(document)
                    self.requests.append(request)
                    pieces = self.script(request)
                    if pieces is None:
                        return
                    for piece in pieces:
                        writer.write(piece)
                        await writer.drain()
                        await asyncio.sleep(0.001)  # so that the pieces travel apart
        except ConnectionError:
            return
        finally:
            writer.close()


@asynccontextmanager
async def scripted_miner(address: str, script: Script = well_behaved) -> AsyncIterator[ScriptedMiner]:
    """Run a scripted miner on port 4433 of a loopback address."""
    miner = ScriptedMiner(script)
    server = await asyncio.start_server(miner.serve, address, 4433)
    try:
        yield miner
    finally:
        server.close()
