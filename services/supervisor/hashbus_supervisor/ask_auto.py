"""`hashbus auto`: switch automatic control on or off, and read how it stands."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence

from hashbus.bus import Subscription
from hashbus.clock import SYSTEM_CLOCK
from hashbus.messages import ControlRequest, ControlState
from hashbus.mqtt_bus import MqttBus
from hashbus_supervisor.asking import EXIT_OK, EXIT_PROBLEM, PATIENCE_S, duration, parser, run


def auto(argv: Sequence[str]) -> int:
    """Switch automatic control by battery, heat and money: hashbus auto on; hashbus auto off --for 2h; or read it."""
    wanted = parser("auto", auto)
    wanted.add_argument("switch", nargs="?", choices=("on", "off"), help="without it: how it stands")
    wanted.add_argument("--for", dest="lasts", type=duration, metavar="2h", help="until it switches back by itself")
    wanted.add_argument("--why", default="switched by hand", help="what to tell those who ask")
    return run(wanted, argv, _auto)


async def _auto(bus: MqttBus, arguments: argparse.Namespace) -> int:
    async with bus.subscribe(ControlState) as states:
        if arguments.switch is None:
            return _shown(await _state(states, lambda _: True))
        now = SYSTEM_CLOCK.now()
        request = ControlRequest(
            site=bus.site,
            at=now,
            source="cli",
            is_enabled=arguments.switch == "on",
            until=now + arguments.lasts if arguments.lasts else None,
            why=arguments.why,
        )
        bus.publish(request)
        await bus.flush()
        return _shown(await _state(states, lambda state: state.enabled_since == request.at))


async def _state(states: Subscription[ControlState], is_it: Callable[[ControlState], bool]) -> ControlState | None:
    deadline_s = SYSTEM_CLOCK.monotonic() + PATIENCE_S
    while (left_s := deadline_s - SYSTEM_CLOCK.monotonic()) > 0:
        state = await states.next(left_s)
        if state is not None and is_it(state):
            return state
    return None


def _shown(state: ControlState | None) -> int:
    if state is None:
        print("the controller does not answer; is it running?", file=sys.stderr)
        return EXIT_PROBLEM
    print(line(state))
    return EXIT_OK


def line(state: ControlState) -> str:
    """Return how automatic control stands, in one line for people."""
    since = f" since {state.enabled_since:%Y-%m-%d %H:%M} UTC" if state.enabled_since else ""
    by = f" by {state.enabled_by}" if state.enabled_by else ""
    until = f", until {state.enabled_until:%Y-%m-%d %H:%M} UTC" if state.enabled_until else ""
    why = f" ({state.enabled_why})" if state.enabled_why else ""
    return f"automatic control is {'on' if state.is_enabled else 'off'}{since}{by}{until}{why}"
