"""Makes a backup of a site, running or not."""

from __future__ import annotations

import gzip
import io
import os
import tarfile
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from hashbus_supervisor.backup.archive import (
    FORMAT,
    MANIFEST,
    SECRETS,
    File,
    Manifest,
    Progress,
    fingerprint,
    sealed,
    settled,
)
from hashbus_supervisor.versions import installed_version

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from hashbus_supervisor.backup.contents import Item
    from hashbus_supervisor.site import Site


def pack(
    site: Site, items: Sequence[Item], archive: Path, passphrase: str | None, now: datetime, done: Progress
) -> int:
    """Write the archive, whole or not at all; return how many files are in it. OSError as the disk says.

    Each database is copied as of one moment while its service goes on writing. Without a passphrase the private files
    stay out.
    """
    taken = [item for item in items if passphrase is not None or not item.is_private]
    folder = archive.absolute().parent
    with tempfile.TemporaryDirectory(dir=folder, prefix=".backup-") as scratch:
        still = Path(scratch)
        found = [(item, _kept(item, still, number)) for number, item in enumerate(taken)]
        copies = [(item, copy) for item, copy in found if copy is not None]
        manifest = Manifest(
            format=FORMAT,
            version=installed_version(),
            site=site.settings.site,
            site_file=site.file.name if site.file else None,
            data_dir=str(site.settings.data_dir),
            made_at=now,
            has_secrets=passphrase is not None,
            files=tuple(_file(item, copy) for item, copy in copies),
        )
        fresh = still / "archive"
        with fresh.open("xb") as file, gzip.GzipFile(filename="", fileobj=file, mode="wb", compresslevel=6) as packed:
            os.fchmod(file.fileno(), 0o600)
            with tarfile.open(fileobj=packed, mode="w|") as tar:
                _add(tar, MANIFEST, manifest.model_dump_json(indent=1).encode())
                for item, copy in copies:
                    if not item.is_private:
                        tar.add(copy, item.name, recursive=False)
                        done(item.name, copy.stat().st_size)
                private = [(item.name, copy) for item, copy in copies if item.is_private]
                if passphrase is not None:
                    _add(tar, SECRETS, sealed(private, passphrase))
        fresh.replace(archive)
    return len(manifest.files)


def _kept(item: Item, scratch: Path, number: int) -> Path | None:
    """Copy a file aside; None when it went away meanwhile."""
    try:
        return settled(item.path, scratch).rename(scratch / f"{number}")
    except FileNotFoundError:
        return None


def _file(item: Item, copy: Path) -> File:
    mode = item.path.stat().st_mode & 0o777 if item.path.exists() else 0o600
    return File(name=item.name, size=copy.stat().st_size, sha256=fingerprint(copy), mode=mode)


def _add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(content)
    member.mode = 0o600
    tar.addfile(member, io.BytesIO(content))
