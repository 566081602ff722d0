"""The site while the service runs: hears the bus, and keeps view, live pages, operations and timeline in step."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import Iterator
from datetime import datetime, timedelta

from hashbus.bus import Bus, Subscription
from hashbus.clock import Clock
from hashbus.messages import (
    Alert,
    AlertAck,
    ControlState,
    CurtailmentPlan,
    Decision,
    EquipmentResult,
    HeatState,
    Message,
    MinerInfo,
    OrderResult,
    PowerRequest,
    SetpointResult,
    ZoneState,
)
from hashbus_web import metrics
from hashbus_web.acts.operations import ANSWERS, Operations
from hashbus_web.acts.power import SOURCE
from hashbus_web.history.events import Events
from hashbus_web.live.feed import Feed
from hashbus_web.live.sections import DETAILS, Place, as_json, places_of, written
from hashbus_web.people.database import DatabaseAway
from hashbus_web.people.secrets import new_id
from hashbus_web.view.site_view import HEARS, SiteView
from hashbus_web.view.timeline import Event, event_of_act, events_of, grouped
from hashbus_web.view.totals import energy, totals

HEARD: tuple[type[Message], ...] = tuple(dict.fromkeys((*HEARS, OrderResult, EquipmentResult)))

ROUND_S = 0.5
"""A page is told twice a second at most; more often nobody sees."""

TOTALS_EVERY_S = 1.0
SHOWN_EVENTS = 100
LAPSED_KEPT = timedelta(hours=1)
"""So long a page still shows a wish that has ended."""

MOST_WAITING = 1_000
"""Events that wait for a disk that is full."""

AT_ONCE = 100
"""Messages taken in before others of this process have their turn."""


class LiveSite:
    """Everything that changes while the service runs."""

    def __init__(self, bus: Bus, clock: Clock, events: Events) -> None:
        """Know nothing yet."""
        self.view = SiteView(bus.site)
        self.feed = Feed(new_id("e").removeprefix("e_"))
        self.operations = Operations(bus, clock)
        self.bus_since = clock.now()
        self._bus = bus
        self._clock = clock
        self._events = events
        self._dirty: set[Place] = set()
        self._happened: list[Event] = []
        self._shown: deque[Place] = deque()
        self._watched: dict[str, int] = {}
        self._totals_at_s = 0.0
        self._was_connected: bool | None = None
        self._told_until: datetime | None = None
        self.problem: str | None = None

    async def listen(self, heard: Subscription[Message]) -> None:
        """Take in everything, for ever."""
        taken = 0
        async for message in heard:
            self.hear(message, self._clock.now())
            taken += 1
            if taken % AT_ONCE == 0:
                await asyncio.sleep(0)

    def hear(self, message: Message, now: datetime) -> None:
        """Take in one message."""
        if isinstance(message, ANSWERS):
            self.operations.hear(message, now)
        if isinstance(message, OrderResult | EquipmentResult):
            return
        before = self.view.hear(message, now)
        if isinstance(message, Alert) and message.cleared_at is not None:
            self._take_back(AlertAck, f"{message.key}/{SOURCE}")
        self._dirty.update(places_of(message))
        if isinstance(message, MinerInfo):
            self.feed.groups[message.miner] = message.group
        self._happened += (event for event in events_of(message, before) if before is not None or self._is_new(event))

    async def recall(self) -> None:
        """Show the last events of former runs, and know up to when everything was told."""
        newest = await self._events.newest(SHOWN_EVENTS)
        for event in reversed(newest):
            self._show([event])
        self._told_until = max((event.at for event in newest), default=None)

    def _is_new(self, event: Event) -> bool:
        """Say whether what the broker remembers from before the start is still to be told."""
        return self._told_until is None or event.at > self._told_until

    def tidy(self) -> None:
        """Take back our own wishes that ended long ago: nobody reads them, and the broker would keep them for ever."""
        edge = self._clock.now() - LAPSED_KEPT
        ours = [key for key, one in self.view.all(PowerRequest).items() if one.source == SOURCE and one.until < edge]
        for key in ours:
            self._take_back(PowerRequest, key)

    def _take_back(self, kind: type[Message], key: str) -> None:
        message = self.view.forget(kind, key)
        if message is not None:
            self._bus.clear(message)

    def watch(self, miners: frozenset[str]) -> None:
        """Keep everything of these miners ready for somebody who looks at them."""
        for miner in miners:
            self._watched[miner] = self._watched.get(miner, 0) + 1
            self._dirty.add(Place(DETAILS, miner))
        self._encode(self._clock.now())

    def unwatch(self, miners: frozenset[str]) -> None:
        """Let go of what nobody looks at any more."""
        for miner in miners:
            self._watched[miner] -= 1
            if not self._watched[miner]:
                del self._watched[miner]
                self.feed.drop([Place(DETAILS, miner)])

    async def run(self) -> None:
        """Tell the live pages twice a second what changed, for ever."""
        while True:
            now = self._clock.now()
            self.operations.tick(now, self._known)
            self._note_acts()
            self._encode(now)
            await self.tell_what_happened(now)
            await self._clock.sleep(ROUND_S)

    def bus_state(self) -> bytes:
        """Return how the broker is, as JSON."""
        is_connected = self._bus.is_connected
        if is_connected is not self._was_connected:
            self._was_connected, self.bus_since = is_connected, self._clock.now()
        heard_at = self.view.heard_at
        state = {
            "connected": is_connected,
            "since": self.bus_since.isoformat(),
            "heard_at": heard_at.isoformat() if heard_at and not is_connected else None,
        }
        return json.dumps(state).encode()

    def listed(self, miner: str) -> bytes:
        """Return a miner's line of the list as JSON, put together from what live pages were told."""
        info, row = (
            self.feed.value(place) or written(self.view, place, self._clock.now()) or b"{}"
            for place in (Place("infos", miner), Place("miners", miner))
        )
        return b'{"id":' + json.dumps(miner).encode() + b"," + info[1:-1] + b"," + row[1:]

    def pulse(self) -> bytes:
        """Return the heartbeat of a live page."""
        return b'{"at":"' + self._clock.now().isoformat().encode() + b'","bus":' + self.bus_state() + b"}"

    def _known(self, target: str) -> Iterator[Message]:
        for kind in (Decision, SetpointResult, ZoneState):
            message = self.view.one(kind, target)
            if message is not None:
                yield message
        if self.view.one(MinerInfo, target) is None:
            yield from (one for one in self.view.all(Decision).values() if any(bid.scope == target for bid in one.bids))
        for single in (ControlState, HeatState, CurtailmentPlan):
            found = self.view.one(single) if target == "site" else None
            if found is not None:
                yield found

    def _note_acts(self) -> None:
        for operation_id in self.operations.changed:
            operation = self.operations.get(operation_id)
            if operation is not None and not operation.is_open and operation.batch is None:
                self._happened.append(event_of_act(operation))

    def _encode(self, now: datetime) -> None:
        """Write what changed, once for everybody."""
        with metrics.LIVE_ROUND.time():
            changed = [(place, written(self.view, place, now)) for place in self._wanted()]
            changed += self._of_operations()
            changed += self._of_site(now)
            self.feed.put(changed, now)

    def _wanted(self) -> list[Place]:
        dirty, self._dirty = self._dirty, set()
        lapsed = [
            Place("requests", key)
            for key, request in self.view.all(PowerRequest).items()
            if request.until <= self._clock.now()
        ]
        return [*(place for place in dirty if place.section != DETAILS or place.name in self._watched), *lapsed]

    def _of_operations(self) -> Iterator[tuple[Place, bytes | None]]:
        for operation_id in self.operations.changed:
            operation = self.operations.get(operation_id)
            if operation is None:
                self.feed.miner_of_operation.pop(operation_id, None)
            else:
                self.feed.miner_of_operation[operation_id] = operation.target
            yield Place("operations", operation_id), as_json(operation) if operation else None
        for batch_id in self.operations.changed_batches:
            batch = self.operations.batch(batch_id)
            yield Place("batches", batch_id), as_json(batch) if batch else None
        self.operations.changed.clear()
        self.operations.changed_batches.clear()

    def _of_site(self, now: datetime) -> list[tuple[Place, bytes | None]]:
        state: list[tuple[Place, bytes | None]] = [(Place("bus", "site"), self.bus_state())]
        if self._clock.monotonic() - self._totals_at_s < TOTALS_EVERY_S:
            return state
        self._totals_at_s = self._clock.monotonic()
        sums = totals(self.view, now)
        flow = energy(self.view, sums.power_w if sums.miners > sums.stale else None, now)
        return [*state, (Place("totals", "site"), as_json(sums)), (Place("energy", "site"), as_json(flow))]

    async def tell_what_happened(self, now: datetime) -> None:
        """Write down what happened since the last time, and show it."""
        if not self._happened:
            return
        happened, self._happened = self._happened, []
        try:
            added = await self._events.add(grouped(happened))
        except DatabaseAway as error:
            # The live values go on; the newest of what happened is written when the disk lets it.
            self._happened = [*happened, *self._happened][-MOST_WAITING:]
            self.problem = str(error)
            return
        self.problem = None
        self._show(added, now)

    def _show(self, events: list[Event], now: datetime | None = None) -> None:
        values = [(Place("timeline", str(event.n)), as_json(event)) for event in events]
        self.feed.put(values, now or self._clock.now())
        self._shown += [place for place, _ in values]
        self.feed.drop([self._shown.popleft() for _ in range(len(self._shown) - SHOWN_EVENTS)])
