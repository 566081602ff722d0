"""Files that only their owner may read, and that are either whole or not there at all."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

OWNER_ONLY = 0o600


def write_whole(path: Path, text: str, mode: int = OWNER_ONLY) -> bool:
    """Write a file so that a power cut leaves the old or the new one; False when it already says so.

    OSError when the disk is full or read-only.
    """
    data = text.encode()
    if path.is_file() and path.read_bytes() == data:
        path.chmod(mode)
        return False
    fresh = path.with_name(f".{path.name}.new")
    fresh.unlink(missing_ok=True)
    try:
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
    except OSError:
        fresh.unlink(missing_ok=True)
        raise
    return True
