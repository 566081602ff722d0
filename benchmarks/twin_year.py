"""A year of the twin: how long it takes, and what policies bring beside a plain thermostat and the plain ratchet.

The same house, weather, people and silences for all three; comfort is judged by what people want, not by a policy. The
world without a decision is the bare lower bound in time.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from time import perf_counter

from benchmarks.figures import Figure
from hashbus_twin.cli import settings_from
from hashbus_twin.ledger import Entry
from hashbus_twin.living import STEP_S, Life, Lived
from hashbus_twin.settings import LIVE, TwinSettings
from hashbus_twin.world import World

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
SEED = 1
YEAR_D, QUICK_D = 365, 1
BARE_D = 20
PACE = 1000
"""So many times faster than life it must be."""


async def measure(*, quick: bool) -> list[Figure]:
    """Live the year three times."""
    settings, days = settings_from(None), QUICK_D if quick else YEAR_D
    begun_s = perf_counter()
    ours = _lived(settings, LIVE, days)
    took_s = perf_counter() - begun_s
    plain, ratchet = (_lived(settings, name, days) for name in ("thermostat", "ratchet"))
    bare_s = _bare_s(settings, 1 if quick else BARE_D)
    ratio = took_s / days / bare_s
    return [
        Figure("twin_year", took_s, "s", note=f"{days} days, {STEP_S:g} s a step, one core"),
        Figure("twin_pace", days * 86_400 / took_s, "x", f">= {PACE}", "times as fast as life"),
        Figure("twin_ratio", ratio, "ratio", note="to the world alone, without telling, deciding and checking"),
        Figure("twin_wrong_steps", len(ours.broken), "steps", "<= 0", f"of {ours.checks:,} checks"),
        *_compared(days, *(one.ledger.total for one in (ours, plain, ratchet))),
    ]


def _lived(settings: TwinSettings, name: str, days: int) -> Lived:
    return Life(settings, name, seed=SEED, starts_at=BEGIN).lives(days)


def _bare_s(settings: TwinSettings, days: int) -> float:
    """Return the seconds that a day of the world takes when nobody looks."""
    world = World(settings.twin, seed=SEED, starts_at=BEGIN)
    begun_s = perf_counter()
    while world.now < BEGIN + timedelta(days=days):
        world.moves(STEP_S)
    return (perf_counter() - begun_s) / days


def _compared(days: int, ours: Entry, plain: Entry, ratchet: Entry) -> list[Figure]:
    """Return each figure of the house's policies, with those of the two baselines beside it."""

    def beside(field: str, scale: float = 1.0) -> str:
        return f"thermostat {getattr(plain, field) * scale:,.1f}, ratchet {getattr(ratchet, field) * scale:,.1f}"

    return [
        Figure("twin_discomfort", ours.short_kh, "K·h", note=f"below what people want, 2 rooms; {beside('short_kh')}"),
        Figure("twin_too_warm", ours.over_kh, "K·h", note=f"over 2 K above it while heated; {beside('over_kh')}"),
        Figure("twin_solar_captured", _share_pct(ours), "%", note=_shares(plain, ratchet)),
        Figure("twin_bought", ours.imported_kwh, "kWh", note=beside("imported_kwh")),
        Figure("twin_heat", ours.heat_kwh, "kWh", note=beside("heat_kwh")),
        Figure("twin_sats", ours.sats, "sat", note=beside("sats")),
        Figure("twin_switches", ours.switches / days, "1/day", note=f"3 miners; {beside('switches', 1 / days)}"),
        Figure("twin_bill", ours.cost, "EUR", note=beside("cost")),
    ]


def _share_pct(entry: Entry) -> float:
    return 100 * entry.captured_kwh / entry.sun_kwh if entry.sun_kwh else 0.0


def _shares(plain: Entry, ratchet: Entry) -> str:
    return f"sun used in the house; thermostat {_share_pct(plain):.1f}, ratchet {_share_pct(ratchet):.1f}"
