"""The newest message of every kind and device: all that the page and the API show of now. Pure, in memory."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import TypeVar, cast

from hashbus.messages import (
    Alert,
    AlertAck,
    BatteryAvailability,
    BatteryTelemetry,
    BitcoinPrice,
    ControlState,
    CurrencyRates,
    CurtailmentPlan,
    CurtailmentRequest,
    Decision,
    EquipmentInfo,
    Hashprice,
    HeatProgram,
    HeatState,
    Indicators,
    Message,
    MeterAvailability,
    MeterTelemetry,
    MinerAvailability,
    MinerEconomics,
    MinerInfo,
    MinerTelemetry,
    NetworkState,
    PlanProgress,
    PowerPrice,
    PowerRequest,
    PowerSetpoint,
    ProfileRequest,
    ScanResult,
    SensorAvailability,
    SensorTelemetry,
    ServiceStatus,
    SetpointResult,
    Settlement,
    SiteEconomics,
    ZoneRequest,
    ZoneState,
)

M = TypeVar("M", bound=Message)

HEARS: tuple[type[Message], ...] = (
    ServiceStatus,
    MinerInfo,
    MinerTelemetry,
    MinerAvailability,
    PowerSetpoint,
    SetpointResult,
    Decision,
    MinerEconomics,
    BatteryTelemetry,
    BatteryAvailability,
    MeterTelemetry,
    MeterAvailability,
    SensorTelemetry,
    SensorAvailability,
    EquipmentInfo,
    PowerRequest,
    ProfileRequest,
    HeatProgram,
    ZoneRequest,
    ZoneState,
    HeatState,
    CurtailmentRequest,
    CurtailmentPlan,
    PlanProgress,
    Settlement,
    BitcoinPrice,
    NetworkState,
    PowerPrice,
    Hashprice,
    Indicators,
    CurrencyRates,
    SiteEconomics,
    Alert,
    AlertAck,
    ScanResult,
    ControlState,
)
"""Everything retained that a person may want to see."""

SETTLEMENTS_KEPT = 200
PLANS_KEPT = (PlanProgress, Settlement)


READINGS = (MinerTelemetry, BatteryTelemetry, MeterTelemetry, SensorTelemetry)
CLOCKS_APART = timedelta(seconds=10)


def key_of(message: Message) -> str:
    """Return which one of its kind a message is about: its topic's levels below the site."""
    levels = message.levels()
    return "/".join(levels[name] for name in message.topic.levels if name != "site") or "site"


class SiteView:
    """What is known of the site now."""

    def __init__(self, site: str) -> None:
        """Know nothing yet."""
        self.site = site
        self.heard_at: datetime | None = None
        self._latest: dict[type[Message], dict[str, Message]] = {kind: {} for kind in HEARS}

    def hear(self, message: Message, now: datetime) -> Message | None:
        """Take in a message; returns the one it takes the place of.

        The broker hands out what it collected while this service was away after what it retains: a reading that is
        older than the one we have changes nothing, unless that one is from a future that a wrong clock made.
        """
        self.heard_at = now
        kept, key = self._latest[type(message)], key_of(message)
        before = kept.get(key)
        if isinstance(message, READINGS) and before is not None and message.at < before.at <= now + CLOCKS_APART:
            return before
        kept[key] = message
        if isinstance(message, PLANS_KEPT) and len(kept) > SETTLEMENTS_KEPT:
            del kept[min(kept, key=lambda one: kept[one].at)]
        return before

    def forget(self, kind: type[M], key: str) -> M | None:
        """Know no more of `key`; returns what was known."""
        return cast("M | None", self._latest[kind].pop(key, None))

    def one(self, kind: type[M], key: str = "site") -> M | None:
        """Return the newest message about `key`."""
        return cast("M | None", self._latest[kind].get(key))

    def all(self, kind: type[M]) -> Mapping[str, M]:
        """Return the newest message about each."""
        return cast("Mapping[str, M]", self._latest[kind])

    def miners(self) -> Iterable[str]:
        """Return the ids of all miners that are known in any way, in order."""
        return sorted(
            self._latest[MinerInfo].keys()
            | self._latest[MinerTelemetry].keys()
            | self._latest[MinerAvailability].keys()
        )

    def batteries(self) -> Iterable[str]:
        """Return the ids of all batteries."""
        return sorted({*self._latest[BatteryTelemetry], *self._latest[BatteryAvailability]})

    def group_of(self, miner: str) -> str | None:
        """Return the group of a miner."""
        info = self.one(MinerInfo, miner)
        return info.group if info else None

    def requests_for(self, miner: str, now: datetime) -> list[PowerRequest]:
        """Return the wishes about a miner that still hold: its own, its group's, the site's."""
        scopes = {miner, self.group_of(miner), "site"}
        found = (one for one in self.all(PowerRequest).values() if one.scope in scopes and one.until > now)
        return sorted(found, key=lambda one: (one.scope != miner, one.at))
