"""`hashbus up`: one site on one machine, from its file to a page that lives."""

from __future__ import annotations

import argparse
import asyncio
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import uvloop
from rich.console import Console

from hashbus.service import EXIT_CONFIG
from hashbus_supervisor.check import report
from hashbus_supervisor.live_site import LiveSite
from hashbus_supervisor.lock import only_one
from hashbus_supervisor.ports import check_free
from hashbus_supervisor.problems import CannotRun
from hashbus_supervisor.recipes import recipes
from hashbus_supervisor.set_up import set_up
from hashbus_supervisor.settings import BrokerKind
from hashbus_supervisor.site import check_runs_together, read_site

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hashbus_supervisor.site import Site


def main(argv: Sequence[str]) -> int:
    """Start a site: its broker, its services, and a table that lives. Ctrl-C ends it."""
    parser = argparse.ArgumentParser(prog="hashbus up", description=main.__doc__)
    parser.add_argument("--config", type=Path, help="the site's YAML file; config/site.yaml when there is one")
    parser.add_argument("--once", action="store_true", help="wait until every device was read once, show it, end")
    parser.add_argument("--dry-run", action="store_true", help="check everything, say what would be started, end")
    parser.add_argument("--plain", action="store_true", help="one line an event in place of the live table")
    arguments = parser.parse_args(argv)
    site = read_site(arguments.config)
    if not site.services:
        sys.stderr.write(_nothing_to_run(site))
        return EXIT_CONFIG
    check_runs_together(site)
    if arguments.dry_run:
        return _say_what_would_be(site)
    _make_room(site)
    with only_one(site.data_dir):
        set_up(site)
        if site.broker_kind is not BrokerKind.EXTERNAL:
            check_free(site.settings.broker.host, site.settings.broker.port, "broker.port")
        has_screen = sys.stdout.isatty() and not arguments.plain and not arguments.once
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(LiveSite(site, is_once=arguments.once, has_screen=has_screen).run())


def _nothing_to_run(site: Site) -> str:
    what = f"{site.file} has no section of a service" if site.file else "there is no site file"
    return (
        f"{what}: nothing to run\n"
        "  a simulated site:  hashbus up --config config/demo.yaml\n"
        "  your own:          copy config/example.yaml to config/site.yaml and write down your devices\n"
    )


def _make_room(site: Site) -> None:
    try:
        site.data_dir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise CannotRun(f"{site.data_dir} cannot be made: {reason}; set data_dir in the site file") from None


def _say_what_would_be(site: Site) -> int:
    code = report(site)
    say = Console(highlight=False, soft_wrap=True).print
    broker = site.settings.broker.address
    say(f"\nbroker     {site.broker_kind} on {broker}\nstate      {site.data_dir}")
    for stage in recipes(site):
        for recipe in stage:
            say(f"{recipe.name:<10} {shlex.join(recipe.command)}", markup=False)
    return code
