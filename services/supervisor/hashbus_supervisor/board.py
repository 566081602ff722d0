"""What is known of a site, from everything that was heard: the latest of each kind, and how complete it is."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Generic, TypeVar, get_args

from hashbus.messages import (
    Alert,
    AvailabilityState,
    BatteryAvailability,
    BatteryTelemetry,
    Message,
    MeterAvailability,
    MeterTelemetry,
    MinerAvailability,
    MinerInfo,
    MinerState,
    MinerTelemetry,
    OrderResult,
    PowerSetpoint,
    ServiceStatus,
    SetpointResult,
)
from hashbus_supervisor.news import news_of, subject_of, title_of

if TYPE_CHECKING:
    from hashbus_supervisor.events import Event

HEARS: tuple[type[Message], ...] = (
    ServiceStatus,
    MinerInfo,
    MinerTelemetry,
    MinerAvailability,
    PowerSetpoint,
    SetpointResult,
    OrderResult,
    BatteryTelemetry,
    BatteryAvailability,
    MeterTelemetry,
    MeterAvailability,
    Alert,
)
"""The messages that a board is made of."""

M = TypeVar("M", bound=Message)
Reading = TypeVar("Reading", MinerTelemetry, BatteryTelemetry, MeterTelemetry)
Availability = MinerAvailability | BatteryAvailability | MeterAvailability


@dataclass(frozen=True, slots=True)
class DeviceView(Generic[Reading]):
    """One device: its last reading, and whether it is reached."""

    id: str
    reading: Reading | None
    availability: Availability | None

    @property
    def is_offline(self) -> bool:
        """Say whether the poller does not reach it."""
        return self.availability is not None and self.availability.state is AvailabilityState.OFFLINE

    def is_current(self, now: datetime) -> bool:
        """Say whether the last reading may be taken for what is."""
        return self.reading is not None and not self.is_offline and not self.reading.is_stale(now)


@dataclass(frozen=True, slots=True)
class MinerView(DeviceView[MinerTelemetry]):
    """One miner: also who it is and what it was told."""

    info: MinerInfo | None
    setpoint: PowerSetpoint | None

    @property
    def title(self) -> str:
        """Return make and model."""
        return title_of(self.info)

    def limit_w(self, now: datetime) -> float | None:
        """Return the power it is told to keep to: the setpoint while it holds, else what it reports itself."""
        if self.setpoint and self.setpoint.valid_until > now:
            return self.setpoint.power_w
        return self.reading.power_limit_w if self.reading else None


@dataclass(frozen=True, slots=True)
class Sum:
    """A sum, and whether every miner that counts gave its part."""

    value: float
    is_whole: bool


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums over the miners whose readings are current: `current` of `known`. A sum without any part is None."""

    hashrate_ths: Sum | None
    power_w: Sum | None
    efficiency_j_per_th: float | None
    current: int
    known: int


@dataclass
class Board:
    """The site as it was heard. What happened before `news_from` is state and no news any more."""

    news_from: datetime
    _latest: dict[type[Message], dict[str, Message]] = field(default_factory=dict)

    def hear(self, message: Message) -> Event | None:
        """Take a message in; returns what people should know of it, if anything."""
        kept = self._latest.setdefault(type(message), {})
        name = subject_of(message)
        before, kept[name] = kept.get(name), message
        event = news_of(message, before, self.of(MinerInfo, name), self.of(MinerTelemetry, name))
        return event if event and event.at >= self.news_from else None

    def of(self, kind: type[M], name: str) -> M | None:
        """Return the latest message of a kind about one device or service."""
        message = self._latest.get(kind, {}).get(name)
        return message if isinstance(message, kind) else None

    def all(self, kind: type[M]) -> list[M]:
        """Return the latest message of a kind about each that has one, by name."""
        return [one for _, one in sorted(self._latest.get(kind, {}).items()) if isinstance(one, kind)]

    def knows(self, name: str) -> bool:
        """Say whether a device of this name was heard of: it was read, or could not be."""
        kinds = (MinerTelemetry, BatteryTelemetry, MeterTelemetry, *get_args(Availability))
        return any(name in self._latest.get(kind, {}) for kind in kinds)

    def miners(self) -> list[MinerView]:
        """Return every miner that was heard of, by name."""
        return [
            MinerView(
                name,
                self.of(MinerTelemetry, name),
                self.of(MinerAvailability, name),
                self.of(MinerInfo, name),
                self.of(PowerSetpoint, name),
            )
            for name in self._names(MinerTelemetry, MinerAvailability, MinerInfo)
        ]

    def batteries(self) -> list[DeviceView[BatteryTelemetry]]:
        """Return every battery that was heard of, by name."""
        names = self._names(BatteryTelemetry, BatteryAvailability)
        return [DeviceView(name, self.of(BatteryTelemetry, name), self.of(BatteryAvailability, name)) for name in names]

    def meters(self) -> list[DeviceView[MeterTelemetry]]:
        """Return every meter that was heard of, by name."""
        names = self._names(MeterTelemetry, MeterAvailability)
        return [DeviceView(name, self.of(MeterTelemetry, name), self.of(MeterAvailability, name)) for name in names]

    def totals(self, now: datetime) -> Totals:
        """Add up the miners whose readings are current."""
        miners = self.miners()
        current = [one.reading for one in miners if one.reading and one.is_current(now)]
        measured = [(one.power_w, one.hashrate_ths) for one in current if one.power_w and one.hashrate_ths]
        return Totals(
            # A miner that sleeps hashes nothing, whether its firmware says so or not.
            hashrate_ths=_sum([0.0 if one.state is MinerState.SLEEPING else one.hashrate_ths for one in current]),
            power_w=_sum([one.power_w for one in current]),
            # Only over miners that say both: the power of some over the hashrate of all would flatter.
            efficiency_j_per_th=sum(w for w, _ in measured) / sum(ths for _, ths in measured) if measured else None,
            current=len(current),
            known=len(miners),
        )

    def _names(self, *kinds: type[Message]) -> list[str]:
        return sorted({name for kind in kinds for name in self._latest.get(kind, {})})


def _sum(parts: list[float | None]) -> Sum | None:
    known = [part for part in parts if part is not None]
    return Sum(sum(known), is_whole=len(known) == len(parts)) if known else None
