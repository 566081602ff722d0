"""The blueprint driver keeps the promises, against a device of a few lines."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from hashbus_poller.drivers._blueprint.driver import DRIVER, PORT
from hashbus_poller.drivers.contract import Unreachable
from hashbus_poller.testing.driver_promises import HARMLESS, DriverCase, Fault, MinerPromises

ADDRESS = "127.89.9.1"
PIN = "4711-0815"


class FakeHeater:
    """An Acme Heater in thirty lines: it answers one line per connection, and misbehaves when told to."""

    def __init__(self) -> None:
        self.fault: Fault | None = None
        self.state, self.limit_w = "hash", 2000
        self.server: asyncio.Server | None = None

    async def misbehave(self, fault: Fault | None) -> None:
        self.fault = fault
        if self.server is not None:
            self.server.close()
        self.server = None if fault is Fault.REFUSE else await asyncio.start_server(self.serve, ADDRESS, PORT)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        reply = json.dumps(self.answer(json.loads(await reader.readline()))).encode() + b"\n"
        match self.fault:
            case Fault.HANG | Fault.SLOW | Fault.TRICKLE:
                writer.write(reply[:9] if self.fault is Fault.TRICKLE else b"")
                await reader.read()  # silent until the client gives up
            case Fault.CUT | Fault.TRUNCATED:
                writer.write(reply[: len(reply) // 2])
            case Fault.GARBAGE | Fault.NOT_JSON_TEXT:
                writer.write(b"\xff\x00 Connection refused\n")
            case Fault.OVERSIZED:
                writer.write(b"0" * 2_000_000)
            case _:
                writer.write(reply)
        writer.close()

    def answer(self, asked: dict[str, Any]) -> dict[str, Any]:
        if asked["ask"] != "status" and (asked["pin"] != PIN or self.fault is Fault.WRONG_PASSWORD):
            return {"ok": False, "why": "pin"}
        self.limit_w = asked.get("watts", self.limit_w)
        self.state = {True: "ramp", False: "off"}.get(asked.get("on", ""), self.state)
        watts, ghs = (9, 0) if self.state == "off" else (self.limit_w, 100_000)
        said = {"model": "Heater 2", "serial": "A1", "state": self.state, "watts": watts, "ghs": ghs, "chip": 70}
        return {"ok": True, **said, "limit_watts": self.limit_w}


class TestBlueprintPromises(MinerPromises):
    @pytest.fixture
    async def case(self) -> AsyncIterator[DriverCase]:
        heater = FakeHeater()
        await heater.misbehave(None)
        yield DriverCase(
            spec=DRIVER,
            options={"host": ADDRESS, "pin": PIN},
            address=ADDRESS,
            misbehave=heater.misbehave,
            secrets=(PIN,),
            lacks=frozenset({Fault.MISSING_COMMA}),  # its answers have no arrays
            endings={
                Fault.TRUNCATED: Unreachable,  # half a line is an answer that was cut off
                Fault.WRONG_PASSWORD: HARMLESS,  # reading needs no PIN
            },
        )
        await heater.misbehave(Fault.REFUSE)
