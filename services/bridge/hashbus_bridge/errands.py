"""Brings the cloud's commands home, sees each carried out once, and takes the results back."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from hashbus import logs
from hashbus.messages import (
    AvailabilityState,
    Command,
    CurtailmentRequest,
    DeviceOrder,
    Message,
    OrderResult,
    ServiceStatus,
    describe,
)
from hashbus_bridge import metrics
from hashbus_bridge.commands import SOURCE, CloudCommand, of_order, result, said
from hashbus_bridge.curtailments import KINDS, CloudCurtailment, kind_of, requested
from hashbus_bridge.spool import Spool, SpoolUnavailable
from hashbus_bridge.uplink import CloudAway, CloudRefuses, Uplink

if TYPE_CHECKING:
    from hashbus.bus import Subscription
    from hashbus.service import Running
    from hashbus_bridge.settings import BridgeSettings

log = logs.get("errands")

CONTROLLER = "controller"
POWER = (Command.ENABLE, Command.DISABLE)

AT_ONCE = 8
"""Results told at a time: a long line costs each of them its round trip."""

ANSWERS_GATHER_S = 1.0
"""Results that come within it go up together."""

SAID_AGAIN_S = 60.0
"""An order without a result is said again: the poller may have been away."""

CONFIRMED_WITHIN_S = 5.0
"""A broker that is there confirms a request sooner."""

KNOWN_WITHIN_S = 10.0
"""By then a broker has said who is there."""

ANSWERED_WITHIN = timedelta(minutes=5)
"""So long after its end an order may still be answered."""


class Errands:
    """The commands between the cloud and the site.

    A command is written down before it is said on the bus, and said again until it has a result, also after a restart;
    the poller's journal sees to it that the miner hears it once. Its result waits on disk until the cloud has it.
    """

    def __init__(self, running: Running[BridgeSettings], spool: Spool, uplink: Uplink) -> None:
        """Know of no controller yet."""
        self._running = running
        self._spool = spool
        self._uplink = uplink
        self._site = SiteKnown(running)
        self._curtailment: CurtailmentRequest | None = None
        self._said_s: dict[str, float] = {}
        self._answers = asyncio.Event()

    async def listen(self, subscription: Subscription[Message]) -> None:
        """Hear results and who is there, for ever."""
        async for message in subscription:
            if isinstance(message, ServiceStatus):
                self._site.hear(message)
            elif isinstance(message, CurtailmentRequest) and message.source == SOURCE:
                self._curtailment = message
            elif isinstance(message, OrderResult) and message.asker == SOURCE:
                metrics.COMMANDS.labels(message.command.value, message.status.value).inc()
                await self._finish(message.id, of_order(message))

    async def run(self) -> None:
        """Go to the cloud and back at the set pace, for ever; at once when there is a result to tell."""
        with suppress(SpoolUnavailable):
            await asyncio.to_thread(self._spool.forget_old, self._running.clock.now())
        while True:
            is_well = await self.round()
            await self._rest(is_well=is_well)

    async def round(self) -> bool:
        """Take results up, bring commands down and see them carried out; False when the cloud or the disk is away."""
        try:
            await self._take_results()
            await self._begin(await self._uplink.pending())
        except (CloudAway, CloudRefuses, SpoolUnavailable) as error:
            if self._running.health.report("commands", f"no commands from the cloud: {error}"):
                log.warning("no commands from the cloud", problem=str(error))
            is_well = False
        else:
            self._running.health.report("commands", None)
            is_well = True
        with suppress(SpoolUnavailable):
            await self._say_open()
        return is_well

    async def _rest(self, *, is_well: bool) -> None:
        """Wait for the next round; a result shortens it, but not to the harm of a cloud that is in trouble."""
        longest_s = self._running.settings.bridge.commands_s
        shortest_s = min(ANSWERS_GATHER_S, longest_s)
        await self._running.clock.sleep(shortest_s)
        if not is_well:
            await self._running.clock.sleep(longest_s - shortest_s)
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(longest_s - shortest_s):
                await self._answers.wait()

    async def _take_results(self) -> None:
        self._answers.clear()
        waiting = await asyncio.to_thread(self._spool.results)
        for start in range(0, len(waiting), AT_ONCE):
            some = waiting[start : start + AT_ONCE]
            ends = await asyncio.gather(*(self._tell(*one) for one in some), return_exceptions=True)
            told = [one for (one, _), end in zip(some, ends, strict=True) if end is None]
            await asyncio.to_thread(self._spool.told, told)
            for end in ends:
                if end is not None:
                    raise end

    async def _tell(self, command_id: str, found: dict[str, Any]) -> None:
        try:
            await self._uplink.tell(command_id, found)
        except CloudRefuses as error:
            if error.is_key:
                raise
            log.error("the cloud does not take a result", command=command_id, problem=str(error))

    async def _begin(self, raws: list[Any]) -> None:
        """Write commands down; those that cannot be carried out are answered."""
        now = self._running.clock.now()
        good, ended = [], []
        for raw in raws:
            try:
                command = _parsed(raw)
            except ValidationError as error:
                ended += _rejected(raw, describe(error))
                continue
            if command.expires_at > now:
                good.append((command.command_id, command.model_dump_json()))
            else:
                ended.append((command.command_id, result("expired", "expired", "it came after its end")))
        await asyncio.to_thread(self._spool.begin, good, now)
        await asyncio.to_thread(self._spool.refuse, ended, now)

    async def _say_open(self) -> None:
        """Say what has no result yet, in the order in which it came."""
        for command_id, body in await asyncio.to_thread(self._spool.unfinished):
            if not self._is_due(command_id):
                continue
            try:
                command = _parsed(json.loads(body))
            except ValidationError as error:
                # Another release wrote it.
                await self._finish(command_id, result("rejected", "not_understood", describe(error)))
                continue
            if self._running.clock.now() > command.expires_at + ANSWERED_WITHIN:
                await self._finish(command.command_id, result("failed", "no_answer", "nobody at the site answered"))
            elif not await self._say(command):
                # What follows may take back what this one asks: it does not overtake it.
                return

    def _is_due(self, command_id: str) -> bool:
        said_s = self._said_s.get(command_id)
        return said_s is None or self._running.clock.monotonic() - said_s >= SAID_AGAIN_S

    async def _say(self, command: CloudCommand | CloudCurtailment) -> bool:
        """Say one command; False when it must wait, as the site is not heard."""
        now = self._running.clock.now()
        if isinstance(command, CloudCurtailment):
            return await self._ask(command, now)
        if command.command in POWER and not self._site.is_known:
            return False
        message = said(command, self._running.settings.site, now, has_controller=self._site.has_controller)
        if isinstance(message, DeviceOrder):
            self._said_s[command.command_id] = self._running.clock.monotonic()
            # After its end too: whether it was carried out before that, the poller knows.
            self._running.bus.publish(message)
            return True
        return await self._request(command, message, "asked of the controller, which weighs it with all else")

    async def _ask(self, command: CloudCurtailment, now: datetime) -> bool:
        """Ask the curtailer, which answers with a plan on the bus."""
        try:
            request = requested(command, self._running.settings.site, now, self._curtailment)
        except ValidationError as error:
            await self._finish(command.command_id, result("rejected", "not_understood", describe(error)))
            return True
        self._curtailment = request
        return await self._request(command, request, "asked of the curtailer, which plans it and follows it")

    async def _request(self, command: CloudCommand | CloudCurtailment, message: Message, words: str) -> bool:
        """Say a request; it is carried out when the broker has it. False when the broker is away."""
        if command.expires_at <= self._running.clock.now():
            await self._finish(command.command_id, result("expired", "expired", "the bus was away until its end"))
            return True
        self._running.bus.publish(message)
        try:
            async with asyncio.timeout(CONFIRMED_WITHIN_S):
                await self._running.bus.flush()
        except TimeoutError:
            return False
        metrics.COMMANDS.labels(command.command, "requested").inc()
        await self._finish(command.command_id, result("completed", "requested", words))
        return True

    async def _finish(self, command_id: str, found: dict[str, Any]) -> None:
        self._said_s.pop(command_id, None)
        try:
            await asyncio.to_thread(self._spool.finish, command_id, found)
        except SpoolUnavailable as error:
            # It stays open: it is said again, and the poller answers again from its journal.
            log.error("a result is not written down", command=command_id, problem=str(error))
        self._answers.set()


class SiteKnown:
    """Who is there on the bus, as far as this bridge has heard."""

    def __init__(self, running: Running[BridgeSettings]) -> None:
        """Know nothing yet."""
        self._running = running
        self._begun_s = running.clock.monotonic()
        self._has_heard_itself = False
        self.has_controller = False

    def hear(self, status: ServiceStatus) -> None:
        """Take in who came or went."""
        if status.service == CONTROLLER:
            self.has_controller = status.state is AvailabilityState.ONLINE
        elif status.service == self._running.account and status.started_at == self._running.health.started_at:
            self._has_heard_itself = True

    @property
    def is_known(self) -> bool:
        """Say whether it is known that there is a controller or none.

        What this bridge says at its start comes back behind all that the broker remembers.
        """
        waited_s = self._running.clock.monotonic() - self._begun_s
        is_late = self._running.bus.is_connected and waited_s > KNOWN_WITHIN_S
        return self.has_controller or self._has_heard_itself or is_late


def _rejected(raw: Any, problem: str) -> list[tuple[str, dict[str, Any]]]:
    """Return the answer to a command that is not understood; none where it does not even have an id."""
    command_id = raw.get("command_id") if isinstance(raw, dict) else None
    log.warning("a command of the cloud is not understood", command=str(command_id)[:64], problem=problem)
    if not isinstance(command_id, str | int):
        return []
    return [(str(command_id), result("rejected", "not_understood", problem))]


def _parsed(raw: Any) -> CloudCommand | CloudCurtailment:
    """Return a command to a miner or to the site; ValidationError when it is neither."""
    kind = CloudCurtailment if kind_of(raw) in KINDS else CloudCommand
    return kind.model_validate(raw)
