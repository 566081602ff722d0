"""`hashbus curtail`: ask the site to give up power, take it back, and see how far the plan is."""

from __future__ import annotations

import argparse
import re
import sys
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from importlib.metadata import entry_points
from typing import NamedTuple

from hashbus.bus import Subscription
from hashbus.clock import SYSTEM_CLOCK
from hashbus.messages import (
    CurtailmentOffer,
    CurtailmentPlan,
    CurtailmentQuestion,
    CurtailmentRequest,
    PlanProgress,
)
from hashbus.mqtt_bus import MqttBus
from hashbus_supervisor.asking import EXIT_OK, EXIT_PROBLEM, PATIENCE_S, duration, parser, run

SOURCE = "cli"
SCALES = {"": 1, "k": 1e3, "K": 1e3, "M": 1e6}
STOP = "stop"
STRATEGIES = ("performance_priority", "revenue", "fewest_restarts")
NOW = timedelta(0)


GROUP = "hashbus.curtail"
"""The curtailer contributes what is done with plans of the past: plans, log, settle, verify."""


def curtail(argv: Sequence[str]) -> int:
    """Give up power for a while: hashbus curtail 5MW --for 4h; `stop` ends it; without anything: how far it is."""
    point = next(iter(entry_points(group=GROUP, name=argv[0])), None) if argv else None
    if point is not None:
        return int(point.load()(argv[1:]))
    wanted = parser("curtail", curtail)
    wanted.epilog = "of the past: hashbus curtail plans | log PLAN | settle PLAN | verify FILE"
    wanted.add_argument("watts", nargs="?", type=_watts, metavar="WATTS", help="5000, 5kW, 5MW, or `stop`")
    wanted.add_argument("--to", type=_share, metavar="40%|2MW", help="down to this much of what the miners draw")
    wanted.add_argument("--for", dest="lasts", type=duration, default="4h", metavar="4h", help="until it lapses")
    wanted.add_argument("--in", dest="wait", type=duration, default=NOW, metavar="10m", help="begin later")
    wanted.add_argument("--ramp", type=duration, default=NOW, metavar="5m", help="go down in groups over this time")
    wanted.add_argument("--strategy", default=STRATEGIES[0], choices=STRATEGIES, help="what it should cost least of")
    wanted.add_argument("--group", action="append", default=[], help="only miners of this group; may be repeated")
    wanted.add_argument("--what-if", action="store_true", help="say what it would be; nothing happens")
    wanted.add_argument("--why", default="curtailed by hand", help="what to tell those who ask")
    return run(wanted, argv, _curtail)


async def _curtail(bus: MqttBus, arguments: argparse.Namespace) -> int:
    if arguments.watts is None and arguments.to is None:
        return await _show(bus)
    if arguments.watts == STOP:
        return await _stop(bus)
    request = _request(bus.site, arguments, SYSTEM_CLOCK.now())
    if arguments.what_if:
        return await _what_if(bus, request)
    return await _asked(bus, request, f"asked until {request.ends_at:%Y-%m-%d %H:%M} UTC")


def _request(site: str, arguments: argparse.Namespace, now: datetime) -> CurtailmentRequest:
    starts_at = now + arguments.wait
    return CurtailmentRequest(
        site=site,
        at=now,
        source=SOURCE,
        id=f"r{int(now.timestamp())}",
        target_w=arguments.watts,
        level_pct=arguments.to.level_pct if arguments.watts is None else None,
        limit_w=arguments.to.limit_w if arguments.watts is None else None,
        starts_at=starts_at,
        ends_at=starts_at + arguments.lasts,
        strategy=arguments.strategy,
        ramp_s=arguments.ramp.total_seconds(),
        groups=tuple(arguments.group),
        why=arguments.why,
    )


async def _what_if(bus: MqttBus, request: CurtailmentRequest) -> int:
    """Ask what the request would come to."""
    shared = request.model_dump(exclude={"ramp_s", "is_cancelled", "why"})
    async with bus.subscribe(CurtailmentOffer, asker=SOURCE) as offers:
        await offers.next(0.2)
        bus.publish(CurtailmentQuestion.model_validate(shared))
        offer = await offers.next(PATIENCE_S)
    if offer is None or offer.id != request.id:
        print("the curtailer has not answered; does it run?", file=sys.stderr)
        return EXIT_PROBLEM
    costs = "" if offer.costs_usd is None else f", costs {offer.costs_usd:,.2f} USD"
    print(f"asked {_kw(offer.target_w)}: {offer.why}{costs}")
    reasons = Counter(one.reason for one in offer.skipped).most_common()
    print("".join(f"  takes no part: {count} × {reason}\n" for reason, count in reasons), end="")
    return EXIT_OK


async def _stop(bus: MqttBus) -> int:
    async with bus.subscribe(CurtailmentRequest, source=SOURCE) as requests:
        request = await requests.next(1.0)
    if request is None or request.is_cancelled or request.ends_at <= SYSTEM_CLOCK.now():
        print("nothing is curtailed by hand", file=sys.stderr)
        return EXIT_PROBLEM
    cancelled = request.model_copy(update={"is_cancelled": True, "at": SYSTEM_CLOCK.now()})
    return await _asked(bus, cancelled, "the miners come back, group after group")


async def _asked(bus: MqttBus, request: CurtailmentRequest, text: str) -> int:
    async with bus.subscribe(CurtailmentPlan) as plans:
        while await plans.next(0.5):
            pass  # what was planned before
        bus.publish(request)
        await bus.flush()
        print(text)
        plan = await _answer_to(request, plans)
    if plan is None:
        print("the curtailer has not answered yet; see `hashbus curtail`", file=sys.stderr)
        return EXIT_PROBLEM
    print("\n".join(sheet(plan, None)))
    return EXIT_OK


async def _answer_to(request: CurtailmentRequest, plans: Subscription[CurtailmentPlan]) -> CurtailmentPlan | None:
    """Wait for a plan of this request; a stronger request is answered first."""
    deadline_s = SYSTEM_CLOCK.monotonic() + PATIENCE_S
    while (left_s := deadline_s - SYSTEM_CLOCK.monotonic()) > 0:
        plan = await plans.next(left_s)
        if plan and plan.plan == f"{SOURCE}-{request.id}":
            return plan
    return None


async def _show(bus: MqttBus) -> int:
    async with bus.subscribe(CurtailmentPlan) as plans:
        plan = await plans.next(1.0)
    if plan is None:
        print("nothing has been curtailed yet", file=sys.stderr)
        return EXIT_PROBLEM
    async with bus.subscribe(PlanProgress, plan=plan.plan) as progresses:
        progress = await progresses.next(1.0)
    print("\n".join(sheet(plan, progress)))
    return EXIT_OK


def sheet(plan: CurtailmentPlan, progress: PlanProgress | None) -> list[str]:
    """Return a plan, and how far it is, as lines for people."""
    lost_phs = sum(part.loses_ths or 0.0 for part in plan.miners) / 1000
    gives = f"{_kw(plan.planned_w)} from {len(plan.miners)} miners, {lost_phs:,.3f} PH/s lost"
    lines = [
        f"{plan.plan}: {plan.state.value}, {plan.starts_at:%Y-%m-%d %H:%M} to {plan.ends_at:%Y-%m-%d %H:%M} UTC",
        f"  because {plan.why}",
        f"  asked {_kw(plan.target_w)}, planned {gives}",
    ]
    if plan.costs_usd is not None:
        lines.append(f"  costs {plan.costs_usd:,.2f} USD: what is not earned, less the power that is not paid for")
    if plan.missing_w:
        lines.append(f"  missing {_kw(plan.missing_w)}")
    if progress is None:
        return lines
    lines.append(
        f"  delivered {_kw(progress.delivered_w)}: {progress.confirmed} miners confirmed, {progress.waiting} awaited,"
        f" {progress.failed} failed"
    )
    if progress.metered_w is not None:
        lines.append(f"  the meter shows {_kw(progress.metered_w)} less")
    reasons = Counter(one.reason for one in progress.skipped).most_common()
    return lines + [f"  takes no part: {count} × {reason}" for reason, count in reasons]


def _kw(power_w: float) -> str:
    return f"{power_w / 1000:,.2f} kW"


def _watts(text: str) -> float | str:
    if text == STOP:
        return STOP
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([kKM]?)[wW]?", text)
    if match is None:
        raise argparse.ArgumentTypeError(f"{text!r} is not watts; write 5000, 5kW, 5MW or stop")
    return float(match[1]) * SCALES[match[2]]


class Share(NamedTuple):
    """How much may still be drawn: per cent of what is drawn now, or watts."""

    level_pct: float | None
    limit_w: float | None


def _share(text: str) -> Share:
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*%?", text)
    if match is not None and float(match[1]) <= 100:
        return Share(float(match[1]), None)
    watts = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([kKM]?)[wW]", text)
    if watts is None:
        raise argparse.ArgumentTypeError(f"{text!r} is not a share; write 40, 40%, 500kW or 2MW")
    return Share(None, float(watts[1]) * SCALES[watts[2]])
