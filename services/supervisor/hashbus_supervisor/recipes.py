"""How each process of a site is started, and in which order."""

from __future__ import annotations

import os
import signal
import sys
from functools import partial
from typing import TYPE_CHECKING

from hashbus.settings import PREFIX
from hashbus_supervisor import wellness
from hashbus_supervisor.broker_files import user_of_broker
from hashbus_supervisor.child import Recipe
from hashbus_supervisor.ports import free_port
from hashbus_supervisor.settings import SIMULATOR, BrokerKind
from hashbus_supervisor.site import mosquitto_program

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from hashbus_supervisor.site import Site
    from hashbus_supervisor.wellness import Wellness

BROKER = "broker"
"""The name of the broker among the processes."""

SIMULATOR_CONTROL_PORT = 9130
"""Where the simulator answers when its section does not say where."""


def recipes(site: Site) -> list[list[Recipe]]:
    """Return the processes in stages: the broker, the emulated devices, the services. Each waits for the one before."""
    broker = [] if site.broker_kind is BrokerKind.EXTERNAL else [broker_recipe(site)]
    simulators = [simulator_recipe(site)] if SIMULATOR in site.services else []
    services = [service_recipe(site, name) for name in site.services if name != SIMULATOR and site.is_installed(name)]
    return [stage for stage in (broker, simulators, services) if stage]


def broker_recipe(site: Site) -> Recipe:
    """Start the site's own broker. It is asked to end when the supervisor is killed, so that it saves its state."""
    broker, files = site.settings.broker, site.broker_files
    is_mosquitto = site.broker_kind is BrokerKind.MOSQUITTO
    user = user_of_broker(files.folder)
    return Recipe(
        name=BROKER,
        command=_mosquitto(site) if is_mosquitto else _embedded(site),
        environment=dict(os.environ),
        ask=partial(wellness.of_port, broker.host, broker.port),
        user=user if is_mosquitto and os.geteuid() == 0 and user != "root" else None,
        at_death=signal.SIGTERM,
        is_asked_on=False,
    )


def _mosquitto(site: Site) -> tuple[str, ...]:
    return (mosquitto_program() or "mosquitto", "-c", str(site.broker_files.settings))


def _embedded(site: Site) -> tuple[str, ...]:
    broker = site.settings.broker
    module = (sys.executable, "-m", "hashbus_supervisor.embedded_broker")
    where = ("--host", broker.host, "--port", str(broker.port))
    state = site.broker_files.folder / "embedded.json"
    return (*module, *where, "--secrets", str(site.secrets), "--state", str(state))


def simulator_recipe(site: Site) -> Recipe:
    """Start the emulated devices. They have no health page; their control port shows that they are there."""
    section = site.written.get(SIMULATOR)
    port = section.get("control_port", SIMULATOR_CONTROL_PORT) if isinstance(section, dict) else SIMULATOR_CONTROL_PORT
    host = section.get("control_host", "127.0.0.1") if isinstance(section, dict) else "127.0.0.1"
    is_askable = isinstance(port, int) and port > 0
    return Recipe(
        name=SIMULATOR,
        command=site.command(SIMULATOR),
        environment=site.environment(SIMULATOR),
        ask=partial(wellness.of_port, str(host), port) if is_askable else wellness.of_life,
    )


def service_recipe(site: Site, account: str) -> Recipe:
    """Start a service and ask its health page."""
    health = site.settings.health
    port = health.port_of(account)
    environment = site.environment(account)
    if port == 0:
        port = free_port(health.host)
        environment[f"{PREFIX}HEALTH__PORT"] = str(port)
    ask: Callable[[], Awaitable[Wellness]] = partial(wellness.of_health_page, health.host, port)
    return Recipe(name=account, command=site.command(account), environment=environment, ask=ask)
