"""What a plan delivered against its baseline, with figures that were worked out by hand."""

import json
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from hashbus_curtailer.settlement.baseline import Event, Result, Rules, intervals, moved, settled, spans
from hashbus_curtailer.settlement.keys import BadKey, public_key, signing_key
from hashbus_curtailer.settlement.statement import NotGenuine, Statement, as_csv, as_json, fingerprint, signed, verified

# A Wednesday.
DAY = date(2026, 3, 18)
HOURLY = Rules(interval_s=3600)
WEEKDAYS_BEFORE = [date(2026, 3, day) for day in (17, 16, 13, 12, 11, 10, 9, 6, 5, 4)]


def at(hour: float, day: date = DAY) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(hours=hour)


def event(starts: float = 12, ends: float = 14, target_w: float = 300_000) -> Event:
    return Event(starts_at=at(starts), ends_at=at(ends), target_w=target_w)


def drawn(day: date, by_hour: dict[int, float]) -> dict[datetime, float]:
    """A day's record in watt-hours: 1000 kWh every hour, unless said otherwise."""
    return {at(hour, day): by_hour.get(hour, 1_000_000.0) for hour in range(24)}


def record(*, days: Iterable[date] = WEEKDAYS_BEFORE, **today: float) -> dict[datetime, float]:
    """Ten like days of 1000 kW, and the day itself: `h12=600e3` is what was metered from noon to one."""
    energy: dict[datetime, float] = {}
    for day in days:
        energy |= drawn(day, {})
    return energy | drawn(DAY, {int(name[1:]): wh for name, wh in today.items()})


def test_ten_flat_days_and_a_delivered_event() -> None:
    # 1000 - 700 = 300 kWh in each of two hours, as promised.
    result = settled(event(), (), HOURLY, record(h12=700e3, h13=700e3))
    assert result.method == "10-of-10, weekdays"
    assert result.days == tuple(WEEKDAYS_BEFORE)
    assert (result.adjustment, result.problem) == (1.0, None)
    assert (result.baseline_wh, result.metered_wh) == (2_000_000, 1_400_000)
    assert (result.delivered_wh, result.promised_wh, result.score_pct) == (600_000, 600_000, 100)


def test_too_little_in_one_hour_is_not_made_up_by_too_much_in_the_other() -> None:
    # 150 of 300 kWh and 450 of 300 kWh: 600 delivered, but (150 + 300) / 600 = 75 %.
    result = settled(event(), (), HOURLY, record(h12=850e3, h13=550e3))
    assert result.delivered_wh == 600_000
    assert result.score_pct == 75


def test_who_drew_more_that_morning_gets_a_higher_baseline() -> None:
    # From 08:00 to 11:00 1100 instead of 1000 kWh an hour: the baseline is 1100 kWh.
    result = settled(event(), (), HOURLY, record(h8=1100e3, h9=1100e3, h10=1100e3, h12=700e3, h13=700e3))
    assert result.adjustment == pytest.approx(1.1)
    assert [one.baseline_wh for one in result.intervals] == pytest.approx([1_100_000, 1_100_000])
    assert result.delivered_wh == pytest.approx(800_000)


@pytest.mark.parametrize(("morning_wh", "factor"), [(2_000e3, 1.2), (100e3, 0.8), (0.0, 0.8)])
def test_the_adjustment_has_a_cap(morning_wh: float, factor: float) -> None:
    result = settled(event(), (), HOURLY, record(h8=morning_wh, h9=morning_wh, h10=morning_wh))
    assert result.adjustment == pytest.approx(factor)


def test_the_hour_just_before_the_event_moves_nothing() -> None:
    assert settled(event(), (), HOURLY, record(h11=0.0)).adjustment == 1.0


def test_days_with_events_weekends_and_holidays_are_left_out() -> None:
    more = [date(2026, 3, day) for day in (3, 2)] + [date(2026, 2, 27)]
    others = [(at(18, date(2026, 3, 16)), at(20, date(2026, 3, 16)))]
    rules = HOURLY.model_copy(update={"holidays": (date(2026, 3, 11), date(2026, 3, 5))})
    result = settled(event(), others, rules, record(days=[*WEEKDAYS_BEFORE, *more]))
    left = [day for day in [*WEEKDAYS_BEFORE, *more] if day.day not in (16, 11, 5)]
    assert result.days == tuple(left)


def test_the_mean_of_ten_days_by_hand() -> None:
    # Nine days of 1000 kWh and one of 1500: 1050 kWh. In the morning the same: no adjustment.
    energy = record(h12=700e3, h13=700e3, h8=1000e3)
    energy |= drawn(WEEKDAYS_BEFORE[3], {12: 1500e3, 13: 1500e3})
    result = settled(event(), (), HOURLY, energy)
    assert [one.baseline_wh for one in result.intervals] == [1_050_000, 1_050_000]
    assert result.delivered_wh == 700_000


def test_a_weekend_is_compared_with_four_weekend_days() -> None:
    saturday = date(2026, 3, 21)
    weekend = [date(2026, 3, day) for day in (15, 14, 8, 7)]
    energy = {**record(), **drawn(saturday, {12: 400e3})}
    for day in weekend:
        energy |= drawn(day, {12: 500e3})
    asked = Event(starts_at=at(12, saturday), ends_at=at(13, saturday), target_w=100_000)
    result = settled(asked, (), HOURLY, energy)
    assert (result.method, result.days) == ("4-of-4, weekends", tuple(weekend))
    assert result.delivered_wh == 100_000


def test_too_few_like_days_fall_back_to_the_hour_before() -> None:
    result = settled(event(), (), HOURLY, record(days=WEEKDAYS_BEFORE[:4], h11=900e3, h12=600e3, h13=600e3))
    assert result.method == "hour before the event"
    assert result.problem == "only 4 of 5 like days without an event are in the record"
    assert result.delivered_wh == 600_000


def test_a_site_without_any_record_is_not_settled_by_guessing() -> None:
    result = settled(event(), (), HOURLY, {})
    assert (result.method, result.delivered_wh, result.intervals) == ("none", 0, ())


def test_what_is_not_recorded_during_the_event_counts_as_nothing() -> None:
    energy = record(h12=700e3)
    del energy[at(13)]
    result = settled(event(), (), HOURLY, energy)
    assert result.problem == "1 of 2 intervals are not in the record and count as nothing"
    assert (result.delivered_wh, result.score_pct) == (300_000, 50)


def test_an_event_in_the_hours_before_prevents_the_adjustment() -> None:
    before = [(at(8), at(9))]
    result = settled(event(), before, HOURLY, record(h8=100e3))
    assert result.adjustment == 1.0
    assert result.problem == "not adjusted: another event was in the hours before"


def test_half_an_interval_promises_half() -> None:
    rules = HOURLY.model_copy(update={"interval_s": 900})
    asked = event(12.125, 12.875)
    assert len(intervals(asked, rules)) == 4
    energy = {at(0, day) + timedelta(minutes=15 * n): 250_000.0 for day in [DAY, *WEEKDAYS_BEFORE] for n in range(96)}
    promised = [one.promised_wh for one in settled(asked, (), rules, energy).intervals]
    assert promised == [37_500, 75_000, 75_000, 37_500]


def test_the_same_hour_is_that_of_the_clock_on_the_wall() -> None:
    # Chicago went over to summer time on 8 March 2026: four in the afternoon was 22:00 UTC, and is 21:00 UTC.
    rules = Rules(interval_s=3600, time_zone="America/Chicago")
    first = date(2026, 3, 10)
    assert moved(at(21, first), first, date(2026, 3, 6), rules) == at(22, date(2026, 3, 6))


def test_what_is_asked_of_the_record_is_enough() -> None:
    energy = record(h12=700e3, h13=700e3)
    asked = {one: wh for one, wh in energy.items() for start, stop in spans(event(), (), HOURLY) if start <= one < stop}
    assert len(asked) < len(energy)
    assert settled(event(), (), HOURLY, asked) == settled(event(), (), HOURLY, energy)


def statement(result: Result | None = None) -> Statement:
    energy = record(h12=700e3, h13=700e3)
    return Statement(
        site="farm",
        plan="cloud-r1",
        source="cloud",
        why="the grid asks",
        event=event(),
        others=((at(18, date(2026, 2, 3)), at(20, date(2026, 2, 3))),),
        rules=HOURLY,
        measured="meter grid",
        record={moment.isoformat(): wh for moment, wh in energy.items()},
        result=result or settled(event(), (), HOURLY, energy),
        made_at=at(15),
    )


class TestTheDocument:
    """It proves itself: nobody changes a figure in it, and its result follows from its record."""

    def test_it_is_genuine_as_it_was_written(self) -> None:
        key = Ed25519PrivateKey.generate()
        text = as_json(signed(statement(), key))
        found = verified(text, key.public_key())
        assert found.result.delivered_wh == 600_000
        assert found.again() == found.result

    @pytest.mark.parametrize(
        ("path", "value"),
        [
            (("result", "delivered_wh"), 700_000.0),
            (("event", "target_w"), 1.0),
            (("record", "2026-03-18T12:00:00+00:00"), 1.0),
            (("why",), "something else"),
        ],
    )
    def test_a_changed_figure_is_found(self, path: tuple[str, ...], value: Any) -> None:
        raw = json.loads(as_json(signed(statement(), Ed25519PrivateKey.generate())))
        *way, last = path
        part = raw
        for step in way:
            part = part[step]
        assert part[last] != value
        part[last] = value
        with pytest.raises(NotGenuine, match="changed after it was signed"):
            verified(json.dumps(raw))

    def test_a_result_that_does_not_follow_is_found_although_it_is_signed(self) -> None:
        key = Ed25519PrivateKey.generate()
        lie = statement().result.model_copy(update={"delivered_wh": 900_000.0})
        with pytest.raises(NotGenuine, match="does not follow from its record"):
            verified(as_json(signed(statement(lie), key)))

    def test_another_key_is_found(self) -> None:
        own, other = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
        text = as_json(signed(statement(), own))
        with pytest.raises(NotGenuine) as error:
            verified(text, other.public_key())
        assert fingerprint(own.public_key()) in str(error.value)
        assert fingerprint(other.public_key()) in str(error.value)

    @pytest.mark.parametrize(
        ("text", "problem"),
        [
            ("not json", "is not JSON"),
            ("{}", "is no settlement: .*site: Field required"),
            ("[]", "is no settlement"),
            (as_json(statement()), "is not signed"),
            (
                as_json(statement()).replace('"signature": null', '"signature": {"public_key": "?", "value": ""}'),
                "read",
            ),
        ],
    )
    def test_what_is_no_settlement_says_why(self, text: str, problem: str) -> None:
        with pytest.raises(NotGenuine, match=problem):
            verified(text)

    def test_its_intervals_are_a_table(self) -> None:
        lines = as_csv(statement()).splitlines()
        assert lines[0] == "starts_at,duration_s,baseline_wh,metered_wh,delivered_wh,promised_wh"
        assert lines[1] == "2026-03-18T12:00:00+00:00,3600,1000000.0,700000.0,300000.0,300000.0"
        assert len(lines) == 3


class TestTheKey:
    """It is made once, and nobody else may read it."""

    def test_it_is_made_where_there_is_none_and_stays(self, tmp_path: Path) -> None:
        file = tmp_path / "curtailer" / "settlement_key.pem"
        made = signing_key(file)
        assert file.stat().st_mode & 0o077 == 0
        assert signing_key(file).private_bytes_raw() == made.private_bytes_raw()
        assert public_key(file.with_name("settlement_key.pub.pem")) == made.public_key()
        assert len(list(file.parent.iterdir())) == 2

    def test_a_file_that_holds_none_is_named_without_its_content(self, tmp_path: Path) -> None:
        file = tmp_path / "key.pem"
        file.write_text("hunter2")
        with pytest.raises(BadKey, match=r"key\.pem") as error:
            signing_key(file)
        assert "hunter2" not in str(error.value)
        with pytest.raises(BadKey):
            public_key(file)
