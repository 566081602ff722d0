"""What power costs: by the hour, over midnight and the change of the clocks, and as exchanges and suppliers say it."""

import json
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from hashbus.messages import PriceWindow
from hashbus_market.errors import SourceGarbled
from hashbus_market.tariffs import awattar, documents, entsoe, ercot, octopus
from hashbus_market.tariffs.book import Book, learnt, opened, recalled, spoken
from hashbus_market.tariffs.settings import FixedTariff, Tariff, TimeOfUseTariff
from hashbus_market.tariffs.windows import merged, paid, price_at, time_of_use

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")
TARIFF: TypeAdapter[Any] = TypeAdapter(Tariff)


def tariff(**settings: Any) -> Any:
    return TARIFF.validate_python(settings)


def night_tariff(**more: Any) -> TimeOfUseTariff:
    windows = more.pop("windows", [{"from": "22:00", "until": "06:00", "price_per_kwh": 0.18}])
    found = tariff(kind="time_of_use", time_zone="Europe/Berlin", price_per_kwh=0.30, windows=windows, **more)
    assert isinstance(found, TimeOfUseTariff)
    return found


def at(local: str) -> datetime:
    return datetime.fromisoformat(local).replace(tzinfo=BERLIN).astimezone(UTC)


@pytest.mark.parametrize(
    ("local", "price"),
    [
        ("2026-03-04T12:00", 0.30),
        ("2026-03-04T21:59", 0.30),
        ("2026-03-04T22:00", 0.18),
        ("2026-03-05T00:00", 0.18),
        ("2026-03-05T05:59", 0.18),
        ("2026-03-05T06:00", 0.30),
    ],
)
def test_a_night_price_goes_over_midnight(local: str, price: float) -> None:
    windows = time_of_use(night_tariff(), at("2026-03-04T11:00"))
    assert price_at(windows, at(local)) == price


def test_a_window_over_midnight_belongs_to_the_day_on_which_it_begins() -> None:
    nights = night_tariff(windows=[{"days": ["fri"], "from": "22:00", "until": "06:00", "price_per_kwh": 0.1}])
    # 2026-03-06 is a Friday.
    windows = time_of_use(nights, at("2026-03-06T00:00"))
    assert price_at(windows, at("2026-03-06T05:00")) == 0.30
    assert price_at(windows, at("2026-03-06T23:00")) == 0.1
    assert price_at(windows, at("2026-03-07T05:00")) == 0.1
    assert price_at(windows, at("2026-03-07T06:00")) == 0.30


def test_the_first_window_that_fits_counts_and_months_choose_the_season() -> None:
    seasons = night_tariff(
        windows=[
            {"months": [12, 1, 2], "days": ["weekdays"], "from": "17:00", "until": "20:00", "price_per_kwh": 0.5},
            {"days": ["weekend"], "price_per_kwh": 0.2},
        ]
    )
    winter = time_of_use(seasons, at("2026-02-26T00:00"))
    assert price_at(winter, at("2026-02-26T18:00")) == 0.5
    assert price_at(time_of_use(seasons, at("2026-03-05T00:00")), at("2026-03-05T18:00")) == 0.30
    assert price_at(time_of_use(seasons, at("2026-03-07T00:00")), at("2026-03-07T18:00")) == 0.2


@pytest.mark.parametrize(
    ("day", "night_hours"),
    [
        ("2026-03-28", 7),  # the clocks go forward in this night: an hour is missing
        ("2026-10-24", 9),  # and back in this one
        ("2026-06-01", 8),
    ],
)
def test_a_night_is_as_long_as_the_clocks_make_it(day: str, night_hours: int) -> None:
    windows = time_of_use(night_tariff(), at(f"{day}T20:00"))
    night = next(one for one in windows if one.price_per_kwh == 0.18)
    assert night.starts_at == at(f"{day}T22:00")
    assert night.ends_at - night.starts_at == timedelta(hours=night_hours)


def test_a_price_for_the_hour_that_comes_twice_holds_for_both() -> None:
    twice = night_tariff(windows=[{"from": "02:00", "until": "03:00", "price_per_kwh": 0.1}])
    windows = time_of_use(twice, at("2026-10-24T20:00"))
    cheap = [one for one in windows if one.price_per_kwh == 0.1 and one.starts_at < at("2026-10-25T12:00")]
    assert [one.ends_at - one.starts_at for one in cheap] == [timedelta(hours=2)]


def test_a_price_for_the_hour_that_never_comes_never_holds() -> None:
    never = night_tariff(windows=[{"from": "02:00", "until": "03:00", "price_per_kwh": 0.1}])
    windows = time_of_use(never, at("2026-03-28T20:00"))
    assert not [one for one in windows if one.price_per_kwh == 0.1 and one.starts_at < at("2026-03-29T12:00")]


@given(st.integers(0, 3 * 365 * 24 * 60), st.sampled_from(["Europe/Berlin", "America/Chicago"]))
def test_windows_follow_each_other_without_gap_and_hold_the_price_of_the_clock(minutes: int, zone: str) -> None:
    now = datetime(2025, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
    plan = night_tariff().model_copy(update={"time_zone": zone})
    windows = time_of_use(plan, now)
    assert windows[0].starts_at <= now < windows[-1].ends_at
    assert all(one.ends_at == two.starts_at for one, two in pairwise(windows))
    for hours in range(0, 48, 3):
        later = now + timedelta(hours=hours, minutes=7)
        if later < windows[-1].ends_at:
            local = later.astimezone(ZoneInfo(zone)).hour
            assert price_at(windows, later) == (0.18 if local >= 22 or local < 6 else 0.30)


def test_what_is_paid_has_markup_fees_and_tax_in_it() -> None:
    plan = tariff(kind="fixed", price_per_kwh=0.1, markup_pct=10, markup_per_kwh=0.05, tax_pct=20)
    assert paid(0.1, plan) == pytest.approx((0.1 * 1.1 + 0.05) * 1.2)


def test_yaml_times_without_quotes_are_understood() -> None:
    plan = night_tariff(windows=[{"from": 1320, "until": "24:00", "price_per_kwh": 0.1}])
    assert (plan.windows[0].from_.hour, plan.windows[0].until.hour) == (22, 0)


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"kind": "fixed"}, "price_per_kwh"),
        ({"kind": "time_of_use", "price_per_kwh": 0.1, "time_zone": "Mars/Olympus"}, "not a time zone"),
        ({"kind": "entsoe", "zone": "DE", "token": "x"}, "zone"),
        ({"kind": "awattar", "currency": "USD"}, "EUR"),
        ({"kind": "solar"}, "solar"),
    ],
)
def test_a_tariff_that_makes_no_sense_is_refused(settings: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        tariff(**settings)


# ---- what others say ----


def test_awattar_hours_are_read() -> None:
    body = json.loads(
        '{"object":"list","data":[{"start_timestamp":1772366400000,"end_timestamp":1772370000000,"marketprice":42.09,'
        '"unit":"Eur/MWh"},{"start_timestamp":1772370000000,"end_timestamp":1772373600000,"marketprice":-3.5,'
        '"unit":"Eur/MWh"}],"url":"/de/v1/marketdata"}'
    )
    first, second = awattar.parse(body)
    assert first.starts_at == NOON
    assert first.price_per_kwh == pytest.approx(0.04209)
    assert second.price_per_kwh == pytest.approx(-0.0035)


def entsoe_document(points: str, *, resolution: str = "PT60M", end: str = "2026-03-01T03:00Z", more: str = "") -> str:
    return f"""<?xml version="1.0" encoding="utf-8"?>
<Publication_MarketDocument xmlns="urn:iec62325.351:tc57wg16:451-3:publicationdocument:7:3">
  <type>A44</type>
  <TimeSeries>
    <mRID>1</mRID><currency_Unit.name>EUR</currency_Unit.name><price_Measure_Unit.name>MWH</price_Measure_Unit.name>
    <curveType>A03</curveType>
    <Period>
      <timeInterval><start>2026-02-28T23:00Z</start><end>{end}</end></timeInterval>
      <resolution>{resolution}</resolution>{points}
    </Period>
  </TimeSeries>{more}
</Publication_MarketDocument>"""


def point(position: int, price: str) -> str:
    return f"<Point><position>{position}</position><price.amount>{price}</price.amount></Point>"


def test_entsoe_repeats_the_price_of_a_missing_position() -> None:
    currency, windows = entsoe.parse(entsoe_document(point(1, "80.5") + point(3, "-10")))
    assert currency == "EUR"
    assert [one.price_per_kwh for one in windows] == pytest.approx([0.0805, 0.0805, -0.01, -0.01])
    assert windows[0].starts_at == datetime(2026, 2, 28, 23, tzinfo=UTC)
    assert windows[-1].ends_at == datetime(2026, 3, 1, 3, tzinfo=UTC)


def test_entsoe_quarters_are_read() -> None:
    _, windows = entsoe.parse(entsoe_document(point(1, "80") + point(2, "90"), resolution="PT15M"))
    assert len(windows) == 16
    assert windows[1].ends_at - windows[1].starts_at == timedelta(minutes=15)


def test_entsoe_says_why_it_gives_nothing() -> None:
    text = (
        '<Acknowledgement_MarketDocument xmlns="urn:x"><Reason><code>999</code>'
        "<text>No matching data found</text></Reason></Acknowledgement_MarketDocument>"
    )
    with pytest.raises(SourceGarbled, match="No matching data found"):
        entsoe.parse(text)


@pytest.mark.parametrize(
    "text",
    [
        "not xml",
        "<other/>",
        '<!DOCTYPE x [<!ENTITY a "aaaa">]><Publication_MarketDocument/>',
        "<Publication_MarketDocument/>",
        entsoe_document(point(1, "NaN")),
        entsoe_document(point(1, "1e400")),
        entsoe_document("<Point><position>x</position><price.amount>1</price.amount></Point>"),
        entsoe_document(point(1, "80"), resolution="P1Y"),
        entsoe_document(point(1, "80"), end="2036-03-01T03:00Z"),
    ],
)
def test_a_broken_document_is_refused_and_never_believed_in_part(text: str) -> None:
    with pytest.raises(SourceGarbled):
        entsoe.parse(text)


def test_octopus_half_hours_are_read_with_their_vat() -> None:
    body = {
        "count": 2,
        "next": None,
        "previous": None,
        "results": [
            {"value_exc_vat": 20.0, "value_inc_vat": 21.0, "valid_from": "2026-03-01T12:00:00Z",
             "valid_to": "2026-03-01T12:30:00Z", "payment_method": None},
            {"value_exc_vat": -2.0, "value_inc_vat": -2.1, "valid_from": "2026-03-01T12:30:00Z",
             "valid_to": None, "payment_method": None},
        ],
    }  # fmt: skip
    first, second = octopus.parse(body)
    assert (first.starts_at, first.price_per_kwh) == (NOON, pytest.approx(0.21))
    assert (second.price_per_kwh, second.ends_at) == (pytest.approx(-0.021), NOON + timedelta(hours=1))


def test_ercot_hours_are_texan_and_the_second_of_two_is_marked() -> None:
    names = ("deliveryDate", "hourEnding", "settlementPoint", "settlementPointPrice", "DSTFlag")
    body = {
        "fields": [{"name": name} for name in names],
        "data": [
            ["2026-03-01", "01:00", "HB_NORTH", 23.5, False],
            ["2026-03-01", "24:00", "HB_NORTH", 5000, False],
            ["2026-03-01", "01:00", "HB_WEST", -12.0, False],
            ["2026-11-01", "02:00", "HB_NORTH", 20, False],
            ["2026-11-01", "02:00", "HB_NORTH", 30, True],
        ],
    }
    first, last, *autumn = ercot.parse(body, "HB_NORTH")
    assert (first.starts_at, first.price_per_kwh) == (datetime(2026, 3, 1, 6, tzinfo=UTC), 0.0235)
    assert (last.ends_at, last.price_per_kwh) == (datetime(2026, 3, 2, 6, tzinfo=UTC), 5.0)
    assert [one.starts_at.hour for one in autumn] == [6, 7]


def test_ercot_quarters_are_read() -> None:
    names = ("deliveryDate", "deliveryHour", "deliveryInterval", "settlementPoint", "settlementPointPrice", "DSTFlag")
    body = {"fields": [{"name": name} for name in names], "data": [["2026-07-01", 15, 2, "LZ_WEST", 100, False]]}
    [quarter] = ercot.parse(body, "LZ_WEST")
    assert quarter.starts_at == datetime(2026, 7, 1, 19, 15, tzinfo=UTC)
    assert quarter.ends_at - quarter.starts_at == timedelta(minutes=15)


@pytest.mark.parametrize("parse", [awattar.parse, octopus.parse, lambda body: ercot.parse(body, "HB_NORTH")])
@pytest.mark.parametrize("body", [None, [], {}, 7, "text", {"data": 3, "fields": 3, "results": 3}, {"data": [None]}])
def test_an_answer_of_another_shape_is_named_garbled(parse: Any, body: Any) -> None:
    with pytest.raises(SourceGarbled):
        parse(body)


@pytest.mark.parametrize(
    "text",
    [
        "starts_at,price_per_kwh\n2026-03-01T12:00:00Z,0.20\n2026-03-01T13:00:00Z,0.10\n",
        "starts_at,price_per_mwh\n2026-03-01T13:00+01:00,200\n2026-03-01T14:00+01:00,100\n",
        'price_per_kwh,"starts_at"\n0.10,2026-03-01 14:00\n0.20,2026-03-01 13:00\n',
        """[{"starts_at": "2026-03-01T12:00:00Z", "price_per_kwh": "0.2"},
            {"starts_at": "2026-03-01T13:00:00Z", "price_per_kwh": 0.1}]""",
        """{"prices": [
            {"starts_at": "2026-03-01T12:00:00Z", "ends_at": "2026-03-01T13:00:00Z", "price_per_kwh": 0.2},
            {"starts_at": "2026-03-01T13:00:00Z", "ends_at": "2026-03-01T14:00:00Z", "price_per_kwh": 0.1}]}""",
    ],
)
def test_a_file_says_the_same_in_many_forms(text: str) -> None:
    first, second = documents.windows_of(text, "Europe/Berlin")
    assert (first.starts_at, first.ends_at, first.price_per_kwh) == (NOON, NOON + timedelta(hours=1), 0.2)
    assert (second.ends_at, second.price_per_kwh) == (NOON + timedelta(hours=2), 0.1)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "must name starts_at"),
        ("when,what\n1,2\n", "must name starts_at"),
        ("starts_at,price_per_kwh\n", "no price"),
        ("starts_at,price_per_kwh\nnoon,0.2\n", "row 1: starts_at is 'noon'"),
        ("starts_at,price_per_kwh\n2026-03-01T12:00Z,cheap\n", "row 1: price_per_kwh is no number"),
        ("starts_at,price_per_kwh\n2026-03-01T12:00Z,\n", "row 1: price_per_kwh is missing"),
        ('{"prices": 3}', "must be a list"),
        (
            '[{"starts_at": "2026-03-01T12:00Z", "ends_at": "2026-03-01T11:00Z", "price_per_kwh": 1}]',
            "before it begins",
        ),
    ],
)
def test_a_file_with_a_mistake_says_which_row(text: str, told: str) -> None:
    with pytest.raises(SourceGarbled, match=told):
        documents.windows_of(text, "UTC")


# ---- the book ----


def hour(offset: int, price: float) -> PriceWindow:
    start = NOON + timedelta(hours=offset)
    return PriceWindow(starts_at=start, ends_at=start + timedelta(hours=1), price_per_kwh=price)


def day_ahead(**more: Any) -> Book:
    return Book(tariff(kind="awattar", **more))


def test_a_price_is_said_once_and_again_when_it_changes() -> None:
    book = learnt(day_ahead(), [hour(0, 0.2), hour(1, 0.3)], NOON)
    book, said = spoken(book, "home", NOON)
    assert said
    assert (said.price_per_kwh, said.currency, len(said.windows)) == (0.2, "EUR", 2)
    book, again = spoken(book, "home", NOON + timedelta(minutes=10))
    assert again is None
    book, changed = spoken(book, "home", NOON + timedelta(minutes=60))
    assert changed
    assert changed.price_per_kwh == 0.3


def test_a_price_that_stays_is_said_again_within_its_shelf_life() -> None:
    book, _ = spoken(opened(Book(tariff(kind="fixed", price_per_kwh=0.2)), NOON), "home", NOON)
    later = NOON + timedelta(minutes=31)
    book, again = spoken(opened(book, later), "home", later)
    assert again
    assert not again.is_stale(later)


def test_an_hour_nobody_named_has_no_price_unless_the_owner_says_one() -> None:
    known = learnt(day_ahead(), [hour(0, 0.2)], NOON)
    assert spoken(known, "home", NOON + timedelta(hours=5))[1] is None
    named = learnt(day_ahead(otherwise_per_kwh=0.35), [hour(0, 0.2)], NOON)
    _, said = spoken(named, "home", NOON + timedelta(hours=5))
    assert said
    assert (said.price_per_kwh, said.sources_used, said.completeness_pct) == (0.35, 0, 0)


def test_a_restart_without_the_source_goes_on_with_the_hours_that_were_known() -> None:
    book = learnt(day_ahead(tax_pct=20), [hour(0, 0.2), hour(1, 0.3)], NOON)
    _, said = spoken(book, "home", NOON)
    assert said
    fresh = recalled(day_ahead(tax_pct=20), said)
    _, later = spoken(fresh, "home", NOON + timedelta(minutes=70))
    assert later
    assert later.price_per_kwh == pytest.approx(0.36)
    assert recalled(day_ahead(name="another"), said).windows == ()


def test_what_a_source_says_later_counts_and_what_it_leaves_out_stays() -> None:
    book = learnt(day_ahead(), [hour(0, 0.2), hour(1, 0.3), hour(2, 0.4)], NOON)
    book = learnt(book, [hour(1, 0.1)], NOON)
    assert [price_at(book.windows, NOON + timedelta(hours=n)) for n in range(3)] == [0.2, 0.1, 0.4]
    book = learnt(learnt(day_ahead(), [hour(n, 0.2) for n in range(4)], NOON), [hour(1, 0.1)], NOON)
    assert [price_at(book.windows, NOON + timedelta(hours=n)) for n in range(5)] == [0.2, 0.1, 0.2, 0.2, None]


def test_windows_that_overlap_are_cut() -> None:
    long = PriceWindow(starts_at=NOON, ends_at=NOON + timedelta(hours=5), price_per_kwh=0.2)
    assert [one.ends_at for one in merged([long, hour(2, 0.1)])] == [
        NOON + timedelta(hours=2),
        NOON + timedelta(hours=3),
    ]


def test_the_export_price_is_said_beside_it() -> None:
    plan = FixedTariff(kind="fixed", price_per_kwh=0.3, export_per_kwh=0.08)
    _, said = spoken(opened(Book(plan), NOON), "home", NOON)
    assert said
    assert said.export_per_kwh == 0.08


def test_a_price_that_no_money_has_is_left_out() -> None:
    book = learnt(day_ahead(), [hour(0, 1e6), hour(1, 0.2)], NOON)
    assert spoken(book, "home", NOON)[1]
    dear = learnt(day_ahead(tax_pct=20), [hour(0, 1e6), hour(1, 0.2)], NOON)
    assert spoken(dear, "home", NOON)[1] is None
