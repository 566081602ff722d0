"""Orders to miners: what each does, and what the miner shows of it when its reply is lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hashbus.messages import Capability, Command, DeviceOrder, MinerReading, OrderResult, OrderStatus
from hashbus_poller.at_most_once import INTERRUPTED, Outcome, too_late
from hashbus_poller.drivers.contract import DeviceError, Refused, Unreachable, Unsupported
from hashbus_poller.readback import Evidence, Marks, is_done, patience_s, words_for

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hashbus.clock import Clock
    from hashbus_poller.journal import Key
    from hashbus_poller.miner_visit import MinerVisit

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


class MinerOrders:
    """What is done for the orders to the miners of one poller."""

    results = OrderResult

    def __init__(self, clock: Clock, miners: Mapping[str, MinerVisit]) -> None:
        """Answer for `miners`."""
        self._clock = clock
        self._miners = miners

    def key(self, order: DeviceOrder) -> Key:
        """Return what the order is known by in the journal."""
        return order.source, order.id

    async def do(self, order: DeviceOrder) -> Outcome:
        """Carry it out, and look what became of it when its reply is lost."""
        visit = self._miners.get(order.miner)
        problem = self._why_not(order, visit)
        if problem is not None or visit is None:
            return problem or _unknown(order)
        before, begun_s = visit.marks, self._clock.monotonic()
        try:
            async with visit.device.lock:
                await _do(order, visit.device.driver)
        except Unsupported as error:
            return Outcome(OrderStatus.UNSUPPORTED, "unsupported", str(error))
        except Refused as error:
            return Outcome(OrderStatus.FAILED, "refused", str(error))
        except Unreachable as error:
            seen = await self._look_for(order, visit, before, begun_s)
            lost = f"no reply, and the miner does not tell whether it did it: {error}"
            return seen or Outcome(OrderStatus.UNKNOWN, "reply_lost", lost)
        except DeviceError as error:
            return Outcome(OrderStatus.FAILED, "failed", str(error))
        return Outcome(OrderStatus.DONE, "ok", f"{order.command.value} done")

    def _why_not(self, order: DeviceOrder, visit: MinerVisit | None) -> Outcome | None:
        """Return why an order cannot be begun; None when it can."""
        if (late := too_late(order, self._clock.now())) is not None:
            return late
        if visit is None:
            return _unknown(order)
        if visit.identity is None:
            return Outcome(OrderStatus.FAILED, "unreachable", "the miner has not been reached yet")
        if NEEDS[order.command] not in visit.identity.capabilities:
            lacks = f"{visit.identity.model or 'this miner'} cannot {order.command.value}"
            return Outcome(OrderStatus.UNSUPPORTED, "unsupported", lacks)
        if order.command in MOVES_POWER and visit.holds_setpoint:
            rules = "a setpoint rules its power; send a power request instead"
            return Outcome(OrderStatus.REJECTED, "setpoint_rules", rules)
        return _bad_params(order)

    async def find_out(self, order: DeviceOrder) -> Outcome:
        """Ask the miner what became of an order in the middle of which the poller ended; it is never repeated."""
        visit = self._miners.get(order.miner)
        if visit is None:
            return INTERRUPTED
        age_s = max(0.0, (self._clock.now() - order.at).total_seconds())
        return await self._look_for(order, visit, None, self._clock.monotonic() - age_s) or INTERRUPTED

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
                    return Outcome(OrderStatus.DONE, "read_back", words_for(seen))
            if clock.monotonic() >= until_s:
                break
            await clock.sleep(LOOK_AGAIN_S)
        return Outcome(OrderStatus.FAILED, "read_back", words_for(seen)) if seen else None

    def result(self, order: DeviceOrder, outcome: Outcome) -> OrderResult:
        """Return what is said of it."""
        return OrderResult(
            site=order.site,
            at=self._clock.now(),
            miner=order.miner,
            asker=order.source,
            id=order.id,
            command=order.command,
            status=outcome.status,
            code=outcome.code,
            message=outcome.message[:1000],
        )


def _unknown(order: DeviceOrder) -> Outcome:
    return Outcome(OrderStatus.REJECTED, "unknown_miner", f"there is no miner {order.miner!r} here")


def _bad_params(order: DeviceOrder) -> Outcome | None:
    if order.command is Command.SET_POOL and not (order.params.url and order.params.worker):
        return Outcome(OrderStatus.REJECTED, "bad_params", "set_pool needs params.url and params.worker")
    if order.command is Command.SET_FREQUENCY and order.params.frequency_mhz is None:
        return Outcome(OrderStatus.REJECTED, "bad_params", "set_frequency needs params.frequency_mhz")
    return None


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
