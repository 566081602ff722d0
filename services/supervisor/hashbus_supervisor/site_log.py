"""The log file of one process: what it prints, kept to a size."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from pathlib import Path

KEPT_FILES = 3


class SiteLog:
    """A file that is put aside at `bound_bytes` as `.1`, `.2`, `.3`; older ones are deleted.

    Writing never raises: a full disk must not end a service. `problem` says what is wrong until it works again.
    """

    def __init__(self, path: Path, bound_bytes: int) -> None:
        """Write to `path`; nothing is opened yet."""
        self.path = path
        self.problem: str | None = None
        self._bound_bytes = bound_bytes
        self._file: BinaryIO | None = None
        self._size = 0

    def write(self, data: bytes) -> None:
        """Append what a process printed."""
        try:
            file = self._open()
            file.write(data)
        except OSError as error:
            self.problem = f"{self.path} cannot be written: {(error.strerror or str(error)).lower()}"
            self.close()
            return
        self.problem = None
        self._size += len(data)
        if self._size >= self._bound_bytes:
            self._put_aside()

    def close(self) -> None:
        """Close the file; the next write opens it again."""
        file, self._file = self._file, None
        if file:
            file.close()

    def _open(self) -> BinaryIO:
        if self._file is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            # Unbuffered: what a process said last is what matters after its fall.
            self._file = self.path.open("ab", buffering=0)
            self._size = self.path.stat().st_size
        return self._file

    def _put_aside(self) -> None:
        self.close()
        names = [self.path, *(self.path.with_name(f"{self.path.name}.{number}") for number in range(1, KEPT_FILES + 1))]
        try:
            for newer, older in zip(names[-2::-1], names[:0:-1], strict=True):
                if newer.exists():
                    newer.replace(older)
        except OSError as error:
            self.problem = f"{self.path} cannot be put aside: {(error.strerror or str(error)).lower()}"


class LogStream(io.StringIO):
    """A text stream into a SiteLog, for the log lines of the supervisor itself."""

    def __init__(self, log: SiteLog) -> None:
        """Write to `log`."""
        super().__init__()
        self._log = log

    def write(self, text: str) -> int:
        """Append a line."""
        self._log.write(text.encode())
        return len(text)
