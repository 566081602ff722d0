"""The emulated markets answer as the protocol sheet has it, refuse as it has it, and misbehave on request."""

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from hashbus_simulator.fleet import Fleet
from hashbus_simulator.market.tape import Tape
from hashbus_simulator.settings import SimulatorSettings

VENUES = ("binance", "okx", "deribit", "bybit", "coingecko", "mempool", "blockchain_info", "ercot", "entsoe")
NETWORK = "127.94.3"


@pytest.fixture
async def urls() -> AsyncIterator[dict[str, str]]:
    blocks = [
        {"family": "market", "venue": venue, "id": venue, "host": f"{NETWORK}.{number}", "ports": {"web": 0}}
        for number, venue in enumerate(VENUES, start=1)
    ]
    async with Fleet(SimulatorSettings.model_validate({"devices": blocks})) as fleet:
        yield {name: f"http://{device.place.host}:{device.ports[0].number}" for name, device in fleet.devices.items()}


async def get(url: str) -> tuple[int, Any]:
    async with aiohttp.ClientSession() as http, http.get(url) as response:
        is_json = "json" in response.content_type
        return response.status, await response.json() if is_json else await response.text()


@pytest.mark.parametrize(
    ("venue", "path", "keys"),
    [
        ("binance", "/api/v3/ticker/24hr?symbol=BTCUSDT", {"lastPrice", "volume", "quoteVolume", "closeTime", "count"}),
        ("okx", "/api/v5/market/ticker?instId=BTC-USDT", {"code", "msg", "data"}),
        (
            "deribit",
            "/api/v2/public/get_index_price?index_name=btc_usd",
            {"jsonrpc", "result", "usIn", "usOut"},
        ),
        ("bybit", "/v5/market/tickers?category=spot&symbol=BTCUSDT", {"retCode", "retMsg", "result", "time"}),
        ("coingecko", "/api/v3/simple/price", {"bitcoin"}),
        ("mempool", "/api/v1/mining/hashrate/3d", {"hashrates", "difficulty", "currentHashrate", "currentDifficulty"}),
        ("mempool", "/api/v1/difficulty-adjustment", {"difficultyChange", "estimatedRetargetDate", "remainingBlocks"}),
        (
            "mempool",
            "/api/v1/mining/reward-stats/144",
            {"startBlock", "endBlock", "totalReward", "totalFee"},
        ),
        ("blockchain_info", "/stats", {"hash_rate", "difficulty", "n_blocks_total", "total_fees_btc", "timestamp"}),
    ],
)
async def test_each_venue_has_the_keys_of_the_protocol_sheet(
    venue: str, path: str, keys: set[str], urls: dict[str, str]
) -> None:
    status, body = await get(urls[venue] + path)
    assert status == 200
    assert keys <= set(body)


@pytest.mark.parametrize(
    ("venue", "path", "status", "told"),
    [
        ("binance", "/api/v3/ticker/24hr?symbol=BTCUSD", 400, {"code": -1121}),
        ("okx", "/api/v5/market/ticker?instId=BTCUSDT", 200, {"code": "51001", "data": []}),
        ("bybit", "/v5/market/tickers?symbol=BTCUSDT", 200, {"retCode": 10001}),
        ("ercot", "/api/public-reports/np4-190-cd/dam_stlmnt_pnt_prices", 401, {"statusCode": 401}),
        ("binance", "/api/v3/nothing", 404, {}),
    ],
)
async def test_a_wrong_question_is_refused_as_in_life(
    venue: str, path: str, status: int, told: dict[str, Any], urls: dict[str, str]
) -> None:
    found, body = await get(urls[venue] + path)
    assert found == status
    assert told.items() <= body.items()


async def test_a_wrong_token_gets_an_acknowledgement_and_no_prices(urls: dict[str, str]) -> None:
    status, text = await get(f"{urls['entsoe']}/api?documentType=A44&securityToken=wrong")
    assert status == 401
    assert "Acknowledgement_MarketDocument" in text
    assert "price.amount" not in text


def test_the_same_seed_gives_the_same_market_and_venues_differ_by_little() -> None:
    one, same, other = (Tape(seed, 92_477, 1.5, 90) for seed in (1, 1, 2))
    moments = [1_772_366_400 + 600 * n for n in range(200)]
    assert [one.bitcoin_usd(at) for at in moments] == [same.bitcoin_usd(at) for at in moments]
    assert [one.bitcoin_usd(at) for at in moments] != [other.bitcoin_usd(at) for at in moments]
    assert all(abs(one.bitcoin_usd(at, 3) / one.bitcoin_usd(at, 1) - 1) < 0.001 for at in moments)
    assert all(abs(one.bitcoin_usd(at) / 92_477 - 1) < 0.016 for at in moments)
