"""An emulated market on the network: which path it answers with what, and how it misbehaves on request."""

import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from enum import StrEnum

from aiohttp import web

from hashbus_simulator.devices.contract import Place, World
from hashbus_simulator.market import chain, electricity, exchanges
from hashbus_simulator.market.exchanges import VOLUMES_BTC, Ticker
from hashbus_simulator.market.settings import VenueBlock
from hashbus_simulator.market.tape import Tape
from hashbus_simulator.serving import HttpPort

CHANNELS = ("binance", "okx", "deribit", "bybit", "coingecko", "mempool", "blockchain_info")
RETRY_AFTER_S = 30
STALE_S = 3600.0


class Symptom(StrEnum):
    """The faults that only a market has; further values of `kind` in the control API."""

    RATE_LIMITED = "rate_limited"  # 429 with Retry-After
    BLOCKED = "blocked"  # 451: not in this region
    PRICE_TENFOLD = "price_tenfold"
    PRICE_ZERO = "price_zero"
    PRICE_NEGATIVE = "price_negative"
    PRICE_WORD = "price_word"  # a word where a number should be
    PRICE_NAN = "price_nan"
    STALE = "stale"  # a price of an hour ago
    EMPTY = "empty"  # a good answer with nothing in it


SPOILT: Mapping[Symptom, Callable[[float], float]] = {
    Symptom.PRICE_TENFOLD: lambda value: value * 10,
    Symptom.PRICE_ZERO: lambda _: 0.0,
    Symptom.PRICE_NEGATIVE: lambda value: -value,
}
REFUSALS: Mapping[Symptom, int] = {Symptom.RATE_LIMITED: 429, Symptom.BLOCKED: 451}


class MarketVenue:
    """One exchange, source of the network, or supplier of electricity.

    It lives on real time, whatever the speed of the house: who asks compares its times with the clock on the wall.
    """

    family = "market"
    power_w = 0.0
    offline_left_s = 0.0

    def __init__(self, block: VenueBlock, place: Place, world: World) -> None:
        self.place = place
        self.model_name = block.venue
        self.ports = (HttpPort("web", place.host, block.ports.get("web", 8080), self._answer),)
        self.asked = 0
        self._block = block
        self._unix_s = world.clock.unix_s
        self._begun_s = world.clock.unix_s()
        self._tape = Tape(place.seed // 1_000_003, block.price_usd, block.swing_pct, block.power_per_mwh)
        self._symptom: Symptom | None = None
        self._symptom_left: int | None = None

    @property
    def symptom_names(self) -> Collection[str]:
        """The faults of its own."""
        return tuple(Symptom)

    def show_symptom(self, name: str, count: int | None) -> None:
        """Misbehave, for `count` answers or until cleared."""
        self._symptom, self._symptom_left = Symptom(name), count

    def clear_symptoms(self) -> None:
        """Behave again."""
        self._symptom = self._symptom_left = None

    def truth(self) -> Mapping[str, object]:
        """What really is: the market behind what it says."""
        now_s = self._unix_s()
        return {
            "power_w": 0.0,
            "venue": self._block.venue,
            "price_usd": round(self._tape.bitcoin_usd(now_s, self._channel), 2),
            "difficulty": self._block.difficulty,
            "height": self._height(now_s),
            "power_per_mwh": self._tape.electricity_per_mwh(now_s - now_s % 3600),
            "asked": self.asked,
            "symptom": self._symptom,
        }

    async def _answer(self, request: web.BaseRequest, credentials_rejected: bool) -> web.Response:
        self.asked += 1
        symptom = self._take_symptom()
        if symptom is not None and symptom in REFUSALS:
            body = {"status": {"error_code": REFUSALS[symptom], "error_message": "come back later"}}
            return web.json_response(body, status=REFUSALS[symptom], headers={"Retry-After": str(RETRY_AFTER_S)})
        if symptom is Symptom.EMPTY:
            return web.json_response({})
        if request.path == electricity.LOGIN_PATH and self._block.venue == "ercot" and request.method == "POST":
            return await self._sign_in(request, credentials_rejected)
        response = self._page(request, symptom, credentials_rejected)
        if symptom in (Symptom.PRICE_WORD, Symptom.PRICE_NAN) and response.text:
            response.text = _without_price(response.text, symptom)
        return response

    def _page(self, request: web.BaseRequest, symptom: Symptom | None, credentials_rejected: bool) -> web.Response:
        venue, path, now_s = self._block.venue, request.path, self._unix_s()
        if venue in exchanges.PAGES and path in exchanges.PAGES[venue]:
            page = exchanges.PAGES[venue][path](self._ticker(now_s, symptom), request.query)
            return web.json_response(page.body, status=page.status)
        if venue in chain.PAGES and path in chain.PAGES[venue]:
            return web.json_response(chain.PAGES[venue][path](self._chain(now_s, symptom)))
        return self._electricity(request, symptom, credentials_rejected)

    def _electricity(
        self, request: web.BaseRequest, symptom: Symptom | None, credentials_rejected: bool
    ) -> web.Response:
        tape = replace(self._tape, power_per_mwh=_spoilt(symptom, self._tape.power_per_mwh))
        venue, path, query, now_s = self._block.venue, request.path, request.query, self._unix_s()
        if venue == "awattar" and path == "/v1/marketdata":
            return web.json_response(electricity.awattar(tape, now_s, query))
        if venue == "octopus" and path.startswith("/v1/products/") and path.endswith("/standard-unit-rates/"):
            return web.json_response(electricity.octopus(tape, now_s))
        if venue == "entsoe" and path == "/api":
            return self._entsoe(tape, query, now_s, credentials_rejected)
        if venue == "ercot" and path.startswith("/api/public-reports/np4-190-cd/"):
            key = self._block.password.get_secret_value()
            shown = (request.headers.get("Ocp-Apim-Subscription-Key"), request.headers.get("Authorization"))
            if credentials_rejected or shown != (key, f"Bearer {electricity.ID_TOKEN}"):
                return web.json_response({"statusCode": 401, "message": "Access denied"}, status=401)
            return web.json_response(electricity.ercot(tape, now_s, query.get("settlementPoint", "HB_NORTH")))
        return web.json_response({"error": "not found"}, status=404)

    async def _sign_in(self, request: web.BaseRequest, credentials_rejected: bool) -> web.Response:
        """Give an ID token for the right password, whatever the account is called."""
        form = await request.post()
        if credentials_rejected or form.get("password") != self._block.password.get_secret_value():
            reason = {
                "error": "access_denied",
                "error_description": "AADB2C90225: The password is invalid.",
            }
            return web.json_response(reason, status=400)
        token = {"access_token": electricity.ID_TOKEN, "id_token": electricity.ID_TOKEN}
        return web.json_response({**token, "token_type": "Bearer", "expires_in": "3600"})

    def _entsoe(self, tape: Tape, query: Mapping[str, str], now_s: float, credentials_rejected: bool) -> web.Response:
        if credentials_rejected or query.get("securityToken") != self._block.password.get_secret_value():
            return web.Response(text=electricity.entsoe_refusal("Unauthorized"), status=401, content_type="text/xml")
        if query.get("documentType") != "A44":
            return web.Response(text=electricity.entsoe_refusal("No matching data found"), content_type="text/xml")
        text = electricity.entsoe(tape, now_s, query.get("in_Domain", ""))
        return web.Response(text=text, content_type="text/xml")

    @property
    def _channel(self) -> int:
        venue = self._block.venue
        return CHANNELS.index(venue) if venue in CHANNELS else 0

    def _ticker(self, now_s: float, symptom: Symptom | None) -> Ticker:
        def before(at_s: float) -> float:
            return _spoilt(symptom, self._tape.bitcoin_usd(at_s, self._channel))

        at_s = now_s - STALE_S if symptom is Symptom.STALE else now_s
        return Ticker(before(now_s), VOLUMES_BTC.get(self._block.venue, 0.0), at_s, before)

    def _chain(self, now_s: float, symptom: Symptom | None) -> chain.Chain:
        return chain.Chain(
            difficulty=_spoilt(symptom, self._block.difficulty),
            height=self._height(now_s),
            fees_per_block_btc=self._block.fees_per_block_btc,
            price_usd=self._tape.bitcoin_usd(now_s, self._channel),
            at_s=now_s,
        )

    def _height(self, now_s: float) -> int:
        return self._block.height + int((now_s - self._begun_s) // 600)

    def _take_symptom(self) -> Symptom | None:
        symptom = self._symptom
        if self._symptom_left is not None:
            self._symptom_left -= 1
            if self._symptom_left <= 0:
                self._symptom = self._symptom_left = None
        return symptom


def _spoilt(symptom: Symptom | None, value: float) -> float:
    return SPOILT[symptom](value) if symptom is not None and symptom in SPOILT else value


def _without_price(text: str, symptom: Symptom) -> str:
    """Put a word, or what is no number, wherever a price stands."""
    try:
        body = json.loads(text)
    except ValueError:
        return text.replace("<price.amount>", "<price.amount>x")
    spoilt = "soon" if symptom is Symptom.PRICE_WORD else float("nan")
    return json.dumps(_replaced(body, spoilt))


def _replaced(body: object, spoilt: object) -> object:
    names = {"lastPrice", "last", "index_price", "usd", "difficulty", "currentDifficulty", "marketprice"}
    if isinstance(body, dict):
        return {name: spoilt if name in names else _replaced(value, spoilt) for name, value in body.items()}
    return [_replaced(one, spoilt) for one in body] if isinstance(body, list) else body
