"""The notifier's shell: the step that makes alerts, and beside it everything that brings them to people."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

from hashbus.config_errors import ConfigError
from hashbus.messages import Alert, AlertAck
from hashbus.stepping import run_steps
from hashbus_notifier.channel_settings import AppriseSettings, TelegramSettings
from hashbus_notifier.step import HEARS, State, step
from hashbus_notifier.telling.queue import Queue
from hashbus_notifier.telling.teller import Teller, Way

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from hashbus.service import Running
    from hashbus_notifier.settings import NotifierSettings
    from hashbus_notifier.telling.channel import Channel

TICK_S = 1.0


async def main(running: Running[NotifierSettings]) -> None:
    """Tell until told to stop; with `--once` what is wrong by what the broker remembers, on the bus alone."""
    section = running.settings.notifier
    async with AsyncExitStack() as stack, asyncio.TaskGroup() as tasks:
        beside = []
        if not running.once and not running.dry_run:
            ways = await _ways(running, stack)
            if ways:
                teller = Teller(running, await _queue(running, stack), ways)
                heard = await stack.enter_async_context(running.bus.subscribe(Alert, AlertAck))
                beside += [tasks.create_task(teller.listen(heard)), tasks.create_task(teller.run())]
            beside += [tasks.create_task(part) for part in _bots(running)]
            if section.heartbeat is not None:
                from hashbus_notifier.telling.heartbeat import beat  # noqa: PLC0415

                beside.append(tasks.create_task(beat(running, section.heartbeat)))
        await _make_alerts(running)
        for task in beside:
            task.cancel()


async def _make_alerts(running: Running[NotifierSettings]) -> None:
    state = State(running.settings.site, running.settings.notifier)
    rounds = 100 if running.once else None
    await run_steps(running.bus, step, state, hears=HEARS, clock=running.clock, tick_s=TICK_S, rounds=rounds)
    await running.bus.flush()


async def _queue(running: Running[NotifierSettings], stack: AsyncExitStack) -> Queue:
    path = running.settings.data_dir / running.account / "notes.db"
    try:
        queue = Queue(path)
    except (OSError, sqlite3.Error) as error:
        raise ConfigError([f"data_dir: the notifier cannot keep its queue in {path}: {error}"]) from None
    stack.callback(queue.close)
    return queue


async def _ways(running: Running[NotifierSettings], stack: AsyncExitStack) -> tuple[Way, ...]:
    """Open every configured channel. Its library is loaded only where one is: a site without costs nothing."""
    if not running.settings.notifier.channels:
        return ()
    from hashbus_notifier.telling.channels import AppriseChannel, TelegramChannel  # noqa: PLC0415

    ways, wrong = [], []
    for name, settings in running.settings.notifier.channels.items():
        try:
            channel: Channel = (
                AppriseChannel(settings, running.settings.site)
                if isinstance(settings, AppriseSettings)
                else TelegramChannel(settings)
            )
        except ValueError as error:
            wrong.append(f"notifier.channels.{name}: {error}")
            continue
        stack.push_async_callback(channel.close)
        ways.append(Way(name, settings, channel))
    if wrong:
        raise ConfigError(wrong)
    return tuple(ways)


def _bots(running: Running[NotifierSettings]) -> list[Coroutine[Any, Any, None]]:
    talkative = {
        name: one
        for name, one in running.settings.notifier.channels.items()
        if isinstance(one, TelegramSettings) and one.answers
    }
    if not talkative:
        return []
    from hashbus_notifier.bot.bot import Bot  # noqa: PLC0415

    bots = [Bot(running, settings, name) for name, settings in talkative.items()]
    return [part for bot in bots for part in (bot.listen(), bot.run())]
