"""Paths into JSON documents, and what is made of the values there."""

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from hashbus_poller.drivers.contract import DeviceError, DeviceKind, Garbled
from hashbus_poller.mapped.fields import Shape
from hashbus_poller.mapped.json_values import JsonValue, document, fields, raw, steps

SHELLY = {"em:0": {"act_power": 12.5}, "meters": [{"power": "7.5"}, {"power": 1}], "a.b": {"c": True}, "none": None}


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("$", ()),
        ("", ()),
        ("power", ("power",)),
        ("$.meters[0].power", ("meters", 0, "power")),
        ("meters[-1].power", ("meters", -1, "power")),
        ("['em:0'].act_power", ("em:0", "act_power")),
        ('$["a.b"]["c"]', ("a.b", "c")),
        ("em:0.act_power", ("em:0", "act_power")),
    ],
)
def test_a_path_has_these_steps(path: str, expected: tuple[str | int, ...]) -> None:
    assert steps(path) == expected


@pytest.mark.parametrize("path", ["a[", "a[x]", "a b", "[''", "a[0", "a."])
def test_what_is_no_path_is_refused_at_the_start(path: str) -> None:
    with pytest.raises(ValidationError, match="is no path"):
        JsonValue(path=path)


@pytest.mark.parametrize(
    ("path", "shape", "expected"),
    [
        ("['em:0'].act_power", Shape.NUMBER, 12.5),
        ("meters[0].power", Shape.NUMBER, 7.5),
        ("meters[-1].power", Shape.NUMBER, 1),
        ("['a.b'].c", Shape.FLAG, True),
        ("none", Shape.NUMBER, None),
    ],
)
def test_a_value_is_found(path: str, shape: Shape, expected: Any) -> None:
    assert raw(SHELLY, JsonValue(path=path), shape) == expected


@pytest.mark.parametrize(
    ("path", "problem"),
    [
        ("['em:1'].act_power", "has no 'em:1'"),
        ("meters[2].power", "has no 2"),
        ("none.deeper", "None has no 'deeper'"),
        ("meters", "which is no single value"),
    ],
)
def test_what_is_not_there_is_named(path: str, problem: str) -> None:
    with pytest.raises(Garbled, match=problem):
        raw(SHELLY, JsonValue(path=path), Shape.NUMBER)


def test_what_may_be_missing_is_unknown() -> None:
    assert raw(SHELLY, JsonValue(path="meters[2].power", is_optional=True), Shape.NUMBER) is None


@pytest.mark.parametrize(("answer", "expected"), [(b"21.5", 21.5), (b'{"a": 1}', {"a": 1}), (b"ON\n", "ON"), (b"", "")])
def test_an_answer_is_json_or_text(answer: bytes, expected: Any) -> None:
    assert document(answer) == expected


@pytest.mark.parametrize("answer", [b"\xff\xfe\x00", b"[" * 100_000])
def test_an_answer_that_is_neither_is_garbled(answer: bytes) -> None:
    with pytest.raises(Garbled):
        document(answer)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (True, True),
        ("on", True),
        ("OFF", False),
        ("false", False),
        (1, True),
        (0, False),
        ("closed", True),
        ("open", False),
        (None, None),
    ],
)
def test_yes_and_no_in_many_spellings(value: Any, expected: bool | None) -> None:
    values = {"contact": [JsonValue(path="x", meanings={"closed": True, "open": False})]}
    assert fields(DeviceKind.SENSOR, values, {"x": value}) == {"contact": expected}


def test_a_meaning_written_without_quotes_is_found_all_the_same() -> None:
    """YAML turns `on:` and `yes:` into true."""
    values = {"is_on": [JsonValue(path="x", meanings={True: False, False: True})]}
    assert fields(DeviceKind.SENSOR, values, {"x": "ON"}) == {"is_on": False}


@pytest.mark.parametrize(("field", "value"), [("contact", "ajar"), ("temperature_c", "warm"), ("temperature_c", True)])
def test_a_value_that_makes_no_sense_is_garbled(field: str, value: Any) -> None:
    one = JsonValue(path="x", unit="°C" if field == "temperature_c" else None)
    with pytest.raises(Garbled, match=field):
        fields(DeviceKind.SENSOR, {field: [one]}, {"x": value})


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=True) | st.text(max_size=8),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(st.text(max_size=4), below, max_size=3),
    max_leaves=8,
)


@given(JSON, st.sampled_from(["$", "a", "a[0].b", "[0]"]), st.sampled_from(["temperature_c", "contact", "power_w"]))
def test_no_document_at_all_crashes_the_parser(said: Any, path: str, field: str) -> None:
    unit = {"temperature_c": "°C", "power_w": "kW"}.get(field)
    with contextlib.suppress(DeviceError):
        fields(DeviceKind.SENSOR, {field: [JsonValue(path=path, unit=unit)]}, json.loads(json.dumps(said)))
