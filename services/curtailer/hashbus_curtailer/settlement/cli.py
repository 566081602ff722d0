"""`hashbus curtail settle`, `verify`, `plans` and `log`: what was delivered, and who can prove it."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path

import aiohttp

from hashbus.clock import SYSTEM_CLOCK
from hashbus.config_errors import ConfigError
from hashbus.messages import CurtailmentPlan
from hashbus.settings import load
from hashbus_curtailer.ledger import Ledger
from hashbus_curtailer.settings import CurtailerSettings
from hashbus_curtailer.settlement.baseline import Result
from hashbus_curtailer.settlement.keys import BadKey, public_key
from hashbus_curtailer.settlement.record import NoRecord, RecordAway
from hashbus_curtailer.settlement.settling import key_of, ledger_file, rules_of, stated
from hashbus_curtailer.settlement.statement import (
    NotGenuine,
    Statement,
    as_csv,
    as_json,
    signed,
    signer,
    verified,
)

EXIT_OK, EXIT_PROBLEM, EXIT_USAGE = 0, 1, 2
USUAL_CONFIG = Path("config/site.yaml")


def settle(argv: Sequence[str]) -> int:
    """Compute again, from the record, what a plan delivered: hashbus curtail settle PLAN."""
    parser = _parser("settle", settle)
    parser.add_argument("plan", help="as `hashbus curtail plans` lists them")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the signed document")
    parser.add_argument("--csv", type=Path, metavar="FILE", help="write the intervals")
    return _guarded(parser, argv, _settle)


def verify(argv: Sequence[str]) -> int:
    """Check the signature of a settlement and that its result follows from its record: hashbus curtail verify FILE."""
    parser = argparse.ArgumentParser(prog="hashbus curtail verify", description=verify.__doc__)
    parser.add_argument("file", type=Path, help="the signed JSON document")
    parser.add_argument("--key", type=Path, metavar="PEM", help="public key that must have signed it")
    arguments = parser.parse_args(argv)
    try:
        statement = verified(arguments.file.read_text("utf-8"), public_key(arguments.key) if arguments.key else None)
    except (NotGenuine, UnicodeDecodeError) as error:
        print(f"{arguments.file}: {error}", file=sys.stderr)
        return EXIT_PROBLEM
    except (OSError, BadKey) as error:
        print(error, file=sys.stderr)
        return EXIT_USAGE
    print(
        "\n".join([*sheet(statement), "  the signature fits, and the result follows from the record in the document"])
    )
    if arguments.key is None:
        print("  who holds the key is not checked: give his public key with --key", file=sys.stderr)
    return EXIT_OK


def plans(argv: Sequence[str]) -> int:
    """List the plans of the past: hashbus curtail plans."""
    return _guarded(_parser("plans", plans), argv, _plans)


def log(argv: Sequence[str]) -> int:
    """Show what was done to which miner when: hashbus curtail log PLAN."""
    parser = _parser("log", log)
    parser.add_argument("plan", help="as `hashbus curtail plans` lists them")
    return _guarded(parser, argv, _log)


def _parser(name: str, command: Callable[[Sequence[str]], int]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=f"hashbus curtail {name}", description=command.__doc__)
    config = os.environ.get("HASHBUS_CONFIG")
    usual = Path(config) if config else USUAL_CONFIG if USUAL_CONFIG.exists() else None
    parser.add_argument("--config", type=Path, default=usual, help="the site's YAML file")
    return parser


Task = Callable[[argparse.Namespace, CurtailerSettings, Ledger], int]


def _guarded(parser: argparse.ArgumentParser, argv: Sequence[str], task: Task) -> int:
    arguments = parser.parse_args(argv)
    try:
        settings = load(CurtailerSettings, arguments.config, account="curtailer")
        file = ledger_file(settings)
        if not file.exists():
            print(f"nothing was curtailed yet: there is no {file}", file=sys.stderr)
            return EXIT_PROBLEM
        with Ledger(file) as ledger:
            return task(arguments, settings, ledger)
    except ConfigError as error:
        print("\n".join(error.problems), file=sys.stderr)
        return EXIT_USAGE
    except (OSError, RecordAway, NoRecord, BadKey) as error:
        print(error, file=sys.stderr)
        return EXIT_PROBLEM


def _settle(arguments: argparse.Namespace, settings: CurtailerSettings, ledger: Ledger) -> int:
    plan = ledger.plan(arguments.plan)
    if plan is None or plan.begun_at is None:
        print(f"no plan {arguments.plan!r} has begun; `hashbus curtail plans` lists them", file=sys.stderr)
        return EXIT_PROBLEM
    begun = ledger.begun_since(plan.starts_at - timedelta(days=rules_of(settings).lookback_days + 2))
    statement = signed(asyncio.run(_stated(plan, begun, settings)), key_of(settings))
    print("\n".join(sheet(statement)))
    for file, text in ((arguments.json, as_json), (arguments.csv, as_csv)):
        if file:
            file.write_text(text(statement), encoding="utf-8")
            print(f"  wrote {file}")
    return EXIT_OK


async def _stated(plan: CurtailmentPlan, begun: Sequence[CurtailmentPlan], settings: CurtailerSettings) -> Statement:
    async with aiohttp.ClientSession() as http:
        return await stated(plan, begun, settings, http, SYSTEM_CLOCK.now())


def _plans(_arguments: argparse.Namespace, _settings: CurtailerSettings, ledger: Ledger) -> int:
    for plan in ledger.plans():
        figures = f"{plan.target_w / 1000:>12,.1f} kW  {len(plan.miners):>6} miners"
        print(f"{plan.starts_at:%Y-%m-%d %H:%M} UTC  {plan.state.value:<10} {figures}  {plan.plan}")
    return EXIT_OK


def _log(arguments: argparse.Namespace, _settings: CurtailerSettings, ledger: Ledger) -> int:
    entries = list(ledger.log(arguments.plan))
    if not entries:
        print(f"no plan {arguments.plan!r}; `hashbus curtail plans` lists them", file=sys.stderr)
        return EXIT_PROBLEM
    for one in entries:
        power = "" if one.cap_w is None else f"to {one.cap_w:g} W"
        print(f"{one.at:%Y-%m-%d %H:%M:%S} UTC  {one.operation:<22} {one.miner or '':<24} {power}{one.note or ''}")
    return EXIT_OK


def sheet(statement: Statement) -> list[str]:
    """Return a settlement as lines for people."""
    result, event = statement.result, statement.event
    signature = f", signed by {signer(statement)}" if statement.signature else ""
    asked = f"{event.starts_at:%Y-%m-%d %H:%M} to {event.ends_at:%Y-%m-%d %H:%M} UTC, {event.target_w / 1000:,.2f} kW"
    delivered = f"{result.delivered_wh / 1000:,.3f} kWh of {result.promised_wh / 1000:,.3f} kWh promised"
    return [
        f"{statement.plan} at {statement.site}{signature}",
        f"  asked {asked}",
        f"  measured by {statement.measured}; baseline {_baseline(result)}",
        *([f"  {result.problem}"] if result.problem else []),
        *_table(result),
        f"  delivered {delivered}, score {result.score_pct:g} %",
    ]


def _baseline(result: Result) -> str:
    return f"{result.method}, {len(result.days)} days, adjusted by {100 * (result.adjustment - 1):+.2f} %"


def _table(result: Result) -> list[str]:
    head = f"  {'from (UTC)':<16} {'baseline':>12} {'metered':>12} {'delivered':>12} {'promised':>12}  kWh"
    rows = [
        f"  {one.starts_at:%Y-%m-%d %H:%M} {one.baseline_wh / 1000:>12,.3f} {one.metered_wh / 1000:>12,.3f}"
        f" {one.delivered_wh / 1000:>12,.3f} {one.promised_wh / 1000:>12,.3f}"
        for one in result.intervals
    ]
    return [head, *rows] if rows else []
