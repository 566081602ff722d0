"""Who an Antminer is, and what can be done with it: stock firmware, a password, and what the configuration page shows.

Pure.
"""

from __future__ import annotations

from dataclasses import dataclass

from hashbus.messages import Capability, MinerIdentity
from hashbus_poller.drivers.antminer.conf import MinerConf
from hashbus_poller.drivers.antminer.generation import sleep_mode, takes_json
from hashbus_poller.drivers.antminer.levels import MAKE, Rating
from hashbus_poller.drivers.cgminer.answer import Answer
from hashbus_poller.drivers.cgminer.identity import normal_mac, split_name

STOCK = "stock"

_ALIENS = {"vnish": "VNish", "anthill": "VNish", "luxminer": "LuxOS", "bosminer": "Braiins OS", "boser": "Braiins OS"}
"""Words in `version` by which other firmware on the same hardware gives itself away."""


@dataclass(frozen=True, slots=True)
class Version:
    """What `version` on port 4028 says."""

    make: str | None
    model: str | None
    firmware: str
    compiled: str | None
    api_version: str | None


@dataclass(frozen=True, slots=True)
class SystemInfo:
    """What only the web page says."""

    model: str | None
    mac: str | None
    serial: str | None


@dataclass(frozen=True, slots=True)
class WebFacts:
    """What the web pages told when they were asked last."""

    info: SystemInfo
    conf: MinerConf


def parse_version(answer: Answer) -> Version:
    """Return who answers; Garbled when it does not say its type."""
    row = answer.require_success().section("VERSION")
    name = row.text("Type")
    if name is None:
        row.reject("Type", "the model")
    make, model = split_name(name)
    spelled = " ".join([*row.fields, name, row.text("Miner") or ""]).lower()
    firmware = next((firmware for word, firmware in _ALIENS.items() if word in spelled), STOCK)
    return Version(make, model, firmware, row.text("CompileTime"), row.text("API"))


def parse_system_info(answer: Answer) -> SystemInfo:
    """Return model, MAC address and serial number."""
    page = answer.whole()
    serial = page.text("serinum") or page.text("serial_no")
    return SystemInfo(split_name(page.text("minertype"))[1], normal_mac(page.text("macaddr")), serial)


def identity_of(version: Version, web: WebFacts | None, rating: Rating, boards_seen: int) -> MinerIdentity:
    """Return who it is; `web` is None without a password."""
    sheet = rating.sheet
    capabilities = _capabilities(version, web, rating)
    steps = rating.steps if Capability.POWER_LIMIT in capabilities else ()
    running_w = [step.power_w for step in steps if step.power_w > 0]
    return MinerIdentity(
        make=version.make or MAKE,
        model=version.model,
        serial=web.info.serial if web else None,
        mac=web.info.mac if web else None,
        firmware=version.firmware,
        firmware_version=version.compiled,
        api_version=version.api_version,
        is_liquid_cooled=sheet.is_liquid_cooled if sheet else None,
        boards_total=(sheet.boards if sheet else None) or boards_seen or None,
        rated_hashrate_ths=sheet.rated_hashrate_ths if sheet else None,
        rated_power_w=max(running_w, default=sheet.rated_power_w if sheet else None),
        min_power_w=min(running_w, default=None),
        max_power_w=max(running_w, default=None),
        power_levels=tuple(step.as_message() for step in steps),
        capabilities=capabilities,
    )


def _capabilities(version: Version, web: WebFacts | None, rating: Rating) -> tuple[Capability, ...]:
    if web is None or version.firmware != STOCK:
        return ()
    is_air_cooled = rating.sheet is None or not rating.sheet.is_liquid_cooled
    offers = {
        Capability.POWER_LIMIT: len(rating.steps) > 1,
        Capability.SLEEP: web.conf.work_mode is not None and sleep_mode(version.model) is not None,
        Capability.RESTART: True,
        Capability.REBOOT: True,
        Capability.FAN: is_air_cooled and web.conf.can_set_fan,
        Capability.FREQUENCY: not takes_json(version.model) and rating.has_frequencies,
        Capability.POOL: True,
        Capability.BLINK: True,
    }
    return tuple(capability for capability, is_offered in offers.items() if is_offered)
