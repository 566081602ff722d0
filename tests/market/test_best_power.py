"""Best power: each miner where it earns most, when the change is worth it, and only as long as prices are fresh."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hashbus.messages import (
    Capability,
    CurrencyRates,
    Hashprice,
    Level,
    Message,
    MinerEconomics,
    MinerInfo,
    MinerState,
    MinerTelemetry,
    PowerChange,
    PowerLevel,
    PowerPrice,
    PowerRequest,
    PriceWindow,
    Rank,
    SiteEconomics,
)
from hashbus.step import TICK
from hashbus_controller.arbiter import arbitrate
from hashbus_controller.bids import of_request
from hashbus_market.best import change_cost
from hashbus_market.curve import Curve, learnt, options_w
from hashbus_market.economy import Economy
from hashbus_market.settings import MarketSection
from hashbus_market.step import step
from hashbus_market.valued import of_miner

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
WHOLE: dict[str, Any] = {"completeness_pct": 100}


def info(name: str = "attic", **more: Any) -> MinerInfo:
    fields: dict[str, Any] = {
        "capabilities": (Capability.POWER_LIMIT, Capability.SLEEP),
        "min_power_w": 1800,
        "max_power_w": 3600,
        "rated_power_w": 3600,
        "rated_hashrate_ths": 200,
        "power_change": PowerChange(restarts_mining=True, ramp_s=600),
        **more,
    }
    return MinerInfo(site="home", at=NOON, miner=name, driver="x", level=Level.GOLD, **fields)


class Home:
    """A step on a clock in the hand: prices as they are told, miners that do as they are bid."""

    def __init__(self, *miners: MinerInfo, **best_power: Any) -> None:
        settings = {"pool_fee_pct": 0, **best_power.pop("market", {})}
        settings["best_power"] = {"scopes": ["site"], **best_power}
        self.now = NOON
        self.economy = Economy("home", MarketSection.model_validate(settings))
        self.said: list[Message] = []
        self.miners = {one.miner: one for one in miners or (info(),)}
        self.power_w = {name: one.max_power_w or one.rated_power_w or 0.0 for name, one in self.miners.items()}
        self.exponent = 0.9
        self.hears(*self.miners.values())

    def hears(self, *messages: Message) -> None:
        for message in messages:
            self.economy, said = step(self.economy, message, self.now)
            self._keeps(said)

    def _keeps(self, said: Iterable[Message]) -> None:
        for message in said:
            self.said.append(message)
            if isinstance(message, PowerRequest) and message.wish_w is not None:
                self.power_w[message.scope] = message.wish_w

    def prices(self, hashprice: float = 50.0, per_kwh: float = 0.06, *later: tuple[float, float]) -> None:
        """A hashprice, a price of power, and for the hours ahead (length, price)."""
        windows, start = [], self.now
        for hours, price in later:
            end = start + timedelta(hours=hours)
            windows.append(PriceWindow(starts_at=start, ends_at=end, price_per_kwh=price))
            start = end
        self.hears(
            Hashprice(
                site="home",
                at=self.now,
                hashprice_usd_per_ph_day=hashprice,
                price_usd=92_477,
                difficulty=152.27e12,
                taken_at=self.now,
                **WHOLE,
            ),
            PowerPrice(
                site="home",
                at=self.now,
                currency="USD",
                price_per_kwh=per_kwh,
                windows=tuple(windows),
                tariff="test",
                sources_used=1,
                sources_total=1,
                taken_at=self.now,
                **WHOLE,
            ),
        )

    def passes(self, minutes: float = 0, *, reads: bool = True) -> None:
        """Let time pass in steps of a minute at most; miners are read each minute."""
        end = self.now + timedelta(minutes=minutes)
        while True:
            if reads:
                self.hears(*(self.reading(name) for name in self.miners))
            self.economy, said = step(self.economy, TICK, self.now)
            self._keeps(said)
            if self.now >= end:
                return
            self.now += min(timedelta(minutes=1), end - self.now)

    def reading(self, name: str) -> MinerTelemetry:
        one, power_w = self.miners[name], self.power_w[name]
        rated_w, rated_ths = one.rated_power_w or 1.0, one.rated_hashrate_ths or 0.0
        is_asleep = power_w == 0
        return MinerTelemetry(
            site="home",
            at=self.now,
            miner=name,
            driver="x",
            state=MinerState.SLEEPING if is_asleep else MinerState.MINING,
            power_w=15 if is_asleep else power_w,
            power_limit_w=power_w or rated_w,
            hashrate_ths=0 if is_asleep else rated_ths * (power_w / rated_w) ** self.exponent,
        )

    def of(self, kind: type[Message]) -> list[Any]:
        return [one for one in self.said if isinstance(one, kind)]

    @property
    def bids(self) -> list[PowerRequest]:
        return self.of(PowerRequest)

    @property
    def wishes(self) -> list[float]:
        """The powers wished so far, each change once."""
        wishes = [one.wish_w for one in self.bids if one.wish_w is not None]
        return [one for index, one in enumerate(wishes) if index == 0 or wishes[index - 1] != one]


@pytest.mark.parametrize(
    ("per_kwh", "best_w"),
    [
        (-0.05, 3600),  # paid for drawing power
        (0.02, 3600),
        (0.10, 3600),
        # In between less power hashes more a watt: 3600 * (0.9 * 10 / (86.4 * price)) ** 10 is 3,324 and 2,086.
        (0.105, 3375),
        (0.11, 2025),
        (0.15, 0),
        (0.60, 0),
    ],
)
def test_a_miner_is_bid_for_where_it_earns_most(per_kwh: float, best_w: float) -> None:
    home = Home(horizon_s=86_400, min_gain_per_day=0)
    home.prices(50, per_kwh)
    home.passes()
    found = home.of(MinerEconomics)[-1]
    nets = {one.power_w: one.net_per_day for one in found.options}
    assert found.best_w == max(nets, key=lambda power_w: (nets[power_w], -power_w))
    assert found.best_w == best_w
    # A gain of less than the ramp costs is not worth it: at 0.105 it is 0.003 a day.
    assert home.wishes == ([3600] if best_w == 3375 else [best_w])


def test_a_bid_is_a_wish_of_the_weakest_rank_with_an_end_and_its_figures() -> None:
    home = Home()
    home.prices(50, 0.60)
    home.passes()
    [bid] = home.bids
    assert (bid.source, bid.scope, bid.name, bid.rank) == ("market", "attic", "best_power", Rank.ECONOMICS)
    assert (bid.wish_w, bid.cap_w, bid.floor_w) == (0, None, None)
    assert bid.until == NOON + timedelta(seconds=900)
    assert bid.why == ("asleep it loses 0.22 USD a day at 0.6 USD/kWh and 50 USD/PH/day; next is 1,800 W with -20.56")


def test_anything_stronger_narrows_it() -> None:
    home = Home()
    home.prices(50, 0.02)
    home.passes()
    wish = of_request(home.bids[-1])
    assert arbitrate([wish], 3600, 2000).power_w == 3600
    cap = of_request(home.bids[-1].model_copy(update={"rank": Rank.BATTERY, "wish_w": None, "cap_w": 1000.0}))
    assert arbitrate([wish, cap], 3600, 2000).power_w == 1000
    heat = of_request(home.bids[-1].model_copy(update={"rank": Rank.HEAT, "wish_w": 2400.0}))
    assert arbitrate([wish, heat], 3600, 2000).power_w == 2400


def test_it_is_renewed_before_it_lapses_and_not_more_often() -> None:
    home = Home()
    home.prices(50, 0.02)
    home.passes(29)
    assert home.wishes == [3600]
    assert 3 <= len(home.bids) <= 5
    assert all(two.at < one.until for one, two in zip(home.bids, home.bids[1:], strict=False))


def test_it_lapses_when_prices_go_stale_and_says_why_there_are_no_figures() -> None:
    home = Home()
    home.prices(50, 0.02)
    home.passes(60)
    assert max(one.until for one in home.bids) <= NOON + timedelta(minutes=30)
    last = home.of(MinerEconomics)[-1]
    assert last.margin_per_day is None
    assert "no fresh price of bitcoin" in last.why_not


def test_nobody_is_bid_for_who_is_not_named() -> None:
    home = Home(info("attic"), info("cellar", group="house"), info("shed"), scopes=["house", "shed"])
    home.prices(50, 0.60)
    home.passes()
    assert {one.scope for one in home.bids} == {"cellar", "shed"}
    assert Home(scopes=[]).bids == []


def test_a_price_that_wavers_around_break_even_changes_nothing() -> None:
    home = Home(min_hold_s=0)
    # At 200 TH/s and 3.6 kW a hashprice of 50 breaks even at 0.1157 a kWh; asleep and at work are worth the same.
    for turn in range(60):
        home.prices(50, 0.1235 + (0.0006 if turn % 2 else -0.0006))
        home.passes(5)
    assert len(home.wishes) == 1


def test_a_cheap_hour_is_worth_waking_for_when_it_is_long_enough() -> None:
    def night(cheap_hours: float) -> list[float]:
        home = Home(min_hold_s=0, min_gain_per_day=0)
        home.prices(50, 0.40, (1, 0.40), (cheap_hours, 0.02), (8, 0.40))
        home.passes(1)
        home.now += timedelta(minutes=59)
        home.prices(50, 0.02, (cheap_hours, 0.02), (8, 0.40))
        home.passes(1)
        return home.wishes

    assert night(8) == [0, 3600]
    # Ten minutes at full power do not pay for two ramps of ten minutes.
    assert night(10 / 60) == [0]


def test_the_cost_of_a_change_is_the_hashes_lost_in_half_its_ramp_and_its_wear() -> None:
    home = Home(change_cost=0.25)
    home.prices(50, 0.02)
    home.passes()
    options = home.of(MinerEconomics)[-1].options
    lost = 200 / 1000 * 50 * 600 / 86_400 / 2
    assert change_cost(home.economy, "attic", options, home.now) == pytest.approx(0.25 + lost, rel=1e-3)


def test_after_a_change_the_miner_is_left_alone_for_a_while() -> None:
    home = Home(min_hold_s=1800)
    home.prices(50, 0.60)
    home.passes(1)
    home.prices(50, 0.02)
    home.passes(28)
    assert home.wishes == [0]
    home.prices(50, 0.02)
    home.passes(3)
    assert home.wishes == [0, 3600]


def test_after_a_restart_the_old_bid_counts_for_the_pause() -> None:
    before = Home(min_hold_s=1800)
    before.prices(50, 0.60)
    before.passes(1)
    after = Home(min_hold_s=1800)
    after.power_w["attic"] = 0
    after.now = before.now
    after.hears(before.bids[-1])
    after.prices(50, 0.02)
    after.passes(5)
    assert after.wishes in ([], [0])


def test_what_a_miner_really_hashes_at_a_power_is_learnt_and_decides() -> None:
    levels = (PowerLevel(name="low", power_w=1800), PowerLevel(name="high", power_w=3600))
    home = Home(info(power_levels=levels), scopes=[])
    home.exponent = 0.5  # this firmware is much more efficient at low power than anybody thinks
    home.prices(50, 0.08)
    home.passes()
    assert home.of(MinerEconomics)[-1].best_w == 3600
    home.power_w["attic"] = 1800  # somebody turns it down for an hour
    for _ in range(2):
        home.prices(50, 0.08)
        home.passes(15)
    found = home.of(MinerEconomics)[-1]
    low = next(one for one in found.options if one.power_w == 1800)
    assert low.is_measured
    assert low.hashrate_ths == pytest.approx(200 * 0.5**0.5, rel=1e-3)
    assert found.best_w == 1800


def test_what_was_learnt_survives_a_restart() -> None:
    home = Home()
    home.prices(50, 0.02)
    home.passes(25)
    told = home.of(MinerEconomics)[-1]
    after = Home()
    after.now = home.now
    after.hears(told)
    assert after.economy.curves["attic"].seen_ths == {3600: 200}


def test_a_reading_while_it_tunes_teaches_nothing() -> None:
    home, options = Home(), options_w(info())
    curve = Curve()
    for minute in range(60):
        reading = home.reading("attic").model_copy(
            update={"at": NOON + timedelta(minutes=minute), "state": MinerState.TUNING}
        )
        curve = learnt(curve, reading, options)
    assert not curve.seen_ths


@pytest.mark.parametrize(
    ("who", "options"),
    [
        (info(), (0, 1800, 2025, 2250, 2475, 2700, 2925, 3150, 3375, 3600)),
        (info(power_step_w=500), (0, 1800, 2300, 2800, 3300, 3600)),
        (info(power_levels=(PowerLevel(name="a", power_w=2000), PowerLevel(name="b", power_w=3000))), (0, 2000, 3000)),
        (info(capabilities=(Capability.SLEEP,)), (0, 3600)),
        (info(capabilities=(Capability.POWER_LIMIT,)), (1800, 2025, 2250, 2475, 2700, 2925, 3150, 3375, 3600)),
        (info(capabilities=(Capability.REBOOT,)), ()),
    ],
)
def test_only_powers_that_a_miner_can_take_are_looked_at(who: MinerInfo, options: tuple[float, ...]) -> None:
    assert options_w(who) == options


def test_a_miner_that_cannot_be_told_anything_has_figures_and_no_bid() -> None:
    home = Home(info(capabilities=()))
    home.prices(50, 0.60)
    home.passes()
    assert home.of(MinerEconomics)[-1].margin_per_day is not None
    assert home.bids == []


def test_used_heat_keeps_a_miner_running_that_loses_money_by_mining_alone() -> None:
    heat = {"displaces": "gas", "fuel_per_kwh": 0.12, "efficiency_pct": 90}
    cold, warm = Home(), Home(market={"heat": heat})
    for home in (cold, warm):
        home.prices(50, 0.20)
        home.passes()
    assert cold.wishes == [0]
    assert warm.wishes == [3600]
    found = warm.of(MinerEconomics)[-1]
    assert found.margin_per_day < 0 < found.net_per_day
    assert found.heat_value_per_day == pytest.approx(86.4 * 0.12 / 0.9)


def test_the_site_adds_up_who_is_heard_and_says_how_complete_that_is() -> None:
    home = Home(info("attic"), info("cellar"), scopes=[])
    home.prices(50, 0.05)
    home.passes(3)
    site = home.of(SiteEconomics)[-1]
    assert (site.miners_counted, site.miners_total, site.completeness_pct) == (2, 2, 100)
    one = home.of(MinerEconomics)[-1]
    assert site.margin_per_day == pytest.approx(2 * one.margin_per_day)
    assert site.efficiency_j_per_th == pytest.approx(one.efficiency_j_per_th)
    assert site.break_even_per_kwh == pytest.approx(one.break_even_per_kwh, rel=1e-4)
    del home.miners["cellar"]
    home.passes(5)
    site = home.of(SiteEconomics)[-1]
    assert (site.miners_counted, site.completeness_pct) == (1, 50)


def test_every_power_has_its_own_revenue_cost_and_margin() -> None:
    home = Home()
    home.prices(50, 0.05)
    home.passes()
    full = home.of(MinerEconomics)[-1].options[-1]
    assert full.revenue_per_day == pytest.approx(10)
    assert full.power_cost_per_day == pytest.approx(4.32)
    assert full.margin_per_day == full.net_per_day == pytest.approx(5.68)
    assert full.earned_sats_per_kwh == pytest.approx(10 / 92_477 * 1e8 / 86.4, rel=1e-4)


def test_depreciation_is_shown_and_never_decides() -> None:
    home = Home(market={"investments": {"attic": {"amount": 3652.5, "months": 12}}})
    home.prices(50, 0.02)
    home.passes()
    found = home.of(MinerEconomics)[-1]
    assert found.depreciation_per_day == pytest.approx(10)
    assert found.net_per_day == pytest.approx(found.margin_per_day - 10)
    assert home.wishes == [3600]


def test_without_a_rate_money_is_null_and_the_text_says_what_to_write() -> None:
    home = Home(market={"tariff": {"kind": "fixed", "currency": "EUR", "price_per_kwh": 0.1}})
    home.prices(50, 0.10)
    assert home.economy.power
    euro = home.economy.power.model_copy(update={"currency": "EUR"})
    home.hears(euro)
    home.passes()
    found = home.of(MinerEconomics)[-1]
    assert (found.currency, found.revenue_per_day, found.margin_per_day) == ("EUR", None, None)
    assert found.revenue_usd_per_day == pytest.approx(10)
    assert "write market.per_usd: {EUR: ...}" in found.why_not
    assert home.bids == []
    rates = CurrencyRates(site="home", at=NOON, per_usd={"EUR": 0.9}, origin="mempool", taken_at=NOON, **WHOLE)
    home.hears(rates)
    home.passes(1)
    assert home.of(MinerEconomics)[-1].revenue_per_day == pytest.approx(9)


def test_the_owners_rate_wins_over_that_of_a_source() -> None:
    home = Home(market={"per_usd": {"EUR": 0.5}, "tariff": {"kind": "fixed", "currency": "EUR", "price_per_kwh": 1}})
    home.prices(50, 0.10)
    assert home.economy.power
    home.hears(home.economy.power.model_copy(update={"currency": "EUR"}))
    home.hears(CurrencyRates(site="home", at=NOON, per_usd={"EUR": 0.9}, origin="mempool", taken_at=NOON, **WHOLE))
    home.passes()
    assert home.of(MinerEconomics)[-1].revenue_per_day == pytest.approx(5)


def test_a_farm_is_looked_at_in_parts_and_all_of_it_in_time() -> None:
    home = Home(*(info(f"m{n:04}") for n in range(600)), scopes=[])
    home.prices(50, 0.05)
    home.hears(*(home.reading(name) for name in home.miners))
    home.passes(reads=False)
    assert len(home.of(MinerEconomics)) == 250
    for _ in range(2):
        home.passes(reads=False)
    assert len({one.miner for one in home.of(MinerEconomics)}) == 600


def test_a_new_price_is_worked_out_once_and_not_at_every_tick(monkeypatch: pytest.MonkeyPatch) -> None:
    home = Home()
    home.prices(50, 0.05)
    home.passes(1)
    worked_out = []
    monkeypatch.setattr("hashbus_market.step.of_miner", lambda *given: worked_out.append(given) or of_miner(*given))
    home.prices(50.1, 0.05)
    home.passes(3)
    assert len(worked_out) == 1


def test_figures_that_hardly_change_are_not_said_again_at_every_reading() -> None:
    home = Home(scopes=[])
    home.prices(50, 0.05)
    home.passes(9)
    assert len(home.of(MinerEconomics)) == 1


@given(
    hashprice=st.floats(1, 500),
    per_kwh=st.floats(-0.5, 2),
    exponent=st.floats(0.3, 1.0),
    ramp_s=st.one_of(st.none(), st.floats(0, 3600)),
)
def test_no_bid_ever_asks_for_a_power_that_earns_less_than_another_it_could_have_from_the_start(
    hashprice: float, per_kwh: float, exponent: float, ramp_s: float | None
) -> None:
    home = Home(
        info(power_change=PowerChange(ramp_s=ramp_s)),
        hashrate_exponent=exponent,
        min_gain_per_day=0,
        min_hold_s=0,
        horizon_s=86_400,
    )
    home.exponent = exponent
    home.prices(hashprice, per_kwh)
    home.passes()
    found = home.of(MinerEconomics)[-1]
    nets = {one.power_w: one.net_per_day for one in found.options}
    [bid] = home.bids
    assert bid.wish_w is not None
    # It stays where it was, or goes where most is earned; nowhere else.
    assert bid.wish_w in (3600, found.best_w)
    assert nets[bid.wish_w] >= nets[3600] - 1e-6


@given(
    power_w=st.floats(0, 1e5),
    hashrate_ths=st.one_of(st.just(0.0), st.floats(1e-9, 1e4)),
    hashprice=st.floats(0, 1e5),
    per_kwh=st.floats(-10, 10),
)
def test_no_reading_however_odd_makes_figures_that_cannot_be_said(
    power_w: float, hashrate_ths: float, hashprice: float, per_kwh: float
) -> None:
    home = Home()
    home.prices(hashprice, per_kwh)
    home.hears(home.reading("attic").model_copy(update={"power_w": power_w, "hashrate_ths": hashrate_ths}))
    home.passes(reads=False)
    for message in home.said:
        assert type(message).decode(message.encode(), message.address()) == message
