"""A sign of life to somebody outside, so that silence is noticed: a dead-man's switch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import aiohttp

from hashbus_notifier import metrics

if TYPE_CHECKING:
    from hashbus.service import Running
    from hashbus_notifier.channel_settings import HeartbeatSettings
    from hashbus_notifier.settings import NotifierSettings

PATIENCE = aiohttp.ClientTimeout(total=20)


async def beat(running: Running[NotifierSettings], settings: HeartbeatSettings) -> None:
    """Fetch the address again and again while the broker is there; who is deaf keeps silent."""
    async with aiohttp.ClientSession(timeout=PATIENCE) as http:
        while True:
            if running.bus.is_connected:
                outcome = await _fetched(http, settings.url_secret.get_secret_value())
                metrics.HEARTBEATS.labels("arrived" if outcome is None else "failed").inc()
                running.health.report("heartbeat", outcome and f"the heartbeat does not arrive: {outcome}")
            await running.clock.sleep(settings.every_s)


async def _fetched(http: aiohttp.ClientSession, url: str) -> str | None:
    """Fetch; None when it arrived, else why not, without the address, which is a secret."""
    try:
        async with http.get(url) as answer:
            return None if answer.ok else f"HTTP {answer.status}"
    except (TimeoutError, aiohttp.ClientError, OSError) as error:
        return type(error).__name__
