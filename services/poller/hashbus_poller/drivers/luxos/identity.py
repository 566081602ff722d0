"""Who a miner with LuxOS is, and what can be done with it: everybody may, so it depends on the hardware only; pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hashbus.messages import Capability, MinerIdentity, PowerChange
from hashbus.models import rated
from hashbus_poller.drivers.cgminer.answer import Answer
from hashbus_poller.drivers.cgminer.identity import Version, normal_mac
from hashbus_poller.drivers.luxos.profiles import Profile, offered
from hashbus_poller.readings import understanding

FIRMWARE = "LuxOS"
POWER_CHANGE = PowerChange(restarts_mining=True, ramp_s=300, min_interval_s=600)
"""Boards ramp to another profile as they do after a start."""

PROFILES_FOR_ALL_BOARDS_FROM = 2024
"""Before, a profile was set board by board (version "2024.1.26..." is the first that sets all)."""

AIR = "air"


@dataclass(frozen=True, slots=True)
class Known:
    """One miner as it was last identified."""

    identity: MinerIdentity
    profiles: tuple[Profile, ...]
    levels: tuple[Profile, ...]
    boards: int
    sets_all_boards: bool


def known_of(version: Version, config: Answer, profiles: Sequence[Profile]) -> Known:
    """Put together what `version`, `config` and `profiles` say."""
    row = config.require_success().section("CONFIG")
    current = row.text("Profile")
    levels = offered(profiles, current)
    boards = row.count("ASC Count") or 0
    nameplate_ths = row.number("NameplateTHS") or None
    cooling = (row.text("Cooling") or AIR).lower()
    is_liquid = cooling != AIR or row.flag("ImmersionMode") is True
    sheet = rated(version.make, version.model or "", nameplate_ths)
    default = next((profile for profile in profiles if profile.is_default), None)
    with understanding(config.raw):
        identity = MinerIdentity(
            make=version.make or FIRMWARE,
            model=version.model,
            serial=row.text("SerialNumber"),
            mac=normal_mac(row.text("MACAddr")),
            firmware=FIRMWARE,
            firmware_version=version.firmware_version,
            api_version=version.api_version,
            control_board=row.text("ControlBoardType"),
            psu_model=row.text("PSULabel"),
            is_liquid_cooled=is_liquid,
            boards_total=boards or (sheet.boards if sheet else None),
            rated_hashrate_ths=nameplate_ths or (sheet.rated_hashrate_ths if sheet else None),
            rated_power_w=default.power_w if default else (sheet.rated_power_w if sheet else None),
            min_power_w=levels[0].power_w if levels else None,
            max_power_w=levels[-1].power_w if levels else None,
            power_levels=tuple(level.as_message() for level in levels),
            power_change=POWER_CHANGE,
            capabilities=_capabilities(levels, is_liquid=is_liquid),
        )
    return Known(identity, tuple(profiles), levels, boards, _year(version) >= PROFILES_FOR_ALL_BOARDS_FROM)


def _capabilities(levels: Sequence[Profile], *, is_liquid: bool) -> tuple[Capability, ...]:
    offers = {
        Capability.POWER_LIMIT: len(levels) > 1,
        Capability.SLEEP: True,
        Capability.RESTART: True,
        Capability.REBOOT: True,
        Capability.FAN: not is_liquid,
        Capability.FREQUENCY: any(level.frequency_mhz for level in levels),
        Capability.POOL: True,
        Capability.BLINK: True,
    }
    return tuple(capability for capability, is_offered in offers.items() if is_offered)


def _year(version: Version) -> int:
    """Return the year in "2025.4.8.220305-57b389c7"; one that is spelled otherwise is taken for new."""
    year = (version.firmware_version or "").partition(".")[0]
    return int(year) if year.isdecimal() and len(year) == 4 else PROFILES_FOR_ALL_BOARDS_FROM
