"""What the Bitaxe driver makes of AxeOS, in its three generations of keys."""

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hashbus.messages import Capability, MinerState
from hashbus_poller.drivers.bitaxe import identity, parse
from hashbus_poller.drivers.bitaxe.identity import Board
from hashbus_poller.drivers.contract import Garbled

FIXTURES = Path(__file__).parents[2] / "fixtures" / "bitaxe"
INFOS = sorted(FIXTURES.rglob("info*.json"))
GAMMA = FIXTURES / "gamma" / "2.12.0" / "info.json"


def board_of(info: Path, raw: bytes | None = None, **change: Any) -> Board:
    """The board as the driver knows it after asking `info` and, where the firmware has it, `asic`."""
    raw = raw or info.read_bytes()
    asic = info.parent / "asic.json"
    said = parse.info(raw) | change
    return identity.board(said, json.loads(asic.read_bytes()) if asic.exists() else None, raw, None)


@pytest.mark.parametrize("info", INFOS, ids=lambda path: "-".join(path.relative_to(FIXTURES).with_suffix("").parts))
def test_every_recording_reads_as_is_written_beside_it(info: Path) -> None:
    board = board_of(info.parent / "info.json")
    reading = parse.reading(parse.info(info.read_bytes()), info.read_bytes(), chips=board.chips, curve=board.curve)
    expected = json.loads((info.parent / info.name.replace("info", "reading")).read_bytes())
    assert reading.model_dump(mode="json", exclude_none=True) == expected


@pytest.mark.parametrize("info", sorted(FIXTURES.rglob("info.json")), ids=lambda path: path.parent.parent.name)
def test_every_board_is_known_by_its_family_and_its_steps(info: Path) -> None:
    expected = json.loads((info.parent / "identity.json").read_bytes())
    assert board_of(info).identity.model_dump(mode="json", exclude_none=True) == expected


def test_units_are_converted_and_no_sensor_is_null() -> None:
    raw = GAMMA.read_bytes()
    reading = parse.reading(parse.info(raw), raw)
    assert reading.hashrate_5s_ths == 1.2116, "GH/s become TH/s"
    assert reading.input_v == 5.0531, "mV become V"
    assert reading.chips_c == (58.1,), "temp2 of -1 is no sensor"
    assert reading.fans_rpm == (4210.0,), "a second fan at 0 is not fitted"


def test_a_pause_is_sleep_and_a_latch_is_a_fault() -> None:
    said = parse.info(GAMMA.read_bytes())
    assert parse.reading(said | {"miningPaused": True}, b"").state is MinerState.SLEEPING
    assert parse.reading(said | {"miningPaused": 1}, b"").state is MinerState.SLEEPING, "flags come as 1 and as true"
    hot = parse.reading(said | {"miningPaused": True, "overheat_mode": 1}, b"")
    assert hot.state is MinerState.FAULT
    assert [error.code for error in hot.errors] == ["overheat_mode"]


def test_the_expected_hashrate_is_worked_out_where_the_firmware_keeps_it_to_itself() -> None:
    said = parse.info(GAMMA.read_bytes())
    del said["expectedHashrate"]
    assert parse.reading(said | {"asicCount": 2}, b"").hashrate_expected_ths == pytest.approx(600 * 2040 * 2 / 1e6)
    assert parse.reading(said, b"").hashrate_expected_ths is None, "how many chips there are is not guessed"


@pytest.mark.parametrize(
    ("version", "keys", "more"),
    [
        ("v2.5.1", {}, set()),
        ("v2.12.0", {}, {Capability.BLINK}),
        ("v2.12.0b3", {}, {Capability.BLINK}),
        ("v2.14.0", {"miningPaused": False}, {Capability.BLINK, Capability.SLEEP}),
        ("Unknown", {}, set()),
    ],
)
def test_only_what_the_firmware_has_is_offered(version: str, keys: dict[str, object], more: set[Capability]) -> None:
    usual = {
        Capability.RESTART,
        Capability.REBOOT,
        Capability.FAN,
        Capability.POOL,
        Capability.POWER_LIMIT,
        Capability.FREQUENCY,
    }
    assert set(board_of(GAMMA, version=version, **keys).identity.capabilities) == usual | more


def test_a_chip_nobody_knows_on_old_firmware_is_read_but_not_set() -> None:
    raw = (FIXTURES / "ultra" / "2.5.1" / "info.json").read_bytes()
    board = identity.board(parse.info(raw) | {"ASICModel": "BM9999", "boardVersion": "?"}, None, raw, None)
    assert board.identity.model == "BM9999"
    assert Capability.POWER_LIMIT not in board.identity.capabilities
    assert Capability.FREQUENCY not in board.identity.capabilities


@pytest.mark.parametrize("key", ["ASICModel", "hashRate", "frequency"])
def test_a_missing_key_is_named(key: str) -> None:
    said = json.loads(GAMMA.read_bytes())
    del said[key]
    with pytest.raises(Garbled, match=key) as garbled:
        parse.info(json.dumps(said).encode())
    assert garbled.value.payload


@pytest.mark.parametrize(
    ("key", "value"), [("power", "a lot"), ("power", -3), ("temp", 999), ("fanspeed", True), ("stratumURL", 7)]
)
def test_a_wrong_value_is_named_and_the_answer_kept(key: str, value: object) -> None:
    raw = GAMMA.read_bytes()
    names = {"power": "power", "temp": "chip", "fanspeed": "fanspeed", "stratumURL": "stratumURL"}
    with pytest.raises(Garbled, match=names[key]) as garbled:
        parse.reading(parse.info(raw) | {key: value}, raw)
    assert garbled.value.payload == raw


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)


@given(st.binary() | JSON.map(lambda value: json.dumps(value).encode()))
def test_no_bytes_crash_the_parser(raw: bytes) -> None:
    with pytest.raises(Garbled):
        parse.info(raw)


def test_a_megabyte_of_brackets_does_not_crash_the_parser() -> None:
    with pytest.raises(Garbled):
        parse.info(b"[" * (1 << 20))


KEYS = sorted(set().union(*(json.loads(info.read_bytes()) for info in INFOS)))


@given(st.dictionaries(st.sampled_from(KEYS), JSON, max_size=6), JSON)
def test_no_values_crash_the_parser(change: dict[str, object], frequencies: object) -> None:
    raw = GAMMA.read_bytes()
    said = parse.info(raw) | change
    asic = {"frequencyOptions": frequencies, "defaultFrequency": frequencies}
    for use in (
        lambda: parse.reading(said, raw),
        lambda: parse.standing(said, raw),
        lambda: identity.board(said, asic, raw, None),
        lambda: identity.board(said, None, raw, None),
        lambda: identity.asks_options(said),
    ):
        with suppress(Garbled):
            use()
