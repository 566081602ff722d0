"""What the exchanges answer, as PROTOCOLS.md section 8 has it: numbers as strings where they are strings in life."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

Query = Mapping[str, str]
CANDLE_S = 900


@dataclass(frozen=True, slots=True)
class Ticker:
    """What a venue knows at a moment; `at_s` is by its own clock."""

    price_usd: float
    volume_btc: float
    at_s: float
    before: Callable[[float], float]
    """The price at an earlier moment."""

    @property
    def at_ms(self) -> int:
        """Its time in milliseconds."""
        return int(self.at_s * 1000)


@dataclass(frozen=True, slots=True)
class Page:
    """A JSON answer and its status."""

    body: Any
    status: int = 200


def binance(ticker: Ticker, query: Query) -> Page:
    """GET /api/v3/ticker/24hr."""
    if query.get("symbol") != "BTCUSDT":
        return Page({"code": -1121, "msg": "Invalid symbol."}, 400)
    price, volume = ticker.price_usd, ticker.volume_btc
    return Page(
        {
            "symbol": "BTCUSDT",
            "priceChange": f"{price * 0.004:.8f}",
            "priceChangePercent": "0.400",
            "weightedAvgPrice": f"{price * 0.998:.8f}",
            "prevClosePrice": f"{price * 0.996:.8f}",
            "lastPrice": f"{price:.8f}",
            "lastQty": "0.00100000",
            "bidPrice": f"{price - 0.01:.8f}",
            "bidQty": "1.20000000",
            "askPrice": f"{price + 0.01:.8f}",
            "askQty": "0.90000000",
            "openPrice": f"{price * 0.996:.8f}",
            "highPrice": f"{price * 1.01:.8f}",
            "lowPrice": f"{price * 0.99:.8f}",
            "volume": f"{volume:.8f}",
            "quoteVolume": f"{volume * price:.8f}",
            "openTime": ticker.at_ms - 86_400_000,
            "closeTime": ticker.at_ms,
            "firstId": 1,
            "lastId": 2_000_000,
            "count": 2_000_000,
        }
    )


def binance_candles(ticker: Ticker, query: Query) -> Page:
    """GET /api/v3/klines in 15 minutes: the oldest first, the last one still open."""
    if query.get("symbol") != "BTCUSDT" or query.get("interval") != "15m":
        return Page({"code": -1120, "msg": "Invalid interval."}, 400)
    rows = [
        [start_ms, *(f"{price:.8f}" for price in prices), "120.5", start_ms + 899_999, "1.1e7", 9, "60", "5e6", "0"]
        for start_ms, prices in _candles(ticker, query)
    ]
    return Page(rows)


def bybit_candles(ticker: Ticker, query: Query) -> Page:
    """GET /v5/market/kline in 15 minutes: strings, the newest first."""
    if query.get("category") != "spot" or query.get("interval") != "15":
        return Page({"retCode": 10001, "retMsg": "params error", "result": {}, "retExtInfo": {}, "time": ticker.at_ms})
    rows = [
        [str(start_ms), *(f"{price:.2f}" for price in prices), "120.5", "1.1e7"]
        for start_ms, prices in _candles(ticker, query)
    ]
    body = {"category": "spot", "symbol": "BTCUSDT", "list": rows[::-1]}
    return Page({"retCode": 0, "retMsg": "OK", "result": body, "retExtInfo": {}, "time": ticker.at_ms})


def _candles(ticker: Ticker, query: Query) -> list[tuple[int, tuple[float, float, float, float]]]:
    """Start in ms, and open, high, low, close of the last quarters of an hour."""
    count = min(1000, max(1, int(query.get("limit", "200"))))
    last_s = ticker.at_s - ticker.at_s % CANDLE_S
    starts_s = [last_s - CANDLE_S * (count - 1 - place) for place in range(count)]
    found = []
    for start_s in starts_s:
        begin, end = ticker.before(start_s), ticker.before(min(start_s + CANDLE_S, ticker.at_s))
        found.append((int(start_s * 1000), (begin, max(begin, end), min(begin, end), end)))
    return found


def okx(ticker: Ticker, query: Query) -> Page:
    """GET /api/v5/market/ticker; failures have a code in a good HTTP answer."""
    if query.get("instId") != "BTC-USDT":
        return Page({"code": "51001", "msg": "Instrument ID doesn't exist.", "data": []})
    price = ticker.price_usd
    row = {
        "instType": "SPOT",
        "instId": "BTC-USDT",
        "last": f"{price:.1f}",
        "lastSz": "0.01",
        "askPx": f"{price + 0.1:.1f}",
        "askSz": "0.5",
        "bidPx": f"{price - 0.1:.1f}",
        "bidSz": "0.4",
        "open24h": f"{price * 0.996:.1f}",
        "high24h": f"{price * 1.01:.1f}",
        "low24h": f"{price * 0.99:.1f}",
        "volCcy24h": f"{ticker.volume_btc * price:.2f}",
        "vol24h": f"{ticker.volume_btc:.4f}",
        "ts": str(ticker.at_ms),
        "sodUtc0": f"{price:.1f}",
        "sodUtc8": f"{price:.1f}",
    }
    return Page({"code": "0", "msg": "", "data": [row]})


def deribit_index(ticker: Ticker, query: Query) -> Page:
    """GET /api/v2/public/get_index_price."""
    if query.get("index_name") != "btc_usd":
        return Page({"jsonrpc": "2.0", "error": {"code": -32602, "message": "Invalid params"}}, 400)
    result = {"index_price": round(ticker.price_usd, 2), "estimated_delivery_price": round(ticker.price_usd, 2)}
    return _deribit(result, ticker)


def deribit_volumes(ticker: Ticker, _query: Query) -> Page:
    """GET /api/v2/public/get_trade_volumes: 24 hours of calls, puts, futures and spot."""
    half = round(ticker.volume_btc / 2, 4)
    rows = [
        {"currency": "ETH", "calls_volume": 900.0, "puts_volume": 700.0, "futures_volume": 9.0, "spot_volume": 1.0},
        {"currency": "BTC", "calls_volume": half, "puts_volume": half, "futures_volume": 9.0, "spot_volume": 11.1},
    ]
    return _deribit(rows, ticker)


def _deribit(result: Any, ticker: Ticker) -> Page:
    out_us = ticker.at_ms * 1000
    return Page(
        {"jsonrpc": "2.0", "result": result, "usIn": out_us - 150, "usOut": out_us, "usDiff": 150, "testnet": False}
    )


def bybit(ticker: Ticker, query: Query) -> Page:
    """GET /v5/market/tickers; without a category it refuses in a good HTTP answer."""
    if query.get("category") != "spot" or query.get("symbol") != "BTCUSDT":
        return Page({"retCode": 10001, "retMsg": "params error", "result": {}, "retExtInfo": {}, "time": ticker.at_ms})
    price = ticker.price_usd
    row = {
        "symbol": "BTCUSDT",
        "bid1Price": f"{price - 0.1:.2f}",
        "bid1Size": "1.1",
        "ask1Price": f"{price + 0.1:.2f}",
        "ask1Size": "0.7",
        "lastPrice": f"{price:.2f}",
        "prevPrice24h": f"{price * 0.996:.2f}",
        "price24hPcnt": "0.0040",
        "highPrice24h": f"{price * 1.01:.2f}",
        "lowPrice24h": f"{price * 0.99:.2f}",
        "turnover24h": f"{ticker.volume_btc * price:.4f}",
        "volume24h": f"{ticker.volume_btc:.6f}",
        "usdIndexPrice": f"{price:.6f}",
    }
    body = {"category": "spot", "list": [row]}
    return Page({"retCode": 0, "retMsg": "OK", "result": body, "retExtInfo": {}, "time": ticker.at_ms})


def coingecko(ticker: Ticker, _query: Query) -> Page:
    """GET /api/v3/simple/price."""
    return Page(
        {"bitcoin": {"usd": round(ticker.price_usd), "usd_24h_change": 0.4, "last_updated_at": int(ticker.at_s) - 40}}
    )


PAGES: Mapping[str, Mapping[str, Callable[[Ticker, Query], Page]]] = MappingProxyType(
    {
        "binance": {"/api/v3/ticker/24hr": binance, "/api/v3/klines": binance_candles},
        "okx": {"/api/v5/market/ticker": okx},
        "deribit": {
            "/api/v2/public/get_index_price": deribit_index,
            "/api/v2/public/get_trade_volumes": deribit_volumes,
        },
        "bybit": {"/v5/market/tickers": bybit, "/v5/market/kline": bybit_candles},
        "coingecko": {"/api/v3/simple/price": coingecko},
    }
)
"""What each exchange answers, by path."""

VOLUMES_BTC: Mapping[str, float] = MappingProxyType(
    {"binance": 28_900.0, "okx": 11_235.0, "deribit": 3_456.0, "bybit": 12_100.0, "coingecko": 0.0}
)
"""Of 24 hours; together the 55,691 BTC of the requirements' example."""
