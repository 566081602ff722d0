"""What a miner and the site earn, as messages: pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from hashbus import economics
from hashbus.economics import Earnings, earnings
from hashbus.messages import LevelEconomics, MinerEconomics, MinerInfo, MinerState, MinerTelemetry, SiteEconomics
from hashbus_market.curve import ASLEEP_W, Curve, hashrate_ths
from hashbus_market.economy import Economy

SAID_AGAIN = timedelta(minutes=10)
"""Figures that do not change are said again well within their shelf life of half an hour."""

QUIET = timedelta(seconds=30)
"""A miner's draw wavers with every reading; pages need no more than this."""

NEWS = 0.02
"""A figure that differs by less is the same figure."""

OF_A_LEVEL = ("revenue_per_day", "power_cost_per_day", "margin_per_day", "net_per_day", "earned_sats_per_kwh")
SUMMED = (
    "power_w",
    "hashrate_ths",
    "revenue_usd_per_day",
    "revenue_per_day",
    "power_cost_per_day",
    "margin_per_day",
    "heat_value_per_day",
    "depreciation_per_day",
    "net_per_day",
)


def of_miner(economy: Economy, miner: str, now: datetime) -> MinerEconomics | None:
    """Return what a miner earns as it runs; None while it is not read, or its power is not known."""
    info, reading = economy.infos.get(miner), economy.reading(miner, now)
    if info is None or reading is None:
        return None
    drawn_w, hashes_ths = as_it_runs(reading, info)
    if drawn_w is None or hashes_ths is None:
        return None
    day = earnings(
        drawn_w,
        hashes_ths,
        economy.prices(now),
        heat=economy.heat(miner),
        depreciation=economy.depreciation(miner),
    )
    options = at_options(economy, miner, now)
    best = best_of(options)
    return MinerEconomics(
        site=economy.site,
        at=now,
        miner=miner,
        currency=economy.currency,
        power_w=drawn_w,
        hashrate_ths=hashes_ths,
        options=options,
        best_w=best.power_w if best else None,
        best_net_per_day=best.net_per_day if best else None,
        why_not=_why_not(economy, miner, now),
        taken_at=economy.oldest(now),
        **_rounded(_figures(day, drawn_w, hashes_ths)),
    )


def as_it_runs(reading: MinerTelemetry, info: MinerInfo) -> tuple[float | None, float | None]:
    """Return the watts and TH/s of a reading; the power limit or the data sheet where a miner shows no draw."""
    if reading.state is MinerState.SLEEPING:
        return reading.power_w if reading.power_w is not None else ASLEEP_W, 0.0
    drawn_w = reading.power_w if reading.power_w is not None else reading.power_limit_w or info.rated_power_w
    return drawn_w, reading.hashrate_ths if reading.hashrate_ths is not None else reading.hashrate_5s_ths


def at_options(economy: Economy, miner: str, now: datetime, per_kwh: float | None = None) -> tuple[LevelEconomics, ...]:
    """Return what a miner would earn at each power it can be told, at the price of now or at `per_kwh`.

    Depreciation is left out: it is lost at every power, and asleep.
    """
    info, prices, heat = economy.infos[miner], economy.prices(now, per_kwh), economy.heat(miner)
    curve, exponent = economy.curves.get(miner, Curve()), economy.settings.best_power.hashrate_exponent
    found = []
    for power_w in economy.options_w.get(miner, ()):
        known = hashrate_ths(power_w, curve, info, economy.readings.get(miner), exponent)
        if known is None:
            return ()
        ths, is_measured = known
        day = earnings(power_w or ASLEEP_W, ths, prices, heat=heat)
        found.append(
            LevelEconomics(
                power_w=power_w,
                hashrate_ths=round(ths, 3),
                is_measured=is_measured,
                **{name: value for name, value in _rounded(_figures(day, power_w, ths)).items() if name in OF_A_LEVEL},
            )
        )
    return tuple(found)


def best_of(options: Iterable[LevelEconomics]) -> LevelEconomics | None:
    """Return where most is earned, the lower power of two equals; None when nobody knows."""
    valued = [one for one in options if one.net_per_day is not None]
    return max(valued, key=lambda one: (one.net_per_day or 0.0, -one.power_w), default=None)


def _why_not(economy: Economy, miner: str, now: datetime) -> str | None:
    heat = economy.heat(miner)
    missing = [economy.missing(now)]
    if heat is not None and heat.value_per_kwh(0.0) is None:
        missing.append(f"no price of {heat.source.value}: write market.heat.fuel_per_kwh")
    return "; ".join(one for one in missing if one) or None


def _figures(day: Earnings, drawn_w: float, hashes_ths: float) -> dict[str, float | None]:
    j_per_th = drawn_w / hashes_ths if hashes_ths > 0 else None
    return {**{name: getattr(day, name) for name in Earnings.__slots__}, "efficiency_j_per_th": j_per_th}


def _rounded(figures: Mapping[str, float | None]) -> dict[str, Any]:
    """Return the figures for a message: more digits than anybody pays, fewer than a float has."""
    return {name: None if value is None else round(value, 6) for name, value in economics.sensible(figures).items()}


def is_news(before: MinerEconomics | None, after: MinerEconomics) -> bool:
    """Say whether figures are worth saying again."""
    if before is None or after.at - before.at >= SAID_AGAIN:
        return True
    if (before.best_w, before.why_not, before.currency) != (after.best_w, after.why_not, after.currency):
        return True
    if after.at - before.at < QUIET:
        return False
    return any(
        _differs(getattr(before, name), getattr(after, name), before.revenue_per_day or before.power_cost_per_day)
        for name in ("power_w", "hashrate_ths", "net_per_day", "margin_per_day")
    )


def is_settled(economy: Economy, miner: str, now: datetime, *, is_priced: bool) -> bool:
    """Say without any arithmetic that nothing has happened to a miner since its figures were worked out."""
    said, reading, info = economy.said.get(miner), economy.reading(miner, now), economy.infos.get(miner)
    looked_at = economy.looked_at.get(miner)
    if said is None or reading is None or info is None or looked_at is None or now - said.at >= SAID_AGAIN:
        return False
    if (economy.repriced_at and looked_at < economy.repriced_at) or (said.margin_per_day is not None) != is_priced:
        return False
    drawn_w, hashes_ths = as_it_runs(reading, info)
    return not _differs(said.power_w, drawn_w, None) and not _differs(said.hashrate_ths, hashes_ths, None)


def _differs(before: float | None, after: float | None, scale: float | None) -> bool:
    if before is None or after is None:
        return before is not after
    return abs(after - before) > NEWS * max(abs(before), abs(scale or 0.0))


def of_site(economy: Economy, now: datetime) -> SiteEconomics | None:
    """Return what the miners that are heard earn together; None before the first."""
    counted = [one for one in economy.said.values() if economy.reading(one.miner, now) is not None]
    if not counted:
        return None
    sums: dict[str, Any] = {name: _sum([getattr(one, name) for one in counted], name) for name in SUMMED}
    price_usd = economy.hashprice.price_usd if economy.hashprice else None
    return SiteEconomics(
        site=economy.site,
        at=now,
        currency=economy.currency,
        miners_counted=len(counted),
        miners_total=len(economy.infos),
        completeness_pct=min(100.0, 100 * len(counted) / max(1, len(economy.infos))),
        why_not=economy.missing(now),
        taken_at=min(one.taken_at for one in counted),
        **sums,
        **_rounded(_together(sums, price_usd)),
    )


def _sum(values: list[float | None], name: str) -> float | None:
    """Return the sum; of heat and depreciation what there is, of the others None as soon as one is not known."""
    known = [value for value in values if value is not None]
    if name in ("heat_value_per_day", "depreciation_per_day"):
        return round(sum(known), 6) if known else None
    return round(sum(known), 6) if len(known) == len(values) else None


def _together(sums: dict[str, Any], price_usd: float | None) -> dict[str, Any]:
    power_w, ths, revenue = sums["power_w"] or 0.0, sums["hashrate_ths"] or 0.0, sums["revenue_per_day"]
    cost, dollars = sums["power_cost_per_day"], sums["revenue_usd_per_day"]
    energy_kwh = economics.energy_kwh_per_day(power_w)
    is_known = revenue is not None and cost is not None and energy_kwh > 0
    return {
        "efficiency_j_per_th": power_w / ths if ths > 0 else None,
        "earned_sats_per_kwh": economics.sats_per_kwh(dollars / price_usd, power_w) if dollars and price_usd else None,
        "break_even_per_kwh": None if revenue is None else economics.break_even_per_kwh(revenue, power_w),
        "break_even_usd": economics.break_even_usd(price_usd, revenue, cost) if is_known and price_usd else None,
        "cope": economics.cope(cost / energy_kwh, revenue / energy_kwh) if is_known else None,
    }
