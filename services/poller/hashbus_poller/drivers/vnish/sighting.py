"""How VNish is recognised in a scan, without trying a password: on 4028 it looks like stock but for its `Type`."""

from __future__ import annotations

from hashbus_poller.drivers.antminer.identity import parse_version
from hashbus_poller.drivers.cgminer.answer import MinerDown, decode
from hashbus_poller.drivers.cgminer.commands import VERSION
from hashbus_poller.drivers.cgminer.identity import normal_mac, split_name
from hashbus_poller.drivers.cgminer.wire import CgminerOptions, CgminerPort
from hashbus_poller.drivers.contract import DeviceError, Look, Sighting, Wiring
from hashbus_poller.drivers.vnish import commands
from hashbus_poller.drivers.vnish.identity import FIRMWARE
from hashbus_poller.drivers.vnish.wire import Login, Wire
from hashbus_poller.nested import inner
from hashbus_poller.readings import json_object, text_or_none
from hashbus_poller.start_page import LOOK_TIMEOUT_S, start_page

NAME = "vnish"
WEB_PORT = 80
ORDER = 15
"""Before the driver of stock firmware, for which it could be taken on 4028."""

MARK = "AnthillOS"
_NEEDS_PASSWORD = "give `password` (that of its web page) or `api_key` to set power, sleep, pools and fans"  # noqa: S105


async def look_at_port(host: str, port: int, wiring: Wiring) -> Sighting | None:
    """Ask `version`, whose `Type` ends in "(Vnish 1.2.6)"."""
    miner = CgminerPort(CgminerOptions(host=host, port=port, timeout_s=LOOK_TIMEOUT_S), wiring.tape)
    try:
        version = parse_version(decode(VERSION.name, await miner.ask(VERSION)))
    except (DeviceError, MinerDown):
        return None
    if version.firmware != FIRMWARE:
        return None
    return Sighting(
        driver=NAME, host=host, make=version.make, model=version.model, firmware=FIRMWARE, note=_NEEDS_PASSWORD
    )


async def look_at_web(host: str, port: int, wiring: Wiring) -> Sighting | None:
    """Look for its mark on the start page, then ask who it is: that is told to everybody."""
    if MARK not in await start_page(host, port, wiring):
        return None
    try:
        info = json_object(await Wire((host, port), Login(), LOOK_TIMEOUT_S, wiring).ask(commands.INFO))
        make, model = split_name(text_or_none(info, "miner"))
        mac = normal_mac(text_or_none(inner(info, "system", "network_status"), "mac"))
        version = text_or_none(info, "fw_version")
    except DeviceError:
        return None
    options: dict[str, str | int | float | bool] = {} if port == WEB_PORT else {"port": port}
    return Sighting(
        driver=NAME,
        host=host,
        make=make,
        model=model,
        firmware=f"{FIRMWARE} {version}" if version else FIRMWARE,
        mac=mac,
        options=options,
        note=_NEEDS_PASSWORD,
    )


# The page first: it tells more, and answers also while the mining daemon is down.
LOOKS = (Look(port=WEB_PORT, ask=look_at_web, order=ORDER), Look(port=4028, ask=look_at_port, order=ORDER + 1))
