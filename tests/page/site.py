"""A small site for the page: something of everything it can show."""

from datetime import timedelta
from typing import Any

from hashbus.messages import (
    Alert,
    AvailabilityState,
    BitcoinPrice,
    BoardTelemetry,
    ControlState,
    CurtailmentPlan,
    Hashprice,
    HeatingCurve,
    HeatState,
    Indicators,
    MinerError,
    MinerState,
    NetworkState,
    PlanProgress,
    PlanState,
    PowerPrice,
    Profile,
    ServiceStatus,
    Settlement,
    Severity,
    SwitchPoint,
    Weekday,
    ZoneActivity,
    ZoneControl,
    ZoneState,
)
from hashbus.messages.market import PriceWindow, SourcePrice
from hashbus.messages.plan import PlannedMiner, SkippedMiner
from tests.web.world import World

MINERS = ("attic", "cellar", "desk", "garage")


async def a_small_site(world: World) -> None:
    """Let every service say what it would on a good day."""
    head: dict[str, Any] = {"site": world.site, "at": world.now()}
    await _miners(world)
    await world.say("poller", world.battery("house"))
    await world.say("controller", *_heat(head), ControlState(**head, is_enabled=True, enabled_by="anna"))
    await world.say("market", *_market(head))
    await world.say("curtailer", *_curtailment(head))
    since = world.now() - timedelta(minutes=12)
    await world.say(
        "notifier",
        Alert(**head, key="hot", severity=Severity.WARNING, title="cellar is hot", text="88 °C", since=since),
        Alert(**head, key="gone", severity=Severity.CRITICAL, title="garage is not reached", since=since),
    )
    for service in ("poller", "controller", "recorder"):
        status = ServiceStatus(
            **head, service=service, state=AvailabilityState.ONLINE, version="0.1.0", started_at=since
        )
        await world.say(service, status)


async def _miners(world: World) -> None:
    boards = tuple(
        BoardTelemetry(slot=slot, hashrate_ths=50, chip_max_c=74 + slot, board_c=60, chips_ok=126, chips_total=126)
        for slot in range(3)
    )
    for miner in MINERS:
        more: dict[str, Any] = {"chip_max_c": 76, "boards": boards, "fans_rpm": (5400, 5500), "uptime_s": 86_400}
        if miner == "garage":
            more |= {"state": MinerState.FAULT, "errors": (MinerError(code="111", text="fan 0 stands still"),)}
        info = world.info(miner, group="house", firmware="stock", has_levels=False)
        await world.say("poller", info, world.reached(miner), world.reading(miner, **more))


def _heat(head: dict[str, Any]) -> tuple[ZoneState | HeatState, ...]:
    week = tuple(Weekday)[:5]
    living = ZoneState(
        **head,
        zone="living",
        name="Living room",
        control=ZoneControl.ROOM,
        activity=ZoneActivity.HEATING,
        profile=Profile.COMFORT,
        profile_by="schedule",
        temperature_c=19.4,
        target_c=21,
        needed_w=2400,
        delivered_w=1800,
        delivered_today_wh=14_200,
        reason="19.4 °C, 1.6 below 21.0: 2,400 W wanted",
        miners=("attic",),
        schedule=(SwitchPoint(days=week, local_time="06:30", profile=Profile.COMFORT),),
    )
    floor = living.model_copy(
        update={
            "zone": "floor",
            "name": "Floor",
            "control": ZoneControl.SUPPLY,
            "curve": HeatingCurve(),
            "outdoor_c": 4.0,
            "limited_by": "curtailment until 18:00",
        }
    )
    house = HeatState(**head, zones=2, outdoor_c=4, needed_w=4800, delivered_w=3600, delivered_today_wh=28_000)
    return living, floor, house


def _market(head: dict[str, Any]) -> tuple[BitcoinPrice | NetworkState | Hashprice | PowerPrice | Indicators, ...]:
    now = head["at"].replace(minute=0, second=0, microsecond=0)
    windows = tuple(
        PriceWindow(
            starts_at=now + timedelta(hours=hour),
            ends_at=now + timedelta(hours=hour + 1),
            price_per_kwh=0.05 + 0.02 * (hour % 6),
        )
        for hour in range(24)
    )
    known = {"sources_used": 4, "sources_total": 4, "completeness_pct": 100, "taken_at": head["at"]}
    sources = (SourcePrice(name="binance", price_usd=92_476, is_used=True),)
    return (
        BitcoinPrice(**head, **known, price_usd=92_476.5, mean_usd=92_480, sources=sources),
        NetworkState(**head, **known, difficulty=152.27e12, hashrate_ehs=1090, subsidy_btc=3.125),
        Hashprice(
            **head,
            hashprice_usd_per_ph_day=38.6,
            price_usd=92_476.5,
            difficulty=152.27e12,
            completeness_pct=100,
            taken_at=head["at"],
        ),
        PowerPrice(**head, **known, currency="EUR", price_per_kwh=0.12, tariff="day ahead", windows=windows),
        Indicators(**head, rsi_pct=61, macd_usd=120, samples=96, completeness_pct=100, taken_at=head["at"]),
    )


def _curtailment(head: dict[str, Any]) -> tuple[CurtailmentPlan | PlanProgress | Settlement, ...]:
    now = head["at"]
    plan = CurtailmentPlan(
        **head,
        plan="p1",
        state=PlanState.EXECUTING,
        strategy="performance_priority",
        target_w=5000,
        planned_w=5400,
        starts_at=now,
        ends_at=now + timedelta(hours=4),
        miners=(PlannedMiner(miner="attic", cap_w=0, saves_w=3000), PlannedMiner(miner="desk", cap_w=0, saves_w=2400)),
        why="asked by the grid operator",
        source="bridge",
    )
    progress = PlanProgress(
        **head,
        plan="p1",
        state=PlanState.EXECUTING,
        target_w=5000,
        delivered_w=3100,
        confirmed=1,
        waiting=1,
        failed=0,
        skipped=(SkippedMiner(miner="garage", reason="stale"),),
    )
    settled = Settlement(
        **head,
        plan="p0",
        method="10-of-10",
        delivered_wh=19_800,
        promised_wh=20_000,
        score_pct=99,
        signature="c2lnbmVk",
    )
    return plan, progress, settled
