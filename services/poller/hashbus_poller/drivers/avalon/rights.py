"""What an Avalon lets this computer do: asked for in forms that change nothing (PROTOCOLS.md 3.3, 3.7)."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from hashbus_poller.drivers.avalon import commands
from hashbus_poller.drivers.avalon.identity import Offers, options_of
from hashbus_poller.drivers.avalon.mm import Machine, Shape
from hashbus_poller.drivers.avalon.wire import Api
from hashbus_poller.drivers.cgminer.answer import Answer
from hashbus_poller.drivers.cgminer.commands import Question
from hashbus_poller.drivers.contract import DeviceError, Garbled, Unreachable

QUERIES: Mapping[str, Question] = MappingProxyType({"led": commands.LED_STATE, "workmode": commands.WORKMODE_STATE})
"""Options that old firmware does not list, and how they are asked for their state."""


async def offered(api: Api, shown: Machine | None, *, has_password: bool) -> Offers:
    """Ask what `ascset` has; what its help does not list is asked for by itself."""
    if shown is None:
        return Offers()
    is_home = shown.shape is Shape.SUMMARY
    listed = await _asked(api, commands.HELP)
    options = options_of(listed) if listed else frozenset()
    if not is_home:
        options |= {name for name, query in QUERIES.items() if name not in options and await _asked(api, query)}
    cuts_power = not is_home and await _asked(api, commands.HASHPOWER) is not None
    return Offers(
        options=options,
        cuts_power=cuts_power,
        # The A10 manual and PROTOCOLS.md have a reboot for every generation; some helps do not list it.
        reboots="reboot" in options or (not is_home and (cuts_power or bool(options))),
        restarts=await _may(api, "restart"),
        adds_pools=await _may(api, "addpool") and await _may(api, "switchpool"),
        sets_pools=has_password and ("setpool" in options or (is_home and await _may(api, "setpool"))),
    )


async def _may(api: Api, command: str) -> bool:
    answer = await _asked(api, commands.may(command))
    if answer is None:
        return False
    right = answer.section("CHECK")
    return bool(right.flag("Exists") and right.flag("Access"))


async def _asked(api: Api, question: Question) -> Answer | None:
    """Return the answer; None when the miner says no."""
    try:
        return await api.ask(question)
    except (Unreachable, Garbled):
        raise
    except DeviceError:
        return None
