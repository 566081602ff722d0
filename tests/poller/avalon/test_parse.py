"""What the Avalon's parsers make of every shape in PROTOCOLS.md 3.7, and that nothing crashes them."""

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hashbus.messages import Capability, MinerIdentity, MinerReading, MinerState
from hashbus_poller.drivers.avalon import faults, parse, steps
from hashbus_poller.drivers.avalon.identity import Offers, options_of
from hashbus_poller.drivers.avalon.mm import Shape, fields_of, machine
from hashbus_poller.drivers.avalon.replies import failure
from hashbus_poller.drivers.cgminer.answer import MinerDown, decode
from hashbus_poller.drivers.contract import DeviceError, Garbled, Refused, Unreachable, Unsupported
from tests.poller.avalon.fixtures import (
    ALL_OFFERS,
    FIXTURES,
    SCENES,
    answer,
    identity_of,
    name_of,
    raw,
    reading_of,
    shown,
)

MINING = FIXTURES / "1366" / "24100900" / "mining"
HOME = FIXTURES / "Q" / "25052801" / "eco_with_a_fan_that_fails"
CONTROLLER = FIXTURES / "841" / "8411706" / "two_units_on_a_controller"


@pytest.mark.parametrize("scene", SCENES, ids=name_of)
def test_a_scene_reads_as_it_is_written_beside_it(scene: Path) -> None:
    assert reading_of(scene) == MinerReading.model_validate_json((scene / "reading.json").read_bytes())


@pytest.mark.parametrize("scene", SCENES, ids=name_of)
def test_a_scene_identifies_as_it_is_written_beside_it(scene: Path) -> None:
    assert identity_of(scene) == MinerIdentity.model_validate_json((scene / "identity.json").read_bytes())


def with_fields(scene: Path, **changed: str) -> MinerReading:
    """A scene with other values in its MM string; a new key goes to the end."""
    text = (raw(scene, "estats") or b"").decode()
    for key, value in changed.items():
        before, found, rest = text.partition(f" {key}[")
        assert found, f"{key} is not in the scene"
        text = f"{before} {key}[{value}]{rest.partition(']')[2]}"
    stats = decode("estats", text.encode())
    return parse.reading(answer(scene, "summary"), answer(scene, "pools"), stats, latency_ms=None)


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        ("A[1] B_2[x y] C[]", {"A": "1", "B_2": "x y", "C": ""}),
        ("'STATS':{Ver[Q-1] DNA[02]}", {"Ver": "Q-1", "DNA": "02"}),
        ("Nonce Mask[25] S[Work: In Work, Hash Board: 3 ]", {"Mask": "25", "S": "Work: In Work, Hash Board: 3 "}),
        ("no brackets at all", {}),
        ("A[1] A[2] B[unclosed", {"A": "2", "B": "unclosed"}),
        ("[]] [ ]", {}),
    ],
)  # fmt: skip
def test_the_string_is_read_by_its_brackets(text: str, fields: dict[str, str]) -> None:
    assert fields_of(text) == fields


@pytest.mark.parametrize(
    ("scene", "shape", "units", "boards"),
    [(MINING, Shape.WHOLE, 1, 0), (HOME, Shape.SUMMARY, 1, 1), (CONTROLLER, Shape.MODULES, 2, 0)],
)
def test_each_generation_packs_it_its_own_way(scene: Path, shape: Shape, units: int, boards: int) -> None:
    told = shown(scene)
    assert told is not None
    assert (told.shape, len(told.units), len(told.chips)) == (shape, units, boards)


def test_the_units_of_a_controller_come_in_the_order_of_their_numbers() -> None:
    told = shown(CONTROLLER)
    assert told is not None
    assert [unit.name for unit in told.units] == ["MM ID1", "MM ID2"]


@pytest.mark.parametrize("absent", ["-273", "0", "nan", "-nan", "inf", ""])
def test_a_sensor_that_is_not_there_is_null(absent: str) -> None:
    reading = with_fields(MINING, Temp=absent, TMax=absent, MTmax=f"{absent} 85 84")
    assert (reading.ambient_c, reading.chip_max_c) == (None, None)
    assert reading.boards[0].chip_max_c != -273


@pytest.mark.parametrize(
    ("supply", "power_w"),
    [
        ("0 1222 1301 196 2550 1301", 2550),
        ("0 1222 1301 196 2550 1301 2790", 2790),
        ("0 0 27505 4 0 3964 132", 132),
        ("0 1222", None),
        ("", None),
    ],
)
def test_power_is_that_at_the_wall_or_that_of_the_boards(supply: str, power_w: float | None) -> None:
    assert with_fields(MINING, PS=supply).power_w == power_w


@pytest.mark.parametrize(
    ("soft_off", "work", "rate", "state"),
    [
        ("0", "In Work", "108311.42", MinerState.MINING),
        ("5", "In Work", "108311.42", MinerState.MINING),  # on its way to standby
        ("5", "In Idle", "0.00", MinerState.SLEEPING),
        ("4", "In Idle", "0.00", MinerState.SLEEPING),
        ("0", "In Init", "0.00", MinerState.TUNING),
        ("0", "In Idle", "0.00", MinerState.IDLE),
    ],
)
def test_what_it_does_is_told_in_words(soft_off: str, work: str, rate: str, state: MinerState) -> None:
    status = f"Work: {work}, Hash Board: 3 "
    assert with_fields(MINING, SoftOFF=soft_off, SYSTEMSTATU=status, GHSspd=rate).state is state


def test_boards_without_power_sleep_and_boards_of_a_broken_supply_do_not() -> None:
    idle = {"SYSTEMSTATU": "Work: In Idle, Hash Board: 3 ", "GHSspd": "0.00"}
    assert with_fields(MINING, PS="0 1217 0 0 0 1301", **idle).state is MinerState.SLEEPING
    assert with_fields(MINING, PS="32 1217 0 0 0 1301", **idle).state is MinerState.FAULT


@pytest.mark.parametrize("wrong", ["hot", "1e999", "--", "1..2"])
def test_a_word_where_a_number_belongs_is_garbled_by_its_name(wrong: str) -> None:
    with pytest.raises(Garbled, match="Temp"):
        with_fields(MINING, Temp=wrong)


def test_failed_cores_of_a_board_that_hashes_are_no_fault() -> None:
    assert with_fields(MINING, ECHU="512 512 512").errors == ()
    assert [error.code for error in with_fields(MINING, ECHU="513 0 0").errors] == ["ECHU0=1"]


@pytest.mark.parametrize(
    ("code", "codes"), [(0, []), (2048, ["PS=2048"]), (3, ["PS=1", "PS=2"]), (1 << 31, ["PS=2147483648"])]
)
def test_each_bit_of_the_supply_is_a_fault_of_its_own(code: float, codes: list[str]) -> None:
    assert [error.code for error in faults.supply_errors(code)] == codes


def step_watts(scene: Path, **changed: str) -> dict[int, float]:
    """The watts of each step, as a miner with another aim or mode would have them."""
    text = (raw(scene, "estats") or b"").decode()
    for key, value in changed.items():
        before, _, rest = text.partition(f" {key}[")
        text = f"{before} {key}[{value}]{rest.partition(']')[2]}"
    told = machine(decode("estats", text.encode()))
    assert told is not None
    model = steps.model_of(told.first)
    ladder = steps.ladder_of(told, model)
    assert ladder is not None
    return steps.watts(ladder, told.first, model)


def test_the_watts_of_a_step_are_the_vendors_and_follow_what_the_miner_aims_at() -> None:
    assert step_watts(HOME) == {0: 800, 1: 1300, 2: 1674}
    assert step_watts(HOME, MPO="840") == {0: 840, 1: 1365, 2: 1758}
    assert step_watts(HOME, MPO="0") == {0: 800, 1: 1300, 2: 1674}
    assert step_watts(MINING) == {0: 2080, 1: 2600}
    assert step_watts(MINING, WORKMODE="0") == {0: 2600, 1: 3250}
    assert step_watts(MINING, MPO="0") == {0: 2600, 1: 3250}, "shares of the rated power"


@pytest.mark.parametrize(("power_w", "number"), [(5000, 2), (1674, 2), (1673, 1), (800.3, 0), (799, None)])
def test_the_highest_step_that_fits_is_chosen(power_w: float, number: int | None) -> None:
    ladder = steps.HOME["q"]
    step = steps.chosen(ladder, {0: 800, 1: 1300, 2: 1674}, power_w)
    assert (step.number if step else None) == number


@pytest.mark.parametrize(
    ("version", "model"),
    [
        ("1366-24100900_a_b", "1366"),
        ("8411706-9cbc1a0", "841"),
        ("Nano3s-25021401", "Nano3s"),
        ("Q-250", "Q"),
        ("", None),
    ],
)
def test_the_version_of_the_firmware_begins_with_the_model(version: str, model: str | None) -> None:
    told = machine(decode("estats", json.dumps({"STATS": [{"MM ID0": f"Ver[{version}] A[1]"}]}).encode()))
    assert told is not None
    assert steps.model_of(told.first) == model


def test_only_what_this_computer_may_do_is_offered() -> None:
    assert identity_of(MINING, Offers()).capabilities == ()
    can_sleep = identity_of(MINING, Offers(options=frozenset({"softoff", "softon"}))).capabilities
    assert can_sleep == (Capability.SLEEP,)
    assert Capability.POWER_LIMIT not in identity_of(CONTROLLER, ALL_OFFERS).capabilities


def test_the_help_of_ascset_lists_its_options() -> None:
    text = '{"STATUS":[{"STATUS":"I","Code":118,"Msg":"ASC 0 set info: help|fan-spd|work_mode_lvl|softon|"}]}'
    assert options_of(decode("help", text.encode())) == {"help", "fan-spd", "work_mode_lvl", "softon"}


@pytest.mark.parametrize(
    ("letter", "code", "msg", "error"),
    [
        ("E", 45, "Access denied to 'ascset' command", Refused),
        ("E", 14, "Invalid command", Unsupported),
        ("E", 120, "ASC 0 set failed: Unknown option: led", Unsupported),
        ("E", 120, "ASC 0 set failed: current mode 0 is caling Don't permit switch mode", Unreachable),
        ("E", 120, "ASC 0 set failed: Auth Failed! password invalid!", Refused),
        ("E", 120, "ASC 0 set failed: invalid fan value", DeviceError),
        ("S", 119, "ASC 0 set OK", type(None)),
        ("I", 118, "ASC 0 set info: success softoff:1", type(None)),
    ],
)
def test_each_reply_ends_in_what_it_means(letter: str, code: int, msg: str, error: type) -> None:
    said = decode("x", json.dumps({"STATUS": [{"STATUS": letter, "Code": code, "Msg": msg}]}).encode())
    assert type(failure(said)) is error


def read_with(stats: bytes) -> None:
    with suppress(Garbled, MinerDown):
        parse.reading(answer(MINING, "summary"), answer(MINING, "pools"), decode("estats", stats), latency_ms=None)


KEYS = st.sampled_from(
    ["PS", "Temp", "GHSspd", "MGHS", "ECHU", "PVT_T0", "Ver", "MPO", "WORKMODE", "SoftOFF", "Fan1", "PING"]
)
WORDS = st.lists(st.one_of(st.integers().map(str), st.floats().map(str), st.text(max_size=6)), max_size=8).map(" ".join)
STRINGS = st.dictionaries(KEYS, WORDS, max_size=12).map(
    lambda some: " ".join(f"{key}[{value}]" for key, value in some.items())
)
NAMES = st.sampled_from(["MM ID0", "MM ID1", "MM ID12", "MM ID0:Summary", "MM ID", "MM IDx", "HBinfo"])


@given(st.dictionaries(NAMES, STRINGS | st.text(max_size=40) | st.integers(), max_size=4))
def test_no_string_crashes_the_reading(row: dict[str, Any]) -> None:
    read_with(json.dumps({"STATUS": [{"STATUS": "S", "When": 1}], "STATS": [row]}).encode())


@given(st.binary(max_size=300) | st.text(alphabet="'HB0{}[]: ,PVT_T0-273", max_size=200).map(str.encode))
def test_no_bytes_at_all_crash_the_reading(blob: bytes) -> None:
    read_with(blob)
    read_with(
        json.dumps({"STATS": [{"MM ID0:Summary": blob.decode("latin-1"), "HBinfo": blob.decode("latin-1")}]}).encode()
    )


@pytest.mark.parametrize("scene", SCENES, ids=name_of)
def test_a_reply_cut_anywhere_is_read_as_far_as_it_goes_or_garbled(scene: Path) -> None:
    whole = raw(scene, "estats") or b""
    for end in range(0, len(whole), 61):
        read_with(whole[:end])
    joined = json.dumps({name: [json.loads(raw(scene, name) or b"{}")] for name in ("pools", "estats")}).encode()
    for end in range(0, len(joined), 61):
        read_with(joined[:end])
