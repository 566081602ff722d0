"""Brings a site back from a backup: checked as a whole before anything is put into its place."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hashbus_supervisor.backup.archive import BadArchive, Progress, read_manifest, unpack
from hashbus_supervisor.lock import FILE, only_one
from hashbus_supervisor.problems import CannotRun

if TYPE_CHECKING:
    from hashbus_supervisor.backup.archive import Manifest


@dataclass(frozen=True, slots=True)
class Places:
    """Where a restored site goes: what stood beside its file, and its state."""

    folder: Path
    data_dir: Path


@dataclass(frozen=True, slots=True)
class Restored:
    """What came back, and where it is now."""

    manifest: Manifest
    places: Places


def restore(archive: Path, folder: Path, data_dir: Path | None, passphrase: str | None, done: Progress) -> Restored:
    """Put a site where there is none yet; CannotRun when something stands in the way or the archive is not sound.

    Its state goes where its site file says, unless `data_dir` is another place. Everything is unpacked and compared
    with its fingerprint first, so that a damaged archive leaves nothing behind.
    """
    try:
        manifest = read_manifest(archive)
        if manifest.has_secrets and passphrase is None:
            raise CannotRun(f"{archive} holds secrets: give --passphrase-file, with which they were encrypted")
        places = Places(folder.absolute(), (data_dir or Path(manifest.data_dir)).absolute())
        _check_is_free(places, manifest)
        places.data_dir.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=places.data_dir.parent, prefix=".restore-") as scratch:
            fresh = Path(scratch) / "fresh"
            fresh.mkdir()
            unpack(archive, manifest, fresh, passphrase, done)
            _put(fresh, places)
    except BadArchive as error:
        raise CannotRun(str(error)) from None
    except OSError as error:
        raise CannotRun(f"{error.filename or archive}: {(error.strerror or str(error)).lower()}") from None
    return Restored(manifest, places)


def _check_is_free(places: Places, manifest: Manifest) -> None:
    """Refuse to write over a site, running or not."""
    if places.data_dir.is_dir():
        with only_one(places.data_dir):
            held = [path.name for path in places.data_dir.iterdir() if path.name != FILE]
        if held:
            raise CannotRun(
                f"{places.data_dir} has the state of a site already ({', '.join(sorted(held)[:5])})\n"
                "  keep it:       restore with another --data-dir\n"
                "  replace it:    move that folder away first"
            )
    site_file = places.folder / manifest.site_file if manifest.site_file else None
    if site_file is not None and site_file.exists():
        raise CannotRun(f"{site_file} is there already; restore with another --into, or move it away first")


def _put(fresh: Path, places: Places) -> None:
    places.folder.mkdir(parents=True, exist_ok=True)
    places.data_dir.mkdir(parents=True, exist_ok=True)
    for source, target in (("data", places.data_dir), ("site", places.folder)):
        for path in sorted((fresh / source).rglob("*")):
            place = target / path.relative_to(fresh / source)
            if path.is_dir():
                place.mkdir(exist_ok=True)
                place.chmod(path.stat().st_mode & 0o777)
            elif source == "site" and place.exists():
                raise CannotRun(f"{place} is there already; restore with another --into")
            else:
                shutil.move(path, place)
