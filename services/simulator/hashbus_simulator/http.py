"""One HTTP server behind the HTTP ports of all emulated devices."""

import asyncio
from typing import Protocol

from aiohttp import web

from hashbus_simulator.faults import Fault, FaultKind, FaultSlot, spoil_document
from hashbus_simulator.serving import HttpPort


class HttpLine(Protocol):
    """What the front needs of a device's presence."""

    @property
    def faults(self) -> FaultSlot:
        """The fault in force, if any."""

    @property
    def is_reachable(self) -> bool:
        """Whether the device is on the network."""

    def replied(self) -> None:
        """A reply has been made; the device may want to reboot now."""


class HttpFront:
    """Tells by the address that a request came to which device is meant, and plays its fault.

    One `aiohttp.web.Server` serves every address: a thousand devices cost a thousand sockets, not a thousand
    servers. Create it inside the running loop.
    """

    def __init__(self) -> None:
        self._lines: dict[tuple[str, int], tuple[HttpLine, HttpPort]] = {}
        self.server = web.Server(self._handle, handler_cancellation=True, access_log=None)

    def add(self, line: HttpLine, port: HttpPort) -> None:
        """Send requests for this port's address to the device."""
        self._lines[port.host, port.number] = (line, port)

    async def close(self) -> None:
        """Drop all clients."""
        await self.server.shutdown(timeout=0.5)

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        transport = request.transport
        known = self._lines.get(transport.get_extra_info("sockname")) if transport is not None else None
        if known is None or not known[0].is_reachable:
            return _vanish(request)
        line, port = known
        fault = line.faults.take()
        rejected = fault is not None and fault.kind is FaultKind.WRONG_PASSWORD
        response = await port.answer(request, rejected)
        if fault is not None and not rejected:
            return await _play(fault, request, response)
        line.replied()
        return response


def _vanish(request: web.BaseRequest) -> web.Response:
    """The device is off the network: a connection kept alive from before breaks."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=503)


async def _play(fault: Fault, request: web.BaseRequest, response: web.Response) -> web.StreamResponse:
    """Send the response the way the fault has it."""
    body = response.body if isinstance(response.body, bytes) else b""
    match fault.kind:
        case FaultKind.HANG:
            await asyncio.Event().wait()
        case FaultKind.SLOW:
            await asyncio.sleep(fault.wait_s)
        case FaultKind.CUT:
            return await _stream(request, response, body, stop_after=len(body) // 2)
        case FaultKind.TRICKLE:
            return await _stream(request, response, body, byte_wait_s=fault.wait_s)
        case _:
            response.body = spoil_document(fault, body)
    return response


async def _stream(
    request: web.BaseRequest,
    response: web.Response,
    body: bytes,
    *,
    stop_after: int | None = None,
    byte_wait_s: float | None = None,
) -> web.StreamResponse:
    """Send the body in pieces under the headers of the whole one; `stop_after` bytes, hang up."""
    stream = web.StreamResponse(status=response.status, headers=response.headers)
    stream.content_length = len(body)
    await stream.prepare(request)
    if stop_after is not None:
        await stream.write(body[:stop_after])
        if request.transport is not None:
            request.transport.close()
        return stream
    for index in range(len(body)):
        await stream.write(body[index : index + 1])
        await asyncio.sleep(byte_wait_s or 0.0)
    await stream.write_eof()
    return stream
