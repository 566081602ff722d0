"""What the EG4 driver makes of the portal's answers."""

import json
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hashbus_poller.drivers.contract import DeviceError, Garbled, Refused, Unreachable
from hashbus_poller.drivers.eg4_portal import parse

FIXTURES = Path(__file__).parents[2] / "fixtures" / "eg4_portal" / "12kpv" / "FAAB-2122"
RUNTIME = json.loads((FIXTURES / "runtime.json").read_bytes())


def body(name: str) -> bytes:
    return (FIXTURES / name).read_bytes()


def changed(**change: object) -> bytes:
    return json.dumps(RUNTIME | change).encode()


@pytest.mark.parametrize("name", sorted(path.name for path in FIXTURES.glob("runtime*.json")))
def test_every_answer_reads_as_is_written_beside_it(name: str) -> None:
    reading = parse.reading(parse.running(body(name)), parse.counters(body("energy.json")), None)
    expected = json.loads(body(name.replace("runtime", "reading")))
    assert reading.model_dump(mode="json", exclude_none=True) == expected


def test_charging_and_buying_are_positive() -> None:
    evening = parse.reading(parse.running(body("runtime-evening.json")), None, None)
    assert evening.battery_w == -2468.0, "discharging"
    assert evening.grid_w == -15.0, "selling"


def test_without_counters_they_are_unknown_and_not_zero() -> None:
    reading = parse.reading(parse.running(body("runtime.json")), None, datetime(2025, 10, 9, tzinfo=UTC))
    assert reading.pv_energy_wh is None
    assert reading.taken_at == datetime(2025, 10, 9, tzinfo=UTC)


def test_an_empty_battery_is_a_reading() -> None:
    assert parse.reading(parse.running(body("runtime-empty-battery.json")), None, None).soc_pct == 0.0


@pytest.mark.parametrize("answer", [body("zombie.json"), changed(soc=0, vBat=0), changed(soc=None, vBat=None)])
def test_a_zombie_never_becomes_a_reading(answer: bytes) -> None:
    with pytest.raises(parse.SessionEnded):
        parse.running(answer)


def test_a_battery_without_a_state_of_charge_is_garbled_and_not_empty() -> None:
    with pytest.raises(Garbled, match="soc") as garbled:
        parse.reading(parse.running(changed(soc=None)), None, None)
    assert garbled.value.payload


def test_a_lost_inverter_is_unreachable() -> None:
    with pytest.raises(Unreachable, match="offline"):
        parse.running(body("lost.json"))


@pytest.mark.parametrize("message", ["DATAFRAME_TIMEOUT", "TIMEOUT", "BUSY", "something new", None])
def test_what_the_portal_cannot_tell_now_is_asked_again(message: str | None) -> None:
    with pytest.raises(Unreachable, match=message or "no reason"):
        parse.running(json.dumps({"success": False, "msg": message}).encode())


@pytest.mark.parametrize(
    ("status", "answer", "is_over"),
    [
        (401, b"Unauthorized", True),
        (302, b"", True),
        (200, b"\n <!DOCTYPE html><html>", True),
        (200, b'{"success":true}', False),
        (200, b"", False),
    ],
)
def test_the_end_of_a_session_shows(status: int, answer: bytes, is_over: bool) -> None:
    assert (parse.session_trouble(status, answer) is not None) is is_over


def test_a_login_lists_the_inverters() -> None:
    assert parse.inverters(200, body("login.json")) == ("4512345678",)


def test_a_wrong_password_is_refused_with_a_hint() -> None:
    with pytest.raises(Refused, match="password"):
        parse.inverters(200, body("login-wrong.json"))
    with pytest.raises(Refused, match="password"):
        parse.inverters(401, b"Unauthorized")


@pytest.mark.parametrize("answer", [b'{"success":false,"msg":"BUSY"}', b"<html>down for maintenance</html>"])
def test_a_portal_that_is_busy_is_not_a_wrong_password(answer: bytes) -> None:
    with pytest.raises(Unreachable):
        parse.inverters(200, answer)


def test_the_inverter_is_the_named_one_or_the_only_one() -> None:
    assert parse.chosen(("1111", "2222"), "2222") == "2222"
    assert parse.chosen(("1111",), None) == "1111"
    assert parse.chosen((), "3333") == "3333", "some accounts list nothing and may read all the same"


@pytest.mark.parametrize(
    ("serials", "wanted", "hint"),
    [(("1111", "2222"), None, "1111, 2222"), ((), None, "set `serial`"), (("1111", "2222"), "3333", "1111, 2222")],
)
def test_an_unclear_choice_lists_what_there_is(serials: tuple[str, ...], wanted: str | None, hint: str) -> None:
    with pytest.raises(Refused, match=hint):
        parse.chosen(serials, wanted)


def test_inverters_of_all_plants_count_once() -> None:
    one, two = {"inverters": [{"serialNum": "1111"}, {"serialNum": 2222}]}, {"inverters": [{"serialNum": "1111"}]}
    answer = json.dumps({"success": True, "plants": [one, two, {"name": "empty"}]}).encode()
    assert parse.inverters(200, answer) == ("1111", "2222")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)


def swallow(answer: bytes) -> None:
    """Hand an answer to everything that reads one; only a DeviceError or the end of the session may come out."""
    with suppress(DeviceError, parse.SessionEnded):
        parse.reading(parse.running(answer), None, None)
    with suppress(DeviceError):
        parse.counters(answer)
    with suppress(DeviceError):
        parse.chosen(parse.inverters(200, answer), None)
    parse.session_trouble(200, answer)


@given(st.binary() | JSON.map(lambda value: json.dumps(value).encode()))
def test_no_bytes_crash_the_parser(answer: bytes) -> None:
    swallow(answer)


@given(st.dictionaries(st.sampled_from([*sorted(RUNTIME), "plants", "msg", "totalYielding"]), JSON, max_size=6))
def test_no_values_crash_the_parser(change: dict[str, object]) -> None:
    swallow(changed(**change))
