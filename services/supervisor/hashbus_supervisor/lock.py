"""One supervisor a site: a lock on its data folder, let go by the kernel however the supervisor ends."""

from __future__ import annotations

import contextlib
import fcntl
import os
from typing import TYPE_CHECKING

from hashbus_supervisor.problems import CannotRun

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FILE = "hashbus.lock"


class AlreadyRunning(CannotRun):
    """Another supervisor runs the same site."""


@contextlib.contextmanager
def only_one(data_dir: Path) -> Iterator[None]:
    """Hold the lock of a data folder; AlreadyRunning when another process has it."""
    with (data_dir / FILE).open("a+", encoding="ascii") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            holder = file.read().strip() or "unknown"
            raise AlreadyRunning(
                f"another `hashbus up` (process {holder}) already runs the site in {data_dir}\n"
                f"  look at it:    hashbus watch with the same --config\n"
                f"  a second site: give it another data_dir, broker.port and health.first_port"
            ) from None
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        yield
