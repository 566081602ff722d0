"""The economics of the site, step by step: what miners and prices say goes in; what they earn, and bids, come out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from hashbus.messages import (
    CurrencyRates,
    Hashprice,
    Message,
    MinerEconomics,
    MinerInfo,
    MinerTelemetry,
    PowerPrice,
    PowerRequest,
)
from hashbus.step import Tick
from hashbus_market.best import NAME, SOURCE, bid, is_at_rest
from hashbus_market.curve import Curve, learnt, options_w
from hashbus_market.economy import Economy
from hashbus_market.valued import is_news, is_settled, of_miner, of_site

HEARS = (MinerInfo, MinerTelemetry, Hashprice, PowerPrice, CurrencyRates, MinerEconomics, PowerRequest)

AT_ONCE = 250
"""Miners looked at in one tick: a farm of 10,000 is through in 40 s, and no tick takes longer than a few hundredths."""

SITE_EVERY = timedelta(seconds=60)


def step(state: Economy, heard: Message | Tick, now: datetime) -> tuple[Economy, Iterable[Message]]:
    """Take in what was heard; at each tick look at some of the miners."""
    if isinstance(heard, Tick):
        return _looked(state, now)
    return known(state, heard, now), ()


def known(economy: Economy, heard: Message, now: datetime) -> Economy:
    """Return the economy with what was heard in it."""
    if isinstance(heard, MinerTelemetry):
        return _with_reading(economy, heard)
    if isinstance(heard, MinerInfo):
        miners = economy.miners if heard.miner in economy.infos else tuple(sorted((*economy.miners, heard.miner)))
        return replace(
            economy,
            miners=miners,
            infos=economy.infos.insert(heard.miner, heard),
            options_w=economy.options_w.insert(heard.miner, options_w(heard)),
        )
    if isinstance(heard, Hashprice):
        return replace(economy, hashprice=heard, repriced_at=now)
    if isinstance(heard, PowerPrice):
        return replace(economy, power=heard, repriced_at=now)
    if isinstance(heard, CurrencyRates):
        return replace(economy, rates=heard, repriced_at=now)
    if isinstance(heard, MinerEconomics):
        return _recalled(economy, heard)
    if isinstance(heard, PowerRequest) and (heard.source, heard.name) == (SOURCE, NAME):
        return _with_own_bid(economy, heard)
    return economy


def _with_reading(economy: Economy, reading: MinerTelemetry) -> Economy:
    miner, options = reading.miner, economy.options_w.get(reading.miner)
    economy = replace(economy, readings=economy.readings.insert(miner, reading))
    if options is None:
        return economy
    before = economy.curves.get(miner, Curve())
    after = learnt(before, reading, options)
    return economy if after is before else replace(economy, curves=economy.curves.insert(miner, after))


def _recalled(economy: Economy, told: MinerEconomics) -> Economy:
    """Take back after a start what had been seen of a miner's powers; later it is the echo of the own words."""
    if told.miner in economy.said or told.miner in economy.curves:
        return economy
    seen = {one.power_w: one.hashrate_ths for one in told.options if one.is_measured and one.power_w > 0}
    return replace(economy, curves=economy.curves.insert(told.miner, Curve(seen_ths=seen))) if seen else economy


def _with_own_bid(economy: Economy, request: PowerRequest) -> Economy:
    """Know after a start what was bid before, so that the same is not changed at once again."""
    if request.scope in economy.bids or request.scope in economy.changed_at:
        return economy
    return replace(
        economy,
        bids=economy.bids.insert(request.scope, request),
        changed_at=economy.changed_at.insert(request.scope, request.at),
    )


def _looked(economy: Economy, now: datetime) -> tuple[Economy, list[Message]]:
    said: list[Message] = []
    begin = economy.cursor if economy.cursor < len(economy.miners) else 0
    part = economy.miners[begin : begin + AT_ONCE]
    is_priced = economy.missing(now) is None
    for miner in part:
        if is_settled(economy, miner, now, is_priced=is_priced) and is_at_rest(economy, miner, now):
            continue
        found = of_miner(economy, miner, now)
        if found is None:
            continue
        economy = replace(economy, looked_at=economy.looked_at.insert(miner, now))
        if is_news(economy.said.get(miner), found):
            economy = replace(economy, said=economy.said.insert(miner, found))
            said.append(found)
        economy, request = bid(economy, found, now)
        said += [request] if request else []
    economy = replace(economy, cursor=begin + len(part))
    before = economy.said_site
    if part and (before is None or now - before.at >= SITE_EVERY):
        site = of_site(economy, now)
        if site is not None:
            return replace(economy, said_site=site), [*said, site]
    return economy, said
