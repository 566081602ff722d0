"""The market service: rounds for price, network and power, and the economics step on what they say."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

import aiohttp

from hashbus.messages import BitcoinPrice, CurrencyRates, NetworkState, PowerPrice
from hashbus.service import Running
from hashbus.stepping import run_steps
from hashbus_market.bitcoin import PriceRound
from hashbus_market.chain import NetworkRound
from hashbus_market.desk import Desk
from hashbus_market.economy import Economy
from hashbus_market.outages import Outages
from hashbus_market.power import PowerDesk
from hashbus_market.rounds import Lines
from hashbus_market.samples import Samples, SamplesUnavailable
from hashbus_market.settings import MarketSettings
from hashbus_market.step import HEARS, step

TICK_S = 1.0
MEMORY_WAIT_S = 1.0
"""The broker hands out retained state at once; a broker that has none has nothing to wait for."""


async def main(running: Running[MarketSettings]) -> None:
    """Watch the markets until told to stop; with `--once` one round of each."""
    settings, site = running.settings.market, running.settings.site
    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(
            aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar(), headers={"User-Agent": "hashbus"})
        )
        lines = Lines(settings, http, running.clock)
        outages = Outages(running.health)
        samples = _opened(running, outages)
        if samples is not None:
            stack.callback(samples.close)
        prices = PriceRound(settings, lines, running.clock, site)
        network = NetworkRound(settings, lines, running.clock, site)
        desk = Desk(running, outages, prices, network, samples)
        power = PowerDesk(running, outages, lines)
        await _recall(running, prices, network, power)
        if running.once:
            await asyncio.gather(desk.bitcoin_once(), desk.network_once(), power.once())
            desk.say_hashprice()
        async with asyncio.TaskGroup() as tasks:
            if not running.once:
                tasks.create_task(desk.watch_bitcoin(), name="bitcoin")
                tasks.create_task(desk.watch_network(), name="network")
                tasks.create_task(power.watch(), name="power")
            tasks.create_task(_economics(running), name="economics")
    await running.bus.flush()


async def _economics(running: Running[MarketSettings]) -> None:
    await run_steps(
        running.bus,
        step,
        Economy(running.settings.site, running.settings.market),
        hears=HEARS,
        clock=running.clock,
        tick_s=TICK_S,
        rounds=100 if running.once else None,
    )


async def _recall(
    running: Running[MarketSettings], prices: PriceRound, network: NetworkRound, power: PowerDesk
) -> None:
    """Hear what an earlier run said: the last good values go on, and young ones are not asked for again."""
    async with running.bus.subscribe(BitcoinPrice, NetworkState, CurrencyRates, PowerPrice) as heard:
        while (message := await heard.next(MEMORY_WAIT_S)) is not None:
            if isinstance(message, BitcoinPrice):
                prices.last = message
            elif isinstance(message, NetworkState):
                network.last = message
            elif isinstance(message, CurrencyRates):
                network.last_rates = message
            elif isinstance(message, PowerPrice):
                power.recall(message)


def _opened(running: Running[MarketSettings], outages: Outages) -> Samples | None:
    """Open the samples; without them everything but the indicators goes on."""
    try:
        return Samples(running.settings.data_dir / running.account / "samples.sqlite3")
    except SamplesUnavailable as error:
        outages.note("samples", f"price samples cannot be kept: {error}")
        return None
