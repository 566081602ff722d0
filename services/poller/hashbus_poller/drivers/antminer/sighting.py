"""How an Antminer is recognised in a scan, without trying a password: by its type on 4028, by its realm on 80."""

from __future__ import annotations

from yarl import URL

from hashbus_poller.drivers.antminer import commands
from hashbus_poller.drivers.antminer.identity import STOCK, parse_version
from hashbus_poller.drivers.antminer.levels import MAKE
from hashbus_poller.drivers.antminer.stats import parse_stats
from hashbus_poller.drivers.antminer.wire import REALM
from hashbus_poller.drivers.cgminer.answer import MinerDown, decode
from hashbus_poller.drivers.cgminer.wire import CgminerOptions, CgminerPort
from hashbus_poller.drivers.contract import DeviceError, Look, Sighting, Wiring
from hashbus_poller.http import HttpQuestion, fetch

NAME = "antminer"
LOOK_TIMEOUT_S = 3.0
ORDER = 20
_NEEDS_PASSWORD = "give `password` (that of the web page) to set power, sleep, pools and fans"  # noqa: S105


async def look_at_port(host: str, port: int, wiring: Wiring) -> Sighting | None:
    """Ask `version` and `stats`, which stock firmware tells everybody; other firmware is left to its own driver."""
    options = CgminerOptions(host=host, port=port, timeout_s=LOOK_TIMEOUT_S)
    miner = CgminerPort(options, wiring.tape, allowed=commands.ALLOWED)
    try:
        version = parse_version(decode("version", await miner.ask(commands.VERSION)))
        if version.make != MAKE or version.firmware != STOCK:
            return None
        stats = parse_stats(decode("stats", await miner.ask(commands.STATS)))
    except (DeviceError, MinerDown):
        return None
    return Sighting(
        driver=NAME,
        host=host,
        make=MAKE,
        model=version.model,
        firmware=STOCK,
        hashrate_ths=stats.average_ths if stats.latest_ths is None else stats.latest_ths,
        power_w=stats.power_w,
        note=_NEEDS_PASSWORD,
    )


async def look_at_web(host: str, port: int, wiring: Wiring) -> Sighting | None:
    """Ask for the start page and read who wants a password for it."""
    address = URL.build(scheme="http", host=host, port=port, path="/")
    try:
        answer = await fetch(HttpQuestion(method="GET", url=str(address)), wiring, timeout_s=LOOK_TIMEOUT_S)
    except DeviceError:
        return None
    if answer.status != 401 or REALM not in answer.headers.get("WWW-Authenticate", ""):
        return None
    return Sighting(driver=NAME, host=host, make=MAKE, note=_NEEDS_PASSWORD)


LOOKS = (Look(port=4028, ask=look_at_port, order=ORDER), Look(port=80, ask=look_at_web, order=ORDER))
