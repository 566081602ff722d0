"""What every store promises, tried on each of them over its real server."""

from __future__ import annotations

from datetime import timedelta

import pytest

from hashbus_recorder.repository import FieldValue, Point, PointsRefused, Question
from tests.recorder.stores import START, Subject, every, miner

HOUR = timedelta(hours=1)
MINUTE_S = 60


def question(step_s: int = MINUTE_S, *fields: str, device: str | None = "attic", hours: float = 1) -> Question:
    return Question("miner", START, START + hours * HOUR, step_s, fields, device)


async def rows_of(subject: Subject, asked: Question) -> list[tuple[float, dict[str, FieldValue]]]:
    """All points of a device as (seconds after START, fields)."""
    return [
        (
            (at - START).total_seconds(),
            {name: values[place] for name, values in part.columns.items() if values[place] is not None},
        )
        async for part in subject.store.samples(asked)
        for place, at in enumerate(part.at)
    ]


async def test_what_was_written_comes_back_as_it_was(subject: Subject) -> None:
    await subject.write(
        miner("attic", START, 3245.6, hashrate_ths=110.25),
        miner("attic", START + timedelta(seconds=10.123), -0.1, chip_max_c=71.3),
    )

    assert await rows_of(subject, question()) == [
        (0, {"power_w": 3245.6, "hashrate_ths": 110.25}),
        (10.123, {"power_w": -0.1, "chip_max_c": 71.3}),
    ]


async def test_a_bucket_shows_the_mean_the_extremes_and_the_last_of_its_readings(subject: Subject) -> None:
    await subject.write(*[miner("attic", at, 100.0 * number) for number, at in enumerate(every(10, 12))])

    history = await subject.store.history(question())

    assert history.at == every(60, 60)
    power = history.columns["power_w"]
    assert power.mean[:3] == [250, 850, None]
    assert power.min[:3] == [0, 600, None]
    assert power.max[:3] == [500, 1100, None]
    assert power.last[:3] == [500, 1100, None]


async def test_a_gap_is_null_and_never_zero(subject: Subject) -> None:
    first, _, third = every(60, 3)
    await subject.write(miner("attic", first, 3000), miner("attic", third, 3000))

    history = await subject.store.history(question(hours=4 / 60))

    assert history.columns["power_w"].mean == [3000, None, 3000, None]


async def test_points_written_twice_count_once(subject: Subject) -> None:
    points = [miner("attic", at, 1000.0 + number) for number, at in enumerate(every(10, 6))]
    await subject.write(*points)
    await subject.write(*points)

    assert len(await rows_of(subject, question())) == 6
    totals = await subject.store.totals(question(device=None))
    assert totals.columns["power_w"].sum[0] == 1002.5


async def test_a_late_point_is_counted_where_it_belongs(subject: Subject) -> None:
    await subject.write(miner("attic", START + timedelta(seconds=40), 3000))
    await subject.write(miner("attic", START + timedelta(seconds=20), 1000))

    assert [at for at, _ in await rows_of(subject, question())] == [20, 40]
    assert (await subject.store.history(question())).columns["power_w"].mean[0] == 2000
    assert (await subject.store.totals(question(device=None))).columns["power_w"].sum[0] == 2000


async def test_a_total_adds_the_devices_and_says_how_many_they_are(subject: Subject) -> None:
    await subject.write(
        *[miner("attic", at, 3000) for at in every(10, 12)],
        # Polled six times as often as the other, it must not weigh six times as much.
        *[miner("cellar", at, 1000) for at in every(60, 1)],
    )

    totals = await subject.store.totals(question(MINUTE_S, "power_w", device=None))

    assert totals.step_s == MINUTE_S
    assert totals.columns["power_w"].sum[:3] == [4000, 3000, None]
    assert totals.columns["power_w"].devices[:3] == [2, 1, 0]
    assert totals.devices_known == 2


async def test_a_miner_that_reported_for_part_of_an_hour_counts_for_that_part(subject: Subject) -> None:
    await subject.write(*[miner("attic", at, 3000) for at in every(60, 60)])
    await subject.write(*[miner("cellar", at, 1000) for at in every(60, 15)])

    totals = await subject.store.totals(question(3600, "power_w", device=None))

    assert totals.columns["power_w"].sum == [3250]
    assert totals.columns["power_w"].devices == [1.25]


async def test_words_are_kept_with_the_numbers(subject: Subject) -> None:
    if not subject.keeps_words:
        pytest.skip("VictoriaMetrics keeps numbers only")
    await subject.write(
        miner("attic", START, 3000, state="mining"), miner("attic", START + HOUR / 120, 0, state="idle")
    )

    history = await subject.store.history(question(MINUTE_S, "state"))

    assert history.columns["state"].last[:2] == ["idle", None]
    assert history.columns["state"].mean[0] is None


async def test_a_yes_or_no_is_read_as_one_or_zero(subject: Subject) -> None:
    await subject.write(*[miner("attic", at, 1, contact=number < 3) for number, at in enumerate(every(10, 6))])

    history = await subject.store.history(question(MINUTE_S, "contact"))

    assert history.columns["contact"].mean[0] == 0.5


async def test_a_number_may_be_whole_first_and_broken_later(subject: Subject) -> None:
    await subject.write(miner("attic", START, 3000))
    await subject.write(miner("attic", START + timedelta(seconds=10), 3000.5))

    assert [fields["power_w"] for _, fields in await rows_of(subject, question())] == [3000, 3000.5]


async def test_the_newest_point_is_the_newest_and_not_the_last_written(subject: Subject) -> None:
    newest = miner("attic", START + HOUR, 2222, chip_max_c=70.5)
    await subject.write(newest)
    await subject.write(miner("attic", START, 1111))

    found = await subject.store.latest("miner", "attic")

    assert found is not None
    assert (found.at, found.fields) == (newest.at, newest.fields)
    assert await subject.store.latest("miner", "nobody") is None


async def test_it_knows_what_it_keeps(subject: Subject) -> None:
    await subject.write(
        miner("attic", START, 1), miner("attic", START + HOUR, 2), Point("battery", "garage", START, {"soc_pct": 50})
    )

    kept = [(one.measurement, one.device, one.fields, one.last_at) for one in await subject.store.series()]

    assert kept == [("battery", "garage", ("soc_pct",), START), ("miner", "attic", ("power_w",), START + HOUR)]


async def test_a_device_nobody_heard_of_has_an_empty_history(subject: Subject) -> None:
    await subject.write(miner("attic", START, 3000))

    history = await subject.store.history(question(MINUTE_S, "power_w", device="nobody"))

    assert set(history.columns["power_w"].mean) == {None}


async def test_names_are_names_and_never_code(subject: Subject) -> None:
    await subject.write(miner("attic", START, 3000))
    odd = "x' OR 'a'='a"
    await subject.write(miner(odd, START, 5))

    history = await subject.store.history(question(MINUTE_S, "power_w", device=odd))

    assert history.columns["power_w"].mean[0] == 5
    assert len((await subject.store.history(question(MINUTE_S, 'power_w", "x'))).at) == 60


async def test_what_can_never_be_kept_is_named_and_the_rest_is_kept(subject: Subject) -> None:
    bad = subject.here(miner("attic", START + timedelta(seconds=30), float("nan")))
    good = [subject.here(miner("attic", at, 3000)) for at in every(10, 3)]

    with pytest.raises(PointsRefused) as refusal:
        await subject.store.write([*good, bad])
    subject.flush()

    assert refusal.value.points == (bad,)
    assert len(await rows_of(subject, question())) == 3


async def test_three_days_read_the_same_before_and_after_they_are_put_away(subject: Subject) -> None:
    points = [miner("attic", at, float(number % 700)) for number, at in enumerate(every(120, 3 * 720))]
    await subject.write(*points)
    asked = question(900, "power_w", hours=72)
    before = await subject.store.history(asked), await subject.store.totals(asked)

    await subject.store.maintain(START + timedelta(days=3, hours=12))

    after = await subject.store.history(asked), await subject.store.totals(asked)
    assert len(before[0].at) == 288
    assert after[0].columns["power_w"].min == before[0].columns["power_w"].min
    assert after[0].columns["power_w"].mean == pytest.approx(before[0].columns["power_w"].mean, rel=1e-9)
    assert after[1].columns["power_w"].sum == pytest.approx(before[1].columns["power_w"].sum, rel=1e-9)
