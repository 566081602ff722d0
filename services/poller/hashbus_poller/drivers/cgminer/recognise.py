"""Finds out who answers on a cgminer port, with as few questions as it takes."""

from __future__ import annotations

from collections.abc import Callable

from hashbus_poller.drivers.cgminer.answer import Answer, MinerDown, decode
from hashbus_poller.drivers.cgminer.commands import DEVDETAILS, SUMMARY, VERSION, WHATSMINER_VERSION, Question
from hashbus_poller.drivers.cgminer.identity import (
    Version,
    parse_devdetails,
    parse_version,
    parse_whatsminer_version,
)
from hashbus_poller.drivers.cgminer.parse import hashrate_ths
from hashbus_poller.drivers.cgminer.wire import CgminerOptions, CgminerPort
from hashbus_poller.drivers.contract import (
    DeviceError,
    Garbled,
    Look,
    Refused,
    Sighting,
    Unsupported,
    Wiring,
)

LOOK_TIMEOUT_S = 3.0
ORDER = 90
"""Last among those who look at this port: whoever knows the miner better goes first."""

_WHATSMINER_NOTE = (
    "the driver whatsminer (firmware of November 2024 and later) or whatsminer_v2 reads more and sets power"
)


async def recognise(port: CgminerPort) -> Version:
    """Return who it is; the first DeviceError when nothing it says names it. MinerDown passes."""
    complaints: list[DeviceError] = []
    version = await _asked(port, VERSION, parse_version, complaints)
    if version is not None and version.make and version.model:
        return version
    details = await _asked(port, DEVDETAILS, parse_devdetails, complaints)
    if version is None and (details is None or details.make == "WhatsMiner"):
        version = await _asked(port, WHATSMINER_VERSION, parse_whatsminer_version, complaints)
    if version is None and details is None:
        raise complaints[0]
    return (version or Version()).completed_by(details or Version())


async def look(host: str, port: int, wiring: Wiring) -> Sighting | None:
    """Recognise any cgminer in a scan, by what it tells everybody."""
    options = CgminerOptions(host=host, port=port, timeout_s=LOOK_TIMEOUT_S)
    miner = CgminerPort(options, wiring.tape)
    try:
        version = await recognise(miner)
        summary = decode(SUMMARY.name, await miner.ask(SUMMARY)).require_success().section("SUMMARY")
        rate_ths = hashrate_ths(summary, "5s")
        power_w = summary.number("Power")
    except (DeviceError, MinerDown):
        return None
    return Sighting(
        driver="cgminer",
        host=host,
        make=version.make,
        model=version.model,
        firmware=version.firmware,
        mac=version.mac,
        hashrate_ths=hashrate_ths(summary, "av") if rate_ths is None else rate_ths,
        power_w=power_w,
        note=_WHATSMINER_NOTE if version.make == "WhatsMiner" else None,
    )


async def _asked(
    port: CgminerPort, question: Question, parse: Callable[[Answer], Version], complaints: list[DeviceError]
) -> Version | None:
    try:
        return parse(decode(question.name, await port.ask(question)))
    except (Refused, Unsupported, Garbled) as complaint:
        complaints.append(complaint)
        return None


LOOKS = (Look(port=4028, ask=look, order=ORDER),)
