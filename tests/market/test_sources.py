"""Every source on a real socket: what it says is read, and whatever it does instead is one of three errors."""

import contextlib
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from hypothesis import given, settings
from hypothesis import strategies as st

from hashbus.testing.hand_clock import HandClock
from hashbus_market.asking import Answer, Ask
from hashbus_market.errors import SourceAway, SourceError, SourceGarbled, SourceRests, answers_of_others
from hashbus_market.rounds import Lines
from hashbus_market.settings import MarketSection
from hashbus_market.sources import CHAINS, PRICES, binance, blockchain_info, bybit, coingecko, deribit, mempool, okx
from hashbus_market.tariffs import awattar, documents, entsoe, ercot, octopus
from tests.market.markets import CHAINS as CHAIN_NAMES
from tests.market.markets import EXCHANGES, SOURCES, Markets

NETWORK = "127.94.1"
KEYS = (
    "data",
    "fields",
    "result",
    "results",
    "list",
    "price",
    "USD",
    "EUR",
    "bitcoin",
    "usd",
    "code",
    "retCode",
    "last",
    "name",
    "currency",
    "BTC",
    "prices",
    "starts_at",
    "unit",
    "difficulty",
    "totalFee",
    "startBlock",
    "endBlock",
)
PRICE_NAMES = (*EXCHANGES, "coingecko")


@pytest.fixture
async def markets() -> AsyncIterator[Markets]:
    async with Markets(NETWORK).open() as found:
        yield found


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.mark.parametrize("name", PRICE_NAMES)
async def test_the_price_is_read_with_its_time(name: str, markets: Markets, http: aiohttp.ClientSession) -> None:
    found = await PRICES[name].quote(Ask(http, markets.urls[name], 5))
    assert found.price_usd == pytest.approx(92_477, rel=0.02)
    assert found.at is not None
    assert (found.volume_btc is None) == (name == "coingecko")


async def test_the_volumes_add_up_to_those_of_the_requirements(markets: Markets, http: aiohttp.ClientSession) -> None:
    quotes = [await PRICES[name].quote(Ask(http, markets.urls[name], 5)) for name in EXCHANGES]
    assert sum(one.volume_btc or 0 for one in quotes) == pytest.approx(55_691)
    assert quotes[EXCHANGES.index("deribit")].volume_btc == pytest.approx(3_456)


async def test_deribit_without_its_volume_still_has_a_price(http: aiohttp.ClientSession) -> None:
    async def index(_request: web.Request) -> web.Response:
        return web.json_response({"jsonrpc": "2.0", "result": {"index_price": 92477.1}, "usOut": 1_772_366_400_000_000})

    app = web.Application()
    app.router.add_get("/api/v2/public/get_index_price", index)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.94.1.200", 0).start()
    try:
        found = await PRICES["deribit"].quote(Ask(http, f"http://127.94.1.200:{runner.addresses[0][1]}", 5))
    finally:
        await runner.cleanup()
    assert (found.price_usd, found.volume_btc) == (92477.1, None)


@pytest.mark.parametrize("name", CHAIN_NAMES)
async def test_the_network_is_read(name: str, markets: Markets, http: aiohttp.ClientSession) -> None:
    found = await CHAINS[name].facts(Ask(http, markets.urls[name], 5))
    assert found.difficulty == 152.27e12
    assert found.height == 925_000
    assert found.fees_per_block_btc == pytest.approx(0.025)
    if name == "mempool":
        assert found.per_usd["EUR"] == pytest.approx(0.92, rel=1e-3)
        assert found.next_change_pct == 1.73


@pytest.mark.parametrize("name", SOURCES)
@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("refuse", SourceAway),
        ("hang", SourceAway),
        ("cut", SourceAway),
        ("garbage", SourceGarbled),
        ("truncated", SourceGarbled),
        ("not_json_text", SourceGarbled),
        ("price_word", SourceGarbled),
        ("price_nan", SourceGarbled),
        ("empty", SourceGarbled),
        ("rate_limited", SourceRests),
        ("blocked", SourceRests),
    ],
)
async def test_whatever_goes_wrong_is_an_error_that_says_so(
    name: str, kind: str, error: type[SourceError], markets: Markets, http: aiohttp.ClientSession
) -> None:
    await markets.fails(name, kind)
    ask = Ask(http, markets.urls[name], 0.5)
    with pytest.raises(error) as raised:
        await (PRICES[name].quote(ask) if name in PRICES else CHAINS[name].facts(ask))
    assert str(raised.value)
    if isinstance(raised.value, SourceRests):
        assert raised.value.rest_s == 30


async def test_an_answer_without_end_is_cut_off(http: aiohttp.ClientSession) -> None:
    async def endless(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for _ in range(100):
            await response.write(b"0" * 65_536)
        return response

    app = web.Application()
    app.router.add_get("/stats", endless)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.94.1.201", 0).start()
    try:
        ask = Ask(http, f"http://127.94.1.201:{runner.addresses[0][1]}", 5)
        with pytest.raises(SourceGarbled, match="longer than 1 MiB"):
            await CHAINS["blockchain_info"].facts(ask)
    finally:
        await runner.cleanup()


@pytest.mark.parametrize(
    ("said", "rest_s"),
    [("120", 120), ("0", 1), ("999999999", 86_400), ("soon", 300), ("Sun, 01 Mar 2026 12:10:00 GMT", 600)],
)
async def test_retry_after_is_heeded_in_both_its_forms(said: str, rest_s: float, http: aiohttp.ClientSession) -> None:
    async def limited(_request: web.Request) -> web.Response:
        headers = {"Retry-After": said, "Date": "Sun, 01 Mar 2026 12:00:00 GMT"}
        return web.Response(status=429, headers=headers)

    app = web.Application()
    app.router.add_get("/stats", limited)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.94.1.202", 0).start()
    try:
        with pytest.raises(SourceRests) as raised:
            await CHAINS["blockchain_info"].facts(Ask(http, f"http://127.94.1.202:{runner.addresses[0][1]}", 5))
    finally:
        await runner.cleanup()
    assert raised.value.rest_s == rest_s


async def test_a_token_in_the_question_is_never_in_the_error(http: aiohttp.ClientSession) -> None:
    with pytest.raises(SourceAway) as raised:
        await Ask(http, "http://127.94.1.203:9", 1).get("/api", securityToken="very-secret")
    assert "very-secret" not in str(raised.value)
    assert "very-secret" not in repr(raised.value)


async def test_a_source_that_asks_for_rest_is_not_asked_before_it_is_over(
    markets: Markets, http: aiohttp.ClientSession
) -> None:
    clock, binance = HandClock(), PRICES["binance"]
    lines = Lines(MarketSection(urls=markets.urls), http, clock)
    ask = lines.question("binance", binance.url, binance.quote)
    await markets.fails("binance", "rate_limited", count=1)
    with pytest.raises(SourceRests):
        await ask()
    await clock.move(29)
    with pytest.raises(SourceAway, match="429"):
        await ask()
    assert markets.venue("binance").asked == 1
    await clock.move(2)
    assert (await ask()).price_usd > 0


@pytest.mark.parametrize("name", ["binance", "bybit"])
async def test_prices_of_before_are_read_in_quarters_of_an_hour(
    name: str, markets: Markets, http: aiohttp.ClientSession
) -> None:
    past = PRICES[name].past
    assert past
    found = sorted(await past(Ask(http, markets.urls[name], 5)), key=lambda one: one.slot)
    assert len(found) == 250
    assert [one.slot - found[0].slot for one in found] == list(range(250))
    assert all(one.price_usd == pytest.approx(92_477, rel=0.02) for one in found)


@pytest.mark.parametrize("body", [None, {}, [[]], [["x", "y"]], {"retCode": 0, "result": {"list": [["1"]]}}, "candles"])
@pytest.mark.parametrize("candles", [binance.candles, bybit.candles])
def test_candles_of_another_shape_are_garbled(body: object, candles: Callable[[object], object]) -> None:
    with pytest.raises(SourceGarbled):
        candles(body)


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers(-(10**400), 10**400) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=3), inner),
    max_leaves=12,
)
READERS: tuple[Callable[[Any], object], ...] = (
    binance.parse,
    binance.candles,
    okx.parse,
    deribit.parse,
    deribit.options_volume,
    bybit.parse,
    bybit.candles,
    coingecko.parse,
    blockchain_info.parse,
    mempool.fees_per_block_btc,
    mempool.retarget,
    mempool.per_usd,
    awattar.parse,
    octopus.parse,
    lambda body: ercot.parse(body, "HB_NORTH"),
    lambda body: documents.windows_of(json.dumps(body), "UTC"),
)


@settings(max_examples=300)
@given(JSON)
def test_no_answer_however_odd_is_more_than_garbled(body: Any) -> None:
    for read in READERS:
        with contextlib.suppress(SourceGarbled), answers_of_others():
            read(body)


@given(st.text(max_size=200), st.binary(max_size=200))
def test_neither_is_any_text(text: str, raw: bytes) -> None:
    for read in (entsoe.parse, lambda found: documents.windows_of(found, "Europe/Berlin")):
        with contextlib.suppress(SourceGarbled), answers_of_others():
            read(text)
    with contextlib.suppress(SourceGarbled):
        Answer(raw).json()
