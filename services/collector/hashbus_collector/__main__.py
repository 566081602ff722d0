"""Run the collector: python -m hashbus_collector --config cloud.yaml."""

import argparse
import asyncio
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import uvloop

from hashbus import logs
from hashbus.clock import SYSTEM_CLOCK
from hashbus.config_errors import ConfigError
from hashbus.health import Health
from hashbus.service import EXIT_CONFIG, EXIT_OK, collect_garbage_rarely, until_told
from hashbus_collector.configured import configured, installed_version
from hashbus_collector.service import check, serve


def main(argv: Sequence[str] | None = None) -> int:
    """Run until told to stop; the collector is no service on a bus, so it has a shell of its own."""
    arguments = _parser().parse_args(argv)
    try:
        settings = configured(arguments.config)
        if arguments.check:
            check(settings)
            return EXIT_OK
        logs.configure("collector", settings.log.level)
        collect_garbage_rarely()
        health = Health("collector", installed_version(), SYSTEM_CLOCK.now())
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(until_told(lambda: serve(settings, SYSTEM_CLOCK, health)))
    except ConfigError as error:
        sys.stderr.write("".join(f"{problem}\n" for problem in error.problems))
        return EXIT_CONFIG
    return EXIT_OK


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m hashbus_collector", description="The cloud side: many sites, one database."
    )
    config = os.environ.get("HASHBUS_CONFIG")
    parser.add_argument("--config", type=Path, default=Path(config) if config else None, help="a YAML file")
    parser.add_argument("--check", action="store_true", help="check the settings and end")
    return parser


if __name__ == "__main__":
    sys.exit(main())
