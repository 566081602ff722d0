"""Brings the cloud's commands home, sees each carried out once, and takes the results back."""

from __future__ import annotations

import asyncio
import json
from datetime import datetime
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from hashbus import logs
from hashbus.messages import (
    AvailabilityState,
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
from hashbus_bridge.spool import Spool
from hashbus_bridge.uplink import CloudAway, CloudRefuses, Uplink

if TYPE_CHECKING:
    from hashbus.bus import Subscription
    from hashbus.service import Running
    from hashbus_bridge.settings import BridgeSettings

log = logs.get("errands")

CONTROLLER = "controller"


class Errands:
    """The commands between the cloud and the site.

    A command is written down before it is said on the bus, and said again after a restart until it has a result; the
    poller's journal sees to it that the miner hears it once. Its result waits on disk until the cloud has it.
    """

    def __init__(self, running: Running[BridgeSettings], spool: Spool, uplink: Uplink) -> None:
        """Know of no controller yet."""
        self._running = running
        self._spool = spool
        self._uplink = uplink
        self._has_controller = False
        self._curtailment: CurtailmentRequest | None = None

    async def listen(self, subscription: Subscription[Message]) -> None:
        """Hear results and who is there, for ever."""
        async for message in subscription:
            if isinstance(message, ServiceStatus) and message.service == CONTROLLER:
                self._has_controller = message.state is AvailabilityState.ONLINE
            elif isinstance(message, CurtailmentRequest) and message.source == SOURCE:
                self._curtailment = message
            elif isinstance(message, OrderResult) and message.asker == SOURCE:
                metrics.COMMANDS.labels(message.command.value, message.status.value).inc()
                await asyncio.to_thread(self._spool.finish, message.id, of_order(message))

    async def run(self) -> None:
        """Go to the cloud and back at the set pace, for ever."""
        await self._resume()
        while True:
            await self.round()
            await self._running.clock.sleep(self._running.settings.bridge.commands_s)

    async def round(self) -> None:
        """Take results up and bring commands down."""
        try:
            await self._take_results()
            for one in await self._uplink.pending():
                await self._take(one)
        except (CloudAway, CloudRefuses) as error:
            if self._running.health.report("commands", f"no commands from the cloud: {error}"):
                log.warning("no commands from the cloud", problem=str(error))
        else:
            self._running.health.report("commands", None)

    async def _take_results(self) -> None:
        for command_id, found in await asyncio.to_thread(self._spool.results):
            try:
                await self._uplink.tell(command_id, found)
            except CloudRefuses as error:
                if error.is_key:
                    raise
                log.error("the cloud does not take a result", command=command_id, problem=str(error))
            await asyncio.to_thread(self._spool.told, command_id)

    async def _take(self, raw: Any) -> None:
        try:
            command = _parsed(raw)
        except ValidationError as error:
            await self._reject(raw, describe(error))
            return
        if await asyncio.to_thread(self._spool.begin, command.command_id, command.model_dump_json()):
            await self._say(command)

    async def _reject(self, raw: Any, problem: str) -> None:
        command_id = raw.get("command_id") if isinstance(raw, dict) else None
        log.warning("a command of the cloud is not understood", command=str(command_id)[:64], problem=problem)
        if isinstance(command_id, str | int):
            await asyncio.to_thread(self._spool.begin, str(command_id), "{}")
            await asyncio.to_thread(self._spool.finish, str(command_id), result("rejected", "not_understood", problem))

    async def _resume(self) -> None:
        """Say again what an earlier run had begun and not finished."""
        for body in await asyncio.to_thread(self._spool.unfinished):
            await self._say(_parsed(json.loads(body)))

    async def _say(self, command: CloudCommand | CloudCurtailment) -> None:
        now = self._running.clock.now()
        if command.expires_at <= now:
            found = result("expired", "expired", "it came after its end")
            await asyncio.to_thread(self._spool.finish, command.command_id, found)
            return
        if isinstance(command, CloudCurtailment):
            await self._ask(command, now)
            return
        message = said(command, self._running.settings.site, now, has_controller=self._has_controller)
        self._running.bus.publish(message)
        if not isinstance(message, DeviceOrder):
            found = result(
                "completed", "requested", "asked of the controller, which weighs it with all else that is asked"
            )
            metrics.COMMANDS.labels(command.command.value, "requested").inc()
            await asyncio.to_thread(self._spool.finish, command.command_id, found)

    async def _ask(self, command: CloudCurtailment, now: datetime) -> None:
        """Ask the curtailer, which answers with a plan on the bus."""
        try:
            request = requested(command, self._running.settings.site, now, self._curtailment)
        except ValidationError as error:
            found = result("rejected", "not_understood", describe(error))
        else:
            self._curtailment = request
            self._running.bus.publish(request)
            found = result("completed", "requested", "asked of the curtailer, which plans it and follows it")
            metrics.COMMANDS.labels(command.command, "requested").inc()
        await asyncio.to_thread(self._spool.finish, command.command_id, found)


def _parsed(raw: Any) -> CloudCommand | CloudCurtailment:
    """Return a command to a miner or to the site; ValidationError when it is neither."""
    kind = CloudCurtailment if kind_of(raw) in KINDS else CloudCommand
    return kind.model_validate(raw)
