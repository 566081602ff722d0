"""`hashbus set` and `hashbus why`: ask for power, and read why a miner draws what it draws."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence
from datetime import datetime

from hashbus.bus import Subscription
from hashbus.clock import SYSTEM_CLOCK
from hashbus.messages import BidEffect, Decision, HeardBid, PowerRequest, Rank
from hashbus.mqtt_bus import MqttBus
from hashbus_supervisor.asking import EXIT_OK, EXIT_PROBLEM, PATIENCE_S, duration, parser, run

MARKS = {
    BidEffect.WON: "▶ won",
    BidEffect.NARROWED: "· narrowed",
    BidEffect.BLOCKED: "✗ blocked",
    BidEffect.LAPSED: "  lapsed",
    BidEffect.IDLE: "  idle",
}


def set_power(argv: Sequence[str]) -> int:
    """Ask for a miner's power: hashbus set attic 2000 --for 2h; `release` gives it back."""
    wanted = parser("set", set_power)
    wanted.add_argument("scope", metavar="MINER", help="a miner, a group, or `site`")
    wanted.add_argument("power", type=_watts, metavar="WATTS", help="watts, `off`, or `release`")
    wanted.add_argument(
        "--for", dest="lasts", type=duration, default="2h", metavar="2h", help="until it ends by itself"
    )
    kind = wanted.add_mutually_exclusive_group()
    kind.add_argument("--at-most", action="store_true", help="only a cap: less is fine")
    kind.add_argument("--at-least", action="store_true", help="only a floor: more is fine")
    wanted.add_argument("--why", default="set by hand", help="what to tell those who ask")
    return run(wanted, argv, _set)


def why(argv: Sequence[str]) -> int:
    """Say why a miner draws what it draws: who won, who was blocked, what waits."""
    wanted = parser("why", why)
    wanted.add_argument("miner", nargs="?", help="one miner; all of them without")
    return run(wanted, argv, _why)


async def _set(bus: MqttBus, arguments: argparse.Namespace) -> int:
    now = SYSTEM_CLOCK.now()
    request = _request(bus.site, arguments, now)
    async with bus.subscribe(Decision) as decisions:
        decisions.drain()
        bus.publish(request)
        await bus.flush()
        if arguments.power is None:
            print(f"{arguments.scope} is given back")
            return EXIT_OK
        print(f"asked until {request.until:%Y-%m-%d %H:%M} UTC")
        answer = await _answer_to(request, decisions)
    if answer is None:
        print("the controller has not answered yet; see `hashbus why`", file=sys.stderr)
        return EXIT_PROBLEM
    print("\n".join(sheet(answer)))
    return EXIT_OK


def _request(site: str, arguments: argparse.Namespace, now: datetime) -> PowerRequest:
    power_w = arguments.power
    until = now if power_w is None else now + arguments.lasts
    return PowerRequest(
        site=site,
        at=now,
        source="cli",
        scope=arguments.scope,
        name="override",
        rank=Rank.OVERRIDE,
        cap_w=None if arguments.at_least and power_w is not None else power_w or 0.0,
        floor_w=None if arguments.at_most or power_w is None else power_w,
        until=until,
        why=arguments.why,
    )


async def _answer_to(request: PowerRequest, decisions: Subscription[Decision]) -> Decision | None:
    """Wait for a decision that knows this request."""
    deadline_s = SYSTEM_CLOCK.monotonic() + PATIENCE_S
    while (left_s := deadline_s - SYSTEM_CLOCK.monotonic()) > 0:
        decision = await decisions.next(left_s)
        if decision and any(bid.until == request.until for bid in decision.bids):
            return decision
    return None


async def _why(bus: MqttBus, arguments: argparse.Namespace) -> int:
    levels = {"miner": arguments.miner} if arguments.miner else {}
    found: dict[str, Decision] = {}
    async with bus.subscribe(Decision, **levels) as decisions:
        while decision := await decisions.next(1.0):
            found[decision.miner] = decision
    if not found:
        who = f"about {arguments.miner!r}" if arguments.miner else "yet"
        print(
            f"the controller has decided nothing {who}; a miner nobody asks anything of is left alone", file=sys.stderr
        )
        return EXIT_PROBLEM
    print("\n\n".join("\n".join(sheet(found[miner])) for miner in sorted(found)))
    return EXIT_OK


def sheet(decision: Decision) -> list[str]:
    """Return a decision as lines for people."""
    before = f" (before: {decision.previous_w:g} W)" if decision.previous_w is not None else ""
    lines = [f"{decision.miner}: {decision.power_w:g} W{before} since {decision.at:%Y-%m-%d %H:%M:%S} UTC"]
    lines.append(f"  because {decision.reason}")
    if decision.held_back_by:
        lines.append(f"  waits: {decision.held_back_by}")
    return lines + [f"  {_bid_line(bid)}" for bid in decision.bids]


def _bid_line(bid: HeardBid) -> str:
    figures = (("at most", bid.cap_w), ("at least", bid.floor_w), ("wishes", bid.wish_w))
    asks = ", ".join(f"{word} {value_w:g} W" for word, value_w in figures if value_w is not None)
    blocked = f" by {bid.blocked_by}" if bid.blocked_by else ""
    return f"{MARKS[bid.effect]:<11} {bid.rank.value:<10} {bid.source}/{bid.name}: {asks}{blocked} ({bid.why})"


def _watts(text: str) -> float | None:
    if text == "release":
        return None
    if text == "off":
        return 0.0
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([kK]?)[wW]?", text)
    if match is None:
        raise argparse.ArgumentTypeError(f"{text!r} is not watts; write 2000, 2kW, off or release")
    return float(match[1]) * (1000 if match[2] else 1)
