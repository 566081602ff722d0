"""`hashbus profit`: what a machine would earn, with the live values of the site or with given ones."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence
from typing import Any

from pydantic import ValidationError

from hashbus.clock import SYSTEM_CLOCK
from hashbus.messages import BitcoinPrice, CurrencyRates, NetworkState, PowerPrice, describe
from hashbus.mqtt_bus import MqttBus
from hashbus.profit import CannotCalculate, LiveMarket, ProfitAnswer, ProfitAsked, as_message, profit
from hashbus_supervisor.asking import EXIT_OK, EXIT_PROBLEM, PATIENCE_S, parser, run
from hashbus_supervisor.past_profits import past
from hashbus_supervisor.problems import CannotRun
from hashbus_supervisor.profit_sheet import sheet

SOURCE = "cli"
EXIT_USAGE = 2
SCALES = {"": 1.0, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "P": 1e15}
FUELS = ("gas", "oil", "pellets", "district")


def profit_command(argv: Sequence[str]) -> int:
    """Calculate what a machine earns: hashbus profit s19pro --kwh 0.10 --price 1200; live where nothing is given."""
    wanted = _parser()
    arguments = wanted.parse_args(argv)
    if arguments.history:
        return past(arguments.config, days=arguments.days, is_json=arguments.json)
    try:
        asked = ProfitAsked.model_validate(_asked(arguments))
    except ValidationError as error:
        print(describe(error), file=sys.stderr)
        return EXIT_USAGE
    if arguments.offline:
        return _said(asked, LiveMarket(), arguments)[0]
    try:
        return run(wanted, argv, lambda bus, _: _with_site(bus, asked, arguments))
    except CannotRun as error:
        code, answer = _said(asked, LiveMarket(), arguments)
        if answer is None:
            print(f"and no site was asked: {error}", file=sys.stderr)
        elif not arguments.json:
            print("not kept in the history: no site is running here")
        return code


def _parser() -> argparse.ArgumentParser:
    wanted = parser("profit", profit_command)
    wanted.add_argument("model", nargs="?", help="as people spell it: s19pro, M30S++, 'Bitaxe Gamma'")
    machine = wanted.add_argument_group("the machine, where it is no model or another than its data sheet says")
    machine.add_argument("--hashrate", dest="hashrate_ths", type=float, metavar="TH/S", help="of one machine")
    machine.add_argument("--power", dest="power_w", type=float, metavar="WATTS", help="of one machine")
    machine.add_argument("--units", type=int, metavar="N", help="so many machines")
    machine.add_argument("--price", dest="invested_each", type=float, metavar="MONEY", help="what one machine costs")
    costs = wanted.add_argument_group("costs; live where not given")
    costs.add_argument("--kwh", dest="price_per_kwh", type=float, metavar="MONEY", help="what a kWh costs")
    costs.add_argument("--currency", metavar="EUR", help="of all money; the tariff's, else USD")
    costs.add_argument("--rate", dest="currency_per_usd", type=float, metavar="0.92", help="what a dollar costs in it")
    costs.add_argument("--fee", dest="pool_fee_pct", type=float, metavar="PERCENT", help="of the pool")
    costs.add_argument("--other", dest="other_per_day", type=float, metavar="MONEY", help="rent, people, a day")
    market = wanted.add_argument_group("the market; live where not given")
    market.add_argument("--bitcoin", dest="price_usd", type=float, metavar="USD", help="price of one bitcoin")
    market.add_argument("--difficulty", type=_large, metavar="152.27T", help="of the network")
    market.add_argument("--fees", dest="fees_per_block_btc", type=float, metavar="BTC", help="of a block")
    market.add_argument(
        "--growth", dest="difficulty_growth_pct", type=float, metavar="PERCENT", help="of the difficulty, a month"
    )
    wanted.add_argument(
        "--heat",
        type=_heat,
        metavar="gas:0.12",
        help="its warmth is used: FUEL:PRICE a kWh, oil_litre:PRICE, resistive, heat_pump:COP",
    )
    wanted.add_argument("--offline", action="store_true", help="do not ask a site")
    wanted.add_argument("--json", action="store_true", help="for programs")
    wanted.add_argument(
        "--history", action="store_true", help="what was calculated before, by the recorder of the site"
    )
    wanted.add_argument("--days", type=float, default=30, metavar="N", help="how far back (default %(default)s)")
    return wanted


def _asked(arguments: argparse.Namespace) -> dict[str, Any]:
    given = {name: getattr(arguments, name, None) for name in ProfitAsked.model_fields}
    return {name: value for name, value in given.items() if value is not None}


async def _with_site(bus: MqttBus, asked: ProfitAsked, arguments: argparse.Namespace) -> int:
    code, answer = _said(asked, await _live(bus), arguments)
    if answer is not None:
        bus.publish(as_message(answer, site=bus.site, source=SOURCE, now=SYSTEM_CLOCK.now()))
        await bus.flush()
    return code


async def _live(bus: MqttBus) -> LiveMarket:
    """Hear what the market service has said last; a site without one has nothing to say."""
    heard: dict[type, Any] = {}
    kinds = (BitcoinPrice, NetworkState, PowerPrice, CurrencyRates)
    deadline_s = SYSTEM_CLOCK.monotonic() + PATIENCE_S
    async with bus.subscribe(*kinds) as messages:
        while len(heard) < len(kinds) and SYSTEM_CLOCK.monotonic() < deadline_s:
            message = await messages.next(0.5)
            if message is None:
                break
            heard[type(message)] = message
    return LiveMarket(*(heard.get(kind) for kind in kinds))


def _said(asked: ProfitAsked, live: LiveMarket, arguments: argparse.Namespace) -> tuple[int, ProfitAnswer | None]:
    try:
        answer = profit(asked, live, SYSTEM_CLOCK.now())
    except CannotCalculate as error:
        print(error, file=sys.stderr)
        return EXIT_PROBLEM, None
    print(answer.model_dump_json(indent=1) if arguments.json else "\n".join(sheet(answer, SYSTEM_CLOCK.now())))
    return EXIT_OK, answer


def _large(text: str) -> float:
    match = re.fullmatch(r"(\d+(?:\.\d+)?(?:[eE]\d+)?)\s*([kMGTP]?)", text)
    if match is None:
        raise argparse.ArgumentTypeError(f"{text!r} is not a difficulty; write 152.27T")
    return float(match[1]) * SCALES[match[2]]


def _heat(text: str) -> dict[str, Any]:
    source, _, figure = text.partition(":")
    try:
        value = float(figure) if figure else None
    except ValueError:
        value = None
    if source == "oil_litre" and value is not None:
        return {"displaces": "oil", "oil_per_litre": value}
    if source in FUELS and value is not None:
        return {"displaces": source, "fuel_per_kwh": value}
    if source == "heat_pump":
        return {"displaces": source, **({"cop": value} if value else {})}
    if source == "resistive" and not figure:
        return {"displaces": source}
    raise argparse.ArgumentTypeError(
        f"{text!r} is no heating; write gas:0.12, oil_litre:1.10, heat_pump:3.5 or resistive"
    )
