"""The best power of a miner as a bid (S4.62): a change must gain more than it costs, for long enough. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from hashbus.economics import DAY_S
from hashbus.messages import LevelEconomics, MinerEconomics, MinerState, PowerRequest, Rank
from hashbus_market.curve import at_option
from hashbus_market.economy import Economy
from hashbus_market.valued import at_options, best_of

NAME = "best_power"
SOURCE = "market"
USUAL_RAMP_S = 600.0
"""From a change of the power limit to full hashrate, where a miner does not say how long it takes."""

FARTHEST = timedelta(hours=24)


def bid(economy: Economy, found: MinerEconomics, now: datetime) -> tuple[Economy, PowerRequest | None]:
    """Return the bid that is to be said for a miner now: a new one, or the old one renewed; None when nothing is."""
    miner, held = found.miner, economy.bids.get(found.miner)
    until = _until(economy, now)
    is_wanted = economy.is_in(miner, economy.settings.best_power.scopes)
    best = best_of(found.options)
    if not is_wanted or until is None or until <= now or best is None:
        if held is None:
            return economy, None
        return replace(economy, bids=economy.bids.remove(miner)), None
    present_w = _present_w(economy, found, now)
    chosen = best
    if present_w is not None and present_w != best.power_w:
        present = next((one for one in found.options if one.power_w == present_w), None)
        if present is not None and not _is_worth_it(economy, miner, present, best, now):
            chosen = present
    return _said(economy, found, chosen, held, until, now)


def is_at_rest(economy: Economy, miner: str, now: datetime) -> bool:
    """Say without any arithmetic that a miner's bid needs nothing: there is none, or it is where it should be."""
    settings, held, told = economy.settings.best_power, economy.bids.get(miner), economy.said.get(miner)
    if not settings.scopes or not economy.is_in(miner, settings.scopes):
        return held is None
    if held is None or told is None or held.wish_w != told.best_w:
        return False
    return held.until - now > timedelta(seconds=settings.lease_s) / 2


def _said(
    economy: Economy,
    found: MinerEconomics,
    chosen: LevelEconomics,
    held: PowerRequest | None,
    until: datetime,
    now: datetime,
) -> tuple[Economy, PowerRequest | None]:
    miner = found.miner
    is_change = held is None or held.wish_w != chosen.power_w
    lease = timedelta(seconds=economy.settings.best_power.lease_s)
    # Where prices end before the lease does, saying it again would not make it last.
    is_due = held is None or (held.until - now <= lease / 2 and until - held.until >= lease / 4)
    if not is_change and not is_due:
        return economy, None
    request = PowerRequest(
        site=economy.site,
        at=now,
        source=SOURCE,
        scope=miner,
        name=NAME,
        rank=Rank.ECONOMICS,
        wish_w=chosen.power_w,
        until=until,
        why=_why(economy, found, chosen),
    )
    changed_at = economy.changed_at.insert(miner, now) if is_change else economy.changed_at
    return replace(economy, bids=economy.bids.insert(miner, request), changed_at=changed_at), request


def _until(economy: Economy, now: datetime) -> datetime | None:
    """Return until when a bid said now holds: its lease, and never beyond the life of the prices it hangs on."""
    fresh = economy.fresh_until()
    if fresh is None or economy.missing(now) is not None:
        return None
    return min(fresh, now + timedelta(seconds=economy.settings.best_power.lease_s))


def _present_w(economy: Economy, found: MinerEconomics, now: datetime) -> float | None:
    """Return the power that the last bid asked, else the one at which the miner runs; None when it is between."""
    held = economy.bids.get(found.miner)
    if held is not None and held.wish_w is not None:
        return held.wish_w
    reading = economy.reading(found.miner, now)
    if reading is not None and reading.state is MinerState.SLEEPING:
        return 0.0
    return at_option(found.power_w, tuple(one.power_w for one in found.options))


def _is_worth_it(economy: Economy, miner: str, present: LevelEconomics, best: LevelEconomics, now: datetime) -> bool:
    """Say whether the change gains more than it costs, as long as the known prices let it."""
    settings = economy.settings.best_power
    since = economy.changed_at.get(miner)
    if since is not None and now - since < timedelta(seconds=settings.min_hold_s):
        return False
    if (best.net_per_day or 0.0) - (present.net_per_day or 0.0) < settings.min_gain_per_day:
        return False
    gained, comes_back = _gain(economy, miner, present.power_w, best.power_w, now)
    changes = 2 if comes_back else 1
    return gained > changes * change_cost(economy, miner, (present, best), now)


def _gain(economy: Economy, miner: str, present_w: float, best_w: float, now: datetime) -> tuple[float, bool]:
    """Return what the other power gains while prices are known, and whether it gets worse before their end."""
    gained = 0.0
    for start, end, per_kwh in _stretches(economy, now):
        net = {one.power_w: one.net_per_day or 0.0 for one in at_options(economy, miner, now, per_kwh)}
        a_day = net[best_w] - net[present_w]
        if a_day <= 0 and start > now:
            return gained, True
        gained += a_day * (end - start).total_seconds() / DAY_S
    return gained, False


def _stretches(economy: Economy, now: datetime) -> Iterator[tuple[datetime, datetime, float]]:
    """Give the hours ahead whose price is known; at least the horizon at the price of now."""
    power = economy.power
    if power is None:
        return
    ends_at = now
    for window in power.windows:
        if window.ends_at <= now or window.starts_at > ends_at or ends_at - now >= FARTHEST:
            continue
        end = min(window.ends_at, now + FARTHEST)
        yield max(window.starts_at, now), end, window.price_per_kwh
        ends_at = end
    horizon = now + timedelta(seconds=economy.settings.best_power.horizon_s)
    if ends_at == now:
        yield now, horizon, power.price_per_kwh


def change_cost(economy: Economy, miner: str, between: Sequence[LevelEconomics], now: datetime) -> float:
    """Return what one change costs: its wear, and half of what would be earned while it ramps."""
    info, prices = economy.infos[miner], economy.prices(now)
    change = info.power_change
    ramp_s = change.ramp_s if change.ramp_s is not None else (USUAL_RAMP_S if change.restarts_mining else 0.0)
    most_ths = max(one.hashrate_ths for one in between)
    a_day = most_ths / 1000 * (prices.hashprice_usd_per_ph_day or 0.0) * (prices.per_usd or 0.0)
    return economy.settings.best_power.change_cost + a_day * ramp_s / DAY_S / 2


def _why(economy: Economy, found: MinerEconomics, chosen: LevelEconomics) -> str:
    price = economy.power.price_per_kwh if economy.power else 0.0
    hashprice = economy.hashprice.hashprice_usd_per_ph_day if economy.hashprice else 0.0
    at = f"at {price:.4g} {found.currency}/kWh and {hashprice:.4g} USD/PH/day"
    what = "asleep" if chosen.power_w == 0 else f"at {_watts(chosen.power_w)}"
    net = chosen.net_per_day or 0.0
    result = f"{'earns' if net >= 0 else 'loses'} {abs(net):,.2f} {found.currency} a day"
    others = [one for one in found.options if one.power_w != chosen.power_w and one.net_per_day is not None]
    next_best = best_of(others)
    rest = ""
    if next_best is not None:
        name = "asleep" if next_best.power_w == 0 else _watts(next_best.power_w)
        rest = f"; next is {name} with {next_best.net_per_day or 0.0:,.2f}"
    return f"{what} it {result} {at}{rest}"


def _watts(power_w: float) -> str:
    return f"{power_w:,.0f} W" if power_w >= 100 else f"{power_w:g} W"
