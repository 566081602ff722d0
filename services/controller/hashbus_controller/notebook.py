"""The controller's own notes on disk, for when it and the broker die together.

A broker that is killed forgets what was retained in its last half minute. So what must survive a restart, and what was
asked, is noted here as well; at a start the newer of both counts. Without a disk the broker's memory must do.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from hashbus import logs
from hashbus.bus import whose
from hashbus.messages import (
    BadMessage,
    ControlRequest,
    ControlState,
    HeatProgram,
    HeatState,
    Message,
    MinerControl,
    PowerRequest,
    ProfileRequest,
    ZoneRequest,
    ZoneState,
)
from hashbus.step import Step, Tick
from hashbus_controller.state import State

OWN = (ControlState, MinerControl, ZoneState, HeatState)
ASKED = (PowerRequest, ControlRequest, ProfileRequest, ZoneRequest, HeatProgram)

_SCHEMA = "CREATE TABLE IF NOT EXISTS notes (address TEXT PRIMARY KEY, payload BLOB NOT NULL) WITHOUT ROWID"

log = logs.get("notebook")


class Notebook:
    """The newest message of each address that must not be forgotten."""

    def __init__(self, path: Path) -> None:
        """Open or make it; a disk that does not let it is said once and done without."""
        self._db: sqlite3.Connection | None = None
        self._noted: dict[str, datetime] = {}
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            db = sqlite3.connect(path, isolation_level=None, timeout=5)
            # Whatever is killed, nothing is lost; a power cut may take what was written in the last moments.
            db.execute("PRAGMA journal_mode=WAL")
            db.execute("PRAGMA synchronous=NORMAL")
            db.execute(_SCHEMA)
        except (OSError, sqlite3.Error) as error:
            log.warning("no notes on this disk; only the broker remembers", problem=str(error))
        else:
            self._db = db

    def read(self, now: datetime) -> list[Message]:
        """Return what was noted; what has ended since is struck out, and so is what cannot be read."""
        if self._db is None:
            return []
        found: list[Message] = []
        with contextlib.suppress(sqlite3.Error):
            for address, payload in self._db.execute("SELECT address, payload FROM notes").fetchall():
                message = _decoded(address, payload)
                if message is None or (isinstance(message, PowerRequest) and message.until <= now):
                    self._db.execute("DELETE FROM notes WHERE address = ?", (address,))
                    continue
                self._noted[address] = message.at
                found.append(message)
        return found

    def note(self, messages: Iterable[Message]) -> None:
        """Note these, in one piece."""
        new = [message for message in messages if self._noted.get(message.address()) != message.at]
        if self._db is None or not new:
            return
        rows = [(message.address(), message.encode()) for message in new]
        try:
            self._db.execute("BEGIN")
            self._db.executemany("INSERT OR REPLACE INTO notes VALUES (?, ?)", rows)
            self._db.execute("COMMIT")
        except sqlite3.Error as error:
            log.warning("cannot note on this disk; only the broker remembers", problem=str(error))
            self.close()
            return
        self._noted |= {message.address(): message.at for message in new}

    def close(self) -> None:
        """Note no more."""
        if self._db is not None:
            with contextlib.suppress(sqlite3.Error):
                self._db.close()
            self._db = None

    def noting(self, decide: Step[State]) -> Step[State]:
        """Return a step that notes what must survive before it is said."""

        def noted(state: State, heard: Message | Tick, now: datetime) -> tuple[State, Iterable[Message]]:
            state, said = decide(state, heard, now)
            said = tuple(said)
            self.note([one for one in (heard,) if isinstance(one, ASKED)])
            self.note(one for one in said if isinstance(one, OWN))
            return state, said

        return noted


def _decoded(address: str, payload: bytes) -> Message | None:
    found = whose(address)
    if found is None:
        return None
    try:
        return found[0].decode(payload, address)
    except BadMessage:
        return None


def newest(*memories: Iterable[Message]) -> list[Message]:
    """Return of each address the newest message; what the site was like comes before its miners and requests."""
    found: dict[str, Message] = {}
    for message in (one for memory in memories for one in memory):
        before = found.get(message.address())
        if before is None or message.at >= before.at:
            found[message.address()] = message
    return sorted(found.values(), key=lambda message: not isinstance(message, ControlState))
