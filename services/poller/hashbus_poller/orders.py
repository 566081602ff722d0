"""Orders to miners: each carried out at most once, not after its end, and answered in every case."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from hashbus import logs
from hashbus.messages import Capability, Command, DeviceOrder, MinerReading, OrderResult, OrderStatus
from hashbus_poller import metrics
from hashbus_poller.drivers.contract import DeviceError, Refused, Unreachable, Unsupported
from hashbus_poller.journal import JournalUnavailable, Known, OrderJournal, Past
from hashbus_poller.readback import Evidence, Marks, is_done, patience_s, words_for

if TYPE_CHECKING:
    from hashbus.bus import Bus
    from hashbus.clock import Clock
    from hashbus_poller.miner_visit import MinerVisit

log = logs.get("orders")

NEEDS: dict[Command, Capability] = {
    Command.ENABLE: Capability.SLEEP,
    Command.DISABLE: Capability.SLEEP,
    Command.RESTART: Capability.RESTART,
    Command.REBOOT: Capability.REBOOT,
    Command.SET_POOL: Capability.POOL,
    Command.SET_FAN: Capability.FAN,
    Command.SET_FREQUENCY: Capability.FREQUENCY,
    Command.BLINK: Capability.BLINK,
}

MOVES_POWER = frozenset({Command.ENABLE, Command.DISABLE})
"""Orders that a setpoint would undo with the next reading."""

LOOK_AGAIN_S = 2.0
"""Between two looks for an order whose reply was lost."""

Outcome = tuple[OrderStatus, str, str]
"""Status, code for programs, sentence for people."""


class Orders:
    """Carries out the orders for the miners of one poller."""

    def __init__(self, bus: Bus, clock: Clock, journal: OrderJournal, miners: dict[str, MinerVisit]) -> None:
        """Answer for `miners`."""
        self._bus = bus
        self._clock = clock
        self._journal = journal
        self._miners = miners

    async def carry_out(self, order: DeviceOrder) -> None:
        """Carry out one order and say how it ended."""
        logs.bind(order=order.id, device=order.miner)
        try:
            known = await asyncio.to_thread(self._journal.begin, order, self._clock.now())
        except JournalUnavailable as error:
            log.error("order not carried out: the journal cannot be written", problem=str(error))
            self._say(
                self._result(order, (OrderStatus.FAILED, "no_journal", f"the poller cannot write its journal: {error}"))
            )
            return
        result = await self._known(order, known)
        metrics.ORDERS.labels(order.command.value, result.status.value).inc()
        try:
            await asyncio.to_thread(self._journal.finish, result)
        except JournalUnavailable as error:
            log.error("result not written", problem=str(error))
        self._say(result)
        log.info("order ended", command=order.command.value, status=result.status.value, problem=result.message)

    def _say(self, result: OrderResult) -> None:
        self._bus.publish(result)

    async def _known(self, order: DeviceOrder, known: Known) -> OrderResult:
        if known.past is Past.DONE and known.result and known.address:
            return OrderResult.decode(known.result, known.address)
        if known.past is Past.INTERRUPTED:
            return self._result(order, await self._after_a_crash(order))
        return self._result(order, await self._outcome(order))

    async def _outcome(self, order: DeviceOrder) -> Outcome:
        visit = self._miners.get(order.miner)
        problem = self._why_not(order, visit)
        if problem is not None or visit is None:
            return problem or (OrderStatus.REJECTED, "unknown_miner", f"there is no miner {order.miner!r} here")
        before, begun_s = visit.marks, self._clock.monotonic()
        try:
            async with visit.device.lock:
                await _do(order, visit.device.driver)
        except Unsupported as error:
            return OrderStatus.UNSUPPORTED, "unsupported", str(error)
        except Refused as error:
            return OrderStatus.FAILED, "refused", str(error)
        except Unreachable as error:
            seen = await self._look_for(order, visit, before, begun_s)
            lost = f"no reply, and the miner does not tell whether it did it: {error}"
            return seen or (OrderStatus.UNKNOWN, "reply_lost", lost)
        except DeviceError as error:
            return OrderStatus.FAILED, "failed", str(error)
        return OrderStatus.DONE, "ok", f"{order.command.value} done"

    def _why_not(self, order: DeviceOrder, visit: MinerVisit | None) -> Outcome | None:
        """Return why an order cannot be begun; None when it can."""
        now = self._clock.now()
        if order.expires_at <= now:
            late_s = (now - order.expires_at).total_seconds()
            return OrderStatus.EXPIRED, "expired", f"it came {late_s:.0f} s after its end"
        if visit is None:
            return OrderStatus.REJECTED, "unknown_miner", f"there is no miner {order.miner!r} here"
        if visit.identity is None:
            return OrderStatus.FAILED, "unreachable", "the miner has not been reached yet"
        if NEEDS[order.command] not in visit.identity.capabilities:
            return (
                OrderStatus.UNSUPPORTED,
                "unsupported",
                f"{visit.identity.model or 'this miner'} cannot {order.command.value}",
            )
        if order.command in MOVES_POWER and visit.holds_setpoint:
            return OrderStatus.REJECTED, "setpoint_rules", "a setpoint rules its power; send a power request instead"
        if order.command is Command.SET_POOL and not (order.params.url and order.params.worker):
            return OrderStatus.REJECTED, "bad_params", "set_pool needs params.url and params.worker"
        if order.command is Command.SET_FREQUENCY and order.params.frequency_mhz is None:
            return OrderStatus.REJECTED, "bad_params", "set_frequency needs params.frequency_mhz"
        return None

    async def _after_a_crash(self, order: DeviceOrder) -> Outcome:
        """Ask the miner what became of an order in the middle of which the poller ended; it is never repeated."""
        unknown = (OrderStatus.UNKNOWN, "interrupted", "the poller ended in the middle of it; it is not repeated")
        visit = self._miners.get(order.miner)
        if visit is None:
            return unknown
        age_s = max(0.0, (self._clock.now() - order.at).total_seconds())
        return await self._look_for(order, visit, None, self._clock.monotonic() - age_s) or unknown

    async def _look_for(
        self, order: DeviceOrder, visit: MinerVisit, before: Marks | None, begun_s: float
    ) -> Outcome | None:
        """Read until the order shows, as long as a device may take for it; None where its readings do not tell.

        It may have been carried out although its reply was lost.
        """
        clock, seen = self._clock, None
        until_s = clock.monotonic() + patience_s(order.command)
        while True:
            now = await _reading(visit)
            if now is not None:
                seen = Evidence(order, before, now, clock.monotonic() - begun_s)
                if (done := is_done(seen)) is None:
                    return None
                if done:
                    return OrderStatus.DONE, "read_back", words_for(seen)
            if clock.monotonic() >= until_s:
                break
            await clock.sleep(LOOK_AGAIN_S)
        return (OrderStatus.FAILED, "read_back", words_for(seen)) if seen else None

    def _result(self, order: DeviceOrder, outcome: Outcome) -> OrderResult:
        status, code, message = outcome
        return OrderResult(
            site=order.site,
            at=self._clock.now(),
            miner=order.miner,
            asker=order.source,
            id=order.id,
            command=order.command,
            status=status,
            code=code,
            message=message[:1000],
        )


async def _reading(visit: MinerVisit) -> MinerReading | None:
    """Return a new reading; None while none can be had, as from a device that boots."""
    try:
        async with visit.device.lock:
            reading: MinerReading = await visit.device.driver.read()
    except DeviceError:
        return None
    return reading


async def _do(order: DeviceOrder, driver: object) -> None:
    """Call the one driver method that carries out the order; Unsupported when the driver has none."""
    params = order.params
    calls: dict[Command, tuple[str, tuple[object, ...]]] = {
        Command.ENABLE: ("wake", ()),
        Command.DISABLE: ("sleep", ()),
        Command.RESTART: ("restart_mining", ()),
        Command.REBOOT: ("reboot", ()),
        Command.SET_POOL: ("set_pool", (params,)),
        Command.SET_FAN: ("set_fan", (params.fan_pct,)),
        Command.SET_FREQUENCY: ("set_frequency", (params.frequency_mhz,)),
        Command.BLINK: ("blink", (params.blink,)),
    }
    name, arguments = calls[order.command]
    method = getattr(driver, name, None)
    if method is None:
        raise Unsupported(f"its driver cannot {order.command.value}")
    await method(*arguments)
