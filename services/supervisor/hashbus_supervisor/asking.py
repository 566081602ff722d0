"""What the commands that ask a running site have in common: their arguments, their place on the bus, their patience."""

from __future__ import annotations

import argparse
import asyncio
import re
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from pathlib import Path

from hashbus import logs
from hashbus.mqtt_bus import MqttBus
from hashbus_supervisor.problems import CannotRun
from hashbus_supervisor.settings import SupervisorSettings
from hashbus_supervisor.site import ACCOUNT, check_is_set_up, read_site, signed_in

EXIT_OK, EXIT_PROBLEM = 0, 1
PATIENCE_S = 5.0
UNITS_S = {"s": 1, "m": 60, "h": 3600, "d": 86_400}

Task = Callable[[MqttBus, argparse.Namespace], Awaitable[int]]


def parser(name: str, command: Callable[[Sequence[str]], int]) -> argparse.ArgumentParser:
    """Return the beginning of a command's arguments."""
    begun = argparse.ArgumentParser(prog=f"hashbus {name}", description=command.__doc__)
    begun.add_argument("--config", type=Path, help="the site's YAML file; config/site.yaml when there is one")
    return begun


def run(wanted: argparse.ArgumentParser, argv: Sequence[str], task: Task) -> int:
    """Do the task on the bus of the site; CannotRun when no broker answers."""
    arguments = wanted.parse_args(argv)
    site = read_site(arguments.config)
    check_is_set_up(site, ACCOUNT)
    return asyncio.run(_on_the_bus(signed_in(site), arguments, task))


async def _on_the_bus(settings: SupervisorSettings, arguments: argparse.Namespace, task: Task) -> int:
    logs.configure(ACCOUNT, "ERROR")
    async with MqttBus(settings.broker, site=settings.site, account=ACCOUNT) as bus:
        try:
            async with asyncio.timeout(PATIENCE_S):
                await bus.connected()
        except TimeoutError:
            raise CannotRun(f"no broker answers at {settings.broker.address}; is the site running?") from None
        return await task(bus, arguments)


def duration(text: str) -> timedelta:
    """Read a time span as people write it: 45m, 2h, 1d."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([smhd])", text)
    if match is None:
        raise argparse.ArgumentTypeError(f"{text!r} is not a time; write 45m, 2h or 1d")
    return timedelta(seconds=float(match[1]) * UNITS_S[match[2]])
