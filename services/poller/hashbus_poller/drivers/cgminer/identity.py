"""Who a miner on the cgminer port is: from `version`, `devdetails` and the WhatsMiner's `get_version`.

Pure. Families with a driver of their own are recognised too, so that a generic reading at least names them right.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from hashbus_poller.drivers.cgminer.answer import Answer, Section

JOINS_FROM = (3, 1)
"""API version from which reports can be joined in one question (PROTOCOLS.md 3.1)."""

FIRMWARE_OF: dict[str, str] = {
    "LUXminer": "LuxOS",
    "BOSminer+": "Braiins OS",
    "BOSminer": "Braiins OS",
    "BOSer": "Braiins OS",
    "BTMiner": "btminer",
    "BMMiner": "bmminer",
    "SGMiner": "sgminer",
    "CGMiner": "cgminer",
}
"""The field of VERSION that names the mining software, the specific before the general, and what it is called."""

MAKE_OF_DRIVER: dict[str, str] = {
    "bitmicro": "WhatsMiner",
    "avalon": "Avalon",
    "gekko": "GekkoScience",
    "bitfury": "Bitfury",
    "icarus": "Icarus",
}
MAKES = ("Antminer", "WhatsMiner", "Avalon", "GekkoScience", "Innosilicon", "Goldshell")
UNKNOWN_MAKE = "unknown"

_MAC = re.compile(r"([0-9a-f]{2})[:-]?" * 5 + r"([0-9a-f]{2})")


@dataclass(frozen=True, slots=True)
class Version:
    """Who answers, as far as `version` tells, and whether it takes joined questions."""

    make: str | None = None
    model: str | None = None
    firmware: str | None = None
    firmware_version: str | None = None
    api_version: str | None = None
    mac: str | None = None
    can_join: bool = False

    def completed_by(self, other: Version) -> Version:
        """Return this with make and model of the other where they are missing."""
        return replace(self, make=self.make or other.make, model=self.model or other.model)


def parse_version(answer: Answer) -> Version:
    """Return what `version` says; Garbled when it says nothing at all."""
    row = answer.require_success().section("VERSION")
    software = next((key for key in FIRMWARE_OF if row.has(key)), None)
    make, model = split_name(row.text("Type") or _avalon_name(row))
    api = row.text("API")
    return Version(
        make=make,
        model=model,
        firmware=FIRMWARE_OF[software] if software else None,
        firmware_version=row.text(software) if software else None,
        api_version=api,
        mac=normal_mac(row.text("MAC")),
        # Stock Antminers say 3.1 and refuse joined questions all the same.
        can_join=_is_at_least(api, JOINS_FROM) and make != "Antminer" and software != "BMMiner",
    )


def parse_devdetails(answer: Answer) -> Version:
    """Return make and model as the driver of the first board tells them."""
    rows = answer.require_success().sections("DEVDETAILS")
    if not rows:
        return Version()
    driver = (rows[0].text("Driver") or "").lower()
    make = next((make for prefix, make in MAKE_OF_DRIVER.items() if driver.startswith(prefix)), None)
    named, model = split_name(rows[0].text("Model"))
    return Version(make=make or named, model=model or rows[0].text("Name"))


def parse_whatsminer_version(answer: Answer) -> Version:
    """Return what a WhatsMiner's `get_version` says."""
    row = answer.require_success().section("VERSION")
    if not row.has("fw_ver"):
        row.reject("fw_ver", "the firmware's version")
    return Version(
        make="WhatsMiner",
        model=row.text("miner_type"),
        firmware="stock",
        firmware_version=row.text("fw_ver"),
        api_version=row.text("api_ver"),
    )


def split_name(name: str | None) -> tuple[str | None, str | None]:
    """Return make and model of a full name: "Antminer S19j Pro (Vnish 1.2)" is ("Antminer", "S19j Pro")."""
    if name is None:
        return None, None
    bare = name.partition(" (")[0].strip()
    for make in MAKES:
        if bare.lower().startswith(make.lower()):
            return make, bare[len(make) :].strip(" -_") or None
    return None, bare or None


def normal_mac(mac: str | None) -> str | None:
    """Return a MAC address in lower case with colons, however it is written; None when it is none."""
    match = _MAC.fullmatch(mac.strip().lower()) if mac else None
    return ":".join(match.groups()) if match else None


def _avalon_name(row: Section) -> str | None:
    product, model = row.text("PROD"), row.text("MODEL")
    if product and product.lower().startswith("avalonminer"):
        return f"Avalon {product[len('avalonminer') :].strip()}"
    return product or (f"Avalon {model}" if model and row.has("HWTYPE") else None)


def _is_at_least(version: str | None, wanted: tuple[int, int]) -> bool:
    numbers = [int(part) for part in (version or "").split(".")[:2] if part.isdecimal() and len(part) < 6]
    return len(numbers) == 2 and (numbers[0], numbers[1]) >= wanted
