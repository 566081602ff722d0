"""Run the simulator: python -m hashbus_simulator --config site.yaml."""

import argparse
import asyncio
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import uvloop

from hashbus import logs
from hashbus.config_errors import ConfigError
from hashbus.service import EXIT_CONFIG, EXIT_OK, until_told
from hashbus.settings import SiteSettings, load
from hashbus_simulator.fleet import Fleet
from hashbus_simulator.service import serve
from hashbus_simulator.serving import PortError
from hashbus_simulator.settings import SimulatorSettings

log = logs.get("simulator")


class SiteWithSimulator(SiteSettings):
    """The site's file, as the simulator reads it."""

    simulator: SimulatorSettings = SimulatorSettings()


def main(argv: Sequence[str] | None = None) -> int:
    """Run until told to stop; the simulator is no service on the bus, so it has a shell of its own."""
    arguments = _parser().parse_args(argv)
    try:
        site = load(SiteWithSimulator, arguments.config, account="simulator")
        if arguments.check:
            return EXIT_OK
        logs.configure("simulator", site.log.level)
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(until_told(lambda: serve(site.simulator, _say_started)))
    except ConfigError as error:
        sys.stderr.write("".join(f"{problem}\n" for problem in error.problems))
        return EXIT_CONFIG
    except PortError as error:
        sys.stderr.write(f"{error}\n")
        return EXIT_CONFIG
    return EXIT_OK


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m hashbus_simulator", description="Emulates the site's hardware.")
    config = os.environ.get("HASHBUS_CONFIG")
    parser.add_argument("--config", type=Path, default=Path(config) if config else None, help="the site's YAML file")
    parser.add_argument("--check", action="store_true", help="check the settings and end")
    return parser


def _say_started(fleet: Fleet, control: str | None) -> None:
    log.info("started", devices=len(fleet.devices), control=control)


if __name__ == "__main__":
    sys.exit(main())
