"""From what Home Assistant wants to what is said on the bus. Pure.

A power that a person sets is a bid of rank override with an end; a later word replaces it. A payload is a bare number
or word; everything else is refused with what would be right.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType

from hashbus.foreign import PlainCommand
from hashbus.messages import (
    Alert,
    AlertAck,
    Capability,
    Command,
    ControlRequest,
    DeviceOrder,
    EquipmentCommand,
    EquipmentInfo,
    EquipmentOrder,
    Message,
    MinerInfo,
    OrderParams,
    PowerRequest,
    Profile,
    ProfileRequest,
    Rank,
    Setting,
    ZoneRequest,
    ZoneState,
)
from hashbus_smarthome.discovery import climate, controls, equipment
from hashbus_smarthome.discovery import site as whole
from hashbus_smarthome.discovery.place import ACCOUNT
from hashbus_smarthome.settings import HomeAssistantSection

WHY = "set in the smart home"
BY = "smart home"
LONGEST_WORD = 200


class NotUnderstood(ValueError):
    """A command that cannot be carried out: names what was wrong, what was given, and what would be right."""


@dataclass(frozen=True)
class Desk:
    """What it takes to understand a command: the device it is for, as far as it is known, and the time."""

    site: str
    now: datetime
    settings: HomeAssistantSection
    about: MinerInfo | EquipmentInfo | ZoneState | None = None
    has_controller: bool = False
    most_w: float = 0.0
    alerts: tuple[Alert, ...] = ()

    @property
    def id(self) -> str:
        """Return an id for an order."""
        return f"s{int(self.now.timestamp() * 1e6)}"

    @property
    def expires_at(self) -> datetime:
        """Return until when an order may be carried out."""
        return self.now + timedelta(seconds=self.settings.order_expires_s)


def messages_of(command: PlainCommand, payload: bytes, desk: Desk) -> list[Message]:
    """Return what is said on the bus for a command; NotUnderstood when it cannot be carried out."""
    word = _word(payload)
    if command.kind == "site":
        return _for_site(command.control, word, desk)
    about = desk.about
    if isinstance(about, MinerInfo) and command.kind == "miner":
        return _for_miner(command.control, word, about, desk)
    if isinstance(about, ZoneState) and command.kind == "zone":
        return [_for_zone(command.control, word, about, desk)]
    if isinstance(about, EquipmentInfo) and command.kind == about.kind.value:
        return [_for_equipment(command.control, word, about, desk)]
    raise NotUnderstood(f"there is no {command.kind} {command.device!r} here that takes commands")


def _word(payload: bytes) -> str:
    try:
        word = payload.decode().strip()
    except UnicodeDecodeError:
        raise NotUnderstood("the payload is no text; write a bare number or word") from None
    if not word or len(word) > LONGEST_WORD:
        raise NotUnderstood("the payload is empty or too long; write a bare number or word")
    return word


def _number(word: str, least: float, most: float, unit: str) -> float:
    try:
        number = float(word)
    except ValueError:
        number = math.nan
    if not (math.isfinite(number) and least <= number <= most):
        raise NotUnderstood(f"{word[:40]!r} is not right; write a number from {least:g} to {most:g} {unit}".rstrip())
    return number


def _one_of(word: str, words: tuple[str, ...]) -> str:
    if word not in words:
        raise NotUnderstood(f"{word[:40]!r} is not right; write one of {', '.join(words)}")
    return word


def _switch(word: str) -> bool:
    return _one_of(word.upper(), (controls.ON, controls.OFF)) == controls.ON


def _for_miner(control: str, word: str, info: MinerInfo, desk: Desk) -> list[Message]:
    if control in _POWER:
        return [_POWER[control](word, info, desk)]
    if control == controls.FAN:
        _need(info, Capability.FAN)
        return [_order(info, desk, Command.SET_FAN, OrderParams(fan_pct=_number(word, 0, 100, "%")))]
    if control not in _ORDERS:
        raise NotUnderstood(f"{control!r} is nothing that a miner can be told")
    capability, command, params = _ORDERS[control]
    _need(info, capability)
    _one_of(word.upper(), (controls.PRESS,))
    return [_order(info, desk, command, params)]


_ORDERS: Mapping[str, tuple[Capability, Command, OrderParams]] = MappingProxyType(
    {
        controls.FAN_AUTOMATIC: (Capability.FAN, Command.SET_FAN, OrderParams(fan_pct=None)),
        controls.RESTART: (Capability.RESTART, Command.RESTART, OrderParams()),
        controls.REBOOT: (Capability.REBOOT, Command.REBOOT, OrderParams()),
        controls.BLINK: (Capability.BLINK, Command.BLINK, OrderParams(blink=True)),
        controls.BLINK_STOP: (Capability.BLINK, Command.BLINK, OrderParams(blink=False)),
    }
)


def _need(info: MinerInfo, capability: Capability) -> None:
    if capability not in info.capabilities:
        raise NotUnderstood(f"{info.miner} cannot do this: {capability.value} is not among its capabilities")


def _order(info: MinerInfo, desk: Desk, command: Command, params: OrderParams | None = None) -> DeviceOrder:
    return DeviceOrder(
        site=desk.site,
        at=desk.now,
        miner=info.miner,
        source=ACCOUNT,
        id=desk.id,
        command=command,
        params=params or OrderParams(),
        expires_at=desk.expires_at,
    )


def _bid(scope: str, desk: Desk, *, cap_w: float | None, floor_w: float | None, is_over: bool = False) -> PowerRequest:
    if not desk.has_controller:
        raise NotUnderstood("no controller is there to decide about power")
    return PowerRequest(
        site=desk.site,
        at=desk.now,
        source=ACCOUNT,
        scope=scope,
        name=whole.OVERRIDE,
        rank=Rank.OVERRIDE,
        cap_w=cap_w,
        floor_w=floor_w,
        until=desk.now if is_over else desk.now + timedelta(seconds=desk.settings.override_s),
        why=WHY,
    )


def _limit(word: str, info: MinerInfo, desk: Desk) -> Message:
    _need(info, Capability.POWER_LIMIT)
    bounds = controls.bounds_w(info)
    if bounds is None:
        raise NotUnderstood(f"{info.miner} does not say how much power it can draw")
    power_w = _number(word, *bounds, "W")
    return _bid(info.miner, desk, cap_w=power_w, floor_w=power_w)


def _level(word: str, info: MinerInfo, desk: Desk) -> Message:
    levels = {level.name: level.power_w for level in info.power_levels}
    power_w = levels[_one_of(word, tuple(levels))]
    return _bid(info.miner, desk, cap_w=power_w, floor_w=power_w)


def _mining(word: str, info: MinerInfo, desk: Desk) -> Message:
    """Put a miner to sleep, or wake it: it mines at the least it can, or at more when somebody wishes for more."""
    _need(info, Capability.SLEEP)
    is_on = _switch(word)
    if not desk.has_controller:
        return _order(info, desk, Command.ENABLE if is_on else Command.DISABLE)
    if is_on:
        return _bid(info.miner, desk, cap_w=None, floor_w=controls.least_running_w(info))
    return _bid(info.miner, desk, cap_w=0.0, floor_w=None)


def _release(word: str, info: MinerInfo, desk: Desk) -> Message:
    _one_of(word.upper(), (controls.PRESS,))
    return _bid(info.miner, desk, cap_w=0.0, floor_w=None, is_over=True)


_POWER: Mapping[str, Callable[[str, MinerInfo, Desk], Message]] = MappingProxyType(
    {
        controls.POWER_LIMIT: _limit,
        controls.POWER_LEVEL: _level,
        controls.MINING: _mining,
        controls.RELEASE: _release,
    }
)


def _for_zone(control: str, word: str, zone: ZoneState, desk: Desk) -> Message:
    profile, target_c, is_cancelled = Profile.MANUAL, None, False
    if control == climate.TARGET:
        target_c = _number(word, *climate.range_c(zone), "°C")
    elif control == climate.PRESET:
        profile = Profile(_one_of(word, tuple(one.value for one in Profile)))
    elif control == climate.MODE:
        mode = _one_of(word, climate.MODES)
        is_cancelled = mode == climate.AUTO
        profile = Profile.ANTIFREEZE if mode == climate.OFF else Profile.MANUAL
    else:
        raise NotUnderstood(f"{control!r} is nothing that a zone can be told")
    return ZoneRequest(
        site=desk.site,
        at=desk.now,
        zone=zone.zone,
        source=ACCOUNT,
        profile=profile,
        target_c=target_c,
        is_cancelled=is_cancelled,
    )


def _for_equipment(control: str, word: str, info: EquipmentInfo, desk: Desk) -> Message:
    setting, value, command = None, None, EquipmentCommand.REFRESH_SESSION
    if control == equipment.REFRESH and command in info.commands:
        _one_of(word.upper(), (controls.PRESS,))
    else:
        settings = {equipment.SET + one.name: one for one in info.settings}
        if control not in settings or EquipmentCommand.SET not in info.commands:
            raise NotUnderstood(f"{control!r} is nothing that {info.equipment} can be told")
        command, setting = EquipmentCommand.SET, settings[control].name
        value = _value(word, settings[control])
    return EquipmentOrder(
        site=desk.site,
        at=desk.now,
        equipment=info.equipment,
        source=ACCOUNT,
        id=desk.id,
        command=command,
        setting=setting,
        value=value,
        expires_at=desk.expires_at,
    )


def _value(word: str, setting: Setting) -> float | bool | str:
    if setting.words:
        return _one_of(word, setting.words)
    if setting.is_switch:
        return _switch(word)
    most = math.inf if setting.highest is None else setting.highest
    return _number(word, setting.lowest or 0.0, most, setting.unit or "")


def _for_site(control: str, word: str, desk: Desk) -> list[Message]:
    site, at = desk.site, desk.now
    if control == whole.AUTOMATIC:
        return [ControlRequest(site=site, at=at, source=ACCOUNT, is_enabled=_switch(word), why=WHY)]
    if control == whole.PROFILE:
        chosen = _one_of(word, (whole.SCHEDULE, *(one.value for one in Profile)))
        is_over = chosen == whole.SCHEDULE
        profile = Profile.MANUAL if is_over else Profile(chosen)
        return [ProfileRequest(site=site, at=at, source=ACCOUNT, profile=profile, is_cancelled=is_over)]
    if control == whole.POWER_LIMIT:
        return [_bid(whole.SITE, desk, cap_w=_number(word, 0, desk.most_w, "W"), floor_w=None)]
    if control == whole.RELEASE:
        _one_of(word.upper(), (controls.PRESS,))
        return [_bid(whole.SITE, desk, cap_w=0.0, floor_w=None, is_over=True)]
    if control == whole.ACKNOWLEDGE:
        _one_of(word.upper(), (controls.PRESS,))
        return [
            AlertAck(site=site, at=at, source=ACCOUNT, key=alert.key, since=alert.since, by=BY) for alert in desk.alerts
        ]
    raise NotUnderstood(f"{control!r} is nothing that a site can be told")
