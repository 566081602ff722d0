"""Which messages are news for people, and how each is said."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hashbus.messages import (
    Alert,
    AvailabilityState,
    BatteryAvailability,
    Health,
    MeterAvailability,
    MinerAvailability,
    MinerTelemetry,
    OrderResult,
    OrderStatus,
    PowerSetpoint,
    ServiceStatus,
    SetpointResult,
    SetpointStatus,
    Severity,
)
from hashbus_supervisor import figures
from hashbus_supervisor.events import Event, Tone

if TYPE_CHECKING:
    from hashbus.messages import Message, MinerInfo

_TONE_OF_HEALTH = {Health.NORMAL: Tone.GOOD, Health.WARNING: Tone.WARNING, Health.CRITICAL: Tone.BAD}
_TONE_OF_SEVERITY = {Severity.INFO: Tone.NEUTRAL, Severity.WARNING: Tone.WARNING, Severity.CRITICAL: Tone.BAD}
_QUIET = (SetpointStatus.SENT,)


def news_of(
    message: Message, before: Message | None, info: MinerInfo | None, telemetry: MinerTelemetry | None
) -> Event | None:
    """Return the event that a message is, compared with the one it replaces; None when it is none."""
    match message:
        case MinerAvailability() | BatteryAvailability() | MeterAvailability():
            return _of_availability(message, before, _portrait(info, telemetry))
        case MinerTelemetry():
            return _of_telemetry(message, before)
        case ServiceStatus():
            return _of_service(message, before)
        case PowerSetpoint():
            return _of_setpoint(message, before)
        case SetpointResult():
            return _of_result(message, before)
        case OrderResult():
            tone = Tone.GOOD if message.status is OrderStatus.DONE else Tone.WARNING
            return Event(message.at, message.miner, f"{message.command}: {message.status}, {message.message}", tone)
        case Alert():
            tone = Tone.GOOD if message.cleared_at else _TONE_OF_SEVERITY[message.severity]
            return Event(message.at, message.key, f"{message.title} {message.text}".strip(), tone)
    return None


def subject_of(message: Message) -> str:
    """Return whom a message is about: the first level of its topic below the site."""
    return next((value for name, value in message.levels().items() if name != "site"), "")


def title_of(info: MinerInfo | None) -> str:
    """Return make and model as a person says them."""
    if info is None:
        return ""
    make, model = info.make or "", info.model or info.driver
    return model if model.lower().startswith(make.lower()) else f"{make} {model}"


def _of_availability(
    message: MinerAvailability | BatteryAvailability | MeterAvailability, before: Message | None, portrait: str
) -> Event | None:
    if isinstance(before, type(message)) and (before.state, before.since) == (message.state, message.since):
        return None
    who = subject_of(message)
    if message.state is AvailabilityState.ONLINE:
        return Event(message.since, who, f"online{portrait}", Tone.GOOD)
    return Event(message.since, who, f"offline: {message.reason or 'no reason given'}", Tone.BAD)


def _portrait(info: MinerInfo | None, telemetry: MinerTelemetry | None) -> str:
    """Say who it is and what it does, as far as that is known: `: WhatsMiner M64_VL40, 212 TH/s at 3600 W`."""
    parts = [title_of(info)] if info else []
    if telemetry and telemetry.hashrate_ths is not None:
        power = f" at {figures.watts(telemetry.power_w)}" if telemetry.power_w is not None else ""
        parts.append(f"{figures.hashrate(telemetry.hashrate_ths)}{power}")
    return ": " + ", ".join(parts) if parts else ""


def _of_telemetry(message: MinerTelemetry, before: Message | None) -> Event | None:
    """Say that a miner's health changed, or else what it does."""
    if not isinstance(before, MinerTelemetry):
        was, did = Health.NORMAL, message.state
    else:
        was, did = before.health, before.state
    is_first_word = was is Health.UNKNOWN and message.health is Health.NORMAL
    if message.health is not was and message.health in _TONE_OF_HEALTH and not is_first_word:
        return Event(message.at, message.miner, _of_health(message), _TONE_OF_HEALTH[message.health])
    return Event(message.at, message.miner, f"{did} → {message.state}") if message.state is not did else None


def _of_health(message: MinerTelemetry) -> str:
    faults = "; ".join(f"{one.code} {one.text or ''}".strip() for one in message.errors[:3])
    if faults or message.chip_max_c is None:
        return f"{message.health}{': ' if faults else ''}{faults}"
    return f"{message.health}, hottest chip {figures.celsius(message.chip_max_c)}"


def _of_service(message: ServiceStatus, before: Message | None) -> Event | None:
    if isinstance(before, ServiceStatus) and before.state is message.state:
        return None
    is_online = message.state is AvailabilityState.ONLINE
    return Event(message.at, message.service, str(message.state), Tone.GOOD if is_online else Tone.WARNING)


def _of_setpoint(message: PowerSetpoint, before: Message | None) -> Event | None:
    if isinstance(before, PowerSetpoint) and before.power_w == message.power_w:
        return None
    return Event(message.at, message.miner, f"setpoint {figures.watts(message.power_w)}: {message.reason}")


def _of_result(message: SetpointResult, before: Message | None) -> Event | None:
    if message.status in _QUIET:
        return None
    if isinstance(before, SetpointResult) and (before.status, before.asked_w) == (message.status, message.asked_w):
        return None
    tone = Tone.GOOD if message.status is SetpointStatus.CONFIRMED else Tone.WARNING
    why = f": {message.message}" if message.message else ""
    return Event(message.at, message.miner, f"{figures.watts(message.asked_w)} {message.status}{why}", tone)
