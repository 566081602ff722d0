"""The bridge: two errands at their own pace, up with readings and down with commands."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

import aiohttp

from hashbus import logs
from hashbus.config_errors import ConfigError
from hashbus.messages import (
    CurtailmentRequest,
    MinerAvailability,
    MinerInfo,
    MinerTelemetry,
    OrderResult,
    ServiceStatus,
)
from hashbus_bridge.errands import Errands
from hashbus_bridge.mirror import Mirror
from hashbus_bridge.spool import Spool, SpoolUnavailable
from hashbus_bridge.uplink import Uplink

if TYPE_CHECKING:
    from hashbus.service import Running
    from hashbus_bridge.settings import BridgeSettings

log = logs.get("bridge")


async def main(running: Running[BridgeSettings]) -> None:
    """Mirror the site until told to stop; with `--once` one upload of what the broker remembers."""
    settings = running.settings.bridge
    if not settings.url or settings.api_key is None:
        missing = "bridge.url" if not settings.url else "bridge.api_key"
        raise ConfigError([f"{missing}: is missing; write the collector's https address and api_key_file: PATH"])
    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()))
        spool = _opened(running)
        stack.callback(spool.close)
        uplink = Uplink(settings, http, running.settings.site)
        mirror, errands = Mirror(running, spool, uplink), Errands(running, spool, uplink)
        facts = await stack.enter_async_context(running.bus.subscribe(MinerInfo, MinerAvailability, MinerTelemetry))
        news = await stack.enter_async_context(running.bus.subscribe(OrderResult, ServiceStatus, CurtailmentRequest))
        if running.once:
            while (fact := await facts.next(1.0)) is not None:
                mirror.hear(fact)
            await mirror.round()
            return
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(mirror.listen(facts), name="hear readings")
            tasks.create_task(errands.listen(news), name="hear results")
            tasks.create_task(mirror.write(), name="write down")
            tasks.create_task(mirror.run(), name="mirror")
            tasks.create_task(errands.run(), name="errands")


def _opened(running: Running[BridgeSettings]) -> Spool:
    try:
        return Spool(running.settings.data_dir / running.account / "spool.db", running.settings.bridge.spool_mb)
    except SpoolUnavailable as error:
        raise ConfigError([f"data_dir: the bridge cannot keep its spool: {error}"]) from None
