"""The first-run set-up: the state folder, accounts with random passwords, and the files the broker reads."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from hashbus_supervisor.broker_files import write_broker_files, write_secrets
from hashbus_supervisor.problems import CannotRun
from hashbus_supervisor.site import read_site

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hashbus_supervisor.site import Site


@dataclass(frozen=True, slots=True)
class Made:
    """What a set-up made: names of new secrets, and whether the broker's files changed."""

    secrets: tuple[str, ...]
    is_broker_changed: bool


def set_up(site: Site, extra_secrets: Sequence[str] = ()) -> Made:
    """Make what is missing and leave what is there; safe to repeat. CannotRun when the disk does not take it."""
    broker = site.settings.broker
    try:
        site.logs.mkdir(parents=True, exist_ok=True)
        secrets = write_secrets(site.secrets, [*site.accounts, *extra_secrets])
        changed = write_broker_files(site.broker_files, site.secrets, site.accounts, broker.host, broker.port)
    except OSError as error:
        raise CannotRun(
            f"{error.filename or site.data_dir} cannot be written: {(error.strerror or str(error)).lower()}\n"
            f"  room on the disk:  df -h {site.data_dir.parent}\n"
            f"  another place:     set data_dir in the site file"
        ) from None
    return Made(tuple(secrets), changed)


def main(argv: Sequence[str]) -> int:
    """Make a site's accounts and broker files, without starting anything."""
    parser = argparse.ArgumentParser(prog="hashbus setup", description=main.__doc__)
    parser.add_argument("--config", type=Path, help="the site's YAML file")
    parser.add_argument(
        "--secret",
        action="append",
        default=[],
        metavar="NAME",
        help="make a random secret of this name too, for a database or a dashboard",
    )
    arguments = parser.parse_args(argv)
    site = read_site(arguments.config)
    made = set_up(site, arguments.secret)
    say = Console(highlight=False, soft_wrap=True).print
    new = f"{len(made.secrets)} made: {', '.join(made.secrets)}" if made.secrets else "all there"
    say(f"secrets   {site.secrets} ({new})")
    say(f"broker    {site.broker_files.settings} ({'written' if made.is_broker_changed else 'as it was'})")
    say(f"now       mosquitto -c {site.broker_files.settings}, or let `hashbus up` do everything")
    return 0
