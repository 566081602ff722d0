"""`hashbus run`: one service of a site by itself, for systemd, a container, or a look at what it says."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING

from hashbus_supervisor.problems import CannotRun
from hashbus_supervisor.site import check_is_set_up, read_site

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(argv: Sequence[str]) -> int:
    """Run one service of a site by itself, as systemd and containers do; `hashbus up` runs them all."""
    parser = argparse.ArgumentParser(prog="hashbus run", description=main.__doc__)
    parser.add_argument("service", help="poller, recorder, ..., or poller-2 for a second one")
    parser.add_argument("--config", type=Path, help="the site's YAML file")
    arguments, for_service = parser.parse_known_args(argv)
    site = read_site(arguments.config)
    if not site.is_installed(arguments.service):
        raise CannotRun(f"{arguments.service} is not installed here")
    check_is_set_up(site, arguments.service)
    command = [*site.command(arguments.service), *for_service]
    # This process becomes the service: whoever started us watches and ends it directly.
    os.execvpe(command[0], command, site.environment(arguments.service))  # noqa: S606
