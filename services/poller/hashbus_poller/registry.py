"""The drivers there are: entry points of the group `hashbus.drivers`, so that a plugin is a package of its own."""

from __future__ import annotations

from functools import cache
from importlib.metadata import EntryPoint, entry_points
from types import MappingProxyType
from typing import TYPE_CHECKING

from hashbus import logs
from hashbus_poller.drivers.contract import DriverSpec

if TYPE_CHECKING:
    from collections.abc import Mapping

GROUP = "hashbus.drivers"

log = logs.get("registry")


def drivers() -> Mapping[str, DriverSpec]:
    """Return the installed drivers by name.

    A plugin that cannot be loaded, or that is no driver, is reported and left out: it must not stop the others.
    """
    return _found()[0]


def left_out() -> Mapping[str, str]:
    """Return why a plugin is not among the drivers, by its name."""
    return _found()[1]


def distribution_of(name: str) -> str:
    """Return the package that brings a driver, and its version."""
    for point in entry_points(group=GROUP):
        if point.name == name and point.dist is not None:
            return f"{point.dist.name} {point.dist.version}"
    return "unknown"


@cache
def _found() -> tuple[Mapping[str, DriverSpec], Mapping[str, str]]:
    found: dict[str, DriverSpec] = {}
    problems: dict[str, str] = {}
    for point in sorted(entry_points(group=GROUP), key=lambda point: point.name):
        spec, problem = _loaded(point)
        if spec is not None:
            found[point.name] = spec
        else:
            problems[point.name] = problem
            log.error("driver left out", driver=point.name, problem=problem)
    return MappingProxyType(found), MappingProxyType(problems)


def _loaded(point: EntryPoint) -> tuple[DriverSpec | None, str]:
    """Return the driver behind an entry point, or what is wrong with it."""
    try:
        spec = point.load()
    except Exception as error:  # noqa: BLE001 (a plugin may fail in any way)
        return None, f"{type(error).__name__}: {error}"
    if not isinstance(spec, DriverSpec) or spec.name != point.name:
        return None, f"{point.value} is not its DriverSpec"
    return spec, ""
