"""How Braiins OS is recognised in a scan, without trying a password: by its name on 4028 and on its start page."""

from __future__ import annotations

from hashbus_poller.drivers.braiins.identity import FIRMWARE
from hashbus_poller.drivers.cgminer.answer import MinerDown
from hashbus_poller.drivers.cgminer.recognise import recognise
from hashbus_poller.drivers.cgminer.wire import CgminerOptions, CgminerPort
from hashbus_poller.drivers.contract import DeviceError, Look, Sighting, Wiring
from hashbus_poller.start_page import LOOK_TIMEOUT_S, start_page

NAME = "braiins"
WEB_PORT = 80
ORDER = 15
"""Before the drivers of stock firmware, whose hardware it runs on."""

_NEEDS_PASSWORD = "give `password` (that of its web page): without it Braiins OS tells nothing"  # noqa: S105


async def look_at_port(host: str, port: int, wiring: Wiring) -> Sighting | None:
    """Ask `version` and, because that names no model, `devdetails`: both are told to everybody."""
    miner = CgminerPort(CgminerOptions(host=host, port=port, timeout_s=LOOK_TIMEOUT_S), wiring.tape)
    try:
        version = await recognise(miner)
    except (DeviceError, MinerDown):
        return None
    if version.firmware != FIRMWARE:
        return None
    return Sighting(
        driver=NAME, host=host, make=version.make, model=version.model, firmware=FIRMWARE, note=_NEEDS_PASSWORD
    )


async def look_at_web(host: str, port: int, wiring: Wiring) -> Sighting | None:
    """Look for its name on the start page."""
    if FIRMWARE not in await start_page(host, port, wiring):
        return None
    options: dict[str, str | int | float | bool] = {} if port == WEB_PORT else {"port": port}
    return Sighting(driver=NAME, host=host, firmware=FIRMWARE, options=options, note=_NEEDS_PASSWORD)


LOOKS = (Look(port=4028, ask=look_at_port, order=ORDER), Look(port=WEB_PORT, ask=look_at_web, order=ORDER))
