"""What is worth an alert: from one message to the condition it shows, or to the end of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from hashbus.messages import (
    AvailabilityState,
    BatteryAvailability,
    CurtailmentPlan,
    Health,
    Message,
    MeterAvailability,
    MinerAvailability,
    MinerTelemetry,
    PlanState,
    ServiceStatus,
    SetpointResult,
    SetpointStatus,
    Severity,
)
from hashbus_notifier.settings import NotifierSection

HEARS = (
    MinerAvailability,
    BatteryAvailability,
    MeterAvailability,
    MinerTelemetry,
    ServiceStatus,
    SetpointResult,
    CurtailmentPlan,
)

BAD_SETPOINT = (SetpointStatus.REFUSED, SetpointStatus.UNREACHABLE)


@dataclass(frozen=True, slots=True)
class Condition:
    """Something that is wrong with one thing; `kind` is what many of them have in common."""

    kind: str
    who: str
    severity: Severity
    title: str
    text: str
    hold_s: float

    @property
    def key(self) -> str:
        """Return the name of its alert."""
        return f"{self.kind}-{self.who}"[:64]


@dataclass(frozen=True, slots=True)
class Over:
    """The end of a condition."""

    key: str


def findings(message: Message, settings: NotifierSection) -> Iterator[Condition | Over]:
    """Return what a message shows: for each rule that it concerns, the condition or its end."""
    if isinstance(message, MinerAvailability):
        yield _reached(message.miner, "miner", message, settings, Severity.WARNING)
    elif isinstance(message, BatteryAvailability):
        yield _reached(message.battery, "battery", message, settings, Severity.CRITICAL)
    elif isinstance(message, MeterAvailability):
        yield _reached(message.meter, "meter", message, settings, Severity.WARNING)
    elif isinstance(message, MinerTelemetry):
        yield _health(message, settings)
    elif isinstance(message, ServiceStatus):
        yield _service(message, settings)
    elif isinstance(message, SetpointResult):
        yield _setpoint(message, settings)
    elif isinstance(message, CurtailmentPlan):
        yield _plan(message)


def _reached(
    who: str,
    what: str,
    message: MinerAvailability | BatteryAvailability | MeterAvailability,
    settings: NotifierSection,
    severity: Severity,
) -> Condition | Over:
    kind = f"{what}-offline"
    if message.state is AvailabilityState.ONLINE:
        return Over(f"{kind}-{who}"[:64])
    text = message.reason or "no reason given"
    return Condition(kind, who, severity, f"{what} {who} is offline", text, settings.offline_hold_s)


def _health(message: MinerTelemetry, settings: NotifierSection) -> Condition | Over:
    who = message.miner
    if message.health not in (Health.WARNING, Health.CRITICAL):
        return Over(f"miner-health-{who}"[:64])
    severity = Severity.CRITICAL if message.health is Health.CRITICAL else Severity.WARNING
    title = f"miner {who} is {message.health.value}"
    return Condition("miner-health", who, severity, title, _what_is_wrong(message), settings.health_hold_s)


def _what_is_wrong(message: MinerTelemetry) -> str:
    figures = (
        ("chip", message.chip_max_c),
        ("board", message.board_max_c),
        ("liquid", message.liquid_c),
        ("power supply", message.psu_c),
    )
    temperatures = [f"{name} {value_c:.0f} °C" for name, value_c in figures if value_c is not None]
    errors = [f"{error.code}: {error.text}" if error.text else error.code for error in message.errors]
    return "; ".join([*errors, *temperatures])[:1000] or message.state.value


def _service(message: ServiceStatus, settings: NotifierSection) -> Condition | Over:
    who = message.service
    if message.state is AvailabilityState.ONLINE and not message.problems:
        return Over(f"service-{who}"[:64])
    if message.state is AvailabilityState.OFFLINE:
        title, text, severity = f"{who} is gone", "its connection to the broker ended", Severity.CRITICAL
    else:
        title, text, severity = f"{who} has a problem", "; ".join(message.problems)[:1000], Severity.WARNING
    return Condition("service", who, severity, title, text, settings.service_hold_s)


def _setpoint(message: SetpointResult, settings: NotifierSection) -> Condition | Over:
    who = message.miner
    if message.status not in BAD_SETPOINT:
        return Over(f"setpoint-{who}"[:64])
    text = message.message or message.status.value
    title = f"miner {who} does not take {message.asked_w:g} W"
    return Condition("setpoint", who, Severity.WARNING, title, text, settings.setpoint_hold_s)


def _plan(message: CurtailmentPlan) -> Condition | Over:
    """Tell the farm manager that power is being given up, how much and by how many miners (S3.29)."""
    who = message.plan
    if message.state not in (PlanState.EXECUTING, PlanState.EXECUTED, PlanState.FAILED):
        return Over(f"curtailment-{who}"[:64])
    is_short = message.missing_w > 0 or message.state is PlanState.FAILED
    short = f", {message.missing_w / 1000:,.1f} kW short" if message.missing_w > 0 else ""
    title = f"curtailment of {message.target_w / 1000:,.1f} kW by {len(message.miners)} miners{short}"
    severity = Severity.WARNING if is_short else Severity.INFO
    return Condition("curtailment", who, severity, title, message.why, hold_s=0)
