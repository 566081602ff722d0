"""The smarthome service: two shells side by side, one towards Home Assistant and one towards Zigbee2MQTT."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

from hashbus.mqtt_noticeboard import Noticeboard
from hashbus_smarthome.homeassistant import HomeAssistant, hears, withdraw
from hashbus_smarthome.zigbee.listener import Listener

if TYPE_CHECKING:
    from hashbus.service import Running
    from hashbus_smarthome.settings import SmarthomeSettings


async def main(running: Running[SmarthomeSettings]) -> None:
    """Serve both until told to stop; with `--once` one round of each. A dry run pins nothing."""
    settings = running.settings
    async with AsyncExitStack() as stack, asyncio.TaskGroup() as tasks:
        if not running.dry_run:
            prefix = settings.smarthome.homeassistant.discovery_prefix
            board = await stack.enter_async_context(Noticeboard(settings.broker, hears(settings.site, prefix)))
            if settings.smarthome.homeassistant.enabled:
                tasks.create_task(HomeAssistant(running, board).run(), name="Home Assistant")
            elif not running.once:
                tasks.create_task(withdraw(board, settings.site, prefix), name="no Home Assistant")
        if settings.smarthome.zigbee2mqtt.enabled:
            tasks.create_task(Listener(running).run(), name="Zigbee2MQTT")
    await running.bus.flush()
