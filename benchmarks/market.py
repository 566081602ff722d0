"""What the market costs: a round over four exchanges, with one of them hung too, and what the sums take.

The exchanges are emulated, on loopback, in this process: a real round adds the way to them. The bare lower bound of a
round is four GETs at the same time by aiohttp, unread. Calculations and the valuing of miners have no bound.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from statistics import median

import aiohttp

from benchmarks.figures import Figure
from hashbus.clock import SYSTEM_CLOCK
from hashbus.messages import Capability, Hashprice, Level, MinerInfo, MinerState, MinerTelemetry, PowerPrice
from hashbus.profit import LiveMarket, ProfitAsked, profit
from hashbus.step import TICK
from hashbus_market.bitcoin import PriceRound
from hashbus_market.economy import Economy
from hashbus_market.rounds import Lines
from hashbus_market.settings import MarketSection
from hashbus_market.step import AT_ONCE, step
from hashbus_simulator.faults import Fault, FaultKind
from hashbus_simulator.fleet import Fleet
from hashbus_simulator.settings import SimulatorSettings

EXCHANGES = ("binance", "okx", "deribit", "bybit")
PATHS = ("/api/v3/ticker/24hr?symbol=BTCUSDT", "/api/v5/market/ticker?instId=BTC-USDT")
ROUNDS, CALCULATIONS, MINERS = 15, 5_000, 5_000
QUICK_ROUNDS, QUICK_CALCULATIONS, QUICK_MINERS = 2, 50, 40
NETWORK = "127.94.200"


async def measure(*, quick: bool) -> list[Figure]:
    """Measure rounds, calculations and a farm's economics; about twenty seconds."""
    rounds, calculations, miners = (
        (QUICK_ROUNDS, QUICK_CALCULATIONS, QUICK_MINERS) if quick else (ROUNDS, CALCULATIONS, MINERS)
    )
    return [*await _rounds(rounds), _calculations(calculations), *_farm(miners)]


async def _rounds(count: int) -> list[Figure]:
    blocks = [
        {"family": "market", "venue": name, "id": name, "host": f"{NETWORK}.{number}", "ports": {"web": 0}}
        for number, name in enumerate(EXCHANGES, start=11)
    ]
    async with Fleet(SimulatorSettings.model_validate({"devices": blocks})) as fleet, aiohttp.ClientSession() as http:
        urls = {name: f"http://{one.place.host}:{one.ports[0].number}" for name, one in fleet.devices.items()}
        settings = MarketSection(urls=urls, fallback="none")
        prices = PriceRound(settings, Lines(settings, http, SYSTEM_CLOCK), SYSTEM_CLOCK, "bench")
        await prices.go()
        bare, whole = [], []
        for _ in range(count):
            bare.append(await _taken_ms(lambda: _bare(http, list(urls.values()))))
            whole.append(await _taken_ms(prices.go))
        await fleet.presences["okx"].put_fault(Fault(kind=FaultKind.HANG))
        hung = [await _taken_ms(prices.go) for _ in range(count)]
        used = prices.last.sources_used if prices.last else 0
    return [
        Figure("market_round", median(whole), "ms", "", "four exchanges that answer"),
        Figure("market_round_bare", median(bare), "ms", "", "four GETs, unread"),
        Figure("market_round_one_hung", median(hung), "ms", "<= 1000", f"grace 500 ms; {used} of 4 believed"),
    ]


async def _bare(http: aiohttp.ClientSession, urls: list[str]) -> None:
    async def get(url: str) -> None:
        async with http.get(url) as response:
            await response.read()

    await asyncio.gather(*(get(f"{url}{PATHS[index % 2]}") for index, url in enumerate(urls)))


async def _taken_ms(work: Callable[[], Awaitable[object]]) -> float:
    began_s = time.perf_counter()
    await work()
    return (time.perf_counter() - began_s) * 1000


def _calculations(count: int) -> Figure:
    asked = ProfitAsked(model="s19pro", price_per_kwh=0.10, price_usd=92_477, difficulty=152.27e12, invested_each=1200)
    now, live = datetime(2026, 3, 1, tzinfo=UTC), LiveMarket()
    profit(asked, live, now)
    began_s = time.perf_counter()
    for _ in range(count):
        profit(asked, live, now)
    per_s = count / (time.perf_counter() - began_s)
    return Figure("profit_calculations", per_s, "calculations/s", "", "model looked up, values noted, answer checked")


def _farm(count: int) -> list[Figure]:
    """Value every miner of a farm at ten powers, after a change of the price."""
    now = datetime(2026, 3, 1, tzinfo=UTC)
    economy = Economy("bench", MarketSection.model_validate({"best_power": {"scopes": ["site"]}}))
    infos, readings = {}, {}
    for number in range(count):
        name = f"m{number}"
        infos[name] = _info(name, now)
        readings[name] = _reading(name, now)
    for message in (*infos.values(), *readings.values(), _hashprice(now), _power(now)):
        economy, _ = step(economy, message, now)
    ticks_ms, said = [], 0
    for _ in range(-(-count // AT_ONCE)):
        began_s = time.perf_counter()
        economy, messages = step(economy, TICK, now)
        ticks_ms.append((time.perf_counter() - began_s) * 1000)
        said += len(list(messages))
    began_s = time.perf_counter()
    for number in range(count):
        economy, _ = step(economy, _reading(f"m{number}", now + timedelta(seconds=10)), now)
    reading_us = (time.perf_counter() - began_s) / count * 1e6
    return [
        Figure("economics_tick", max(ticks_ms), "ms", "", f"the longest of {AT_ONCE} miners; {said} messages in all"),
        Figure("economics_a_miner", sum(ticks_ms) / count * 1000, "us", "", f"of {count}, ten powers each, bid made"),
        Figure("economics_reading", reading_us, "us", "", f"a reading taken in, {count} miners"),
    ]


def _info(name: str, now: datetime) -> MinerInfo:
    return MinerInfo(
        site="bench",
        at=now,
        miner=name,
        driver="x",
        level=Level.GOLD,
        capabilities=(Capability.POWER_LIMIT, Capability.SLEEP),
        min_power_w=1800,
        max_power_w=3600,
        rated_power_w=3600,
        rated_hashrate_ths=200,
    )


def _reading(name: str, now: datetime) -> MinerTelemetry:
    return MinerTelemetry(
        site="bench",
        at=now,
        miner=name,
        driver="x",
        state=MinerState.MINING,
        power_w=3600,
        power_limit_w=3600,
        hashrate_ths=200,
    )


def _hashprice(now: datetime) -> Hashprice:
    return Hashprice(
        site="bench",
        at=now,
        hashprice_usd_per_ph_day=40,
        price_usd=92_477,
        difficulty=152.27e12,
        completeness_pct=100,
        taken_at=now,
    )


def _power(now: datetime) -> PowerPrice:
    return PowerPrice(
        site="bench",
        at=now,
        currency="USD",
        price_per_kwh=0.05,
        tariff="bench",
        sources_used=1,
        sources_total=1,
        completeness_pct=100,
        taken_at=now,
    )
