"""`hashbus backup` and `hashbus restore`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Self

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from hashbus.clock import SYSTEM_CLOCK
from hashbus_supervisor.backup.contents import items_of
from hashbus_supervisor.backup.pack import pack
from hashbus_supervisor.backup.unpack import restore
from hashbus_supervisor.problems import CannotRun
from hashbus_supervisor.site import read_site

if TYPE_CHECKING:
    from collections.abc import Sequence

SHORTEST_PASSPHRASE = 8


def backup(argv: Sequence[str]) -> int:
    """Copy a site into one file: its settings, state and record, running or not; secrets under a passphrase."""
    parser = argparse.ArgumentParser(prog="hashbus backup", description=backup.__doc__)
    parser.add_argument("archive", type=Path, help="the file to write, such as site.tar.gz")
    parser.add_argument("--config", type=Path, help="the site's YAML file; config/site.yaml when there is one")
    parser.add_argument("--passphrase-file", type=Path, help="encrypt the secrets with what stands in this file")
    arguments = parser.parse_args(argv)
    passphrase = _passphrase(arguments.passphrase_file)
    site = read_site(arguments.config)
    if not site.data_dir.is_dir():
        raise CannotRun(f"{site.data_dir} does not exist: this site was never started here")
    if arguments.archive.exists():
        raise CannotRun(f"{arguments.archive} is there already")
    items, elsewhere = items_of(site)
    say = Console(highlight=False, soft_wrap=True).print
    try:
        with _Bar(sum(item.size for item in items)) as bar:
            count = pack(site, items, arguments.archive, passphrase, SYSTEM_CLOCK.now(), bar.done)
    except OSError as error:
        raise CannotRun(f"{error.filename or arguments.archive}: {(error.strerror or str(error)).lower()}") from None
    say(f"backup    {arguments.archive} ({arguments.archive.stat().st_size / 1e6:.1f} MB, {count} files)")
    private = sum(item.is_private for item in items)
    if passphrase is None and private:
        say(f"secrets   {private} files are not in it; with --passphrase-file they are, encrypted")
    for path in elsewhere:
        say(f"not in it {path}: the site file names it, and it lies elsewhere")
    return 0


def bring_back(argv: Sequence[str]) -> int:
    """Bring a site back from the file that `hashbus backup` made."""
    parser = argparse.ArgumentParser(prog="hashbus restore", description=bring_back.__doc__)
    parser.add_argument("archive", type=Path, help="what `hashbus backup` wrote")
    parser.add_argument("--into", type=Path, default=Path("config"), help="folder of the site file (default: config)")
    parser.add_argument("--data-dir", type=Path, help="folder of its state; where the site file says when not given")
    parser.add_argument("--passphrase-file", type=Path, help="what the secrets were encrypted with")
    arguments = parser.parse_args(argv)
    passphrase = _passphrase(arguments.passphrase_file)
    size = arguments.archive.stat().st_size if arguments.archive.is_file() else 0
    with _Bar(size) as bar:
        back = restore(arguments.archive, arguments.into, arguments.data_dir, passphrase, bar.done)
    manifest, places = back.manifest, back.places
    say = Console(highlight=False, soft_wrap=True).print
    say(f"site      {manifest.site} of {manifest.made_at:%Y-%m-%d %H:%M} UTC, hashbus {manifest.version}")
    say(f"state     {places.data_dir} ({len(manifest.files)} files)")
    if not manifest.has_secrets:
        say(
            "secrets   none were in it: accounts of the broker are made anew, passwords of devices you must write again"
        )
    if Path(manifest.data_dir).absolute() != places.data_dir:
        say(f"change    data_dir in the site file: it says {manifest.data_dir}, and the state is now elsewhere")
    if manifest.site_file:
        say(f"now       hashbus up --config {places.folder / manifest.site_file}")
    return 0


def _passphrase(file: Path | None) -> str | None:
    if file is None:
        return None
    try:
        text = file.read_text(encoding="utf-8").strip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise CannotRun(f"--passphrase-file {file}: {getattr(error, 'strerror', None) or 'is no text'}") from None
    if len(text) < SHORTEST_PASSPHRASE:
        raise CannotRun(f"--passphrase-file {file}: a passphrase has at least {SHORTEST_PASSPHRASE} letters")
    return text


class _Bar:
    """Shows on a terminal how far it is; says nothing elsewhere."""

    def __init__(self, total: int) -> None:
        console = Console(stderr=True)
        columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
        self._bar = Progress(*columns, console=console, transient=True, disable=not sys.stderr.isatty())
        self._task = self._bar.add_task("", total=total)

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def done(self, name: str, size: int) -> None:
        """Go on by the bytes of a file."""
        self._bar.update(self._task, description=name, advance=size)
