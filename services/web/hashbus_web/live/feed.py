"""The live values: each change is encoded once, and everybody who looks gets what changed since their last frame.

There are no queues: a place remembers the number of its last change, so a slow reader costs no memory, what it missed
is put together when it can take it, and a page that comes back after an outage gets only what it missed.
"""

from __future__ import annotations

import asyncio
import json
import zlib
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from hashbus_web.live.sections import DETAILS, MINER_SECTIONS, Place
from hashbus_web.people.rights import Sight

FRAMES_KEPT = 64
"""Frames that several readers share: of the last change, by what they may see."""

GONE_AFTER = timedelta(minutes=30)
"""So long a page that was away is told what is no more; after that it gets everything anew."""

COMPRESSION = 4

OPEN_SECTIONS = frozenset({"bus", "market"})
"""What everybody who is signed in may see; the rest tells of the whole site and is not for who has leave for a part."""


@dataclass(frozen=True, slots=True)
class Entry:
    """The value of one place as JSON, and the number of its last change; None: it is no more."""

    number: int
    body: bytes | None
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class Look:
    """What one reader wants: what it may see, and of which miners everything."""

    sight: Sight
    details: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Frame:
    """What a reader is sent, ready for the wire, and up to which change it reaches."""

    number: int
    wire: bytes


class Feed:
    """Every live value, and who waits for the next change."""

    def __init__(self, epoch: str) -> None:
        """`epoch` names this run of the service: numbers of another run mean nothing."""
        self.epoch = epoch
        self.number = 0
        self.is_over = False
        self.clients = 0
        self.groups: dict[str, str | None] = {}
        self.miner_of_operation: dict[str, str] = {}
        self._oldest = 0
        self._at: datetime | None = None
        self._entries: OrderedDict[Place, Entry] = OrderedDict()
        self._frames: OrderedDict[tuple[Look, int, bool], Frame] = OrderedDict()
        self._changed = asyncio.Event()

    def put(self, values: Iterable[tuple[Place, bytes | None]], now: datetime) -> None:
        """Take in what changed, as one step that all readers see together."""
        changed = [(place, body) for place, body in values if self._is_news(place, body)]
        if not changed:
            return
        self.number += 1
        self._at = now
        for place, body in changed:
            self._entries[place] = Entry(self.number, body, now)
            self._entries.move_to_end(place)
        self._forget_gone(now)
        self._frames.clear()
        self._wake()

    def value(self, place: Place) -> bytes | None:
        """Return a value as it was told last."""
        entry = self._entries.get(place)
        return entry.body if entry else None

    def drop(self, places: Iterable[Place]) -> None:
        """Forget values without telling: readers drop them by themselves, as old lines of a timeline."""
        for place in places:
            self._entries.pop(place, None)

    def end(self) -> None:
        """Let everybody go."""
        self.is_over = True
        self._wake()

    async def changed(self, timeout_s: float) -> None:
        """Wait for the next change, or so many seconds."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._changed.wait()
        except TimeoutError:
            return

    def since(self, last_event_id: str) -> int:
        """Return the number that a reader knows everything up to; 0 when it must begin anew."""
        epoch, _, number = last_event_id.rpartition("-")
        known = int(number) if number.isdecimal() and len(number) < 19 else 0
        return known if epoch == self.epoch and self._oldest <= known <= self.number else 0

    def frame(self, look: Look, since: int, *, is_zipped: bool) -> Frame:
        """Return everything that changed after `since`, for somebody who may see so much; readers share it."""
        key = (look, since, is_zipped)
        found = self._frames.get(key)
        if found is None:
            kind = "delta" if since else "snapshot"
            body = event(kind, self._assembled(look, since), f"{self.epoch}-{self.number}")
            found = self._frames[key] = Frame(self.number, squeezed(body) if is_zipped else body)
            if len(self._frames) > FRAMES_KEPT:
                self._frames.popitem(last=False)
        return found

    def _is_news(self, place: Place, body: bytes | None) -> bool:
        known = self._entries.get(place)
        return known.body != body if known else body is not None

    def _forget_gone(self, now: datetime) -> None:
        gone = [
            (place, entry)
            for place, entry in self._entries.items()
            if entry.body is None and now - entry.changed_at > GONE_AFTER
        ]
        for place, entry in gone:
            self._oldest = max(self._oldest, entry.number)
            del self._entries[place]

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    def _assembled(self, look: Look, since: int) -> bytes:
        sections: dict[str, list[bytes]] = {}
        gone: dict[str, list[str]] = {}
        for place, entry in reversed(self._entries.items()):
            if entry.number <= since:
                break
            if not self._is_for(place, look):
                continue
            if entry.body is not None:
                named = json.dumps(place.name).encode() + b":" + entry.body
                sections.setdefault(place.section, []).append(named)
            elif since:
                gone.setdefault(place.section, []).append(place.name)
        parts = [f'"at":"{self._at.isoformat() if self._at else ""}"'.encode()]
        parts += [
            json.dumps(name).encode() + b":{" + b",".join(reversed(bodies)) + b"}" for name, bodies in sections.items()
        ]
        if gone:
            parts.append(b'"gone":' + json.dumps(gone).encode())
        return b"{" + b",".join(parts) + b"}"

    def _is_for(self, place: Place, look: Look) -> bool:
        if place.section == DETAILS and place.name not in look.details:
            return False
        if look.sight.is_whole or place.section in OPEN_SECTIONS:
            return True
        if place.section in MINER_SECTIONS:
            return look.sight.sees("miner", place.name, self.groups.get(place.name))
        if place.section == "operations":
            miner = self.miner_of_operation.get(place.name, "")
            return look.sight.sees("miner", miner, self.groups.get(miner))
        return place.section == "batteries" and look.sight.sees("battery", place.name)


def event(kind: str, body: bytes, event_id: str | None = None) -> bytes:
    """Return an event in the form of text/event-stream; the body has no line break, for it is JSON."""
    head = f"id: {event_id}\nevent: {kind}\ndata: " if event_id else f"event: {kind}\ndata: "
    return head.encode() + body + b"\n\n"


GZIP_HEAD = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"
"""The beginning of a gzip stream (RFC 1952): deflate, no name, no time."""


def squeezed(body: bytes) -> bytes:
    """Return a piece of a deflate stream that refers to nothing before it.

    Such pieces, each ended by a flush, may follow each other in any stream: so one piece serves every reader.
    """
    press = zlib.compressobj(COMPRESSION, zlib.DEFLATED, -zlib.MAX_WBITS)
    return press.compress(body) + press.flush(zlib.Z_SYNC_FLUSH)
