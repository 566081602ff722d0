"""Who a WhatsMiner of API v2 is and what can be done with it (PROTOCOLS.md 2.3, 2.5)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from hashbus.messages import Capability, MinerIdentity
from hashbus.models import rated
from hashbus_poller.drivers.cgminer.answer import Answer, Section
from hashbus_poller.drivers.cgminer.identity import normal_mac
from hashbus_poller.drivers.whatsminer.identity import MAKE, POWER_CHANGE
from hashbus_poller.drivers.whatsminer_v2.parse import power_limit_w, tells_percent, told_by
from hashbus_poller.readings import understanding

POWER_LIMIT_SINCE = (2, 0, 5)

ALWAYS = (Capability.SLEEP, Capability.RESTART, Capability.REBOOT, Capability.POOL, Capability.BLINK)
"""Not `fan`: the firmware takes an offset, not a speed. Not `frequency`: it takes a percentage of a frequency that it
does not name, and searches its own around it."""

_NUMBERS = re.compile(r"\d{1,4}")
_DRIVER = "bitmicro"


@dataclass(frozen=True, slots=True, kw_only=True)
class Introduction:
    """What the miner told about itself; None where it told nothing."""

    version: Answer | None = None
    details: Answer | None = None
    summary: Answer | None = None
    status: Answer | None = None
    info: Answer | None = None
    psu: Answer | None = None

    @property
    def answers(self) -> list[Answer]:
        """All that was told."""
        told = (self.version, self.details, self.summary, self.status, self.info, self.psu)
        return [answer for answer in told if answer is not None]


def is_whatsminer(version: Answer | None, details: Answer | None) -> bool:
    """Return whether `get_version` or `devdetails` is that of a WhatsMiner."""
    told = told_by(version)
    if told is not None and (told.has("fw_ver") or told.has("miner_type")):
        return True
    return details is not None and any(row.text("Driver") == _DRIVER for row in details.sections("DEVDETAILS"))


def model_of(version: Answer | None, details: Answer | None) -> str | None:
    """Return the model: old firmware tells it in `devdetails`, new firmware in `get_version`."""
    told = told_by(version)
    named = told.text("miner_type") if told else None
    if named or details is None:
        return named
    return next((model for row in details.sections("DEVDETAILS") if (model := row.text("Model"))), None)


def api_version(text: str | None) -> tuple[int, ...]:
    """Return "2.0.5" as numbers; nothing for nothing."""
    return tuple(int(number) for number in _NUMBERS.findall(text or "")[:3])


def identity(told: Introduction, *, is_open: bool) -> MinerIdentity:
    """Tell who the miner is; what can be set only when writing `is_open` to us."""
    with understanding(b"\n".join(answer.raw for answer in told.answers)):
        return _identity(told, is_open=is_open)


def _identity(told: Introduction, *, is_open: bool) -> MinerIdentity:
    version, info, psu = told_by(told.version), told_by(told.info), told_by(told.psu)
    summary = told.summary.section("SUMMARY") if told.summary else None
    model = model_of(told.version, told.details)
    factory_ths = summary.rate_ths("Factory GHS", 1e3) if summary else None
    sheet = rated(MAKE, model, factory_ths) if model else None
    api = version.text("api_ver") if version else None
    rated_power_w = sheet.rated_power_w if sheet else None
    return MinerIdentity(
        make=MAKE,
        model=model,
        serial=info.text("minersn") if info else None,
        mac=normal_mac((summary.text("MAC") if summary else None) or (info.text("mac") if info else None)),
        firmware="stock",
        firmware_version=_firmware(version, summary),
        api_version=api,
        control_board=version.text("platform") if version else None,
        psu_model=(psu.text("model") or psu.text("name")) if psu else None,
        is_liquid_cooled=_is_liquid_cooled(summary, sheet.is_liquid_cooled if sheet else None),
        boards_total=sheet.boards if sheet else None,
        rated_hashrate_ths=factory_ths or (sheet.rated_hashrate_ths if sheet else None),
        rated_power_w=rated_power_w,
        max_power_w=_ceiling_w(told, rated_power_w),
        power_step_w=1.0,
        power_change=POWER_CHANGE,
        capabilities=_capabilities(api_version(api), told.status) if is_open else (),
    )


def _ceiling_w(told: Introduction, rated_power_w: float | None) -> float | None:
    """Return the highest limit: the model's standard power, or what is set where the data sheet knows less."""
    set_w = power_limit_w(told.summary, told.status)
    return max((watts for watts in (set_w, rated_power_w) if watts), default=None)


def _capabilities(api: tuple[int, ...], status: Answer | None) -> tuple[Capability, ...]:
    """List what this firmware does and, for power, shows again in its readings."""
    limit = (Capability.POWER_LIMIT,) if api >= POWER_LIMIT_SINCE else ()
    percent = (Capability.POWER_PERCENT,) if tells_percent(status) else ()
    return (*limit, *percent, *ALWAYS)


def _firmware(version: Section | None, summary: Section | None) -> str | None:
    text = (version.text("fw_ver") if version else None) or (summary.text("Firmware Version") if summary else None)
    return text.strip("'") if text else None  # `'20230911.12.Rel'`: the quotes are the firmware's own


def _is_liquid_cooled(summary: Section | None, by_model: bool | None) -> bool | None:
    told = summary.flag("Liquid Cooling") if summary else None
    return by_model if told is None else told
