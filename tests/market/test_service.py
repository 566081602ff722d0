"""The market service on emulated markets: one source hangs, lies or is away, and the site still knows what it earns."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from hashbus.clock import SYSTEM_CLOCK
from hashbus.messages import (
    BitcoinPrice,
    Capability,
    CurrencyRates,
    Hashprice,
    Indicators,
    Level,
    Message,
    MinerEconomics,
    MinerInfo,
    MinerState,
    MinerTelemetry,
    NetworkState,
    PowerPrice,
    ServiceStatus,
    SiteEconomics,
)
from hashbus.mqtt_bus import MqttBus
from hashbus.settings import BrokerSettings
from hashbus.testing.memory_bus import MemoryBus
from hashbus_market.past import slot_of
from hashbus_market.samples import Samples
from tests.market.markets import EXCHANGES, Markets, Site, until
from tests.servers import GuardedMosquitto, Mosquitto

NETWORK = "127.94.2"
ERCOT: dict[str, Any] = {"kind": "ercot", "point": "HB_NORTH", "api_key": "emulated", "username": "owner"}
QUICK: dict[str, Any] = {"timeout_s": 2, "grace_s": 0.2, "price_every_s": 10, "network_every_s": 60}


def market_site(folder: Path, markets: Markets, **more: Any) -> Site:
    return Site(folder, **{**QUICK, "urls": markets.urls, **more})


async def test_a_round_gives_price_network_currencies_hashprice_and_indicators(tmp_path: Path) -> None:
    async with Markets(NETWORK).open() as markets, market_site(tmp_path, markets).running() as here:
        price = await here.says(BitcoinPrice)
        assert price.price_usd == pytest.approx(92_477, rel=0.02)
        assert (price.sources_used, price.sources_total, price.completeness_pct) == (4, 4, 100)
        assert price.volume_btc == pytest.approx(55_691)
        network = await here.says(NetworkState)
        assert network.hashrate_ehs == pytest.approx(1089.99, abs=0.01)
        hashprice = await here.says(Hashprice)
        reward_btc = 3.125 + 0.025
        expected = 1e15 * 86_400 * reward_btc * price.price_usd / (152.27e12 * 2**32)
        assert hashprice.hashprice_usd_per_ph_day == pytest.approx(expected, rel=1e-3)
        rates = await here.says(CurrencyRates)
        assert rates.per_usd["EUR"] == pytest.approx(0.92, rel=1e-3)
        indicators = await here.says(Indicators)
        assert indicators.samples == 250
        assert None not in (indicators.rsi_pct, indicators.macd_signal_usd, indicators.bollinger_upper_usd)
        assert here.health.problems == ()
        assert markets.venue("coingecko").asked == 0


@pytest.mark.parametrize(
    "kind",
    ["hang", "refuse", "garbage", "trickle", "oversized", "rate_limited", "price_tenfold", "price_zero",
     "price_negative", "price_word", "price_nan", "stale", "empty"],
)  # fmt: skip
async def test_one_exchange_that_fails_in_any_way_neither_stops_nor_misleads(kind: str, tmp_path: Path) -> None:
    async with Markets(NETWORK).open() as markets:
        await markets.fails("okx", kind)
        async with market_site(tmp_path, markets).running() as here:
            price = await here.says(BitcoinPrice)
            assert price.price_usd == pytest.approx(92_477, rel=0.02)
            assert (price.sources_used, price.completeness_pct) == (3, 75)
            [failed] = [one for one in price.sources if not one.is_used]
            assert failed.name == "okx"
            assert failed.why_not


async def test_with_three_exchanges_away_another_opinion_is_asked(tmp_path: Path) -> None:
    async with Markets(NETWORK).open() as markets:
        for name in EXCHANGES[:3]:
            await markets.fails(name, "refuse")
        async with market_site(tmp_path, markets).running() as here:
            price = await here.says(BitcoinPrice)
            assert [one.name for one in price.sources if one.is_used] == ["bybit", "coingecko"]
            assert price.completeness_pct == 40


async def test_with_everybody_away_the_last_price_stays_with_its_age_and_a_problem_is_told(tmp_path: Path) -> None:
    async with Markets(NETWORK).open() as markets:
        here = market_site(tmp_path, markets)
        async with here.running():
            price = await here.says(BitcoinPrice)
        for name in (*EXCHANGES, "coingecko"):
            await markets.fails(name, "refuse")
        here.heard.clear()
        aged = price.model_copy(update={"at": price.at - timedelta(minutes=20), "taken_at": price.taken_at})
        MemoryBus(here.broker, "market").publish(aged)
        async with here.running():
            await until(lambda: bool(here.health.problems))
            assert "no bitcoin price; the last one is of" in here.health.problems[0]
            assert all(message == aged for message in here.heard if isinstance(message, BitcoinPrice))


async def test_a_young_price_is_not_asked_for_again_after_a_restart(tmp_path: Path) -> None:
    async with Markets(NETWORK).open() as markets:
        tariff = {"kind": "fixed", "price_per_kwh": 0.1}
        here = market_site(tmp_path, markets, price_every_s=300, tariff=tariff)
        async with here.running():
            await here.says(Hashprice)
        asked = markets.venue("binance").asked
        here.heard.clear()
        async with here.running():
            # Whoever was to ask has had its turn when the tariff has spoken and a miner is valued.
            await here.says(PowerPrice)
            for message in miner():
                here.poller.publish(message)
            await here.says(MinerEconomics, lambda one: one.margin_per_day is not None)
        assert markets.venue("binance").asked == asked


async def test_samples_survive_a_restart_and_feed_the_indicators(tmp_path: Path) -> None:
    slot = slot_of(SYSTEM_CLOCK.now().timestamp())
    samples = Samples(tmp_path / "market" / "samples.sqlite3")
    for number in range(60):
        samples.put(slot - 60 + number, 92_000 + 10 * (number % 7), 55_000, 100)
    samples.close()
    async with Markets(NETWORK).open() as markets, market_site(tmp_path, markets).running() as here:
        indicators = await here.says(Indicators)
        assert indicators.samples in (60, 61, 62)
        assert None not in (indicators.rsi_pct, indicators.macd_signal_usd, indicators.bollinger_upper_usd)


async def test_a_disk_that_takes_no_samples_stops_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "market").write_text("a file where a folder should be")
    async with Markets(NETWORK).open() as markets, market_site(tmp_path, markets).running() as here:
        await here.says(Hashprice)
        assert any("price samples cannot be kept" in problem for problem in here.health.problems)


@pytest.mark.parametrize(
    ("tariff", "currency"),
    [
        ({"kind": "awattar"}, "EUR"),
        ({"kind": "entsoe", "zone": "10Y1001A1001A82H", "token": "emulated"}, "EUR"),
        ({"kind": "octopus"}, "GBP"),
        ({**ERCOT, "password": "emulated"}, "USD"),
    ],
)
async def test_hours_of_every_supplier_are_priced_with_markup_and_tax(
    tariff: dict[str, Any], currency: str, tmp_path: Path
) -> None:
    venue = tariff["kind"]
    async with Markets(NETWORK, ("binance", venue)).open() as markets:
        urls = {"binance": markets.urls["binance"]}
        plan = {**tariff, "url": markets.urls[venue], "markup_per_kwh": 0.1, "tax_pct": 20}
        if venue == "ercot":
            plan["login_url"] = markets.urls[venue]
        async with market_site(tmp_path, markets, urls=urls, tariff=plan, exchanges=["binance"]).running() as here:
            power = await here.says(PowerPrice)
            assert power.currency == currency
            energy = markets.venue(venue).truth()["power_per_mwh"] / 1000
            if venue == "octopus":
                energy = (energy * 86 + 9) / 100 * 1.05
            assert power.price_per_kwh == pytest.approx((energy + 0.1) * 1.2, abs=1e-3)
            assert len(power.windows) >= 12


async def test_a_wrong_password_at_a_supplier_is_told_without_the_password(tmp_path: Path) -> None:
    async with Markets(NETWORK, ("binance", "ercot")).open() as markets:
        where = markets.urls["ercot"]
        plan = {**ERCOT, "password": "wrong-one", "url": where, "login_url": where}
        urls = {"binance": markets.urls["binance"]}
        async with market_site(tmp_path, markets, urls=urls, tariff=plan, exchanges=["binance"]).running() as here:
            await until(lambda: any("price of power" in one for one in here.health.problems))
            [problem] = [one for one in here.health.problems if "price of power" in one]
    assert "it answers 400" in problem
    assert "password is invalid" in problem
    assert "wrong-one" not in problem


async def test_a_supplier_that_is_away_leaves_the_known_hours_and_says_until_when(tmp_path: Path) -> None:
    async with Markets(NETWORK, ("binance", "awattar")).open() as markets:
        urls = {"binance": markets.urls["binance"]}
        plan = {"kind": "awattar", "url": markets.urls["awattar"]}
        here = market_site(tmp_path, markets, urls=urls, tariff=plan, exchanges=["binance"])
        async with here.running():
            before = await here.says(PowerPrice)
        await markets.fails("awattar", "garbage")
        here.heard.clear()
        async with here.running():
            after = await here.says(PowerPrice)
            await until(lambda: any("price of power" in problem for problem in here.health.problems))
            assert after.price_per_kwh == before.price_per_kwh
            [problem] = [one for one in here.health.problems if "price of power" in one]
            assert "known until" in problem
            assert "not JSON" in problem or "not text" in problem


async def test_prices_of_an_address_are_asked_with_the_token_of_the_owner(tmp_path: Path) -> None:
    heard: list[tuple[str | None, str]] = []
    now = SYSTEM_CLOCK.now().replace(minute=0, second=0, microsecond=0)

    async def prices(request: web.Request) -> web.Response:
        heard.append((request.headers.get("Authorization"), request.query_string))
        return web.json_response([{"starts_at": now.isoformat(), "price_per_mwh": 250}])

    app = web.Application()
    app.router.add_get("/today", prices)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.94.2.98", 0).start()
    url = f"http://127.94.2.98:{runner.addresses[0][1]}/today?zone=4"
    plan = {"kind": "http", "url": url, "token": "owners", "currency": "CHF"}
    try:
        async with Markets(NETWORK).open() as markets, market_site(tmp_path, markets, tariff=plan).running() as here:
            power = await here.says(PowerPrice)
    finally:
        await runner.cleanup()
    assert (power.price_per_kwh, power.currency) == (0.25, "CHF")
    assert heard[0] == ("Bearer owners", "zone=4")


async def test_a_price_file_is_read_again_when_it_changes(tmp_path: Path) -> None:
    now = SYSTEM_CLOCK.now().replace(minute=0, second=0, microsecond=0)
    rows = [f"{(now + timedelta(hours=n)).isoformat()},0.{20 + n}" for n in range(5)]
    prices = tmp_path / "prices.csv"
    prices.write_text("starts_at,price_per_kwh\n" + "\n".join(rows))
    async with Markets(NETWORK).open() as markets:
        plan = {"kind": "file", "path": str(prices), "currency": "EUR", "every_s": 1}
        async with market_site(tmp_path, markets, tariff=plan).running() as here:
            first = await here.says(PowerPrice)
            assert 0.2 <= first.price_per_kwh <= 0.21
            prices.write_text("starts_at,price_per_kwh\n" + "\n".join(row.replace(",0.", ",1.") for row in rows))
            await here.says(PowerPrice, lambda one: one.price_per_kwh >= 1.2)


def miner(name: str = "attic", **more: Any) -> list[Message]:
    now = SYSTEM_CLOCK.now()
    info = MinerInfo(
        site="home",
        at=now,
        miner=name,
        driver="whatsminer",
        level=Level.GOLD,
        capabilities=(Capability.POWER_LIMIT, Capability.SLEEP),
        min_power_w=1800,
        max_power_w=3600,
        rated_power_w=3600,
        rated_hashrate_ths=212,
        **more,
    )
    reading = MinerTelemetry(
        site="home",
        at=now,
        miner=name,
        driver="whatsminer",
        state=MinerState.MINING,
        power_w=3600,
        power_limit_w=3600,
        hashrate_ths=212,
    )
    return [info, reading]


async def test_every_miner_and_the_site_know_what_they_earn(tmp_path: Path) -> None:
    plan = {"kind": "fixed", "currency": "EUR", "price_per_kwh": 0.05}
    async with Markets(NETWORK).open() as markets, market_site(tmp_path, markets, tariff=plan).running() as here:
        await here.says(Hashprice)
        for message in (*miner("attic"), *miner("cellar")):
            here.poller.publish(message)
        found = await here.says(MinerEconomics, lambda one: one.margin_per_day is not None)
        hashprice = here.last(Hashprice)
        revenue = 0.212 * hashprice.hashprice_usd_per_ph_day * here.last(CurrencyRates).per_usd["EUR"]
        assert found.currency == "EUR"
        assert found.revenue_per_day == pytest.approx(revenue, rel=1e-3)
        assert found.power_cost_per_day == pytest.approx(4.32)
        assert found.margin_per_day == pytest.approx(revenue - 4.32, rel=1e-3)
        assert len(found.options) == 10
        site_of_two = await here.says(SiteEconomics)
        assert site_of_two.miners_counted in (1, 2)


def _start(file: Path, password: str | None = None) -> subprocess.Popen[bytes]:
    environment = {**os.environ, **({"HASHBUS_BROKER__PASSWORD": password} if password else {})}
    return subprocess.Popen([sys.executable, "-m", "hashbus_market", "--config", str(file)], env=environment)


async def test_it_survives_kill_minus_nine_and_its_account_may_say_all_that_it_says(
    own_guarded_mosquitto: GuardedMosquitto, tmp_path: Path
) -> None:
    """A real process on a broker that lets each account write its own topics alone; killed and started again."""
    async with Markets(NETWORK).open() as markets:
        password = own_guarded_mosquitto.passwords["market"]
        settings = {
            "site": "home",
            "data_dir": str(tmp_path / "var"),
            "broker": {"port": own_guarded_mosquitto.port, "username": "market"},
            "health": {"port": 0},
            "market": {
                **QUICK,
                "price_every_s": 300,
                "urls": markets.urls,
                "tariff": {"kind": "fixed", "currency": "EUR", "price_per_kwh": 0.05},
                "best_power": {"scopes": ["site"]},
            },
        }
        file = tmp_path / "site.yaml"
        file.write_text(json.dumps(settings))
        ears = BrokerSettings(
            port=own_guarded_mosquitto.port,
            username="poller",
            password=own_guarded_mosquitto.passwords["poller"],  # type: ignore[arg-type]
        )
        process = await asyncio.to_thread(_start, file, password)
        try:
            async with MqttBus(ears, site="home", account="poller") as bus, bus.subscribe(MinerEconomics) as heard:
                for message in miner():
                    bus.publish(message)
                async with asyncio.timeout(30):
                    async for one in heard:
                        if one.margin_per_day is not None:
                            break
                process.send_signal(signal.SIGKILL)
                await asyncio.to_thread(process.wait)
                asked = markets.venue("binance").asked
                heard.drain()
                process = await asyncio.to_thread(_start, file, password)
                for message in miner():
                    bus.publish(message)
                async with asyncio.timeout(30):
                    async for one in heard:
                        if one.margin_per_day is not None and one.at > message.at:
                            break
                # The price of before is young enough: nobody was asked for it again.
                assert markets.venue("binance").asked == asked
        finally:
            process.terminate()
            await asyncio.to_thread(process.wait)


async def test_what_is_silent_stands_in_the_status_on_the_bus(mosquitto: Mosquitto, site: str, tmp_path: Path) -> None:
    nowhere = dict.fromkeys((*EXCHANGES, "coingecko", "mempool", "blockchain_info"), "http://127.94.2.99:9")
    file = tmp_path / "site.yaml"
    file.write_text(
        json.dumps(
            {
                "site": site,
                "data_dir": str(tmp_path / "var"),
                "broker": {"port": mosquitto.port},
                "health": {"port": 0},
                "market": {**QUICK, "urls": nowhere},
            }
        )
    )
    process = await asyncio.to_thread(_start, file)
    try:
        ears = MqttBus(BrokerSettings(port=mosquitto.port), site=site, account="notifier")
        async with ears as bus, bus.subscribe(ServiceStatus) as heard, asyncio.timeout(30):
            async for status in heard:
                if len(status.problems) == 2:
                    break
        assert sorted(problem[:15] for problem in status.problems) == ["no bitcoin pric", "no source gives"]
    finally:
        process.terminate()
        await asyncio.to_thread(process.wait)


def test_the_service_tells_a_mistake_in_its_settings_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "site.yaml"
    file.write_text("market:\n  exchanges: [binance, mtgox]\n  tariff: {kind: fixed}\n  urls: {nobody: http://x}\n")
    done = subprocess.run(
        [sys.executable, "-m", "hashbus_market", "--config", str(file), "--check"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "mtgox" in done.stderr
    assert "price_per_kwh" in done.stderr
    assert "nobody" in done.stderr
