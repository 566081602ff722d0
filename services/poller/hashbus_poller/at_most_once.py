"""Carrying out an order at most once and answering it in every case, whatever dies when: for miners and equipment."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, NamedTuple, Protocol, TypeVar

from hashbus import logs
from hashbus.messages import DeviceOrder, EquipmentOrder, EquipmentResult, OrderResult, OrderStatus
from hashbus_poller import metrics
from hashbus_poller.journal import JournalUnavailable, Key, Known, OrderJournal, Past

if TYPE_CHECKING:
    from datetime import datetime

    from hashbus.bus import Bus
    from hashbus.clock import Clock
    from hashbus.messages import SettingValue

log = logs.get("orders")

Order_contra = TypeVar("Order_contra", DeviceOrder, EquipmentOrder, contravariant=True)
Order = TypeVar("Order", DeviceOrder, EquipmentOrder)
Result = TypeVar("Result", OrderResult, EquipmentResult)


class Outcome(NamedTuple):
    """How an order ended: status, code for programs, sentence for people, and of a setting what it shows since."""

    status: OrderStatus
    code: str
    message: str
    value: SettingValue | None = None


INTERRUPTED = Outcome(OrderStatus.UNKNOWN, "interrupted", "the poller ended in the middle of it; it is not repeated")


def too_late(order: DeviceOrder | EquipmentOrder, now: datetime) -> Outcome | None:
    """Return the outcome of an order that comes after its end; None for one in time."""
    if order.expires_at > now:
        return None
    late_s = (now - order.expires_at).total_seconds()
    return Outcome(OrderStatus.EXPIRED, "expired", f"it came {late_s:.0f} s after its end")


class Work(Protocol[Order_contra, Result]):
    """What is done for one kind of order."""

    results: type[Result]

    def key(self, order: Order_contra) -> Key:
        """Return what the order is known by in the journal."""
        ...

    async def do(self, order: Order_contra) -> Outcome:
        """Carry it out; this is called once in its life."""
        ...

    async def find_out(self, order: Order_contra) -> Outcome:
        """Say what became of an order in the middle of which the poller ended, without doing it again."""
        ...

    def result(self, order: Order_contra, outcome: Outcome) -> Result:
        """Return what is said of it."""
        ...


@dataclass
class AtMostOnce(Generic[Order, Result]):
    """Does its work for each order that comes, and never twice for the same."""

    bus: Bus
    clock: Clock
    journal: OrderJournal
    work: Work[Order, Result]
    under_way: set[Key] = field(default_factory=set)

    async def carry_out(self, order: Order) -> None:
        """Carry out one order and say how it ended."""
        key = self.work.key(order)
        if key in self.under_way:
            # Said again by an asker that was restarted: the answer that is to come answers both.
            return
        self.under_way.add(key)
        try:
            await self._carry_out(order, key)
        finally:
            self.under_way.discard(key)

    async def _carry_out(self, order: Order, key: Key) -> None:
        logs.bind(order=order.id, device=order.levels()[order.topic.levels[1]])
        try:
            known = await asyncio.to_thread(self.journal.begin, key, self.clock.now())
        except JournalUnavailable as error:
            log.error("order not carried out: the journal cannot be written", problem=str(error))
            why = f"the poller cannot write its journal: {error}"
            self.bus.publish(self.work.result(order, Outcome(OrderStatus.FAILED, "no_journal", why)))
            return
        result = await self._result(order, known)
        metrics.ORDERS.labels(order.command.value, result.status.value).inc()
        try:
            await asyncio.to_thread(self.journal.finish, key, result.address(), result.encode())
        except JournalUnavailable as error:
            log.error("result not written", problem=str(error))
        self.bus.publish(result)
        log.info("order ended", command=order.command.value, status=result.status.value, problem=result.message)

    async def _result(self, order: Order, known: Known) -> Result:
        if known.past is Past.DONE and known.result and known.address:
            return self.work.results.decode(known.result, known.address)
        if known.past is Past.INTERRUPTED:
            return self.work.result(order, await self.work.find_out(order))
        return self.work.result(order, await self.work.do(order))
