"""`hashbus heat`: how warm the zones are and what they do, and another profile or temperature for a while."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from datetime import datetime

from hashbus.bus import Subscription
from hashbus.clock import SYSTEM_CLOCK
from hashbus.messages import HeatState, Message, Profile, ProfileRequest, ZoneRequest, ZoneState
from hashbus.mqtt_bus import MqttBus
from hashbus_supervisor.asking import EXIT_OK, EXIT_PROBLEM, PATIENCE_S, duration, parser, run

SOURCE = "cli"
SCHEDULE = "schedule"
PROFILES = tuple(profile.value for profile in Profile)


def heat(argv: Sequence[str]) -> int:
    """Heat otherwise for a while: hashbus heat away --for 3d; hashbus heat living 22 --for 3h; or see how it is."""
    wanted = parser("heat", heat)
    wanted.add_argument(
        "words", nargs="*", metavar="[ZONE] WHAT", help=f"{', '.join(PROFILES)}, a number of °C, {SCHEDULE}"
    )
    wanted.add_argument("--for", dest="lasts", type=duration, metavar="3h", help="until it goes back to the schedule")
    return run(wanted, argv, _heat)


async def _heat(bus: MqttBus, arguments: argparse.Namespace) -> int:
    async with bus.subscribe(ZoneState, HeatState) as states:
        house, zones = await _known(states)
        if house is None:
            return _problem("nothing is heated here: controller.heat is not set, or the controller is not running")
        if not arguments.words:
            print("\n".join(sheet(zones)))
            return EXIT_OK
        *places, what = arguments.words
        if len(places) > 1:
            return _problem(f"one zone at a time, not {', '.join(places)}")
        zone = places[0] if places else None
        if zone is not None and zone not in zones:
            return _problem(f"no zone {zone!r}; there are {', '.join(sorted(zones))}")
        request = _request(bus.site, zone, what, arguments, SYSTEM_CLOCK.now())
        if isinstance(request, str):
            return _problem(request)
        bus.publish(request)
        await bus.flush()
        return await _answered(states, request)


def _request(
    site: str, zone: str | None, what: str, arguments: argparse.Namespace, now: datetime
) -> ProfileRequest | ZoneRequest | str:
    """Return what is asked, or in words what is wrong with it."""
    until = now + arguments.lasts if arguments.lasts else None
    is_cancelled = what == SCHEDULE
    target_c = _celsius(what)
    if what not in (*PROFILES, SCHEDULE) and target_c is None:
        return f"{what!r} is neither a temperature of 0 to 95 °C nor one of {', '.join((*PROFILES, SCHEDULE))}"
    profile = Profile(what) if what in PROFILES else Profile.MANUAL
    if zone is not None:
        return ZoneRequest(
            site=site,
            at=now,
            zone=zone,
            source=SOURCE,
            profile=profile,
            target_c=target_c,
            until=until,
            is_cancelled=is_cancelled,
        )
    if target_c is not None:
        return f"a temperature is for one zone: hashbus heat ZONE {what}"
    return ProfileRequest(site=site, at=now, source=SOURCE, profile=profile, until=until, is_cancelled=is_cancelled)


def _celsius(what: str) -> float | None:
    try:
        value_c = float(what.removesuffix("°C").removesuffix("C"))
    except ValueError:
        return None
    return value_c if 0 <= value_c <= 95 else None


async def _known(states: Subscription[Message]) -> tuple[HeatState | None, dict[str, ZoneState]]:
    """Return what the broker remembers of the house and its zones."""
    house, zones = None, dict[str, ZoneState]()
    while (state := await states.next(1.0)) is not None:
        if isinstance(state, HeatState):
            house = state
        elif isinstance(state, ZoneState):
            zones[state.zone] = state
        if house is not None and len(zones) >= house.zones:
            break
    return house, zones


async def _answered(states: Subscription[Message], request: ProfileRequest | ZoneRequest) -> int:
    """Wait until a zone that is meant says what came of it."""
    follows = _follows(request)
    deadline_s = SYSTEM_CLOCK.monotonic() + PATIENCE_S
    while (left_s := deadline_s - SYSTEM_CLOCK.monotonic()) > 0:
        state = await states.next(left_s)
        if isinstance(state, ZoneState) and follows(state):
            print(line(state))
            return EXIT_OK
    return _problem("the controller does not answer; is it running?")


def _follows(request: ProfileRequest | ZoneRequest) -> Callable[[ZoneState], bool]:
    def follows(state: ZoneState) -> bool:
        is_meant = request.zone in (None, state.zone) and state.at >= request.at
        return is_meant and (request.is_cancelled or state.profile is request.profile)

    return follows


def sheet(zones: dict[str, ZoneState]) -> list[str]:
    """Return the zones for people, one line each."""
    return [line(zones[name]) for name in sorted(zones)] or ["no zone is heated"]


def line(zone: ZoneState) -> str:
    """Return how one zone stands."""
    until = f" until {zone.profile_until:%Y-%m-%d %H:%M} UTC" if zone.profile_until else ""
    given = "" if zone.delivered_w is None else f"; {zone.delivered_w:,.0f} W given"
    limit = f"; {zone.limited_by}" if zone.limited_by and zone.limited_by not in zone.reason else ""
    return f"{zone.zone}: {zone.reason}{given}{limit}\n  {zone.profile} by {zone.profile_by}{until}"


def _problem(text: str) -> int:
    print(text, file=sys.stderr)
    return EXIT_PROBLEM
