"""What was said on topics, how old it is, and what becomes of what is too old."""

import contextlib
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from hashbus.messages import SensorReading
from hashbus_poller.drivers.contract import DeviceError, Garbled, Unreachable
from hashbus_poller.drivers.mqtt_in.options import MqttInOptions
from hashbus_poller.drivers.mqtt_in.parse import Said, read

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
TEMPERATURE = {"temperature_c": {"path": "t", "unit": "°C"}}


def options(fields: dict[str, Any] = TEMPERATURE, **more: Any) -> MqttInOptions:
    values = {"kind": "sensor", "topic": "probe", "fields": fields, "max_age_s": 60, **more}
    return MqttInOptions.model_validate(values)


def said(payload: bytes, *, ago_s: float | None = 0.0) -> Said:
    """A payload that came so long ago; None for one that the broker had kept."""
    return Said(payload, None if ago_s is None else NOW - timedelta(seconds=ago_s))


def test_a_reading_is_as_old_as_what_was_said() -> None:
    reading = read(options(), {"probe": said(b'{"t": 21.5}', ago_s=40)}, NOW)
    assert reading == SensorReading(temperature_c=21.5, taken_at=NOW - timedelta(seconds=40))


@pytest.mark.parametrize(
    ("payload", "age_s"),
    [
        (b'{"t": 1, "at": "2026-03-01T11:59:30+00:00"}', 30),
        (b'{"t": 1, "at": "2026-03-01T13:59:30+02:00"}', 30),
        (b'{"t": 1, "at": 1772366370}', 30),
        (b'{"t": 1, "at": 1772366370000}', 30),
        (b'{"t": 1, "at": "1772366370"}', 30),
        (b'{"t": 1}', 5),
        (b'{"t": 1, "at": "2026-03-01T12:30:00+00:00"}', 5),
    ],
    ids=["iso", "iso elsewhere", "seconds", "milliseconds", "seconds as text", "not said", "a clock that is ahead"],
)
def test_what_says_its_own_time_is_as_old_as_that(payload: bytes, age_s: float) -> None:
    reading = read(options(time_path="at"), {"probe": said(payload, ago_s=5)}, NOW)
    assert reading.taken_at == NOW - timedelta(seconds=age_s)


@pytest.mark.parametrize("moment", [b'"2026-03-01T11:59:30"', b'"yesterday"', b"1e300", b"true"])
def test_a_time_that_is_none_is_garbled(moment: bytes) -> None:
    with pytest.raises(Garbled, match="at is"):
        read(options(time_path="at"), {"probe": said(b'{"t": 1, "at": ' + moment + b"}")}, NOW)


def test_what_is_too_old_is_no_reading() -> None:
    with pytest.raises(Unreachable, match="nothing newer than 60 s"):
        read(options(), {"probe": said(b'{"t": 21.5}', ago_s=61)}, NOW)


def test_what_the_broker_had_kept_is_never_fresh_by_itself() -> None:
    with pytest.raises(Unreachable, match="retained value of unknown age; set time_path"):
        read(options(), {"probe": said(b'{"t": 21.5}', ago_s=None)}, NOW)


def test_what_the_broker_had_kept_counts_when_it_says_itself_that_it_is_new() -> None:
    with_time = options(time_path="at")
    new = said(b'{"t": 21.5, "at": "2026-03-01T11:59:30+00:00"}', ago_s=None)
    assert read(with_time, {"probe": new}, NOW).taken_at == NOW - timedelta(seconds=30)
    old = said(b'{"t": 21.5, "at": "2026-03-01T11:58:30+00:00"}', ago_s=None)
    with pytest.raises(Unreachable, match="nothing newer"):
        read(with_time, {"probe": old}, NOW)


TWO = {"temperature_c": {"topic": "a", "unit": "°C"}, "flow_lpm": {"topic": "b", "unit": "L/h"}}


def test_values_of_several_topics_are_as_old_as_the_oldest() -> None:
    reading = read(options(TWO), {"a": said(b"40", ago_s=50), "b": said(b"600", ago_s=1)}, NOW)
    assert reading == SensorReading(temperature_c=40, flow_lpm=10, taken_at=NOW - timedelta(seconds=50))


def test_a_topic_that_went_silent_is_unknown_and_the_others_go_on() -> None:
    reading = read(options(TWO), {"a": said(b"40", ago_s=61), "b": said(b"600", ago_s=1)}, NOW)
    assert reading == SensorReading(flow_lpm=10, taken_at=NOW - timedelta(seconds=1))


def test_without_what_makes_it_a_reading_there_is_none() -> None:
    battery = {"soc_pct": {"topic": "soc", "unit": "%"}, "pv_w": {"topic": "pv", "unit": "W"}}
    with pytest.raises(Unreachable, match="no value of soc_pct"):
        read(options(battery, kind="battery"), {"pv": said(b"900")}, NOW)


def test_nothing_heard_is_said_with_the_topics() -> None:
    with pytest.raises(Unreachable, match="nothing heard on a, b"):
        read(options(TWO), {}, NOW)


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"topic": None}, "topic is missing: temperature_c"),
        ({"topic": "probe/#"}, "topic"),
        ({"topic": "probe/+/t"}, "topic"),
        ({"max_age_s": 0}, "max_age_s"),
        ({"fields": {"temperature_c": {"unit": "W"}}}, "unit of temperature_c"),
    ],
)
def test_a_mistake_is_found_at_the_start(changes: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValidationError, match=problem):
        options(**{"fields": TEMPERATURE, **changes})


@given(st.binary(max_size=80), st.sampled_from([None, "at", "$"]))
def test_no_payload_at_all_crashes_the_parser(payload: bytes, time_path: str | None) -> None:
    with contextlib.suppress(DeviceError):
        read(options(time_path=time_path), {"probe": said(payload)}, NOW)
