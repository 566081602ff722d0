"""What firmware with API v3 still answers on port 4028: the reads that scanners recognise it by (PROTOCOLS.md 2.3)."""

from collections.abc import Callable, Mapping

from hashbus_simulator.devices import btminer
from hashbus_simulator.devices.cgminer.wire import Document, Request
from hashbus_simulator.devices.whatsminer_v3.state import WhatsminerState

API = "3.0.1"
OK, FAILED, INVALID_JSON, INVALID_COMMAND, DENIED = 131, 132, 23, 14, 45
DESCRIPTION = "btminer"


def reply(miner: WhatsminerState, request: Request) -> Document:
    """The newer envelope: `Msg` holds the fields; deprecated commands and writes are refused."""
    if request.problem is not None:
        return _envelope(miner, INVALID_JSON, "Invalid JSON")
    command = request.command
    if command in READS:
        return _envelope(miner, OK, READS[command](miner))
    if command == "devdetails":
        return _envelope(miner, FAILED, "This command is deprecated.")
    if "enc" in request.fields or command in {"get_token", "power_off", "power_on", "reboot"}:
        return _envelope(miner, DENIED, "can't access write cmd")
    return _envelope(miner, INVALID_COMMAND, "invalid cmd")


READS: Mapping[str, Callable[[WhatsminerState], object]] = {
    "summary": btminer.summary,
    "version": lambda miner: btminer.version(miner, API),
    "get_version": lambda miner: btminer.version(miner, API),
    "status": btminer.status,
    "pools": lambda miner: {"POOLS": btminer.pools(miner)},
    "edevs": lambda miner: {"DEVS": btminer.edevs(miner, in_terahashes=True)},
    "devs": lambda miner: {"DEVS": btminer.edevs(miner, in_terahashes=True)},
    "get_psu": btminer.psu,
    "get_miner_info": btminer.miner_info,
    "get_error_code": lambda miner: {"error_code": btminer.error_codes(miner)},
}


def _envelope(miner: WhatsminerState, code: int, msg: object) -> Document:
    letter = "S" if code == OK else "E"
    return {"STATUS": letter, "When": miner.unix_s(), "Code": code, "Msg": msg, "Description": DESCRIPTION}
