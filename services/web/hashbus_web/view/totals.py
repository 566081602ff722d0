"""The site in a few figures: what all miners do together, and where the energy goes. Pure.

Only fresh readings count; a total says of how many of the miners it is made.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TypeVar

from hashbus.messages import (
    AvailabilityState,
    BatteryTelemetry,
    HeatState,
    Message,
    MeterTelemetry,
    MinerAvailability,
    MinerInfo,
    MinerState,
    MinerTelemetry,
    Moment,
    PowerSetpoint,
)
from hashbus_web.people.rights import Sight
from hashbus_web.view.rows import Row
from hashbus_web.view.site_view import SiteView

MessageT = TypeVar("MessageT", bound=Message)


class Totals(Row):
    """All miners together."""

    miners: int = 0
    online: int = 0
    mining: int = 0
    sleeping: int = 0
    faults: int = 0
    stale: int = 0
    power_w: float = 0
    hashrate_ths: float = 0
    efficiency_j_per_th: float | None = None
    setpoint_w: float = 0
    max_power_w: float = 0
    complete_pct: float | None = None


class Energy(Row):
    """Where the energy comes from and where it goes; null where nothing fresh tells."""

    at: Moment | None = None
    pv_w: float | None = None
    battery_w: float | None = None
    soc_pct: float | None = None
    load_w: float | None = None
    grid_w: float | None = None
    miners_w: float | None = None
    house_w: float | None = None
    heat_w: float | None = None


def totals(view: SiteView, now: datetime, sight: Sight | None = None) -> Totals:
    """Add up the miners that somebody may see; all of them when nobody is named."""
    miners = [
        miner
        for miner in view.miners()
        if sight is None or sight.is_whole or sight.sees("miner", miner, view.group_of(miner))
    ]
    readings, reached = view.all(MinerTelemetry), view.all(MinerAvailability)
    infos, setpoints = view.all(MinerInfo), view.all(PowerSetpoint)
    fresh = [reading for miner in miners if (reading := readings.get(miner)) and not reading.is_stale(now)]
    power_w = sum(one.power_w or 0.0 for one in fresh)
    hashrate_ths = sum(one.hashrate_ths or 0.0 for one in fresh)
    # A firmware that sleeps and is silent about its power is not unknown: it draws next to nothing.
    known = sum(one.power_w is not None or one.state is MinerState.SLEEPING for one in fresh)
    both = [one for one in fresh if one.power_w and one.hashrate_ths]
    mined_ths = sum(one.hashrate_ths or 0.0 for one in both)
    held = [setpoints[miner] for miner in miners if miner in setpoints]
    return Totals(
        miners=len(miners),
        online=sum(miner in reached and reached[miner].state is AvailabilityState.ONLINE for miner in miners),
        mining=sum(one.state in (MinerState.MINING, MinerState.TUNING) for one in fresh),
        sleeping=sum(one.state is MinerState.SLEEPING for one in fresh),
        faults=sum(one.state is MinerState.FAULT for one in fresh),
        stale=len(miners) - len(fresh),
        power_w=power_w,
        hashrate_ths=hashrate_ths,
        efficiency_j_per_th=sum(one.power_w or 0.0 for one in both) / mined_ths if mined_ths else None,
        setpoint_w=sum(one.power_w for one in held if one.valid_until > now),
        max_power_w=sum(
            (info.max_power_w or info.rated_power_w or 0.0) for miner in miners if (info := infos.get(miner))
        ),
        complete_pct=100 * known / len(miners) if miners else None,
    )


def energy(view: SiteView, miners_w: float | None, now: datetime) -> Energy:
    """Return the flow of energy: batteries added up, the grid from the inverter or else from the meters."""
    batteries = _fresh(view.all(BatteryTelemetry).values(), now)
    meters = _fresh(view.all(MeterTelemetry).values(), now)
    heat = view.one(HeatState)
    load_w = _sum(one.load_w for one in batteries)
    grid_w = _sum(one.grid_w for one in batteries)
    socs = [one.soc_pct for one in batteries]
    return Energy(
        at=max((one.at for one in (*batteries, *meters)), default=None),
        pv_w=_sum(one.pv_w for one in batteries),
        battery_w=_sum(one.battery_w for one in batteries),
        soc_pct=sum(socs) / len(socs) if socs else None,
        load_w=load_w,
        grid_w=grid_w if grid_w is not None else _sum(one.power_w for one in meters),
        miners_w=miners_w,
        house_w=max(0.0, load_w - (miners_w or 0.0)) if load_w is not None else None,
        heat_w=heat.delivered_w if heat is not None and not heat.is_stale(now) else None,
    )


def _fresh(messages: Iterable[MessageT], now: datetime) -> list[MessageT]:
    return [one for one in messages if not one.is_stale(now)]


def _sum(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None
