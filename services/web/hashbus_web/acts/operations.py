"""The queue of what was asked: publishes it, follows it, and remembers how it ended for a while."""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, Protocol

from hashbus.bus import Bus
from hashbus.clock import Clock
from hashbus.messages import (
    ControlState,
    CurtailmentPlan,
    Decision,
    EquipmentResult,
    HeatState,
    Message,
    OrderResult,
    SetpointResult,
    ZoneState,
)
from hashbus_web import metrics
from hashbus_web.acts.batch import Batch, counted
from hashbus_web.acts.operation import Operation, Status, ends_at, heard, overdue
from hashbus_web.people.secrets import new_id

ANSWERS: tuple[type[Message], ...] = (
    Decision,
    SetpointResult,
    OrderResult,
    EquipmentResult,
    CurtailmentPlan,
    ControlState,
    HeatState,
    ZoneState,
)
"""What tells how an operation goes on."""

KEPT = timedelta(hours=1)
MOST_KEPT = 20_000
MOST_OPEN = 20_000
"""A farm's worth of miners, twice; more at the same time is a mistake of a program."""


class TooMany(RuntimeError):
    """So much is still open that nothing more is taken."""


class Asker(Protocol):
    """Who asks, for the record."""

    @property
    def who(self) -> str:
        """Return the name."""
        ...

    @property
    def via(self) -> str:
        """Return how they came: page, api, bot."""
        ...


class Operations:
    """Everything that was asked in the last hour."""

    def __init__(self, bus: Bus, clock: Clock) -> None:
        """Publish on `bus`."""
        self._bus = bus
        self._clock = clock
        self._operations: OrderedDict[str, Operation] = OrderedDict()
        self._said: dict[str, Message] = {}
        self._open_by_target: dict[str, set[str]] = defaultdict(set)
        self._batches: OrderedDict[str, Batch] = OrderedDict()
        self._members: dict[str, list[str]] = {}
        self.changed: set[str] = set()
        self.changed_batches: set[str] = set()

    def ask(
        self, message: Message, *, act: str, target: str, asked: Mapping[str, Any], by: Asker, batch: str | None = None
    ) -> Operation:
        """Say a message and follow what comes of it."""
        if len(self._said) >= MOST_OPEN:
            raise TooMany(f"{MOST_OPEN} operations are still open; wait until they are done")
        now = self._clock.now()
        operation = Operation(
            id=new_id("op"),
            act=act,
            target=target,
            asked=dict(asked),
            by=by.who,
            via=by.via,
            at=now,
            expires_at=ends_at(message, now),
            changed_at=now,
            batch=batch,
        )
        self._operations[operation.id] = operation
        self._said[operation.id] = message
        self._open_by_target[target].add(operation.id)
        self.changed.add(operation.id)
        self._bus.publish(message)
        return operation

    def reject(
        self, *, act: str, target: str, asked: Mapping[str, Any], by: Asker, why: str, batch: str | None
    ) -> Operation:
        """Note what was not even said, as part of an act on many."""
        now = self._clock.now()
        operation = Operation(
            id=new_id("op"),
            act=act,
            target=target,
            asked=dict(asked),
            by=by.who,
            via=by.via,
            at=now,
            expires_at=now,
            status=Status.REFUSED,
            message=why,
            changed_at=now,
            batch=batch,
        )
        self._operations[operation.id] = operation
        self.changed.add(operation.id)
        metrics.ACTS.labels(act, operation.status.value).inc()
        return operation

    def begin_batch(self, act: str, by: Asker) -> str:
        """Return the id under which operations belong together."""
        batch = Batch(id=new_id("bt"), act=act, at=self._clock.now(), by=by.who, total=0)
        self._batches[batch.id] = batch
        self._members[batch.id] = []
        return batch.id

    def end_batch(self, batch_id: str, operations: Iterable[Operation]) -> Batch:
        """Return the batch with all its operations in it."""
        self._members[batch_id] = [operation.id for operation in operations]
        batch = self._batches[batch_id].model_copy(update={"total": len(self._members[batch_id])})
        self._batches[batch_id] = batch
        return self._recount(batch_id)

    def hear(self, news: Message, now: datetime) -> None:
        """Let every open operation that a message is about go on."""
        waiting = [one for target in _targets_of(news) for one in self._open_by_target.get(target, ())]
        for operation_id in waiting:
            operation = self._operations[operation_id]
            self._set(heard(operation, self._said[operation_id], news, now))

    def tick(self, now: datetime, known: Callable[[str], Iterable[Message]]) -> None:
        """End what got no answer, count batches, forget what is long over.

        `known` gives what is already said about a target: who asks for what is so already gets no new decision.
        """
        for operation_id in list(self._said):
            operation = self._operations[operation_id]
            for message in known(operation.target):
                operation = heard(operation, self._said[operation_id], message, now)
            self._set(overdue(operation, now))
        for batch_id in {self._operations[one].batch for one in self.changed if one in self._operations} - {None}:
            self._recount(str(batch_id))
        self._forget(now)

    def get(self, operation_id: str) -> Operation | None:
        """Return one."""
        return self._operations.get(operation_id)

    def newest_of(self, target: str) -> Operation | None:
        """Return the newest about a target."""
        return next((one for one in reversed(self._operations.values()) if one.target == target), None)

    def all(self) -> list[Operation]:
        """Return all, the newest first."""
        return list(reversed(self._operations.values()))

    def batch(self, batch_id: str) -> Batch | None:
        """Return one batch, counted to this moment."""
        return self._recount(batch_id) if batch_id in self._batches else None

    def members(self, batch_id: str) -> list[Operation]:
        """Return the operations of a batch."""
        return [self._operations[one] for one in self._members.get(batch_id, ()) if one in self._operations]

    def _set(self, operation: Operation) -> None:
        if self._operations[operation.id] is operation:
            return
        self._operations[operation.id] = operation
        self.changed.add(operation.id)
        if not operation.is_open:
            metrics.ACTS.labels(operation.act, operation.status.value).inc()
            self._said.pop(operation.id, None)
            waiting = self._open_by_target[operation.target]
            waiting.discard(operation.id)
            if not waiting:
                del self._open_by_target[operation.target]

    def _recount(self, batch_id: str) -> Batch:
        before = self._batches[batch_id]
        batch = before if before.is_done else counted(before, self.members(batch_id))
        if batch != before:
            self._batches[batch_id] = batch
            self.changed_batches.add(batch_id)
        return batch

    def _forget(self, now: datetime) -> None:
        while self._operations:
            oldest = next(iter(self._operations.values()))
            is_old = now - oldest.changed_at > KEPT or len(self._operations) > MOST_KEPT
            if oldest.is_open or not is_old:
                break
            del self._operations[oldest.id]
            self.changed.add(oldest.id)
        for batch_id in [one for one, members in self._members.items() if not self._is_kept(members)]:
            del self._members[batch_id], self._batches[batch_id]
            self.changed_batches.add(batch_id)

    def _is_kept(self, members: list[str]) -> bool:
        return any(one in self._operations for one in members)


def _targets_of(news: Message) -> set[str]:
    """Return whom a message is about; a decision also answers those who asked something of a group or the site."""
    if isinstance(news, Decision):
        return {news.miner, *(bid.scope for bid in news.bids)}
    return {str(getattr(news, name)) for name in ("miner", "equipment", "zone") if name in news.topic.levels} or {
        "site"
    }
