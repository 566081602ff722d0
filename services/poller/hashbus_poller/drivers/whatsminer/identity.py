"""Who a WhatsMiner is, what can be done with it, and what stands in the way (PROTOCOLS.md 1.3, 1.5)."""

from __future__ import annotations

from hashbus.messages import Capability, MinerIdentity, PowerChange
from hashbus.models import rated
from hashbus_poller.drivers.contract import Garbled
from hashbus_poller.drivers.whatsminer.commands import Account
from hashbus_poller.drivers.whatsminer.parse import status_of
from hashbus_poller.drivers.whatsminer.replies import (
    Object,
    Reply,
    is_liquid_cooled,
    object_of,
    positive,
    section,
    whole_number,
)
from hashbus_poller.readings import text_or_none, understanding

MAKE = "WhatsMiner"

CAPABILITIES = (
    Capability.POWER_LIMIT,
    Capability.POWER_PERCENT,
    Capability.SLEEP,
    Capability.RESTART,
    Capability.REBOOT,
    Capability.POOL,
    Capability.BLINK,
)
"""Not `fan`: the firmware takes an offset, not a speed. Not `frequency`: it takes a percentage of a frequency that it
does not name, and searches its own around it."""

# Tuning takes 2 to 20 minutes (PROTOCOLS.md 1.9); public controllers wait 300 s and more between two steps.
POWER_CHANGE = PowerChange(restarts_mining=True, ramp_s=600, min_interval_s=300)


def identity(info: Reply, status: Reply, account: Account | None) -> MinerIdentity:
    """Tell who the miner is. While something keeps us from writing, no capability is listed."""
    with understanding(info.raw + b"\n" + status.raw):
        whole, summary = object_of(info), section(status_of(status) or {}, "summary")
        if not section(whole, "miner").get("type"):
            raise Garbled("get.device.info lacks miner.type")
        return _identity(whole, summary, capabilities=() if obstacle(whole, account) else CAPABILITIES)


def _identity(info: Object, summary: Object, *, capabilities: tuple[Capability, ...]) -> MinerIdentity:
    miner, system, power = section(info, "miner"), section(info, "system"), section(info, "power")
    model = text_or_none(miner, "type") or ""
    factory_ths = positive(summary, "factory-hash")
    sheet = rated(MAKE, model, factory_ths)
    rated_power_w = sheet.rated_power_w if sheet else None
    return MinerIdentity(
        make=MAKE,
        model=model,
        serial=text_or_none(miner, "miner-sn"),
        mac=_mac(section(info, "network")),
        firmware="stock",
        firmware_version=text_or_none(system, "fwversion"),
        api_version=text_or_none(system, "api"),
        control_board=text_or_none(system, "control-board-version"),
        psu_model=text_or_none(power, "model") or text_or_none(power, "type"),
        is_liquid_cooled=is_liquid_cooled(miner, power),
        boards_total=whole_number(miner, "board-num"),
        rated_hashrate_ths=factory_ths or (sheet.rated_hashrate_ths if sheet else None),
        rated_power_w=rated_power_w,
        max_power_w=rated_power_w,  # the limit may not exceed the model's standard power (PROTOCOLS.md 1.8)
        power_step_w=1.0,
        power_change=POWER_CHANGE,
        capabilities=capabilities,
    )


def _mac(network: Object) -> str | None:
    mac = text_or_none(network, "mac")
    return mac.lower().replace("-", ":") if mac else None


def obstacle(info: Object, account: Account | None) -> str | None:
    """Return why nothing can be written, in words for the owner; None when nothing is known to stand in the way."""
    if account is None:
        return "no password is known: set `password` of this miner to that of the account"
    if account.password == account.name:
        return f"the password of {account.name} is the factory's, which may not write: change it with WhatsminerTool"
    if str(section(info, "system").get("apiswitch", "1")) == "0":
        return "the API switch is off: the owner turns it on with WhatsminerTool"
    granted = str(section(info, "miner").get("permission", "")).split()
    if f"{account.name}=0" in granted:
        return f"the account {account.name} may use no command: grant it some, or set `account: super`"
    return None
