"""What the parsers of API v2 make of every shape in PROTOCOLS.md 2.3, and that nothing crashes them."""

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import fields, replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hashbus.messages import Capability, MinerIdentity, MinerReading, MinerState
from hashbus_poller.drivers.cgminer.answer import MinerDown
from hashbus_poller.drivers.contract import DeviceError, Garbled, Refused, Unreachable, Unsupported
from hashbus_poller.drivers.whatsminer_v2 import parse
from hashbus_poller.drivers.whatsminer_v2.identity import Introduction, api_version, identity, is_whatsminer
from hashbus_poller.drivers.whatsminer_v2.mend import mended
from hashbus_poller.drivers.whatsminer_v2.parse import Heard
from hashbus_poller.drivers.whatsminer_v2.replies import failure, understood
from tests.poller.whatsminer_v2.fixtures import FIXTURES, SCENES, heard, introduction, name_of, raw

MINING = FIXTURES / "M50_VH40" / "20230911.12.Rel" / "mining"


@pytest.mark.parametrize("scene", SCENES, ids=name_of)
def test_a_scene_reads_as_it_is_written_beside_it(scene: Path) -> None:
    reading = parse.reading(heard(scene), latency_ms=None)
    assert reading == MinerReading.model_validate_json((scene / "reading.json").read_bytes())


@pytest.mark.parametrize("scene", SCENES, ids=name_of)
def test_a_scene_identifies_as_it_is_written_beside_it(scene: Path) -> None:
    who = identity(introduction(scene), is_open=True)
    assert who == MinerIdentity.model_validate_json((scene / "identity.json").read_bytes())


@pytest.mark.parametrize("scene", SCENES, ids=name_of)
def test_without_the_right_to_write_no_button_is_shown(scene: Path) -> None:
    assert identity(introduction(scene), is_open=False).capabilities == ()


def reports(**changed: object) -> Heard:
    """The mining miner, with other figures in its summary."""
    whole = json.loads(raw(MINING, "summary") or b"")
    whole["SUMMARY"][0].update(changed)
    return replace(heard(MINING), summary=understood("summary", json.dumps(whole).encode()))


@pytest.mark.parametrize(
    ("shown", "rate_ths"), [(33.4, 33.4), (9_999.0, 9_999.0), (33_400_000.0, 33.4), ("33.4", 33.4), (10_000, 0.01)]
)
def test_a_board_below_ten_thousand_counts_in_terahashes(shown: object, rate_ths: float) -> None:
    whole = json.loads(raw(MINING, "edevs") or b"")
    whole["DEVS"][0]["MHS av"] = shown
    edevs = understood("edevs", json.dumps(whole).encode())
    reading = parse.reading(replace(heard(MINING), edevs=edevs), latency_ms=None)
    assert reading.boards[0].hashrate_ths == pytest.approx(rate_ths)


def test_the_summary_counts_in_megahashes_however_small_the_figure() -> None:
    assert parse.reading(reports(**{"MHS 1m": 9_000.0}), latency_ms=None).hashrate_ths == pytest.approx(0.009)


@pytest.mark.parametrize(("spelling", "word"), [("mineroff", "true"), ("btmineroff", "true"), ("mineroff", True)])
def test_either_spelling_of_status_says_that_it_sleeps(spelling: str, word: object) -> None:
    status = understood("status", json.dumps({"STATUS": "S", "Code": 131, "Msg": {spelling: word}}).encode())
    assert parse.reading(replace(heard(MINING), status=status), latency_ms=None).state is MinerState.SLEEPING


def test_without_a_status_a_limit_of_nothing_says_that_it_sleeps() -> None:
    asleep = reports(**{"Power Limit": 0, "HS RT": 0, "MHS 5s": 0, "MHS 1m": 0, "Upfreq Complete": 0})
    assert parse.reading(replace(asleep, status=None), latency_ms=None).state is MinerState.SLEEPING


@pytest.mark.parametrize(("shown", "in_force"), [("100", None), ("", None), ("0", None), ("75", 75.0), (60, 60.0)])
def test_a_percentage_of_0_or_100_is_no_modulation(shown: object, in_force: float | None) -> None:
    status = understood("status", json.dumps({"STATUS": "S", "Code": 131, "Msg": {"power_pct": shown}}).encode())
    assert parse.power_percent_pct(status) == in_force


def test_a_dead_mining_process_is_a_fault_and_a_sleeping_one_is_not() -> None:
    dead = Heard(status=heard(MINING).status, down="Socket connect failed: Connection refused")
    reading = parse.reading(dead, latency_ms=None)
    assert (reading.state, reading.hashrate_ths) == (MinerState.FAULT, 0.0)
    assert [error.code for error in reading.errors] == ["miner_down"]
    asleep = understood("status", b'{"STATUS":"S","Code":131,"Msg":{"mineroff":"true"}}')
    assert parse.reading(replace(dead, status=asleep), latency_ms=None).state is MinerState.SLEEPING


@pytest.mark.parametrize(
    ("broken", "whole"),
    [
        ('{"pin":"2168""temp0":"44.5"}', '{"pin":"2168","temp0":"44.5"}'),
        ('{"error_code":["218":"a","531":"b"]}', '{"error_code":[{"218":"a","531":"b"}]}'),
        ('{"error_code":[]}', '{"error_code":[]}'),
        ('{"error_code":[{"218":"a"}]}', '{"error_code":[{"218":"a"}]}'),
    ],
)
def test_what_the_firmware_writes_wrong_is_mended(broken: str, whole: str) -> None:
    assert mended(broken) == whole


def test_what_is_not_broken_that_way_stays_what_it_is() -> None:
    with pytest.raises(Garbled) as caught:
        understood("get_psu", b'{"Msg":{"pin" "2168"}}')
    assert caught.value.payload == b'{"Msg":{"pin" "2168"}}'


@pytest.mark.parametrize(
    ("code", "msg", "error"),
    [
        (14, "invalid cmd", Unsupported),
        (23, "json cmd err", Unsupported),
        (45, "can't access write cmd", Refused),
        (132, "This command is deprecated.", Unsupported),
        (132, "command error", DeviceError),
        (135, "check token err", Refused),
        (136, "over max connect", Unreachable),
        (137, "base64 decode err", DeviceError),
    ],
)
def test_each_code_ends_in_the_error_that_it_means(code: int, msg: str, error: type[DeviceError]) -> None:
    said = understood("x", json.dumps({"STATUS": "E", "When": 1, "Code": code, "Msg": msg}).encode())
    assert type(failure(said)) is error


def test_success_in_either_envelope_is_no_error() -> None:
    assert failure(understood("x", b'{"STATUS":"S","Code":131,"Msg":"API command OK"}')) is None
    assert failure(understood("x", b'{"STATUS":[{"STATUS":"S","Code":11}],"SUMMARY":[{}]}')) is None


@pytest.mark.parametrize(("text", "numbers"), [("2.0.5", (2, 0, 5)), ("V1.4", (1, 4)), ("", ()), (None, ())])
def test_an_api_version_is_compared_by_its_numbers(text: str | None, numbers: tuple[int, ...]) -> None:
    assert api_version(text) == numbers


def test_only_a_whatsminer_is_taken_for_one() -> None:
    stranger = understood("devdetails", b'{"STATUS":[{"STATUS":"S"}],"DEVDETAILS":[{"Driver":"gekko","Model":"x"}]}')
    assert not is_whatsminer(None, stranger)
    assert is_whatsminer(None, introduction(MINING).details)


def test_a_percentage_that_no_reading_would_show_is_not_offered() -> None:
    told = introduction(MINING)
    silent = understood("status", b'{"STATUS":"S","Code":131,"Msg":{"btmineroff":"false"}}')
    assert Capability.POWER_PERCENT not in identity(replace(told, status=silent), is_open=True).capabilities


WORDS = st.sampled_from(
    ["Msg", "SUMMARY", "DEVS", "POOLS", "STATUS", "MHS av", "Power", "error_code", "power_pct", "vin", "miner_type"]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=5),
    max_leaves=25,
)


def only_garbled(work: Callable[[], object]) -> None:
    with suppress(Garbled):
        work()


@given(VALUES, st.sampled_from([field.name for field in fields(Heard) if field.name != "down"]))
def test_no_report_crashes_the_reading(value: object, name: str) -> None:
    def read() -> object:
        answer = understood(name, json.dumps({"STATUS": "S", "Msg": value, "SUMMARY": value}).encode())
        return parse.reading(replace(heard(MINING), **{name: answer}), latency_ms=None)  # type: ignore[arg-type]

    only_garbled(read)


@given(VALUES, st.sampled_from([field.name for field in fields(Introduction)]))
def test_no_report_crashes_the_identity(value: object, name: str) -> None:
    def identify() -> object:
        answer = understood(name, json.dumps({"STATUS": "S", "Msg": value, "DEVDETAILS": value}).encode())
        return identity(replace(introduction(MINING), **{name: answer}), is_open=True)

    only_garbled(identify)


@given(st.binary(max_size=300) | st.text(alphabet='{}[]",:0a\n', max_size=200).map(str.encode))
def test_no_bytes_at_all_crash_the_decoder(blob: bytes) -> None:
    with suppress(MinerDown):
        only_garbled(lambda: understood("summary", blob))


@pytest.mark.parametrize("scene", SCENES, ids=name_of)
def test_a_reply_cut_anywhere_is_read_as_far_as_it_goes_or_garbled(scene: Path) -> None:
    whole = raw(scene, "summary") or raw(scene, "status") or b""
    field = "summary" if raw(scene, "summary") else "status"
    for end in range(0, len(whole), 23):

        def read(end: int = end) -> object:
            return parse.reading(replace(heard(scene), **{field: understood(field, whole[:end])}), latency_ms=None)  # type: ignore[arg-type]

        only_garbled(read)
