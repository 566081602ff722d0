"""Records: what is wrong with one is named by its field, and costs the others nothing."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from hashbus.collector_record import reading_record
from hashbus.messages import MinerReading, MinerState
from hashbus_collector.alerts import Severity, of_miners, of_site
from hashbus_collector.columns import COPIED, row_of
from hashbus_collector.plain_records import decoder_of
from hashbus_collector.records import MinerRecord, NotABatch, Window, read_batch
from hashbus_collector.settings import AlertSettings
from hashbus_collector.words import kind_of_error
from tests.collector.clouds import reading

NOW = datetime.now(UTC)
WINDOW = Window(NOW, NOW - timedelta(days=30), NOW + timedelta(days=1))


@pytest.mark.parametrize(
    ("wrong", "field", "says"),
    [
        ({"hashrate_ghs": "fast"}, "hashrate_ghs", "must be a number"),
        ({"hashrate_ghs": -1}, "hashrate_ghs", "greater than or equal to 0"),
        ({"temperature_max": 900}, "temperature_max", "less than or equal to 250"),
        ({"boards": [{"id": 0}, {"hashrate": 1}]}, "boards.1.id", "required"),
        ({"miner_id": ""}, "miner_id", "at least 1 character"),
        ({"miner_id": "a\nb"}, "miner_id", "pattern"),
        ({"model": "a\x00b"}, "model", "pattern"),
        ({"recorded_at": "yesterday"}, "recorded_at", "datetime"),
        ({"recorded_at": "1999-01-01T00:00:00Z"}, "recorded_at", "longer ago than the 30 days"),
        ({"recorded_at": "0001-01-01T00:00:00+14:00"}, "recorded_at", "longer ago"),
        ({"recorded_at": "9999-12-31T23:59:59-14:00"}, "recorded_at", "lies in the future"),
        ({"accepted_shares": 2**70}, "accepted_shares", "less than or equal to"),
        ({"fan_speeds": ["x"]}, "fan_speeds.0", "must be a number"),
        ({"power_consumption": float("nan")}, "power_consumption", "finite number"),
        ({"online": "perhaps"}, "online", "true or false"),
    ],
)
def test_a_wrong_record_is_named_by_its_field_and_the_others_are_taken(
    wrong: dict[str, Any], field: str, says: str
) -> None:
    body = json.dumps([reading("m0"), reading("bad") | wrong, reading("m2")]).encode()
    batch = read_batch(body, WINDOW, most=10)
    assert [one.record.miner_id for one in batch.taken] == ["m0", "m2"]
    [problem] = batch.problems
    assert (problem.index, problem.field, batch.refused) == (1, field, 1)
    assert says in problem.problem


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"{", "not JSON"),
        (b"", "not JSON"),
        (b'{"miners": []}', "must be a JSON array of records, not an object"),
        (b'"x"', "not a string"),
        (b"[" * 100_000, "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b'["\\ud800"]', "not JSON"),
        (b"[1,2,3,4,5,6,7,8,9,10,11]", "at most 10 records; this one has 11"),
    ],
)
def test_a_body_that_is_no_batch_is_refused_in_words(body: bytes, says: str) -> None:
    with pytest.raises(NotABatch, match=says):
        read_batch(body, WINDOW, most=10)


@given(
    st.lists(
        st.dictionaries(
            st.sampled_from([*MinerRecord.model_fields, "timestamp", "other"]),
            st.none()
            | st.booleans()
            | st.integers()
            | st.floats()
            | st.text(max_size=20)
            | st.lists(st.none() | st.integers() | st.text(max_size=3), max_size=3)
            | st.datetimes().map(datetime.isoformat),
        )
        | st.none()
        | st.integers(),
        max_size=5,
    )
)
def test_every_record_is_either_taken_or_named(records: list[Any]) -> None:
    batch = read_batch(json.dumps(records).encode(), WINDOW, most=10)
    places = [one.index for one in batch.taken] + [one.index for one in batch.problems]
    assert sorted(places) == list(range(len(records)))
    for one in batch.taken:
        assert WINDOW.oldest <= one.at <= WINDOW.latest
        assert len(row_of(one, 1, NOW, is_newest=True)) == len(COPIED)


RECORD = TypeAdapter(MinerRecord)
PLAIN = decoder_of(MinerRecord)


@given(
    st.dictionaries(
        st.sampled_from([*MinerRecord.model_fields, "accepted", "other"]),
        st.none()
        | st.booleans()
        | st.integers(-3, 2**55)
        | st.floats(-300, 300)
        | st.text(max_size=5)
        | st.lists(st.none() | st.floats(-300, 300) | st.text(max_size=2), max_size=3)
        | st.lists(st.dictionaries(st.sampled_from(["id", "temp", "hashrate", "x"]), st.integers(-1, 300)), max_size=2),
        max_size=6,
    ),
    st.booleans(),
)
def test_what_the_quick_decoder_takes_is_what_pydantic_takes(change: dict[str, Any], is_whole: bool) -> None:
    base = reading("m1") if is_whole else {"miner_id": "m1"}
    body = json.dumps(base | change).encode()
    try:
        [quick] = PLAIN.decode(b"[" + body + b"]")
    except msgspec.MsgspecError:
        return
    slow = RECORD.validate_json(body)
    assert {name: getattr(quick, name) for name in MinerRecord.model_fields} == slow.model_dump()


def test_the_quick_decoder_takes_what_our_bridge_writes() -> None:
    now = datetime.now(UTC)
    written = reading_record("m1", now, MinerReading(state=MinerState.MINING, hashrate_ths=110.5, power_w=3250), None)
    [taken] = PLAIN.decode(json.dumps([written]).encode())
    assert (taken.miner_id, taken.recorded_at, taken.hashrate_ghs) == ("m1", now, 110_500)


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ("nothing listens on 10.0.0.5:4028", "refused"),
        ("no whole answer to summary within 5 s", "timeout"),
        ("wrong password", "denied"),
        ("the answer is not JSON", "garbled"),
        ("cannot connect to 10.0.0.5: no route to host", "unreachable"),
        ("the fan fell off", "other"),
        (None, "other"),
    ],
)
def test_what_went_wrong_is_counted_by_kind(message: str | None, kind: str) -> None:
    assert kind_of_error(message) == kind


class TestAlerts:
    """Alerts come from what is true now."""

    LIMITS = AlertSettings()

    def _row(self, **more: Any) -> dict[str, Any]:
        row = {"site": "north", "recorded_at": NOW, "state_since": NOW, **reading("m1")}
        return {**row, "recorded_at": NOW, "error_message": None, **more}

    def _kinds(self, **more: Any) -> list[tuple[str, Severity]]:
        return [(one.kind, one.severity) for one in of_miners([self._row(**more)], self.LIMITS, NOW)]

    def test_a_miner_that_is_well_gives_none(self) -> None:
        assert self._kinds() == []

    @pytest.mark.parametrize(
        ("seen", "kind", "severity"),
        [
            ({"online": False, "error_message": "no answer"}, "offline", Severity.CRITICAL),
            ({"temperature_max": 81.0}, "temperature", Severity.WARNING),
            ({"temperature_max": 96.0}, "temperature", Severity.CRITICAL),
            ({"hashrate_ghs": 80_000.0}, "hashrate", Severity.WARNING),
            ({"boards_total": 3, "boards_healthy": 2}, "boards", Severity.WARNING),
            ({"overall_health": "critical"}, "health", Severity.CRITICAL),
            ({"error_message": "fan 2 lost"}, "error", Severity.WARNING),
        ],
    )
    def test_what_is_wrong_is_said_once(self, seen: dict[str, Any], kind: str, severity: Severity) -> None:
        assert self._kinds(**seen) == [(kind, severity)]

    def test_old_values_are_not_judged(self) -> None:
        old = NOW - timedelta(seconds=181)
        assert self._kinds(recorded_at=old, temperature_max=200.0) == [("stale", Severity.WARNING)]

    def test_a_silent_site_says_how_long(self) -> None:
        silent = of_site({"id": "north", "last_upload_at": NOW - timedelta(hours=3)}, self.LIMITS, NOW)
        assert silent is not None
        assert silent.message == "the site has uploaded nothing for 3 hours"
        assert of_site({"id": "north", "last_upload_at": NOW}, self.LIMITS, NOW) is None
        assert of_site({"id": "north", "last_upload_at": None}, self.LIMITS, NOW) is None
