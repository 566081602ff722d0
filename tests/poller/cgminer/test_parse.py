"""What the cgminer driver makes of the replies of many firmwares."""

import json
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hashbus.messages import MinerReading, MinerState
from hashbus_poller.drivers.cgminer import commands, parse
from hashbus_poller.drivers.cgminer.answer import Answer, CgminerError, MinerDown, decode
from hashbus_poller.drivers.cgminer.identity import normal_mac, parse_version, split_name
from hashbus_poller.drivers.contract import DeviceError, Garbled, Refused, Unreachable, Unsupported
from tests.poller.cgminer.fixtures import SCENES, answer, name_of, raw
from tests.poller.cgminer.scripted import refusal, reply

JOINED = commands.ALL_AT_ONCE.name


def reading_of(scene: Path) -> MinerReading:
    if raw(scene, JOINED) is not None:
        return parse.parse_joined(answer(scene, JOINED))
    return parse.parse_reading(answer(scene, "summary"), answer(scene, "devs"), answer(scene, "pools"))


def summary_of(**fields: object) -> Answer:
    return decode("summary", reply(SUMMARY=[{"Elapsed": 100, "MHS av": 1e6, **fields}]))


def read(summary: Answer, devs: bytes | None = None, pools: bytes | None = None) -> MinerReading:
    return parse.parse_reading(
        summary,
        decode("devs", devs or refusal(10, "No devs")),
        decode("pools", pools or refusal(8, "No pools")),
    )


@pytest.mark.parametrize("scene", SCENES, ids=name_of)
def test_every_scene_reads_as_is_written_beside_it(scene: Path) -> None:
    expected = json.loads((scene / "reading.json").read_bytes())
    assert reading_of(scene).model_dump(mode="json", exclude_none=True) == expected


@pytest.mark.parametrize(("key", "value"), [("KHS", 2e9), ("MHS", 2e6), ("GHS", 2e3), ("THS", 2.0), ("GHS", "2000.0")])
def test_the_unit_of_a_hashrate_stands_in_its_name(key: str, value: object) -> None:
    summary = decode("summary", reply(SUMMARY=[{f"{key} av": value}]))
    assert read(summary).hashrate_ths == 2.0


def test_a_summary_without_a_hashrate_names_what_is_missing() -> None:
    summary = decode("summary", reply(SUMMARY=[{"Elapsed": 5}]))
    with pytest.raises(Garbled, match='summary: the reply SUMMARY lacks "MHS av"') as caught:
        read(summary)
    assert caught.value.payload == summary.raw


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ({"Elapsed": "soon"}, "SUMMARY has \"Elapsed\" = 'soon'; expected a number"),
        ({"Accepted": [1]}, "SUMMARY has \"Accepted\" = '\\[1\\]'; expected a number"),
        ({"MHS av": True}, "SUMMARY has \"MHS av\" = 'True'; expected a number"),
        ({"Elapsed": 10**400}, "expected a figure a miner can have"),
        ({"MHS av": -5.0}, "hashrate_ths: .*greater than or equal to 0"),
    ],
)
def test_a_field_of_the_wrong_kind_is_named_with_its_value(fields: dict[str, object], complaint: str) -> None:
    with pytest.raises(Garbled, match=complaint):
        read(summary_of(**fields))


@pytest.mark.parametrize("absent", ["", "-", "nan", "-inf", None])
def test_what_a_firmware_writes_for_nothing_is_null_and_not_zero(absent: object) -> None:
    assert read(summary_of(Stale=absent)).stale_shares is None


@pytest.mark.parametrize("no_sensor", [0, 0.0, -273.0, 255, 65535, "", None])
def test_no_sensor_is_null_and_not_zero_degrees(no_sensor: object) -> None:
    devs = reply(9, DEVS=[{"ASC": 0, "Enabled": "Y", "Status": "Alive", "Temperature": no_sensor}])
    assert read(summary_of(), devs).boards[0].board_c is None


def test_frost_is_a_temperature() -> None:
    devs = reply(9, DEVS=[{"ASC": 0, "Temperature": -12.5}])
    assert read(summary_of(), devs).boards[0].board_c == -12.5


def test_boards_that_are_all_switched_off_are_sleep_and_boards_that_are_all_dead_are_a_fault() -> None:
    def state(status: str, enabled: str) -> MinerState:
        devs = reply(9, DEVS=[{"ASC": 0, "Enabled": enabled, "Status": status, "MHS 5s": 0}])
        return read(summary_of(**{"MHS av": 0.0, "MHS 5s": 0.0}), devs).state

    assert state("Alive", "N") is MinerState.SLEEPING
    assert state("Dead", "Y") is MinerState.FAULT
    assert state("Alive", "Y") is MinerState.IDLE


def test_the_pool_in_use_is_the_first_alive_one_and_none_where_all_are_dead() -> None:
    def active(*rows: dict[str, object]) -> str | None:
        return read(summary_of(), pools=reply(7, POOLS=list(rows))).pool_url

    slow = {"POOL": 0, "URL": "a", "Status": "Dead", "Priority": 0}
    spare = {"POOL": 1, "URL": "b", "Status": "Alive", "Priority": 2}
    first = {"POOL": 2, "URL": "c", "Status": "Alive", "Priority": 1}
    assert active(slow, spare, first) == "c"
    assert active(slow, spare | {"Stratum Active": True}, first | {"Stratum Active": False}) == "b"
    assert active(slow) is None


@pytest.mark.parametrize(
    ("code", "message", "error"),
    [
        (45, "Access denied to 'restart' command", Refused),
        (14, "Invalid command", Unsupported),
        (127, "Deprecated", Unsupported),
        (132, "over max connect", Unreachable),
        (53, "Invalid addpool details", Refused),
        (None, "no code at all", Refused),
    ],
)
def test_a_no_becomes_the_error_that_fits_and_keeps_the_miners_words(
    code: int, message: str, error: type[DeviceError]
) -> None:
    with pytest.raises(DeviceError, match="restart: the miner answers") as caught:
        decode("restart", refusal(code, message)).require_success()
    assert type(caught.value) is error
    cause = caught.value.__cause__
    assert isinstance(cause, CgminerError)
    assert (cause.command, cause.code, cause.msg) == ("restart", code, message)


@pytest.mark.parametrize(
    "said", [b'{"STATUS":"RESTART"}\0', b'{"STATUS":[{"STATUS":"RESTART"}]}\0', b'{"STATUS":"BYE"}\0']
)
def test_a_restart_says_yes_in_words_of_its_own(said: bytes) -> None:
    decode("restart", said).require_success()


def test_a_line_of_text_means_that_only_the_control_board_is_up() -> None:
    with pytest.raises(MinerDown, match="Socket connect failed: Connection refused"):
        decode("summary", b"Socket connect failed: Connection refused\n\0")
    with pytest.raises(Garbled, match="instead of JSON"):
        decode("summary", b"HTTP/1.1 400 Bad Request\r\n\r\n")
    down = parse.down_reading("Socket connect failed: Connection refused")
    assert (down.state, down.hashrate_ths) == (MinerState.FAULT, None)
    assert down.errors[0].code == "miner_down"


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("Antminer S19j Pro", ("Antminer", "S19j Pro")),
        ("Antminer S19 (Vnish 1.2.6)", ("Antminer", "S19")),
        ("GekkoScience R909", ("GekkoScience", "R909")),
        ("Something Else", (None, "Something Else")),
        ("", (None, None)),
        (None, (None, None)),
    ],
)
def test_a_name_is_make_and_model(name: str | None, parts: tuple[str | None, str | None]) -> None:
    assert split_name(name) == parts


@pytest.mark.parametrize("mac", ["02:00:00:00:00:0A", "02000000000a", "02-00-00-00-00-0a", " 02000000000A "])
def test_a_mac_address_has_one_form(mac: str) -> None:
    assert normal_mac(mac) == "02:00:00:00:00:0a"
    assert normal_mac(mac + "ff") is None


@pytest.mark.parametrize(
    ("fields", "can_join"),
    [
        ({"CGMiner": "4.12.1", "API": "3.7"}, True),
        ({"CGMiner": "4.12.1", "API": "3.10"}, True),
        ({"CGMiner": "3.0.0", "API": "1.25"}, False),
        ({"CGMiner": "4.12.1", "API": "new"}, False),
        ({"CGMiner": "4.12.1"}, False),
        ({"BMMiner": "1.0.0", "API": "3.1"}, False),
        ({"CGMiner": "1.0.0", "API": "3.1", "Type": "Antminer S21"}, False),
    ],
)
def test_reports_are_joined_from_api_3_1_on_but_never_on_stock_antminers(
    fields: dict[str, str], can_join: bool
) -> None:
    assert parse_version(decode("version", reply(22, VERSION=[fields]))).can_join is can_join


broken = st.sampled_from([raw(scene, name) for scene in SCENES for name in (JOINED, "summary", "devs", "pools")])


@given(st.binary() | broken.filter(bool).flatmap(lambda said: st.integers(0, len(said)).map(lambda end: said[:end])))
def test_no_bytes_at_all_crash_the_parser(said: bytes) -> None:
    with suppress(DeviceError, MinerDown):
        parse.parse_joined(decode(JOINED, said).require_success())
    with suppress(DeviceError, MinerDown):
        parse.parse_reading(decode("summary", said), decode("devs", said), decode("pools", said))


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(["Y", "Alive", "1e999"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)
KEYS = ["MHS av", "GHS 5s", "Elapsed", "Accepted", "ASC", "Enabled", "Status", "Temperature", "Power", "Power Limit"]
KEYS += ["Upfreq Complete", "PCB SN", "Factory GHS", "Error Code Count", "Error Code 0", "URL", "User", "Priority"]
rows = st.lists(st.dictionaries(st.sampled_from(KEYS), values, max_size=8) | values, max_size=3)


@given(summary=rows | values, devs=rows | values, pools=rows | values, status=values)
def test_no_values_at_all_crash_the_parser(summary: object, devs: object, pools: object, status: object) -> None:
    document = {"STATUS": status, "SUMMARY": summary, "DEVS": devs, "POOLS": pools, "Msg": devs}
    said = json.dumps(document).encode()
    with suppress(DeviceError):
        parse.parse_reading(decode("summary", said), decode("devs", said), decode("pools", said))


@pytest.mark.parametrize("deep", [b"[" * 500_000, b'{"a":' * 200_000])
def test_brackets_without_end_are_garbled(deep: bytes) -> None:
    with pytest.raises(Garbled):
        decode("summary", deep)
