"""What every live page is made of: numbers instead of queues."""

import json
import zlib
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from hashbus_web.live.feed import GONE_AFTER, GZIP_HEAD, Feed, Look, squeezed
from hashbus_web.live.sections import Place
from hashbus_web.people.rights import Sight

AT = datetime(2026, 3, 1, tzinfo=UTC)
ALL = Look(Sight())


def miner(name: str) -> Place:
    return Place("miners", name)


def frame(feed: Feed, since: int, look: Look = ALL) -> dict[str, Any]:
    wire = feed.frame(look, since, is_zipped=False).wire.decode()
    data: dict[str, Any] = json.loads(wire.partition("data: ")[2])
    return data


def test_what_is_said_again_unchanged_is_no_news() -> None:
    feed = Feed("e")
    feed.put([(miner("attic"), b'{"power_w":1}')], AT)
    feed.put([(miner("attic"), b'{"power_w":1}')], AT)
    assert feed.number == 1


def test_a_reader_gets_the_newest_of_what_changed_since() -> None:
    feed = Feed("e")
    feed.put([(miner("attic"), b"1"), (miner("desk"), b"1")], AT)
    feed.put([(miner("attic"), b"2")], AT)
    feed.put([(miner("attic"), b"3")], AT)
    assert frame(feed, 1)["miners"] == {"attic": 3}
    assert frame(feed, 0)["miners"] == {"attic": 3, "desk": 1}


def test_what_is_gone_is_told_and_a_new_reader_never_hears_of_it() -> None:
    feed = Feed("e")
    feed.put([(Place("alerts", "hot"), b"1")], AT)
    feed.put([(Place("alerts", "hot"), None)], AT)
    assert frame(feed, 1)["gone"] == {"alerts": ["hot"]}
    assert "alerts" not in frame(feed, 0)


def test_after_long_away_a_reader_begins_anew() -> None:
    feed = Feed("e")
    feed.put([(Place("alerts", "hot"), b"1")], AT)
    feed.put([(Place("alerts", "hot"), None)], AT)
    assert feed.since("e-1") == 1
    feed.put([(miner("attic"), b"1")], AT + GONE_AFTER + timedelta(seconds=1))
    assert feed.since("e-1") == 0
    assert feed.since("e-3") == 3
    assert feed.since("other-3") == 0


def test_readers_that_may_see_the_same_share_one_frame() -> None:
    feed = Feed("e")
    feed.put([(miner("attic"), b"1")], AT)
    one, other = (Look(Sight(filters=(frozenset({"miner:attic"}),))) for _ in range(2))
    assert feed.frame(one, 0, is_zipped=True) is feed.frame(other, 0, is_zipped=True)


@given(st.lists(st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 3) | st.none(), min_size=1), max_size=20))
def test_whoever_follows_from_anywhere_ends_with_the_same_picture(steps: list[dict[str, int | None]]) -> None:
    feed, pictures = Feed("e"), list[tuple[int, dict[str, int]]]()
    truth: dict[str, int] = {}
    for step in steps:
        pictures.append((feed.number, dict(truth)))
        values = [(miner(name), None if value is None else str(value).encode()) for name, value in step.items()]
        feed.put(values, AT)
        truth = {**truth, **{name: value for name, value in step.items() if value is not None}}
        truth = {name: value for name, value in truth.items() if step.get(name, 0) is not None}
    for since, picture in pictures:
        change = frame(feed, since)
        seen = {**(picture if since else {}), **change.get("miners", {})}
        for name in change.get("gone", {}).get("miners", []):
            seen.pop(name, None)
        assert seen == truth


@given(st.lists(st.binary(min_size=1, max_size=2000), min_size=1, max_size=8))
def test_squeezed_pieces_follow_each_other_in_any_stream(pieces: list[bytes]) -> None:
    unzip = zlib.decompressobj(zlib.MAX_WBITS | 16)
    unzip.decompress(GZIP_HEAD)
    for piece in reversed(pieces):
        assert unzip.decompress(squeezed(piece)) == piece
