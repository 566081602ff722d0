"""How LuxOS is recognised in a scan: by its name in `version` on 4028, and on its start page."""

from __future__ import annotations

from hashbus_poller.drivers.cgminer.answer import MinerDown, decode
from hashbus_poller.drivers.cgminer.commands import Question
from hashbus_poller.drivers.cgminer.identity import normal_mac, parse_version
from hashbus_poller.drivers.cgminer.wire import CgminerOptions, CgminerPort
from hashbus_poller.drivers.contract import DeviceError, Look, Sighting, Wiring
from hashbus_poller.drivers.luxos import commands
from hashbus_poller.drivers.luxos.identity import FIRMWARE
from hashbus_poller.start_page import LOOK_TIMEOUT_S, start_page

NAME = "luxos"
ORDER = 15
"""Before the driver of stock firmware, whose hardware it runs on and whose name it keeps."""

MARK = "Luxor Firmware"


async def look_at_port(host: str, port: int, wiring: Wiring) -> Sighting | None:
    """Ask `version`, and who it is only where that says LUXminer."""
    miner = CgminerPort(
        CgminerOptions(host=host, port=port, timeout_s=LOOK_TIMEOUT_S), wiring.tape, allowed=commands.READS
    )
    try:
        version = parse_version(decode("version", await miner.ask(commands.VERSION)))
        if version.firmware != FIRMWARE:
            return None
        config = decode("config", await miner.ask(commands.CONFIG)).require_success().section("CONFIG")
        power_w = await _watts(miner, commands.report("power"))
        mac = normal_mac(config.text("MACAddr"))
    except (DeviceError, MinerDown):
        return None
    return Sighting(
        driver=NAME, host=host, make=version.make, model=version.model, firmware=FIRMWARE, mac=mac, power_w=power_w
    )


async def look_at_web(host: str, port: int, wiring: Wiring) -> Sighting | None:
    """Look for its mark on the start page."""
    is_there = MARK in await start_page(host, port, wiring)
    return Sighting(driver=NAME, host=host, firmware=FIRMWARE) if is_there else None


async def _watts(miner: CgminerPort, question: Question) -> float | None:
    return decode("power", await miner.ask(question)).require_success().section("POWER").number("Watts")


LOOKS = (Look(port=4028, ask=look_at_port, order=ORDER), Look(port=80, ask=look_at_web, order=ORDER))
