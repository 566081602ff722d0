"""`hashbus scan`: which miners are on this network, and what to write into the site's file for them."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path

from hashbus.clock import SYSTEM_CLOCK
from hashbus.settings import load
from hashbus_poller import strangers
from hashbus_poller.cli.console import Exit, WrongUsage, out, run
from hashbus_poller.cli.scan_report import Report
from hashbus_poller.client import http_client
from hashbus_poller.drivers.contract import Sighting, Wiring
from hashbus_poller.neighbours import neighbours
from hashbus_poller.networks import LARGEST_SCAN, Targets, WrongNetwork, own_networks, targets
from hashbus_poller.registry import drivers
from hashbus_poller.scanning import CONNECT_TIMEOUT_S, CONNECTIONS, Scan, looks_of
from hashbus_poller.settings import settings_model
from hashbus_poller.sightings import Findings, configuration
from hashbus_poller.tapes import Ring

MOST_CONNECTIONS = 10_000
LONGEST_TIMEOUT_S = 60.0

EPILOG = """
NETWORK is 192.168.1.0/24, 192.168.1.10-192.168.1.40, 192.168.1.10-40 or 192.168.1.7.
Without one, the private /24 networks of this machine's interfaces are scanned.
No password is tried and nothing is changed on any device.
Standard output holds the configuration (or the JSON) and nothing else:
  hashbus scan > found.yaml

exit codes: 0 something found, 1 nothing found, 2 wrong usage
"""


def scan(argv: list[str]) -> int:
    """Find the miners on a network and print configuration for them."""
    arguments = _parser().parse_args(argv)
    return run("scan", lambda: _scan(arguments))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="hashbus scan",
        description="Find the miners on a network and print configuration for them.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("networks", nargs="*", metavar="NETWORK", help="where to look")
    parser.add_argument(
        "--exclude", action="append", default=[], metavar="NETWORK,...", help="addresses to leave alone"
    )
    parser.add_argument(
        "--concurrency", type=int, default=CONNECTIONS, help="connections at the same time (default %(default)s)"
    )
    parser.add_argument(
        "--timeout", type=float, default=CONNECT_TIMEOUT_S, help="seconds to wait for a host (default %(default)s)"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object a device, as it is found")
    config = os.environ.get("HASHBUS_CONFIG")
    parser.add_argument(
        "--config",
        type=Path,
        default=Path(config) if config else None,
        help="the site's YAML file: devices that are in it already are marked",
    )
    parser.add_argument("--yes", action="store_true", help="also scan public addresses, or more than 65,536")
    return parser


async def _scan(arguments: argparse.Namespace) -> int:
    _check_limits(arguments)
    known = _known_devices(arguments.config)
    networks: Mapping[str, str | None] = dict.fromkeys(arguments.networks) or own_networks()
    hosts = _targets(arguments, networks)
    findings = Findings()
    report = Report(hosts, networks, known, is_json=arguments.json)

    def hear(sighting: Sighting) -> None:
        device = replace(sighting, mac=sighting.mac or neighbours().get(sighting.host))
        is_new = findings.add(device)
        if is_new and arguments.json:
            out().print(_as_json(device, known), soft_wrap=True)
        if is_new:
            report.found(device)

    async with http_client() as http:
        wiring = Wiring(SYSTEM_CLOCK, lambda: http, Ring(SYSTEM_CLOCK, 0))
        looks = (*looks_of(drivers().values()), *strangers.LOOKS)
        walk = Scan(looks, wiring, hear, connections=arguments.concurrency, timeout_s=arguments.timeout)
        with report.progress(walk.tally), suppress(asyncio.CancelledError):
            # Ctrl-C ends the walk; what was found until then is worth as much as before.
            await walk.walk(hosts)
    report.summary(findings, walk.tally)
    new = [device for device in findings.devices() if device.host not in known]
    if new and not arguments.json:
        report.before_configuration(len(new))
        out().print(configuration(new, drivers(), set(known.values())), end="", soft_wrap=True)
    return Exit.OK if findings.devices() else Exit.PROBLEM


def _check_limits(arguments: argparse.Namespace) -> None:
    if not 1 <= arguments.concurrency <= MOST_CONNECTIONS:
        raise WrongUsage(f"--concurrency {arguments.concurrency}: it takes 1 to {MOST_CONNECTIONS}")
    if not 0 < arguments.timeout <= LONGEST_TIMEOUT_S:
        raise WrongUsage(f"--timeout {arguments.timeout:g}: it takes up to {LONGEST_TIMEOUT_S:g} seconds")


def _targets(arguments: argparse.Namespace, networks: Collection[str]) -> Targets:
    if not networks:
        raise WrongUsage("this machine has no private network of its own; name one, such as 192.168.1.0/24")
    try:
        hosts = targets(networks, [text for given in arguments.exclude for text in given.split(",")])
    except WrongNetwork as error:
        raise WrongUsage(str(error)) from None
    if not len(hosts):
        raise WrongUsage("nothing is left to scan: --exclude covers all of it")
    if len(hosts) > LARGEST_SCAN and not arguments.yes:
        raise WrongUsage(f"{len(hosts):,} addresses are more than a /16 network; add --yes to scan them all the same")
    if not hosts.is_private and not arguments.yes:
        raise WrongUsage("some of these addresses are public: who may be there? Add --yes to scan them all the same")
    return hosts


def _known_devices(config: Path | None) -> dict[str, str]:
    """Return the ids of the devices that a site's file has already, by address."""
    if config is None:
        return {}
    devices = load(settings_model(), config, account="poller").poller.devices  # type: ignore[attr-defined]
    return {device.host: name for name, device in devices.items() if hasattr(device, "host")}


def _as_json(device: Sighting, known: Mapping[str, str]) -> str:
    return json.dumps({**asdict(device), "configured_as": known.get(device.host)}, ensure_ascii=False)
