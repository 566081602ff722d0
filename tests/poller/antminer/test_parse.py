"""What the antminer driver makes of the two shapes of firmware, of sleep, and of water."""

import json
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hashbus.messages import MinerIdentity, MinerReading, MinerState
from hashbus_poller.drivers.antminer import identity
from hashbus_poller.drivers.antminer.conf import parse_conf
from hashbus_poller.drivers.antminer.generation import takes_json
from hashbus_poller.drivers.antminer.identity import WebFacts, parse_system_info, parse_version
from hashbus_poller.drivers.antminer.levels import LevelRules, Rating, full_rate_ths, rate
from hashbus_poller.drivers.antminer.parse import Surroundings, parse_lamps, parse_reading
from hashbus_poller.drivers.antminer.stats import Stats, parse_stats
from hashbus_poller.drivers.cgminer.answer import MinerDown, decode
from hashbus_poller.drivers.cgminer.parse import parse_pools
from hashbus_poller.drivers.contract import DeviceError, Garbled
from hashbus_poller.readings import understanding
from tests.poller.antminer.fixtures import SCENES, answer, name_of, raw


def stats_of(scene: Path) -> Stats:
    said = answer(scene, "stats")
    assert said is not None
    return parse_stats(said)


def rating_of(scene: Path) -> Rating:
    page, version, stats = answer(scene, "conf"), answer(scene, "version"), stats_of(scene)
    conf = parse_conf(page) if page else None
    model = parse_version(version).model if version else stats.model
    return rate(model, full_rate_ths(stats, conf), conf, LevelRules())


def reading_of(scene: Path) -> MinerReading:
    pools, conf, page = answer(scene, "pools"), answer(scene, "conf"), answer(scene, "summary_page")
    assert pools is not None
    around = Surroundings(
        conf=parse_conf(conf) if conf else None, rating=rating_of(scene), lamps=parse_lamps(page) if page else ()
    )
    stats = stats_of(scene)
    return parse_reading(stats, parse_pools(pools), around, is_partial=stats.is_partial or pools.is_partial)


def identity_of(scene: Path) -> MinerIdentity | None:
    version, info, conf = answer(scene, "version"), answer(scene, "system_info"), answer(scene, "conf")
    if version is None:
        return None
    web = WebFacts(parse_system_info(info), parse_conf(conf)) if info and conf else None
    return identity.identity_of(parse_version(version), web, rating_of(scene), len(stats_of(scene).boards))


def device(**fields: object) -> Stats:
    """What `stats` of old firmware says with these fields."""
    row = {"STATS": 0, "Elapsed": 7210, "GHS 5s": 100_000.0, "GHS av": 100_000.0, **fields}
    return parse_stats(decode("stats", json.dumps({"STATS": [{"Type": "Antminer S19"}, row]}).encode()))


@pytest.mark.parametrize("scene", SCENES, ids=name_of)
def test_every_scene_reads_as_is_written_beside_it(scene: Path) -> None:
    expected = json.loads((scene / "reading.json").read_bytes())
    assert reading_of(scene).model_dump(mode="json", exclude_none=True) == expected


@pytest.mark.parametrize("scene", [scene for scene in SCENES if (scene / "identity.json").exists()], ids=name_of)
def test_every_miner_is_who_is_written_beside_it(scene: Path) -> None:
    who = identity_of(scene)
    assert who is not None
    assert who.model_dump(mode="json", exclude_none=True) == json.loads((scene / "identity.json").read_bytes())


@pytest.mark.parametrize(
    ("unit", "hashrate_ths"), [("GH", 100.0), ("MH", 0.1), ("H/s", 1e-7), ("TH/s", 1e5), ("gh/s", 100.0), (None, 100.0)]
)
def test_the_unit_of_every_rate_stands_beside_it(unit: str | None, hashrate_ths: float) -> None:
    assert device(rate_unit=unit).latest_ths == hashrate_ths


def test_an_unknown_unit_is_named_and_not_guessed() -> None:
    with pytest.raises(Garbled, match="\"rate_unit\" = 'Sol/s'; expected one of H, KH, MH, GH, TH, PH"):
        device(rate_unit="Sol/s")


@pytest.mark.parametrize(
    ("key", "told", "power_w"),
    [
        ("chain_power", "3250 W", 3250.0),
        ("chain_power", "3250.5W", 3250.5),
        ("power", 3250, 3250.0),
        ("watt", "3250", 3250.0),
        ("watt", 0, None),
        ("power", "unknown", None),
        ("chain_power", "", None),
    ],
)
def test_power_is_told_where_the_firmware_tells_it_and_is_never_zero(
    key: str, told: object, power_w: float | None
) -> None:
    assert device(**{key: told}).power_w == power_w


@pytest.mark.parametrize(
    ("fans", "fitted", "rpm"),
    [
        ([4900, 5000, 4800, 4950], 4, (4900, 5000, 4800, 4950)),
        ([4900, 0, 4800, 4950], 4, (4900, 4800, 4950, 0)),
        ([0, 0, 5880, 0, 0, 4320, 0, 0], 2, (5880, 4320)),
        ([0, 0, 5880, 0, 0, 0, 0, 0], 2, (5880, 0)),
        ([0, 0, 0, 0], 0, ()),
        ([], 4, ()),
    ],
)
def test_a_fan_that_stands_still_is_shown_and_a_place_without_a_fan_is_not(
    fans: list[int], fitted: int, rpm: tuple[float, ...]
) -> None:
    told = {f"fan{place + 1}": speed for place, speed in enumerate(fans)}
    assert device(fan_num=fitted, **told).fans_rpm == rpm


@pytest.mark.parametrize(
    ("sensors", "chips_c"),
    [
        ("63-61-76-75", (63, 61, 76, 75)),
        ("0-0-76-0", (76,)),
        ("-5--3-2-0", (-5, -3, 2)),
        ([63, 0, "76", None], (63, 76)),
        ("0-0-0-0", ()),
        ("", ()),
        (None, ()),
        ("255-255-76-75", (76, 75)),
    ],
)
def test_sensors_come_as_text_or_list_and_zero_is_no_sensor(sensors: object, chips_c: tuple[float, ...]) -> None:
    board = device(chain_acn1=126, temp_chip1=sensors).boards[0]
    assert board.chips_c == chips_c


@pytest.mark.parametrize(
    ("chip_map", "rate", "chips_ok", "is_healthy"),
    [
        (" ooo o", "100.0", 4, True),
        (" oox o", "100.0", 3, False),
        (" oo- o", "100.0", 3, True),
        (" xxx x", "0.00", None, None),
        (" xxx x", "", None, None),
        (" ooo", "100.0", None, True),
        ("", "100.0", None, True),
    ],
)
def test_chips_are_counted_where_the_map_shows_each_of_them(
    chip_map: str, rate: str, chips_ok: int | None, is_healthy: bool | None
) -> None:
    board = device(chain_acn1=4, chain_acs1=chip_map, chain_rate1=rate).boards[0].telemetry
    assert (board.chips_ok, board.chips_total, board.is_healthy) == (chips_ok, 4, is_healthy)


ASLEEP = parse_conf(decode("conf", b'{"pools":[],"bitmain-work-mode":"1"}'))
AWAKE = parse_conf(decode("conf", b'{"pools":[],"bitmain-work-mode":"0"}'))
BOARDS = device(chain_acn1=4).boards
EMPTY = Stats(is_empty=True)


@pytest.mark.parametrize(
    ("stats", "around", "state"),
    [
        (Stats(elapsed_s=5000, latest_ths=100.0), Surroundings(conf=AWAKE), MinerState.MINING),
        (Stats(elapsed_s=5000, latest_ths=100.0), Surroundings(conf=ASLEEP), MinerState.MINING),
        (Stats(elapsed_s=60, latest_ths=50.0, ideal_ths=100.0), Surroundings(conf=AWAKE), MinerState.TUNING),
        (Stats(elapsed_s=60, latest_ths=99.0, ideal_ths=100.0), Surroundings(conf=AWAKE), MinerState.MINING),
        (Stats(elapsed_s=5000, latest_ths=50.0, ideal_ths=100.0), Surroundings(conf=AWAKE), MinerState.MINING),
        (Stats(elapsed_s=60, latest_ths=0.0, boards=BOARDS), Surroundings(conf=AWAKE), MinerState.TUNING),
        (Stats(elapsed_s=60, latest_ths=0.0, boards=BOARDS), Surroundings(conf=ASLEEP), MinerState.SLEEPING),
        (Stats(elapsed_s=5000, latest_ths=0.0, boards=BOARDS), Surroundings(conf=AWAKE), MinerState.IDLE),
        (Stats(elapsed_s=5000, latest_ths=0.0, boards=BOARDS), Surroundings(), MinerState.IDLE),
        (Stats(elapsed_s=5000, latest_ths=0.0), Surroundings(conf=AWAKE), MinerState.FAULT),
        (EMPTY, Surroundings(conf=ASLEEP), MinerState.SLEEPING),
        (EMPTY, Surroundings(silent_s=60), MinerState.TUNING),
        (EMPTY, Surroundings(silent_s=130), MinerState.SLEEPING),
        (EMPTY, Surroundings(conf=AWAKE, silent_s=130), MinerState.FAULT),
    ],
)
def test_what_hashes_mines_and_what_does_not_is_told_by_its_setting(
    stats: Stats, around: Surroundings, state: MinerState
) -> None:
    assert parse_reading(stats, (), around, is_partial=False).state is state


@pytest.mark.parametrize(
    ("model", "is_json"),
    [
        ("S19j Pro", True),
        ("S21", True),
        ("T21", True),
        ("S19", True),
        ("L9", True),
        ("S17 Pro", False),
        ("T17", False),
        ("S9", False),
        ("S9 Hydro", False),
        ("S15", False),
        ("", False),
        (None, False),
    ],
)
def test_the_generation_stands_in_the_name(model: str | None, is_json: bool) -> None:
    assert takes_json(model) is is_json


@pytest.mark.parametrize(
    ("fields", "firmware"),
    [
        ({"BMMiner": "1.0.0", "Type": "Antminer S19"}, "stock"),
        ({"BMMiner": "1.0.0", "Type": "Antminer S19 (Vnish 1.2.6)"}, "VNish"),
        ({"LUXminer": "2025.4", "Type": "Antminer S19"}, "LuxOS"),
        ({"BOSminer+": "0.2", "Type": "Antminer S19"}, "Braiins OS"),
    ],
)
def test_other_firmware_gives_itself_away_and_can_do_nothing_here(fields: dict[str, str], firmware: str) -> None:
    version = parse_version(decode("version", json.dumps({"VERSION": [fields]}).encode()))
    assert (version.model, version.firmware) == ("S19", firmware)
    web = WebFacts(parse_system_info(decode("info", b"{}")), AWAKE)
    who = identity.identity_of(version, web, Rating(), 3)
    assert bool(who.capabilities) is (firmware == "stock")


said = st.sampled_from([raw(scene, name) for scene in SCENES for name in ("stats", "pools", "conf", "summary_page")])


@given(st.binary() | said.filter(bool).flatmap(lambda one: st.integers(0, len(one)).map(lambda end: one[:end])))
def test_no_bytes_at_all_crash_a_parser(given_bytes: bytes) -> None:
    for parse in (parse_stats, parse_pools, parse_conf, parse_lamps, parse_version, parse_system_info):
        with suppress(DeviceError, MinerDown), understanding(given_bytes):
            parse(decode("anything", given_bytes))


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(["1-2-3-4", "GH", "1e999"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)
OLD = ["Elapsed", "GHS 5s", "GHS av", "rate_unit", "fan1", "fan_num", "chain_acn1", "chain_acs1", "chain_rate1"]
OLD += ["temp_pcb1", "temp_chip1", "temp_pic1", "temp1", "freq1", "Mode", "watt", "Type", "total_rateideal"]
NEW = ["elapsed", "rate_5s", "rate_avg", "rate_ideal", "rate_unit", "fan", "fan_num", "chain", "miner-mode"]
CHAIN = ["index", "freq_avg", "rate_real", "asic_num", "asic", "temp_pcb", "temp_chip", "hw", "sn"]
chains = st.lists(st.dictionaries(st.sampled_from(CHAIN), values) | values, max_size=2)
rows = st.dictionaries(st.sampled_from(OLD), values) | st.dictionaries(st.sampled_from(NEW), values | chains)


@given(st.lists(rows | values, max_size=3) | values, values)
def test_no_values_at_all_crash_the_parser_of_stats(stats: object, info: object) -> None:
    document = json.dumps({"STATS": stats, "INFO": info, "POOLS": stats, "pools": stats, "SUMMARY": stats}).encode()
    for parse in (parse_stats, parse_pools, parse_conf, parse_lamps):
        with suppress(DeviceError), understanding(document):
            made = parse(decode("stats", document))
            if isinstance(made, Stats):
                parse_reading(made, (), Surroundings(), is_partial=False)
