"""What the recorder makes of a database's answers: wait for it, or take the points out of the way."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hashbus_recorder.repository import Point, PointsRefused, StoreUnavailable
from hashbus_recorder.stores.influx import InfluxStore
from hashbus_recorder.stores.influx_server import InfluxServer
from hashbus_recorder.stores.influx_write import MAX_LINES
from hashbus_recorder.stores.line_protocol import lines
from tests.recorder.databases import MoodyDatabase, moody_database
from tests.recorder.stores import START, closing, every, miner


@pytest.fixture
async def database() -> AsyncIterator[MoodyDatabase]:
    async with moody_database() as one:
        yield one


@pytest.fixture(params=["v1", "v2"])
async def store(request: pytest.FixtureRequest, database: MoodyDatabase) -> AsyncIterator[InfluxStore]:
    server = InfluxServer(database.url, bucket="site/days", org="home", token="s3cret", api=request.param)
    async with closing(InfluxStore(server, site="home")) as one:
        yield one


async def test_lines_carry_milliseconds_and_go_where_the_settings_say(
    store: InfluxStore, database: MoodyDatabase
) -> None:
    await store.write([miner("attic", START, 3000)])

    assert database.lines == [f"miner,device=attic power_w=3000 {int(START.timestamp()) * 1000}"]
    query = database.requests[0].query
    assert query["precision"] == "ms"
    assert query.get("bucket", f"{query.get('db')}/{query.get('rp')}") == "site/days"
    assert database.requests[0].headers["Authorization"] == "Token s3cret"


async def test_a_large_batch_goes_in_requests_that_a_database_likes(
    store: InfluxStore, database: MoodyDatabase
) -> None:
    await store.write([miner("attic", at, 1) for at in every(1, 2 * MAX_LINES + 1)])

    assert len(database.lines) == 2 * MAX_LINES + 1
    assert len(database.requests) == 3


@pytest.mark.parametrize(
    ("status", "says"),
    [
        (401, r"refuses the token .* set recorder\.store\.token"),
        (403, "refuses the token"),
        (404, "no such bucket or database"),
        (429, "answers HTTP 429"),
        (500, "answers HTTP 500 it is broken"),
        (503, "answers HTTP 503"),
    ],
)
async def test_a_database_that_says_no_for_now_is_tried_again_later(
    store: InfluxStore, database: MoodyDatabase, status: int, says: str
) -> None:
    database.status, database.answer = status, '{"message": "it is broken"}'

    with pytest.raises(StoreUnavailable, match=says) as problem:
        await store.write([miner("attic", START, 3000)])

    assert "s3cret" not in str(problem.value)


async def test_only_the_lines_that_are_refused_are_given_up(store: InfluxStore, database: MoodyDatabase) -> None:
    points = [miner("attic", at, 1) for at in every(1, 1000)]
    poisoned = [miner("poison", START, 1), miner("poison", START, 2)]

    with pytest.raises(PointsRefused, match="field type conflict") as refusal:
        await store.write([*points[:300], poisoned[0], *points[300:], poisoned[1]])

    assert set(map(id, refusal.value.points)) == set(map(id, poisoned))
    assert len(database.lines) == 1000


async def test_a_batch_of_which_all_is_refused_does_not_ask_for_each_line(
    store: InfluxStore, database: MoodyDatabase
) -> None:
    with pytest.raises(PointsRefused) as refusal:
        await store.write([miner("poison", at, 1) for at in every(1, 1000)])

    assert len(refusal.value.points) == 1000
    assert len(database.requests) < 100


async def test_a_database_that_is_not_there_is_said(free_port: int) -> None:
    for api in ("v1", "v2"):
        server = InfluxServer(f"http://127.0.0.1:{free_port}", bucket="b", org="o", token="", api=api)
        async with closing(InfluxStore(server, site="home")) as store:
            with pytest.raises(StoreUnavailable, match="cannot be reached"):
                await store.write([miner("attic", START, 3000)])
            with pytest.raises(StoreUnavailable, match="/query cannot be reached"):
                await store.series()


cells = st.one_of(st.floats(allow_nan=False, allow_infinity=False), st.integers(-(2**53), 2**53), st.booleans())
words = st.text(st.sampled_from('abc =,"\\:{}[]NI'), max_size=6)
contents = st.dictionaries(st.sampled_from(["power_w", "a", "state", "odd name"]), cells | words, min_size=1)


@given(st.lists(contents, min_size=1, max_size=6), st.booleans())
def test_lines_written_together_say_what_each_says_alone(fields: list[dict[str, float | str]], metrics: bool) -> None:
    points = [Point("miner", f"m{place}", START, content, {"site": "home"}) for place, content in enumerate(fields)]

    together = lines(points, for_metrics=metrics)

    for point, text in zip(points, together, strict=True):
        numbers = {name: float(value) for name, value in point.fields.items() if not isinstance(value, str)}
        assert read_numbers(text) == numbers
        kept = {value for value in point.fields.values() if isinstance(value, str) and not metrics}
        assert all(quoted(word) in text for word in kept)


def quoted(word: str) -> str:
    escaped = word.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def read_numbers(text: str) -> dict[str, float]:
    """Read the numbers of a line as a database would: what stands outside of quotes."""
    bare = re.sub(r'"(?:[^"\\]|\\.)*"', "", text).replace("\\ ", "_").split(" ")
    pairs = [pair.partition("=") for pair in bare[1].split(",")] if len(bare) > 1 else []
    return {name.replace("odd_name", "odd name"): float(value) for name, _, value in pairs if value}


def test_odd_names_and_words_cannot_break_out_of_a_line() -> None:
    point = Point("mi ner", "a,b=c d", START, {"no=te": 'say "hi"\\\nnow', "x": 1.5}, {"site": "home", "zone": ""})

    (text,) = lines([point])

    assert text == (
        f'mi\\ ner,device=a\\,b\\=c\\ d,site=home no\\=te="say \\"hi\\"\\\\ now",x=1.5 {int(START.timestamp()) * 1000}'
    )
