"""`hashbus twin`: let a simulated house live for a year, and compare policy sets by what came of it."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.resources import as_file, files
from pathlib import Path

from hashbus.clock import SYSTEM_CLOCK
from hashbus.config_errors import ConfigError
from hashbus.settings import load
from hashbus_twin.living import STEP_S, Life, Lived
from hashbus_twin.settings import LIVE, TwinSettings

EXIT_OK, EXIT_BROKEN, EXIT_USAGE = 0, 1, 2
SHOWN_BROKEN = 5


def twin(argv: Sequence[str]) -> int:
    """Let a simulated house live for a year, and compare what policies bring. Returns the exit code."""
    arguments = _parser().parse_args(argv)
    try:
        settings = settings_from(arguments.config)
    except ConfigError as error:
        print("\n".join(error.problems), file=sys.stderr)
        return EXIT_USAGE
    known = [LIVE, *settings.twin.policy_sets]
    names = arguments.policies or known
    unknown = [name for name in names if name not in known]
    if unknown:
        print(f"hashbus twin: no policy set {', '.join(unknown)}; there are {', '.join(known)}", file=sys.stderr)
        return EXIT_USAGE
    lived = [_lived(settings, name, arguments) for name in names]
    print(as_json(lived) if arguments.json else as_table(lived))
    return _told_broken(lived)


def settings_from(path: Path | None) -> TwinSettings:
    """Read the twin's file; without a path the house that comes with it. ConfigError when it is wrong."""
    if path is not None:
        return load(TwinSettings, path, account="twin")
    with as_file(files("hashbus_twin") / "house.yaml") as ours:
        # Nothing of the site on this machine may change what is compared everywhere.
        return load(TwinSettings, ours, account="twin", environ={})


def _lived(settings: TwinSettings, name: str, arguments: argparse.Namespace) -> Lived:
    begun_s = SYSTEM_CLOCK.monotonic()
    life = Life(settings, name, seed=arguments.seed, starts_at=arguments.begin, step_s=arguments.step)
    lived = life.lives(arguments.days)
    took_s = SYSTEM_CLOCK.monotonic() - begun_s
    pace = arguments.days * 86_400 / max(took_s, 1e-9)
    print(f"{name}: {arguments.days} days in {took_s:.1f} s, {pace:,.0f} times as fast as life", file=sys.stderr)
    return lived


def as_table(lived: Sequence[Lived]) -> str:
    """Return what came of each policy set, one a column."""
    totals = [one.ledger.total for one in lived]
    rows = [("", *(one.name for one in lived))]
    for label, field, digits in (
        ("sun, kWh", "sun_kwh", 0),
        ("of it used, kWh", "captured_kwh", 0),
        ("bought, kWh", "imported_kwh", 0),
        ("sold, kWh", "exported_kwh", 0),
        ("miners, kWh", "mined_kwh", 0),
        ("heat into rooms, kWh", "heat_kwh", 0),
        ("sats", "sats", 0),
        ("too cold, K·h", "short_kh", 1),
        ("too warm, K·h", "over_kh", 1),
        ("switches", "switches", 0),
        ("power bill", "cost", 2),
    ):
        rows.append((label, *(f"{getattr(total, field):,.{digits}f}" for total in totals)))
    rows.append(
        ("switches a day", *(f"{total.switches / one.days:.1f}" for one, total in zip(lived, totals, strict=True)))
    )
    rows.append(("checks", *(f"{one.checks:,}" for one in lived)))
    rows.append(("wrong steps", *(f"{len(one.broken):,}" for one in lived)))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(
        f"{row[0]:<{widths[0]}}  " + "  ".join(f"{cell:>{widths[at]}}" for at, cell in enumerate(row[1:], 1))
        for row in rows
    )


def as_json(lived: Sequence[Lived]) -> str:
    """Return the same for machines, with every day."""
    return json.dumps(
        {
            one.name: {
                "total": asdict(one.ledger.total),
                "days": {day: asdict(entry) for day, entry in one.ledger.days.items()},
                "restarts": one.restarts,
                "lapses": one.lapses,
                "wrong_steps": [{**asdict(each), "at": each.at.isoformat()} for each in one.broken],
            }
            for one in lived
        }
    )


def _told_broken(lived: Sequence[Lived]) -> int:
    for one in lived:
        for broken in one.broken[:SHOWN_BROKEN]:
            print(f"{one.name}: {broken.at:%Y-%m-%d %H:%M} UTC: {broken.promise}: {broken.what}", file=sys.stderr)
    return EXIT_BROKEN if any(one.broken for one in lived) else EXIT_OK


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="hashbus twin", description=__doc__)
    parser.add_argument("--days", type=_days, default=365, help="how long it lives (default %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="another seed is another weather (default %(default)s)")
    parser.add_argument("--from", dest="begin", type=_day, default=_day("2026-01-01"), help="first day, as 2026-01-01")
    parser.add_argument("--policies", nargs="+", metavar="NAME", help="policy sets to compare (default: all)")
    parser.add_argument("--step", type=_step, default=STEP_S, help="seconds between two decisions, 1 to 60")
    parser.add_argument("--config", type=Path, help="the house's YAML file; without it the one that comes with hashbus")
    parser.add_argument("--json", action="store_true", help="every day of every policy set, for machines")
    return parser


def _days(text: str) -> int:
    if not text.isdigit() or not 1 <= int(text) <= 3660:
        raise argparse.ArgumentTypeError(f"must be a whole number of days from 1 to 3660, not {text!r}")
    return int(text)


def _step(text: str) -> float:
    try:
        step_s = float(text)
    except ValueError:
        step_s = 0.0
    if not 1 <= step_s <= STEP_S:
        raise argparse.ArgumentTypeError(f"must be 1 to {STEP_S:g} seconds, not {text!r}")
    return step_s


def _day(text: str) -> datetime:
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        raise argparse.ArgumentTypeError(f"must be a date as 2026-01-01, not {text!r}") from None
