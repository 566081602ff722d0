"""One price from many sources: whoever lies, hangs or is late, the price is right or there is none."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hashbus.messages import BitcoinPrice, NetworkState
from hashbus_market.combine import Combined, Heard, combined
from hashbus_market.network import HeardChain, combined_network
from hashbus_market.sources.chain import ChainFacts
from hashbus_market.sources.quote import Quote

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
NAMES = ("binance", "okx", "deribit", "bybit", "coingecko")


def said(*prices: float | None, at: datetime | None = NOW, volume_btc: float | None = 1000) -> list[Heard]:
    return [
        Heard(name, problem="no answer in 5 s") if price is None else Heard(name, Quote(price, volume_btc, at))
        for name, price in zip(NAMES, prices, strict=False)
    ]


def last_price(usd: float, age: timedelta = timedelta(minutes=5)) -> BitcoinPrice:
    return BitcoinPrice(
        site="home",
        at=NOW - age,
        price_usd=usd,
        sources_used=4,
        sources_total=4,
        completeness_pct=100,
        taken_at=NOW - age,
    )


def told(found: Combined) -> dict[str, str]:
    return {one.name: one.why_not or "" for one in found.sources if not one.is_used}


@pytest.mark.parametrize(
    ("prices", "last", "price", "used"),
    [
        # all agree: the median, here of two in the middle
        ((92_477, 92_480, 92_470, 92_490), None, 92_478.5, 4),
        # one lies tenfold, says nothing at all, zero, less than zero
        ((92_477, 92_480, 924_700, 92_490), None, 92_480, 3),
        ((92_477, 92_480, None, 92_490), None, 92_480, 3),
        ((92_477, 92_480, 0, 92_490), None, 92_480, 3),
        ((92_477, 92_480, -92_470, 92_490), None, 92_480, 3),
        ((92_477, 92_480, float("nan"), 92_490), None, 92_480, 3),
        ((92_477, 92_480, float("inf"), 92_490), None, 92_480, 3),
        # two lie the same: the last price knows which two
        ((92_477, 924_800, 924_700, 92_490), 91_000, 92_483.5, 2),
        # three of four lie differently
        ((92_477, 924_800, 9_247, 1), 91_000, 92_477, 1),
        # one against one
        ((92_477, 924_800, None, None), 91_000, 92_477, 1),
        # one alone, near the last price
        ((None, None, None, 92_490), 91_000, 92_490, 1),
        # one alone, and nothing is known before
        ((None, None, None, 92_490), None, 92_490, 1),
        # the market itself has fallen by a third: all say so
        ((60_000, 60_010, 60_020, 60_030), 92_000, 60_015, 4),
        # with a fifth opinion the majority is found
        ((92_477, 924_800, None, None, 92_480), None, 92_478.5, 2),
    ],
)
def test_the_price_is_that_of_those_who_can_be_believed(
    prices: tuple[float | None, ...], last: float | None, price: float, used: int
) -> None:
    found = combined(said(*prices), last_price(last) if last else None, NOW)
    assert found.price_usd == pytest.approx(price)
    assert found.used == used
    assert found.completeness_pct == pytest.approx(100 * used / len(prices))


@pytest.mark.parametrize(
    ("prices", "last", "why"),
    [
        ((None, None, None, None), None, "no source gives a price"),
        ((92_477, 924_800, None, None), None, "the sources disagree"),
        ((92_477, 924_800, 924_700, 92_490), None, "the sources disagree"),
        ((924_770, None, None, None), 92_000, "binance alone says 924,770.00 USD"),
        ((924_770, 924_800, 1, 1), 92_000, "the sources disagree"),
    ],
)
def test_where_nobody_can_be_believed_there_is_no_price(
    prices: tuple[float | None, ...], last: float | None, why: str
) -> None:
    found = combined(said(*prices), last_price(last) if last else None, NOW)
    assert found.price_usd is None
    assert found.why_not
    assert why in found.why_not
    assert found.used == 0


@pytest.mark.parametrize("volume_btc", [-1.0, 1e30, float("inf")])
def test_a_source_with_an_impossible_volume_is_not_believed_at_all(volume_btc: float) -> None:
    heard = said(92_477, 92_480, 92_490)
    heard[1] = Heard("okx", Quote(92_480, volume_btc, NOW))
    found = combined(heard, None, NOW)
    assert found.volume_btc == 2000
    assert "cannot be" in told(found)["okx"]


def test_a_last_price_of_yesterday_judges_nobody() -> None:
    old = last_price(92_000, timedelta(hours=7))
    assert combined(said(60_000, None, None, None), old, NOW).price_usd == 60_000


def test_a_stale_source_is_not_used_and_says_how_old_it_is() -> None:
    heard = said(92_477, 92_480, 92_490)
    heard[1] = Heard("okx", Quote(80_000, 1000, NOW - timedelta(hours=1)))
    found = combined(heard, None, NOW)
    assert found.price_usd == pytest.approx(92_483.5)
    assert told(found) == {"okx": "its price is 3600 s old"}


def test_a_source_from_the_future_is_not_used() -> None:
    heard = said(92_477, 92_480, 92_490)
    heard[1] = Heard("okx", Quote(80_000, 1000, NOW + timedelta(hours=1)))
    assert told(combined(heard, None, NOW)) == {"okx": "its price is from the future, 3600 s ahead"}


def test_when_all_clocks_agree_but_ours_it_is_ours_that_is_asked_about() -> None:
    found = combined(said(92_477, 92_480, 92_490, at=NOW - timedelta(minutes=10)), None, NOW)
    assert found.why_not
    assert "by the clocks of 3 sources it is 2026-03-01 11:50:00 UTC" in found.why_not


def test_the_mean_and_the_volume_of_those_who_are_believed_stand_beside() -> None:
    found = combined(said(92_400, 92_500, 92_600, 924_000), None, NOW)
    assert found.mean_usd == pytest.approx(92_500)
    assert found.volume_btc == 3000
    assert told(found)["bybit"].startswith("924,000.00 USD is far from the others")


@given(
    honest=st.lists(st.floats(0.995, 1.005), min_size=3, max_size=4),
    lie=st.one_of(st.floats(1.05, 1e6), st.floats(-1e6, 0.95), st.just(float("nan"))),
    place=st.integers(0, 4),
    price=st.floats(1e3, 1e6),
    last=st.booleans(),
)
def test_no_single_liar_moves_the_price_out_of_the_range_of_the_honest(
    honest: list[float], lie: float, place: int, price: float, last: bool
) -> None:
    shares: list[Any] = [share * price for share in honest]
    shares.insert(place, lie * price)
    found = combined(said(*shares), last_price(price) if last else None, NOW)
    assert found.price_usd is not None
    assert min(honest) * price <= found.price_usd <= max(honest) * price


# ---- the network ----


def chain(name: str, difficulty: float, height: int | None = 925_000, **more: Any) -> HeardChain:
    return HeardChain(name, ChainFacts(difficulty, height, **more))


def network(difficulty: float = 152.27e12, height: int = 925_000) -> NetworkState:
    found = combined_network([chain("mempool", difficulty, height)], None, NOW - timedelta(hours=1), "home").state
    assert found
    return found


def test_the_network_is_what_both_sources_say() -> None:
    heard = [
        chain("mempool", 152.27e12, 925_001, fees_per_block_btc=0.03),
        chain("blockchain_info", 152.27e12, 925_000, fees_per_block_btc=0.02),
    ]
    state = combined_network(heard, None, NOW, "home").state
    assert state
    assert (state.height, state.fees_per_block_btc, state.subsidy_btc) == (925_001, 0.03, 3.125)
    assert state.hashrate_ehs == pytest.approx(1089.99, abs=0.01)
    assert state.completeness_pct == 100


@pytest.mark.parametrize(
    ("facts", "why"),
    [
        (ChainFacts(0.0), "a difficulty of 0 cannot be"),
        (ChainFacts(-152e12), "cannot be"),
        (ChainFacts(152.27e13), "cannot follow"),
        (ChainFacts(152.27e12, height=12), "a height of 12 cannot be"),
        (ChainFacts(140e12, height=999_999), "cannot follow 925000 so soon"),
    ],
)
def test_a_source_of_the_network_that_lies_is_not_believed(facts: ChainFacts, why: str) -> None:
    heard = [HeardChain("blockchain_info", facts), chain("mempool", 152.27e12)]
    found = combined_network(heard, network(), NOW, "home")
    assert found.state
    assert found.state.difficulty == 152.27e12
    assert why in found.why_not["blockchain_info"]
    assert found.state.completeness_pct == 50


def test_after_a_retarget_the_higher_chain_is_believed() -> None:
    heard = [chain("blockchain_info", 152.27e12, 925_343), chain("mempool", 155e12, 925_344)]
    found = combined_network(heard, network(height=925_340), NOW, "home")
    assert found.state
    assert found.state.difficulty == 155e12
    assert "mempool, whose chain is higher" in found.why_not["blockchain_info"]


def test_without_any_source_there_is_no_network() -> None:
    found = combined_network([HeardChain("mempool", problem="no answer in 5 s")], network(), NOW, "home")
    assert found.state is None
    assert found.why_not == {"mempool": "no answer in 5 s"}


@pytest.mark.parametrize(("height", "subsidy_btc"), [(1_049_999, 3.125), (1_050_000, 1.5625)])
def test_the_subsidy_follows_the_height(height: int, subsidy_btc: float) -> None:
    found = combined_network([chain("mempool", 152.27e12, height)], None, NOW, "home")
    assert found.state
    assert found.state.subsidy_btc == subsidy_btc
