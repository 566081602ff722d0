"""Says what the rounds bring: price, network, currencies, hashprice and indicators; tells when a source is silent."""

from __future__ import annotations

from datetime import timedelta

from hashbus.economics import hashprice_usd_per_ph_day
from hashbus.messages import BitcoinPrice, Hashprice, Indicators, NetworkState
from hashbus.service import Running
from hashbus_market.bitcoin import PriceRound
from hashbus_market.chain import NetworkRound
from hashbus_market.indicators import LONGEST_GAP, indicators
from hashbus_market.outages import Outages
from hashbus_market.past import SLOT_S, WANTED_SAMPLES, believed, slot_of
from hashbus_market.samples import Samples, SamplesUnavailable
from hashbus_market.settings import MarketSettings

SOON_S = 60.0
"""After a round that brought nothing the next one comes sooner than the owner's pace, but not in a hurry."""

ENOUGH_SAMPLES = 60
"""With so many in a row every indicator has its value; with fewer the exchanges are asked for theirs."""


class Desk:
    """Watches the bitcoin price and the network."""

    def __init__(
        self,
        running: Running[MarketSettings],
        outages: Outages,
        prices: PriceRound,
        network: NetworkRound,
        samples: Samples | None,
    ) -> None:
        """`samples` None leaves the indicators out."""
        self._running = running
        self._outages = outages
        self._settings = running.settings.market
        self._prices = prices
        self._network = network
        self._samples = samples
        self._sampled: int | None = None

    async def watch_bitcoin(self) -> None:
        """Look at the price again and again."""
        await self._rest_of(self._prices.last, self._settings.price_every_s)
        while True:
            is_well = await self.bitcoin_once()
            every_s = self._settings.price_every_s
            await self._running.clock.sleep(every_s if is_well else min(every_s, SOON_S))

    async def watch_network(self) -> None:
        """Look at the network again and again."""
        await self._rest_of(self._network.last, self._settings.network_every_s)
        while True:
            is_well = await self.network_once()
            every_s = self._settings.network_every_s
            await self._running.clock.sleep(every_s if is_well else min(every_s, SOON_S))

    async def _fill_past(self, samples: Samples, price: BitcoinPrice, slot: int) -> None:
        """Ask the exchanges for quarters that are missing: a first start, or a long one after a silence."""
        known = {one.slot for one in samples.latest(ENOUGH_SAMPLES)}
        if len(known & set(range(slot - ENOUGH_SAMPLES, slot))) >= ENOUGH_SAMPLES - LONGEST_GAP:
            return
        samples.fill(believed(await self._prices.past(), price_usd=price.price_usd, slot=slot))

    async def _rest_of(self, last: BitcoinPrice | NetworkState | None, every_s: float) -> None:
        """Wait until a value that an earlier run asked for is due again (S3.2: cache first)."""
        if last is not None:
            await self._running.clock.sleep(max(0.0, every_s - last.age_s(self._running.clock.now())))

    async def bitcoin_once(self) -> bool:
        """Look at the price once and say what came out; returns whether it brought one."""
        price, why_not = await self._prices.go()
        last = self._prices.last
        known = f"; the last one is of {last.taken_at:%Y-%m-%d %H:%M} UTC" if last else ""
        self._outages.note("bitcoin", None if price else f"no bitcoin price{known}: {why_not}"[:1000])
        if price is None:
            return False
        self._running.bus.publish(price)
        self.say_hashprice()
        await self._sample(price)
        return True

    async def network_once(self) -> bool:
        """Look at the network once and say what came out; returns whether it brought one."""
        state, rates, why_not = await self._network.go()
        self._outages.note("network", None if state else why_not)
        if rates is not None:
            self._running.bus.publish(rates)
        if state is None:
            return False
        self._running.bus.publish(state)
        self.say_hashprice()
        return True

    def say_hashprice(self) -> None:
        """Say what a hash earns, as long as both that it is made from are fresh (D3)."""
        price, network, now = self._prices.last, self._network.last, self._running.clock.now()
        if price is None or network is None or price.is_stale(now) or network.is_stale(now):
            return
        reward_btc = network.subsidy_btc + (network.fees_per_block_btc or 0.0)
        self._running.bus.publish(
            Hashprice(
                site=self._running.settings.site,
                # As old as its price: said again because of the network, it does not become younger.
                at=price.at,
                hashprice_usd_per_ph_day=hashprice_usd_per_ph_day(network.difficulty, reward_btc, price.price_usd),
                price_usd=price.price_usd,
                difficulty=network.difficulty,
                completeness_pct=min(price.completeness_pct, network.completeness_pct),
                taken_at=min(price.taken_at, network.taken_at),
            )
        )

    async def _sample(self, price: BitcoinPrice) -> None:
        """Keep one price in 15 minutes, and say the indicators with it (S3.31, S3.41 to S3.44)."""
        slot = slot_of(price.at.timestamp())
        if self._samples is None or slot == self._sampled:
            return
        try:
            await self._fill_past(self._samples, price, slot)
            if slot not in {one.slot for one in self._samples.latest(1)}:
                self._samples.put(slot, price.price_usd, price.volume_btc, price.completeness_pct)
            self._samples.forget(slot - int(timedelta(days=self._settings.sample_days).total_seconds()) // SLOT_S)
            found = indicators(self._samples.latest(WANTED_SAMPLES))
        except SamplesUnavailable as error:
            self._outages.note("samples", f"price samples cannot be kept: {error}")
            return
        self._outages.note("samples", None)
        self._sampled = slot
        self._running.bus.publish(
            Indicators(
                site=self._running.settings.site,
                at=price.at,
                samples=found.samples,
                rsi_pct=found.rsi_pct,
                macd_usd=found.macd_usd,
                macd_signal_usd=found.macd_signal_usd,
                macd_histogram_usd=found.macd_histogram_usd,
                bollinger_upper_usd=found.bollinger_upper_usd,
                bollinger_middle_usd=found.bollinger_middle_usd,
                bollinger_lower_usd=found.bollinger_lower_usd,
                completeness_pct=price.completeness_pct,
                taken_at=price.taken_at,
            )
        )
