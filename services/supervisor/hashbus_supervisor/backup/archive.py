"""The archive of a backup: a tar file with a manifest first, and the secrets in a part of their own, encrypted by age.

Whoever has no hashbus at hand opens it with `tar` and `age`.
"""

from __future__ import annotations

import hashlib
import io
import sqlite3
import tarfile
import tempfile
from collections.abc import Callable, Iterable
from contextlib import closing
from pathlib import Path

import pyrage  # type: ignore[import-untyped]
from pydantic import BaseModel, ConfigDict, ValidationError

from hashbus.messages.base import Moment, describe

FORMAT = 1
MANIFEST = "manifest.json"
SECRETS = "secrets.tar.age"
MOST_SECRETS = 64 << 20
"""Bytes: secrets are a few files of a few letters."""

_SQLITE = b"SQLite format 3\0"
_PIECE = 1 << 20

Progress = Callable[[str, int], None]
"""Called with the name of a file and the bytes of it that are done."""


class BadArchive(Exception):
    """The file is no backup, or a damaged one; the message says what is wrong."""


class File(BaseModel):
    """One file of the archive."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    name: str
    size: int
    sha256: str
    mode: int = 0o600


class Manifest(BaseModel):
    """What the archive holds: the first thing in it."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    format: int
    version: str
    site: str
    site_file: str | None
    data_dir: str
    made_at: Moment
    has_secrets: bool
    files: tuple[File, ...]


def is_sqlite(path: Path) -> bool:
    """Say whether a file is a SQLite database, by its first bytes."""
    with path.open("rb") as file:
        return file.read(len(_SQLITE)) == _SQLITE


def settled(path: Path, into: Path) -> Path:
    """Return a copy that nobody writes to any more: of a database one consistent moment, of a file its bytes."""
    copy = into / "copy"
    copy.unlink(missing_ok=True)
    if is_sqlite(path):
        with closing(sqlite3.connect(path, timeout=30)) as live, closing(sqlite3.connect(copy)) as still:
            # By itself it would bring the write-ahead log along into a file that is then read as a whole.
            live.backup(still, pages=4096, sleep=0.001)
            still.execute("PRAGMA journal_mode=DELETE")
        return copy
    with path.open("rb") as source, copy.open("wb") as target:
        while piece := source.read(_PIECE):
            target.write(piece)
    return copy


def fingerprint(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sealed(files: Iterable[tuple[str, Path]], passphrase: str) -> bytes:
    """Return files as a tar that only the passphrase opens."""
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w") as tar:
        for name, path in files:
            tar.add(path, name, recursive=False)
    encrypted: bytes = pyrage.passphrase.encrypt(plain.getvalue(), passphrase)
    return encrypted


def opened(encrypted: bytes, passphrase: str, into: Path) -> None:
    """Unpack what `sealed` made; BadArchive when the passphrase is another one."""
    try:
        plain = pyrage.passphrase.decrypt(encrypted, passphrase)
    except pyrage.DecryptError:
        raise BadArchive("the passphrase is not the one that the secrets were encrypted with") from None
    with tarfile.open(fileobj=io.BytesIO(plain)) as tar:
        tar.extractall(into, filter="data")


def read_manifest(archive: Path) -> Manifest:
    """Return what an archive says of itself; BadArchive when it is no backup that we can read."""
    try:
        with tarfile.open(archive) as tar:
            first = tar.next()
            content = tar.extractfile(first) if first is not None and first.name == MANIFEST else None
            if content is None:
                raise BadArchive(f"{archive} is no backup of hashbus: it does not begin with {MANIFEST}")
            manifest = Manifest.model_validate_json(content.read(_PIECE))
    except (tarfile.TarError, EOFError, OSError) as error:
        raise BadArchive(f"{archive} cannot be read: {error}") from None
    except ValidationError as error:
        raise BadArchive(f"{archive}: {MANIFEST}: {describe(error)}") from None
    if manifest.format > FORMAT:
        raise BadArchive(f"{archive} is of hashbus {manifest.version}, which is newer than this one: upgrade first")
    return manifest


def unpack(archive: Path, manifest: Manifest, into: Path, passphrase: str | None, done: Progress) -> None:
    """Unpack an archive and compare every file with its fingerprint; BadArchive at the first that differs."""
    with tarfile.open(archive) as tar, tempfile.TemporaryDirectory(dir=into.parent) as scratch:
        try:
            for member in tar:
                tar.extract(member, scratch if member.name in (MANIFEST, SECRETS) else into, filter="data")
                done(member.name, member.size)
        except (tarfile.TarError, EOFError, OSError) as error:
            raise BadArchive(f"{archive} is damaged: {error}") from None
        sealed_part = Path(scratch) / SECRETS
        if passphrase is not None and sealed_part.exists():
            opened(sealed_part.read_bytes(), passphrase, into)
    for file in manifest.files:
        path = into / file.name
        if not path.is_file() or fingerprint(path) != file.sha256:
            raise BadArchive(f"{archive} is damaged: {file.name} is not what was packed")
        path.chmod(file.mode)
