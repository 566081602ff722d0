"""`hashbus drivers`: which devices this installation can speak to, and which plugins are broken."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from rich.text import Text

from hashbus.messages import Capability
from hashbus_poller.cli.console import NONE, Exit, out, plain, prepare, table
from hashbus_poller.drivers.contract import (
    Blinks,
    DriverSpec,
    LimitsPower,
    Reboots,
    RestartsMining,
    SetsFan,
    SetsFrequency,
    SetsPowerPercent,
    Sleeps,
    SwitchesPool,
)
from hashbus_poller.registry import GROUP, distribution_of, left_out
from hashbus_poller.registry import drivers as installed

METHODS_OF: Mapping[Capability, type] = MappingProxyType(
    {
        Capability.POWER_LIMIT: LimitsPower,
        Capability.POWER_PERCENT: SetsPowerPercent,
        Capability.SLEEP: Sleeps,
        Capability.RESTART: RestartsMining,
        Capability.REBOOT: Reboots,
        Capability.FAN: SetsFan,
        Capability.FREQUENCY: SetsFrequency,
        Capability.POOL: SwitchesPool,
        Capability.BLINK: Blinks,
    }
)

EQUIPMENT_METHODS: Mapping[str, str] = MappingProxyType(
    {"write_setting": "settings within bounds", "refresh_session": "refresh session"}
)
"""What a method of a driver for equipment is called in words (drivers/equipment.py)."""

STYLE_OF_LEVEL = MappingProxyType({"gold": "yellow", "silver": "bright_white", "bronze": "red"})

EPILOG = """
Levels: bronze reads; silver also survives every fault with a clear error; gold also sets power and confirms it.
What a device really offers depends on its firmware and on what its owner allows: `hashbus probe` tells.
A package with an entry point of the group {group} adds a driver.

exit codes: 0 all drivers work, 1 one of them cannot be loaded
"""


def drivers(argv: list[str]) -> int:
    """List the installed drivers, what each can do, and those that are broken."""
    arguments = _parser().parse_args(argv)
    # What is broken stands in the table; it need not be logged as well.
    prepare("CRITICAL")
    if arguments.json:
        rows = [_as_json(spec) for spec in installed().values()]
        out().print(json.dumps({"drivers": rows, "left_out": dict(left_out())}, ensure_ascii=False), soft_wrap=True)
    else:
        _show()
    return Exit.PROBLEM if left_out() else Exit.OK


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="hashbus drivers",
        description="List the installed drivers, what each can do, and those that are broken.",
        epilog=EPILOG.format(group=GROUP),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    return parser


def capabilities(spec: DriverSpec) -> list[Capability]:
    """Return what a driver has methods for; empty where its device is made by a function, which does not tell."""
    made = spec.create
    return [one for one, methods in METHODS_OF.items() if isinstance(made, type) and issubclass(made, methods)]


def abilities(spec: DriverSpec) -> list[str]:
    """Return in words what a driver has methods for: capabilities of a miner, what can be ordered of equipment."""
    of_miners = [one.value.replace("_", " ") for one in capabilities(spec)]
    return [*of_miners, *of_equipment(spec)]


def of_equipment(spec: DriverSpec) -> list[str]:
    """Return in words what an order can have equipment do."""
    return [words for method, words in EQUIPMENT_METHODS.items() if hasattr(spec.create, method)]


def _ports(spec: DriverSpec) -> list[int]:
    return sorted({look.port for look in spec.looks})


def _show() -> None:
    paper = out()
    made = table("driver", "level", "devices", "looks at", "package")
    made.columns[0].style = "bold"
    made.columns[2].no_wrap = False
    made.columns[4].style = "dim"
    for spec in installed().values():
        words = ", ".join(abilities(spec))
        devices = Text.assemble(plain(spec.title), ("\n" + words if words else "", "dim"))
        level = Text(spec.level.value, style=STYLE_OF_LEVEL[spec.level.value])
        ports = ", ".join(map(str, _ports(spec))) or NONE
        made.add_row(spec.name, level, devices, ports, distribution_of(spec.name))
    paper.print(made)
    for name, problem in left_out().items():
        paper.print(Text.assemble(("✖ ", "red"), (name, "bold"), f"  left out: {plain(problem)}"))


def _as_json(spec: DriverSpec) -> dict[str, Any]:
    return {
        "driver": spec.name,
        "kind": spec.kind.value,
        "title": spec.title,
        "level": spec.level.value,
        "capabilities": [one.value for one in capabilities(spec)],
        "orders": of_equipment(spec),
        "ports": _ports(spec),
        "package": distribution_of(spec.name),
    }
