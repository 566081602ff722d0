"""The strike price: enter after so many dear intervals, leave after so many cheap ones, and what silence means."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from hashbus.messages import CurrencyRates, CurtailmentRequest, Hashprice, PowerPrice
from hashbus.messages.market import PriceWindow
from hashbus_curtailer.prices import Prices, price_now
from hashbus_curtailer.triggers import strike
from hashbus_curtailer.triggers.strike import Count, StrikeSettings

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
MARKET = {"sources_used": 1, "sources_total": 1, "completeness_pct": 100, "site": "farm"}


def price(amount: float, at: datetime, currency: str = "USD", **more: Any) -> PowerPrice:
    return PowerPrice(at=at, price_per_kwh=amount, currency=currency, tariff="spot", taken_at=at, **MARKET, **more)


def settings(**more: Any) -> StrikeSettings:
    fields = {"strike_per_kwh": 0.20, "interval_s": 300, "enter_after": 2, "leave_after": 3, "level_pct": 0}
    return StrikeSettings.model_validate({**fields, **more})


def plays(prices: str, **more: Any) -> str:
    """Return for each price of an interval (`.` is none) whether power is given up: `-` or `#`."""
    count, chosen, shown = Count(), settings(**more), ""
    for number, word in enumerate(prices.split()):
        for second in (0, 60, 240):
            now = NOON + timedelta(seconds=300 * number + second)
            said = None if word == "." else price(float(word), now)
            count = strike.told(count, said, chosen, now)
        shown += "#" if count.is_on else "-"
    return shown


@pytest.mark.parametrize(
    ("prices", "shown", "more"),
    [
        # one dear interval is nothing, two are; then three cheap ones
        (".10 .30 .10 .30 .30 .30 .10 .10 .10 .10", "----####--", {}),
        # exactly at the strike is not above it
        (".20 .20 .20", "---", {}),
        # between release and strike nothing changes
        (".30 .30 .15 .15 .15 .15 .05 .05 .05 .15", "-#######--", {"release_per_kwh": 0.10}),
        # a dear interval in between begins the count of the cheap ones anew
        (".30 .30 .10 .10 .30 .10 .10 .10", "-######-", {}),
        # without a price nothing is asked
        (".30 .30 .30 . . .30 .30", "-##---#", {}),
        # or it stays as it was for a while
        (".30 .30 . . .30 .30", "-#####", {"when_silent": "hold", "hold_s": 900}),
        (".30 .30 . . . . .", "-###---", {"when_silent": "hold", "hold_s": 600}),
        # negative prices are prices
        ("-.05 .30 .30 -.05 -.05 -.05", "--###-", {}),
    ],
)
def test_dear_and_cheap_intervals(prices: str, shown: str, more: dict[str, Any]) -> None:
    assert plays(prices, **more) == shown


def test_an_interval_counts_once_with_its_first_price() -> None:
    count, chosen = Count(), settings(enter_after=1)
    count = strike.told(count, price(0.10, NOON), chosen, NOON)
    later = NOON + timedelta(seconds=100)
    assert strike.told(count, price(0.90, later), chosen, later).is_on is False


def test_the_request_lapses_unless_it_is_renewed() -> None:
    chosen, on = settings(), Count(is_on=True)
    first = strike.asked(on, None, chosen, None, NOON)
    assert first
    assert first.ends_at == NOON + timedelta(seconds=900)
    before = CurtailmentRequest(
        site="farm", at=NOON, source="strike", id=first.id, level_pct=0,
        starts_at=first.starts_at, ends_at=first.ends_at, why="x",
    )  # fmt: skip
    soon = strike.asked(on, None, chosen, before, NOON + timedelta(seconds=300))
    later = strike.asked(on, None, chosen, before, NOON + timedelta(seconds=500))
    assert soon
    assert later
    assert (soon.id, soon.ends_at) == (first.id, first.ends_at)
    assert (later.id, later.ends_at) == (first.id, NOON + timedelta(seconds=1400))


def test_after_a_restart_the_own_request_says_that_power_is_given_up() -> None:
    before = CurtailmentRequest(
        site="farm", at=NOON, source="strike", id="s", level_pct=0,
        starts_at=NOON, ends_at=NOON + timedelta(seconds=900), why="x",
    )  # fmt: skip
    assert strike.recalled(Count(), before, NOON).is_on
    assert not strike.recalled(Count(), before, NOON + timedelta(seconds=901)).is_on
    assert not strike.recalled(Count(slot=1), before, NOON).is_on


def test_a_release_above_the_strike_is_refused() -> None:
    with pytest.raises(ValidationError, match=r"release_per_kwh 0\.3 is above strike_per_kwh 0\.2"):
        settings(release_per_kwh=0.3)


def test_the_price_of_now_is_that_of_its_hour_also_when_it_was_said_long_ago() -> None:
    hour = timedelta(hours=1)
    windows = tuple(
        PriceWindow(starts_at=NOON + n * hour, ends_at=NOON + (n + 1) * hour, price_per_kwh=n / 10) for n in range(5)
    )
    said = price(0.5, NOON, windows=windows)
    assert price_now(said, NOON + 3.5 * hour) == pytest.approx(0.3)
    assert price_now(said, NOON + 6 * hour) is None
    assert price_now(price(0.5, NOON), NOON + hour) == 0.5
    assert price_now(price(0.5, NOON), NOON + 3 * hour) is None


def test_prices_in_another_currency_become_dollars_only_by_a_rate() -> None:
    known = Prices(power=price(0.46, NOON, "EUR"))
    assert known.usd_per_kwh(NOON) is None
    rates = CurrencyRates(
        site="farm", at=NOON, per_usd={"EUR": 0.92}, origin="owner", completeness_pct=100, taken_at=NOON
    )
    assert Prices(power=known.power, rates=rates).usd_per_kwh(NOON) == pytest.approx(0.5)


def test_a_terahash_earns_its_part_of_the_hashprice() -> None:
    said = Hashprice(
        site="farm", at=NOON, hashprice_usd_per_ph_day=48, price_usd=90_000, difficulty=1e14,
        completeness_pct=100, taken_at=NOON,
    )  # fmt: skip
    assert Prices(hashprice=said).usd_per_ths_hour(NOON) == pytest.approx(0.002)
    assert Prices(hashprice=said).usd_per_ths_hour(NOON + timedelta(hours=1)) is None
