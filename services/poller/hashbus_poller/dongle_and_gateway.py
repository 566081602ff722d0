"""Recognising in a scan what is silent until asked by its own protocol: an inverter's dongle, a Modbus gateway."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Mapping

from hashbus_poller.drivers.contract import DeviceError, DeviceKind, Garbled, Sighting, Unreachable, Wiring
from hashbus_poller.drivers.luxpower.frames import PREFIX, taken
from hashbus_poller.http import HttpQuestion, fetch
from hashbus_poller.start_page import LOOK_TIMEOUT_S

LISTEN_S = 1.5
"""Seconds to wait for a word of a dongle. Its heartbeats come minutes apart, so it mostly says nothing."""

LONGEST_TALK = 1024
"""Bytes; a dongle's heartbeat has 19, an identification over Modbus at most 260."""

UNIT = 1
_HEADER = struct.Struct(">HHHB")
"""Of Modbus TCP: number of the question, protocol 0, bytes after this field, unit."""

_NUMBER = 0x4842
_IDENTIFY = bytes((0x2B, 0x0E, 1, 0))
"""Modbus function 43/14, read device identification: maker and product, from the first object on. Changes nothing."""

_VENDOR, _PRODUCT = 0, 1

_DONGLE_NOTE = "dongle of an EG4 or LuxPower inverter: add inverter_serial, which is printed on the inverter"
_SILENT_NOTE = (
    "silent on port 8000, as the dongle of an EG4 or LuxPower inverter is (and some cameras are): "
    "if it is one, add dongle_serial and inverter_serial, which are printed on both"
)
_GATEWAY_NOTE = "a Modbus device or gateway: add kind and registers, or use a template that fits it"


async def look_for_dongle(host: str, port: int, wiring: Wiring) -> Sighting | None:
    """Listen, and rule out a web server: a dongle answers only to those who know both its serial numbers."""
    heard = await _exchange(host, port, b"", LISTEN_S)
    if heard:
        wiring.tape.keep("listen", heard)
        serial = dongle_serial(heard)
        return None if serial is None else _dongle(host, {"dongle_serial": serial}, _DONGLE_NOTE)
    try:
        await fetch(HttpQuestion(method="GET", url=f"http://{host}:{port}/"), wiring, timeout_s=LOOK_TIMEOUT_S)
    except Unreachable:
        return _dongle(host, {}, _SILENT_NOTE)
    except DeviceError:
        pass  # it speaks, but not as a dongle
    return None


async def look_for_gateway(host: str, port: int, wiring: Wiring) -> Sighting | None:
    """Ask a Modbus device to identify itself; whoever says even no in the frames of Modbus TCP is one."""
    question = _HEADER.pack(_NUMBER, 0, 1 + len(_IDENTIFY), UNIT) + _IDENTIFY
    heard = await _exchange(host, port, question, LOOK_TIMEOUT_S)
    wiring.tape.keep("device identification", heard)
    named = identification(heard)
    if named is None:
        return None
    return Sighting(
        driver="modbus",
        kind=DeviceKind.SENSOR,
        host=host,
        make=named.get(_VENDOR),
        model=named.get(_PRODUCT),
        note=_GATEWAY_NOTE,
    )


def dongle_serial(heard: bytes) -> str | None:
    """Return the serial number in the first frame of a dongle; None when this is no dongle's."""
    if not heard.startswith(PREFIX):
        return None
    try:
        frame = taken(bytearray(heard))
    except Garbled:
        return None
    if frame is None or not frame.dongle.isalnum():
        return None
    return frame.dongle.decode("ascii")


def identification(heard: bytes) -> Mapping[int, str] | None:
    """Return the objects of a device identification by number, none after an exception; None when not Modbus TCP."""
    if len(heard) < _HEADER.size + 2:
        return None
    number, protocol, _, _ = _HEADER.unpack_from(heard)
    function = heard[_HEADER.size]
    if (number, protocol) != (_NUMBER, 0) or function & 0x7F != _IDENTIFY[0]:
        return None
    objects: dict[int, str] = {}
    # Function, type, code, conformity, more, next, count; then number, length and text of each.
    rest = b"" if function & 0x80 else heard[_HEADER.size + 7 :]
    while len(rest) >= 2:
        text = rest[2 : 2 + rest[1]].decode("ascii", "replace").strip()
        if text:
            objects[rest[0]] = text
        rest = rest[2 + rest[1] :]
    return objects


async def _exchange(host: str, port: int, question: bytes, timeout_s: float) -> bytes:
    """Say something, or nothing, and return the first that is heard; empty after `timeout_s` of silence."""
    writer = None
    try:
        async with asyncio.timeout(timeout_s):
            reader, writer = await asyncio.open_connection(host, port)
            writer.write(question)
            return await reader.read(LONGEST_TALK)
    except (TimeoutError, OSError):
        return b""
    finally:
        if writer is not None:
            writer.transport.abort()


def _dongle(host: str, options: dict[str, str | int | float | bool], note: str) -> Sighting:
    return Sighting(driver="luxpower", kind=DeviceKind.BATTERY, host=host, options=options, note=note)
