"""The drivers there are: entry points of the group `hashbus.drivers`, so that a plugin is a package of its own."""

from __future__ import annotations

from functools import cache
from importlib.metadata import entry_points

from hashbus import logs
from hashbus_poller.drivers.contract import DriverSpec

GROUP = "hashbus.drivers"

log = logs.get("registry")


@cache
def drivers() -> dict[str, DriverSpec]:
    """Return the installed drivers by name.

    A plugin that cannot be loaded, or that is no driver, is reported and left out: it must not stop the others.
    """
    found: dict[str, DriverSpec] = {}
    for point in sorted(entry_points(group=GROUP), key=lambda point: point.name):
        try:
            spec = point.load()
        except Exception as error:  # noqa: BLE001 (a plugin may fail in any way)
            log.error("driver left out", driver=point.name, problem=f"{type(error).__name__}: {error}")
            continue
        if not isinstance(spec, DriverSpec) or spec.name != point.name:
            log.error("driver left out", driver=point.name, problem=f"{point.value} is not its DriverSpec")
            continue
        found[spec.name] = spec
    return found
