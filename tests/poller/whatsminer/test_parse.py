"""What the WhatsMiner parsers make of every shape in PROTOCOLS.md 1.5 and 1.6, and that nothing crashes them."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hashbus.messages import MinerIdentity, MinerReading
from hashbus_poller.drivers.contract import DeviceError, Garbled, Refused, Unsupported
from hashbus_poller.drivers.whatsminer import parse
from hashbus_poller.drivers.whatsminer.commands import Account
from hashbus_poller.drivers.whatsminer.faults import errors_of, family_of
from hashbus_poller.drivers.whatsminer.identity import identity, obstacle
from hashbus_poller.drivers.whatsminer.replies import Reply, failure, reply

FIXTURES = Path(__file__).parents[2] / "fixtures" / "whatsminer"
RECORDINGS = sorted(path.parent for path in FIXTURES.rglob("get.device.info.json"))
MINING = FIXTURES / "M64_VL40" / "20250415.11.REL" / "mining"
OWNER = Account("super", "miner-pass1")


def recorded(folder: Path, cmd: str) -> Reply:
    return reply((folder / f"{cmd}.json").read_bytes())


def both(folder: Path) -> tuple[Reply, Reply]:
    return recorded(folder, "get.device.info"), recorded(folder, "get.miner.status")


@pytest.mark.parametrize("folder", RECORDINGS, ids=lambda folder: "-".join(folder.parts[-3::2]))
def test_a_recording_reads_as_it_is_written_beside_it(folder: Path) -> None:
    reading = parse.reading(*both(folder), power_pct=None, latency_ms=None)
    assert reading == MinerReading.model_validate_json((folder / "reading.json").read_bytes())


@pytest.mark.parametrize("folder", RECORDINGS, ids=lambda folder: "-".join(folder.parts[-3::2]))
def test_a_recording_identifies_as_it_is_written_beside_it(folder: Path) -> None:
    who = identity(*both(folder), OWNER)
    assert who == MinerIdentity.model_validate_json((folder / "identity.json").read_bytes())


def test_liquid_and_ambient_are_two_readings_and_never_merged() -> None:
    reading = parse.reading(*both(MINING), power_pct=None, latency_ms=None)
    assert (reading.liquid_c, reading.ambient_c, reading.psu_c) == (41.2, 24.5, 44.5)


@pytest.mark.parametrize(("shown", "in_force"), [(0, None), ("0", None), (100, None), ("75", 75.0), (120, 120.0)])
def test_a_percentage_of_0_or_100_is_no_modulation(shown: object, in_force: float | None) -> None:
    said = Reply(code=0, msg={"power-percent": shown, "power-limit": 3600}, desc="get.miner.setting", raw=b"")
    assert parse.modulation_pct(said) == in_force


def test_a_firmware_that_tells_no_modulation_has_none() -> None:
    assert parse.modulation_pct(Reply(code=-2, msg="unknown", desc="get.miner.setting", raw=b"")) is None


@pytest.mark.parametrize(
    ("code", "error"),
    [
        (0, None),
        (-1, DeviceError),
        (-2, Unsupported),
        (-3, DeviceError),
        (-4, Refused),
        (-5, DeviceError),
        (7, DeviceError),
    ],
)
def test_each_code_has_its_error(code: int, error: type[DeviceError] | None) -> None:
    ending = failure(Reply(code=code, msg="no permission", desc="set.miner.service", raw=b""))
    assert ending is None if error is None else type(ending) is error


def test_bytes_that_are_no_text_in_a_pool_account_are_replaced() -> None:
    said = reply(b'{"code":0,"msg":{"account":"farm\xff.w1\x01"},"desc":"get.miner.status"}')
    assert said.msg == {"account": "farm\ufffd.w1\x01"}


@pytest.mark.parametrize(
    ("info", "account", "words"),
    [
        ({}, None, "set `password`"),
        ({}, Account("user1", "user1"), "WhatsminerTool"),
        ({"system": {"apiswitch": "0"}}, OWNER, "API switch is off"),
        ({"miner": {"permission": "super=255 user1=0"}}, Account("user1", "p"), "grant it"),
    ],
)
def test_the_owner_hears_what_keeps_us_from_writing(
    info: dict[str, object], account: Account | None, words: str
) -> None:
    assert words in str(obstacle(info, account))


def test_nothing_is_in_the_way_of_an_owner_who_turned_the_switch_on() -> None:
    assert obstacle({"system": {"apiswitch": "1"}, "miner": {"permission": "super=255 user1=0"}}, OWNER) is None


def test_an_error_entry_may_hold_several_codes_and_no_reason() -> None:
    errors = errors_of([{"202": "2025-10-09 08:12:33", "5070": "2025-10-09 09:00:00"}])
    assert [error.code for error in errors] == ["202", "5070"]
    assert errors[0].text == (
        "the power supply gives a wrong voltage; replace it if that lasts, since 2025-10-09 08:12:33 by its own clock"
    )


@pytest.mark.parametrize(
    ("code", "word"),
    [
        ("111", "fan"),
        ("206", "mains voltage"),
        ("531", "not found"),
        ("2021", "pool does not answer"),
        ("799", "control board"),
    ],
)
def test_a_code_is_told_in_words_with_what_to_do(code: str, word: str) -> None:
    assert word in family_of(code)


def test_the_reason_that_the_firmware_gives_comes_before_our_hint() -> None:
    [error] = errors_of([{"531": "2025-10-09 08:12:33", "reason": "Slot1 not found."}])
    assert (error.text or "").startswith("Slot1 not found: a hashboard is not found; look at its cables, since")


@pytest.mark.parametrize(
    ("info", "status", "named"),
    [
        ({"power": {}}, {"summary": {}}, "miner"),
        ({"miner": {}}, {"edevs": []}, "summary"),
        ({"miner": []}, {"summary": {}}, "miner"),
        ({"miner": {}}, {"summary": {"power-realtime": "lots"}}, "power-realtime"),
        ({"miner": {}}, {"summary": {"chip-temp-max": 1000}}, "chip_max_c"),
        ({"miner": {}}, {"summary": {"hash-realtime": float("nan")}}, "hash-realtime"),
        ({"miner": {}}, {"summary": {}, "edevs": {}}, "edevs"),
        ({"miner": {}, "error-code": "531"}, {"summary": {}}, "error-code"),
    ],
)
def test_what_is_wrong_is_named(info: object, status: object, named: str) -> None:
    replies = (Reply(code=0, msg=msg, desc="", raw=b"raw") for msg in (info, status))
    with pytest.raises(Garbled, match=named) as caught:
        parse.reading(*replies, power_pct=None, latency_ms=None)
    assert b"raw" in caught.value.payload


KEYS = sorted(
    {key for folder in RECORDINGS for said in both(folder) if isinstance(said.msg, dict)
     for part in said.msg.values() if isinstance(part, dict) for key in part}
)  # fmt: skip
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.just(10**400)
ANYTHING = st.recursive(
    LEAVES, lambda some: st.lists(some, max_size=3) | st.dictionaries(st.sampled_from(KEYS), some, max_size=3)
)
SECTIONS = st.dictionaries(
    st.sampled_from(["miner", "power", "system", "network", "error-code", "summary", "pools", "edevs", "salt"]),
    st.dictionaries(st.sampled_from(KEYS), ANYTHING, max_size=6)
    | st.lists(st.dictionaries(st.sampled_from(["slot", "url", "531", *KEYS]), ANYTHING, max_size=4), max_size=2)
    | ANYTHING,
)


def ending_of(work: Callable[[], object]) -> Garbled | None:
    """Run a parser; anything but success and Garbled fails the test."""
    try:
        work()
    except Garbled as garbled:
        return garbled
    return None


@given(SECTIONS, SECTIONS)
def test_no_answer_crashes_the_parsers(info: dict[str, object], status: dict[str, object]) -> None:
    one, other = (
        Reply(code=0, msg={"miner": {"type": "M"}, "summary": {}, **msg}, desc="", raw=b"x") for msg in (info, status)
    )
    for work in (
        lambda: parse.reading(one, other, power_pct=None, latency_ms=None),
        lambda: identity(one, other, OWNER),
        lambda: parse.modulation_pct(one),
        lambda: parse.power_limit_set_w(one),
        lambda: parse.is_tuned(other),
    ):
        garbled = ending_of(work)
        assert garbled is None or garbled.payload


@given(st.binary() | ANYTHING.map(lambda value: json.dumps(value).encode()))
def test_no_bytes_crash_the_envelope(raw: bytes) -> None:
    garbled = ending_of(lambda: reply(raw))
    assert garbled is None or garbled.payload == raw


def test_a_reply_nested_without_end_is_garbled() -> None:
    with pytest.raises(Garbled):
        reply(b"[" * 1_000_000)
