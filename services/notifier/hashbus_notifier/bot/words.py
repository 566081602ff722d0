"""What people write to the bot, understood; and what it answers. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from hashbus.messages import (
    Alert,
    BatteryTelemetry,
    Command,
    Decision,
    DeviceOrder,
    Message,
    MinerAvailability,
    MinerTelemetry,
    PowerRequest,
    Profile,
    ProfileRequest,
    Rank,
    ZoneState,
)
from hashbus.messages.miner import AvailabilityState

SOURCE = "notifier"
LONGEST_HOURS = 24 * 7
SHOWN = 30
ORDER_TTL = timedelta(minutes=2)

HELP = """\
/status – the site in a few lines
/miners – each miner
/why MINER – why it runs at its power
/alerts – what is wrong now
/set MINER WATTS [HOURS] – hold it at that power (2 hours unless you say more)
/release MINER – back to automatic
/profile comfort|eco|away|manual|antifreeze – for the house
/reboot MINER, /restart MINER – after one more question"""


class NotUnderstood(ValueError):
    """What was written makes no sense; the message says what would."""


@dataclass
class Site:
    """The newest of everything that the bot speaks about."""

    site: str
    miners: dict[str, MinerTelemetry]
    away: dict[str, MinerAvailability]
    batteries: dict[str, BatteryTelemetry]
    decisions: dict[str, Decision]
    zones: dict[str, ZoneState]
    alerts: dict[str, Alert]

    @classmethod
    def empty(cls, site: str) -> Site:
        """Return one that has heard nothing yet."""
        return cls(site, {}, {}, {}, {}, {}, {})

    def hear(self, message: Message) -> None:
        """Take in a message."""
        if isinstance(message, MinerTelemetry):
            self.miners[message.miner] = message
        elif isinstance(message, MinerAvailability):
            self.away[message.miner] = message
        elif isinstance(message, BatteryTelemetry):
            self.batteries[message.battery] = message
        elif isinstance(message, Decision):
            self.decisions[message.miner] = message
        elif isinstance(message, ZoneState):
            self.zones[message.zone] = message
        elif isinstance(message, Alert):
            self.alerts[message.key] = message
            if message.cleared_at is not None:
                del self.alerts[message.key]


HEARS = (MinerTelemetry, MinerAvailability, BatteryTelemetry, Decision, ZoneState, Alert)


def status(site: Site, now: datetime) -> str:
    """Return the site in a few lines; what is old is not counted."""
    fresh = [one for one in site.miners.values() if not one.is_stale(now)]
    power_w = sum(one.power_w or 0 for one in fresh)
    hashrate_ths = sum(one.hashrate_ths or 0 for one in fresh)
    lines = [
        f"{site.site}: {len(fresh)} of {len(site.miners)} miners heard, {hashrate_ths:,.1f} TH/s at {_watts(power_w)}"
    ]
    for name, battery in sorted(site.batteries.items()):
        if battery.is_stale(now):
            lines.append(f"{name}: not heard for {_age(battery.age_s(now))}")
            continue
        flow = battery.battery_w or 0
        way = "charging" if flow > 0 else "discharging" if flow < 0 else "idle"
        sun = "" if battery.pv_w is None else f", sun {_watts(battery.pv_w)}"
        lines.append(f"{name}: {battery.soc_pct:.0f} %, {way} {_watts(abs(flow))}{sun}")
    lines += [
        f"{zone.name or zone.zone}: {zone.temperature_c:.1f} °C, shall be {zone.target_c or 0:.1f}"
        for zone in site.zones.values()
        if zone.temperature_c is not None
    ]
    lines.append(f"{len(site.alerts)} open alerts: /alerts" if site.alerts else "nothing is wrong")
    return "\n".join(lines)


def miners(site: Site, now: datetime) -> str:
    """Return one line for each miner."""
    lines = []
    for name, one in sorted(site.miners.items())[:SHOWN]:
        away = site.away.get(name)
        if away is not None and away.state is AvailabilityState.OFFLINE:
            lines.append(f"{name}: offline, {away.reason or 'no reason given'}")
        elif one.is_stale(now):
            lines.append(f"{name}: not heard for {_age(one.age_s(now))}")
        else:
            heat = "" if one.chip_max_c is None else f", {one.chip_max_c:.0f} °C"
            lines.append(
                f"{name}: {one.state.value}, {one.hashrate_ths or 0:,.1f} TH/s at {_watts(one.power_w or 0)}{heat}"
            )
    rest = len(site.miners) - SHOWN
    return "\n".join([*lines, *([f"and {rest} more"] if rest > 0 else [])]) or "no miner is known yet"


def why(site: Site, words: list[str]) -> str:
    """Return why a miner runs at its power."""
    name = known_miner(site, words)
    decision = site.decisions.get(name)
    if decision is None:
        return f"{name}: nobody asks anything of it; it runs as it was set"
    held = f"\n{decision.held_back_by}" if decision.held_back_by else ""
    blocked = "".join(
        f"\n· {bid.rank.value}: {bid.why} (blocked by {bid.blocked_by})" for bid in decision.bids if bid.blocked_by
    )
    return f"{name}: {_watts(decision.power_w)} because {decision.reason}{held}{blocked}"


def known_miner(site: Site, words: list[str]) -> str:
    """Return the miner that is named; with a single miner on the site nobody needs to name it."""
    if words and words[0] in site.miners:
        return words[0]
    if not words and len(site.miners) == 1:
        return next(iter(site.miners))
    names = ", ".join(sorted(site.miners)[:SHOWN]) or "none yet"
    raise NotUnderstood(f"which miner? I know {names}")


def set_power(site: Site, words: list[str], who: str, now: datetime) -> PowerRequest:
    """Return the request to hold a miner at a power for some hours."""
    name = known_miner(site, words[:1])
    try:
        power_w = float(words[1].rstrip("wW"))
        hours = float(words[2].rstrip("hH")) if len(words) > 2 else 2.0
    except (IndexError, ValueError):
        raise NotUnderstood("write it like this: /set attic 2000 4 (watts, hours)") from None
    if not 0 <= power_w <= 1e6 or not 0 < hours <= LONGEST_HOURS:
        raise NotUnderstood(f"watts are 0 or more, hours at most {LONGEST_HOURS}")
    return _override(site, name, power_w, now + timedelta(hours=hours), f"{who} in the chat", now)


def release(site: Site, words: list[str], who: str, now: datetime) -> PowerRequest:
    """Return the request that ends an override: it lapses at once."""
    return _override(site, known_miner(site, words), 0.0, now, f"{who} gave it back", now)


def _override(site: Site, miner: str, power_w: float, until: datetime, reason: str, now: datetime) -> PowerRequest:
    is_end = until <= now
    return PowerRequest(
        site=site.site,
        at=now,
        source=SOURCE,
        scope=miner,
        name="override",
        rank=Rank.OVERRIDE,
        cap_w=power_w,
        floor_w=None if is_end else power_w,
        until=until,
        why=reason,
    )


def profile(site: Site, words: list[str], now: datetime) -> ProfileRequest:
    """Return the choice of a profile for the house."""
    try:
        return ProfileRequest(site=site.site, at=now, source=SOURCE, profile=Profile(words[0].lower()))
    except (IndexError, ValueError):
        raise NotUnderstood(f"which profile? {', '.join(one.value for one in Profile)}") from None


def order(site: Site, command: Command, miner: str, number: str, now: datetime) -> DeviceOrder:
    """Return an order that is carried out soon or not at all."""
    return DeviceOrder(
        site=site.site, at=now, miner=miner, source=SOURCE, id=number, command=command, expires_at=now + ORDER_TTL
    )


def _watts(power_w: float) -> str:
    return f"{power_w / 1000:,.2f} kW" if power_w >= 1000 else f"{power_w:.0f} W"


def _age(seconds: float) -> str:
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.0f} h"


def without_name(text: str) -> list[str]:
    """Return the words after a command, `/set@our_bot attic 2000` as `/set attic 2000`."""
    return re.sub(r"^/\S+\s*", "", text).split()
