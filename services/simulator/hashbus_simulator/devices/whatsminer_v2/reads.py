"""The reports of API v2 in both envelopes, and as broken as firmware writes them (PROTOCOLS.md 2.2, 2.3)."""

import json
from collections.abc import Callable, Mapping
from typing import cast

from hashbus_simulator.devices import btminer
from hashbus_simulator.devices.btminer import Row
from hashbus_simulator.devices.cgminer.codes import status as classic_status
from hashbus_simulator.devices.cgminer.wire import Document, as_json
from hashbus_simulator.devices.whatsminer_v2.state import ERROR_CODES_SINCE, WhatsminerV2State

OK = 131
FAILED = 132
INVALID_COMMAND = 14
MISSING_COMMAND = 24
DESCRIPTION = "btminer"

Report = tuple[int, str, list[Row]]
"""Code, section and rows of a report in the classic envelope."""


def envelope(miner: WhatsminerV2State, code: int, msg: object, *, description: str = "") -> Document:
    """What the API's own process answers with; the letter says whether it worked."""
    letter = "S" if code in (OK, 134) else "E"
    return {"STATUS": letter, "When": miner.unix_s(), "Code": code, "Msg": msg, "Description": description}


def report(miner: WhatsminerV2State, name: str) -> Document:
    """One report that cgminer has too, in the envelope of this firmware."""
    if miner.physics.asleep and miner.block.summary_asleep == "error":
        return envelope(miner, FAILED, "command error")
    if name == "devdetails" and miner.block.shape == "newer":
        return envelope(miner, FAILED, "This command is deprecated.", description=DESCRIPTION)
    code, section, rows = REPORTS[name](miner)
    if miner.block.shape == "newer":
        return envelope(miner, OK, rows[0] if section == "SUMMARY" else {section: rows}, description=DESCRIPTION)
    head = classic_status(code, miner.unix_s(), DESCRIPTION, len(rows))
    return {"STATUS": head, section: rows, "id": 1}


def api_read(miner: WhatsminerV2State, name: str) -> Document | bytes:
    """One report that only a WhatsMiner has."""
    document = envelope(miner, OK, API_READS[name](miner))
    if not miner.block.malformed:
        return document
    text = as_json(document).decode()
    if name == "get_error_code":
        text = text.replace('[{"', '["').replace('"},{"', '","').replace('"}]', '"]')
    return text.replace(',"temp0"', '"temp0"').encode()


def summary(miner: WhatsminerV2State) -> Report:
    """Hashrates in MH/s, power in W; older firmware lists its faults here."""
    row = btminer.summary(miner) | {"Hash Stable": miner.physics.is_tuned}
    if not miner.has_api(ERROR_CODES_SINCE):
        row |= {f"Error Code {index}": code for index, code in enumerate(miner.block.error_codes)}
    return 11, "SUMMARY", [row]


def devs(miner: WhatsminerV2State) -> Report:
    """One row for each board; in TH/s where the reports have the newer envelope."""
    return 9, "DEVS", btminer.edevs(miner, in_terahashes=miner.block.shape == "newer")


def pools(miner: WhatsminerV2State) -> Report:
    """POOL numbers from 1."""
    return 7, "POOLS", btminer.pools(miner)


def devdetails(miner: WhatsminerV2State) -> Report:
    """Driver and model of each board."""
    model = miner.physics.model
    rows: list[Row] = [
        {"DEVDETAILS": board, "Name": "SM", "ID": board, "Driver": "bitmicro", "Kernel": "", "Model": model.name}
        for board in range(model.boards)
    ]
    return 69, "DEVDETAILS", rows


def status(miner: WhatsminerV2State) -> Row:
    """Whether it sleeps, as a string; `btmineroff` in the first form, `mineroff` in the second."""
    if miner.block.old_status:
        off = "true" if miner.physics.asleep else "false"
        return {"btmineroff": off, "Firmware Version": f"'{miner.block.firmware}'"}
    return btminer.status(miner)


REPORTS: Mapping[str, Callable[[WhatsminerV2State], Report]] = {
    "summary": summary,
    "edevs": devs,
    "devs": devs,
    "pools": pools,
    "devdetails": devdetails,
}
"""What can be joined with `+` in the classic envelope."""

API_READS: Mapping[str, Callable[[WhatsminerV2State], object]] = {
    "status": status,
    "get_version": lambda miner: btminer.version(miner, miner.block.api),
    "get_psu": btminer.psu,
    "get_miner_info": btminer.miner_info,
    "get_error_code": lambda miner: {"error_code": btminer.error_codes(miner)},
}


def decoded(document: Document | bytes) -> dict[str, object]:
    """A report as the object that it is, for a joined answer."""
    return cast("dict[str, object]", json.loads(document) if isinstance(document, bytes) else dict(document))
