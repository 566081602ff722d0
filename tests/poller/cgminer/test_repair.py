"""Malformed JSON as miners send it is repaired, and nothing else is touched."""

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hashbus_poller.drivers.cgminer.repair import DEEPEST, LONGEST, repair


@pytest.mark.parametrize(
    ("broken", "meant"),
    [
        ('{"STATS":[{"a":1}{"b":2}]}', {"STATS": [{"a": 1}, {"b": 2}]}),
        ('{"STATS":[{"a":1} \r\n {"b":2}]}', {"STATS": [{"a": 1}, {"b": 2}]}),
        ('{"DEVS":[,{"a":1}]}', {"DEVS": [{"a": 1}]}),
        ('{"a":1,}', {"a": 1}),
        ('{"a":[1,2,]}', {"a": [1, 2]}),
        ('{"a":[1,,2],,"b":3}', {"a": [1, 2], "b": 3}),
        ('{"a":inf,"b":-inf,"c":nan,"d":-nan,"e":NaN,"f":Infinity}', dict.fromkeys("abcdef")),
        (',"id":1}', {"id": 1}),
        ('"id":1}', {"id": 1}),
        ('{"a":1,\x01\x02\n"b":2}', {"a": 1, "b": 2}),
        ('{"a":1,"a":2,}', {"a": 2}),
        ('{"a":[{"b":nan,}{"c":[,]}],}', {"a": [{"b": None}, {"c": []}]}),
    ],
)
def test_each_known_fault_is_repaired(broken: str, meant: Any) -> None:
    text, is_partial = repair(broken)
    assert json.loads(text) == meant
    assert not is_partial


@pytest.mark.parametrize(
    ("cut", "left"),
    [
        ('{"a":1,"b":2', {"a": 1}),
        ('{"a":1,"b":"hal', {"a": 1}),
        ('{"a":1,"b":{"c":[1,2,{"d":3,"e":', {"a": 1, "b": {"c": [1, 2, {"d": 3}]}}),
        ('{"S":[{"x":1},{"y":2}', {"S": [{"x": 1}, {"y": 2}]}),
        ('{"S":[{"x":1}{"y":2,"z"', {"S": [{"x": 1}, {"y": 2}]}),
        ('{"a":"q\\"uote","b', {"a": 'q"uote'}),
        ('{"a":1,"b":"ends in a backslash\\', {"a": 1}),
    ],
)
def test_a_cut_reply_is_closed_after_its_last_whole_part_and_marked(cut: str, left: Any) -> None:
    text, is_partial = repair(cut)
    assert json.loads(text) == left
    assert is_partial


@pytest.mark.parametrize(
    "hopeless",
    ["", "no JSON", "{", '{"a"', '{"a":1', "}", "{]", '{"a":1}{"b":2}', '{"a":1} and more', "[" * (DEEPEST + 1)],
)
def test_what_no_firmware_sends_comes_back_as_it_was(hopeless: str) -> None:
    assert repair(hopeless) == (hopeless, False)


STRINGS_THAT_LOOK_BROKEN = ["}{", "[,{", ",}", ",]", "nan", "-inf", ',"id":1}', '\\"}{', "\\", "{[", '"', "\x01\n"]


@pytest.mark.parametrize("inside", STRINGS_THAT_LOOK_BROKEN)
def test_nothing_inside_a_string_is_touched(inside: str) -> None:
    valid = json.dumps({"User": inside, "x": [{inside: inside}]})
    broken = valid[:-1] + ",}"
    assert json.loads(repair(broken)[0]) == json.loads(valid)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(), inner, max_size=5),
    max_leaves=20,
)
json_objects = st.dictionaries(st.text(), json_values, max_size=6)


@given(json_objects, st.booleans(), st.sampled_from([None, 1, "\t"]))
def test_valid_json_keeps_its_meaning(value: dict[str, Any], ascii_only: bool, indent: int | str | None) -> None:
    text = json.dumps(value, ensure_ascii=ascii_only, indent=indent)
    repaired, is_partial = repair(text)
    assert json.loads(repaired) == value
    assert not is_partial


@given(json_objects)
def test_every_missing_comma_between_objects_is_found(value: dict[str, Any]) -> None:
    text = json.dumps({"S": [value, {"x": 1}, value]})
    broken = text.replace('}, {"x": 1}, {', '}{"x": 1}{')
    assert json.loads(repair(broken)[0]) == {"S": [value, {"x": 1}, value]}


@given(json_objects, st.data())
def test_a_reply_cut_anywhere_is_either_hopeless_or_the_beginning_of_the_whole(
    value: dict[str, Any], data: st.DataObject
) -> None:
    text = json.dumps(value)
    cut = text[: data.draw(st.integers(0, len(text) - 1))]
    repaired, is_partial = repair(cut)
    if is_partial:
        assert set(json.loads(repaired)) <= set(value)
    else:
        assert repaired == cut


STRING = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)


@given(st.text(alphabet=st.sampled_from('{}[]:,"\\ \n\x00na1-inf')))
def test_whatever_comes_in_its_strings_come_out_as_they_were(text: str) -> None:
    strings = STRING.findall(text)
    kept = STRING.findall(repair(text)[0])
    assert kept == strings[: len(kept)], "a cut may take strings away, at the end; nothing changes one"


@pytest.mark.parametrize(
    "unit", ["[],", "[[],", '"', '\\"', '{"a":', ",", "\0", '"\\', "x ", "}{", '{"a":1,', '"a"', "nan,", "-"]
)
def test_a_megabyte_of_rubbish_ends(unit: str) -> None:
    for length in (LONGEST - 1, 1_048_576):
        for start in ("", "[", '{"a":['):
            repair((start + unit * (length // len(unit)))[:length])
