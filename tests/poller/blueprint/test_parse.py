"""The blueprint's parser: what it makes of an answer, and that nothing crashes it."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hashbus.messages import MinerState
from hashbus_poller.drivers._blueprint import commands, parse
from hashbus_poller.drivers.contract import DeviceError, Garbled

STATUS = (
    b'{"ok":true,"model":"Heater 2","serial":"A1","state":"hash","watts":1800,"ghs":90000,"chip":0,"limit_watts":1800}'
)


def test_units_are_converted_and_no_sensor_is_null() -> None:
    reading = parse.reading(parse.answer(STATUS), STATUS)
    assert reading.state is MinerState.MINING
    assert reading.hashrate_ths == 90.0
    assert reading.efficiency_j_per_th == 20.0
    assert reading.chip_max_c is None


def test_a_missing_key_is_named() -> None:
    with pytest.raises(Garbled, match="limit_watts"):
        parse.reading(parse.answer(b'{"ok":true,"ghs":1,"watts":1,"state":"hash"}'), b"")


def test_the_pin_is_sent_and_never_shown() -> None:
    command = commands.set_limit(1500.4, "4711-0815")
    assert command.sent == b'{"ask": "set_limit", "watts": 1500, "pin": "4711-0815"}\n'
    assert "4711" not in repr(command)


@given(
    st.binary() | st.recursive(st.none() | st.integers() | st.text(), st.lists).map(lambda v: json.dumps(v).encode())
)
def test_no_bytes_crash_the_parser(raw: bytes) -> None:
    with pytest.raises(DeviceError):
        parse.reading(parse.answer(raw), raw)


@given(
    st.dictionaries(
        st.sampled_from(["state", "watts", "ghs", "chip", "limit_watts", "model", "up"]),
        st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.integers()),
    )
)
def test_no_status_crashes_the_parser(status: dict[str, object]) -> None:
    for read in (parse.reading, lambda said, raw: parse.identity(said, raw, has_pin=True)):
        try:
            read(status, b"")
        except DeviceError:
            continue
