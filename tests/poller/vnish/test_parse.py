"""What the VNish driver makes of its REST answers, in two generations of the interface."""

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hashbus.messages import Capability, MinerReading, MinerState
from hashbus_poller.drivers.contract import Garbled
from hashbus_poller.drivers.vnish import commands, parse
from hashbus_poller.drivers.vnish.identity import Asked, Known, Rights, facts_of, known_of
from hashbus_poller.drivers.vnish.presets import Level, level_within, levels_of, power_in_force_w, preset_w
from hashbus_poller.drivers.vnish.settings import pool_number, saved_of

FIXTURES = Path(__file__).parents[2] / "fixtures" / "vnish"
SCENES = sorted(path.parent for path in FIXTURES.rglob("summary.json"))
OLD = FIXTURES / "S19_Pro" / "1.2.6" / "watts_in_power_usage"
NEW = FIXTURES / "S21" / "1.3.4" / "throttled_and_joules_in_power_usage"


def name_of(scene: Path) -> str:
    return " ".join(scene.relative_to(FIXTURES).parts).replace("_", " ")


def raw(scene: Path, name: str) -> bytes | None:
    path = scene / f"{name}.json"
    return path.read_bytes() if path.exists() else None


def need(scene: Path, name: str) -> bytes:
    return (scene / f"{name}.json").read_bytes()


def reading_of(scene: Path, **changed: Any) -> MinerReading:
    """The reading of a scene; `changed` are other values of the summary's `miner`."""
    facts = facts_of(need(scene, "info"), raw(scene, "model"))
    power_limit_w = power_in_force_w(need(scene, "perf_summary"))
    summary = json.loads(need(scene, "summary"))
    if changed:
        summary = {"miner": summary["miner"] | changed}
    answer = json.dumps(summary).encode()
    miner = parse.miner_of(answer)
    if miner is None:
        return parse.down_reading(need(scene, "status"), power_limit_w)
    return parse.reading(miner, answer, facts, power_limit_w)


def known(scene: Path) -> Known:
    presets, settings = raw(scene, "presets"), raw(scene, "settings")
    rights = Rights(levels_of(presets), saved_of(settings).cooling) if presets and settings else None
    asked = Asked(need(scene, "info"), need(scene, "status"), raw(scene, "model"), raw(scene, "factory"))
    return known_of(asked, rights)


@pytest.mark.parametrize("scene", SCENES, ids=name_of)
def test_every_scene_reads_as_is_written_beside_it(scene: Path) -> None:
    expected = json.loads(need(scene, "reading"))
    assert reading_of(scene).model_dump(mode="json", exclude_none=True) == expected


@pytest.mark.parametrize("scene", SCENES, ids=name_of)
def test_every_miner_is_known_with_what_can_be_done_with_it(scene: Path) -> None:
    expected = json.loads(need(scene, "identity"))
    assert known(scene).identity.model_dump(mode="json", exclude_none=True) == expected


def test_watts_and_joules_under_one_key_are_not_mixed_up() -> None:
    old, new = reading_of(OLD), reading_of(NEW)
    assert (old.power_w, old.efficiency_j_per_th) == (3262, 29.59)
    assert (new.power_w, new.efficiency_j_per_th) == (2805, 16.5)


def test_only_where_the_watts_have_no_key_of_their_own_the_old_one_counts() -> None:
    oldest = reading_of(FIXTURES / "S19" / "1.2.0" / "without_the_newer_keys")
    assert oldest.power_w == 3240
    assert oldest.hashrate_5s_ths == 95.2, "the old key is a thousand times as coarse"
    assert reading_of(NEW, power_consumption=None).power_w is None, "17 J/TH are not 17 W"


def test_the_firmwares_own_fee_is_not_the_owners() -> None:
    reading = reading_of(OLD)
    assert [pool.url for pool in reading.pools] == ["pool.example:3333", "backup.example:3333"]
    assert reading.accepted_shares == 812 + 4
    assert reading.pool_latency_ms == 41


@pytest.mark.parametrize("word", [*parse.STATES, "dreaming"])
def test_every_word_for_a_state_is_known_and_a_new_one_does_no_harm(word: str) -> None:
    reading = reading_of(OLD, miner_status={"miner_state": word, "miner_state_time": 5})
    assert reading.state is parse.STATES.get(word, MinerState.UNKNOWN)


def test_full_power_is_no_modulation() -> None:
    for percent, expected in ((80, 80), (100, None), (0, None)):
        status = {"miner_state": "mining", "miner_state_time": 5, "throttled": percent}
        assert reading_of(NEW, miner_status=status).power_percent_pct == expected


class TestPresets:
    def test_only_tuned_presets_for_the_stock_supply_are_offered(self) -> None:
        levels = levels_of(need(OLD, "presets"))
        assert levels == (Level("2000", 2000), Level("2500", 2500), Level("3250", 3250))

    @pytest.mark.parametrize(
        ("preset", "watts"),
        [
            ({"name": "2500", "pretty": "2500 watt ~ 88 TH"}, 2500),
            ({"name": "eco", "pretty": "1800W ~ 60 TH"}, 1800),
            ({"name": "3100", "pretty": "quiet"}, 3100),
            ({"name": "disabled", "pretty": "Disabled"}, None),
            ({"name": "110TH", "pretty": "110 TH"}, None),
            ({}, None),
        ],
    )
    def test_the_watts_stand_in_its_name(self, preset: dict[str, str], watts: float | None) -> None:
        assert preset_w(preset) == watts

    def test_a_limit_takes_the_highest_preset_below_it(self) -> None:
        levels = levels_of(need(OLD, "presets"))
        assert level_within(levels, 3000) == Level("2500", 2500)
        assert level_within(levels, 1999) is None

    def test_the_rest_of_the_overclocking_stays_as_it_is(self) -> None:
        body = commands.set_preset(saved_of(need(OLD, "settings")).overclock, "2500").body
        assert body["miner"]["overclock"]["preset"] == "2500"
        assert body["miner"]["overclock"]["globals"] == {"freq": 525, "volt": 1380}

    def test_the_firmware_may_not_climb_above_the_limit_by_itself(self) -> None:
        overclock = {"preset": "3250", "preset_switcher": {"enabled": True, "top_preset": "3250", "rise_temp": 55}}
        switcher = commands.set_preset(overclock, "2500").body["miner"]["overclock"]["preset_switcher"]
        assert switcher == {"enabled": True, "top_preset": "2500", "rise_temp": 55}


class TestSettings:
    def test_a_new_pool_comes_first_and_empty_places_are_none(self) -> None:
        saved = saved_of(need(OLD, "settings"))
        pools = saved.with_pool_first("stratum+tcp://new.example:1", "w", "p")
        assert [pool["url"] for pool in pools] == ["stratum+tcp://new.example:1", "stratum+tcp://pool.example:3333"]
        assert pools[0]["pass"] == "p"

    def test_a_known_pool_keeps_its_password_however_its_address_is_spelled(self) -> None:
        settings = json.loads(need(OLD, "settings"))
        settings["miner"]["pools"][0]["pass"] = "secret"
        saved = saved_of(json.dumps(settings).encode())
        assert saved.is_first("pool.example:3333", "farm.v1")
        assert saved.with_pool_first("pool.example:3333", "farm.v1", None)[0]["pass"] == "secret"
        assert "secret" not in repr(saved)

    def test_the_running_daemon_numbers_its_pools(self) -> None:
        summary = need(OLD, "summary")
        assert pool_number(summary, "stratum+tcp://backup.example:3333", "farm.v1") == 1
        assert pool_number(summary, "fee.example:3333", "vnish.fee") is None, "nobody mines for the fee by order"
        assert pool_number(b'{"miner": null}', "x", "y") is None

    def test_what_is_not_settings_is_kept_without_passwords(self) -> None:
        with pytest.raises(Garbled) as garbled:
            saved_of(b'{"miner": {"pools": [{"pass": "secret"')
        assert b"secret" not in garbled.value.payload


def test_without_a_login_nothing_is_offered() -> None:
    starting = FIXTURES / "S19k_Pro" / "1.3.4" / "starting"
    assert known(starting).identity.capabilities == ()


def test_fans_and_throttle_are_offered_where_they_are() -> None:
    assert Capability.POWER_PERCENT not in known(OLD).identity.capabilities
    assert Capability.FAN in known(OLD).identity.capabilities
    wet = known(FIXTURES / "S21_Hyd" / "1.3.4" / "water_in_immersion").identity
    assert Capability.POWER_PERCENT in wet.capabilities
    assert Capability.FAN not in wet.capabilities
    assert wet.is_liquid_cooled


def test_a_wrong_kind_of_value_is_named() -> None:
    with pytest.raises(Garbled, match="miner is missing"):
        parse.miner_of(b'{"chains": []}')
    with pytest.raises(Garbled, match="hr_realtime is missing"):
        reading_of(OLD, hr_realtime=None)
    with pytest.raises(Garbled, match="chains is 'none', which is not a list of objects"):
        reading_of(OLD, chains="none")
    with pytest.raises(Garbled, match="miner_state is missing"):
        reading_of(OLD, miner_status={})


KEYS = (
    *("miner_status", "miner_state", "chains", "status", "state", "id", "chip_temp", "max", "pools", "url", "user"),
    *("cooling", "fans", "rpm", "fan_duty", "hr_realtime", "power_consumption", "psu", "temps", "pfc_temp", "voltage"),
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4),
    max_leaves=12,
)


@given(key=st.sampled_from(KEYS), value=json_values)
def test_no_json_at_all_crashes_the_parser(key: str, value: Any) -> None:
    with suppress(Garbled):
        reading_of(OLD, **{key: value})


@given(st.binary() | json_values.map(lambda value: json.dumps(value).encode()))
def test_no_bytes_at_all_crash_the_parsers(answer: bytes) -> None:
    info, status = need(OLD, "info"), need(OLD, "status")
    for parser in (
        parse.miner_of,
        parse.standing,
        lambda answer: parse.down_reading(answer, None),
        levels_of,
        power_in_force_w,
        saved_of,
        lambda answer: pool_number(answer, "x", "y"),
        lambda answer: facts_of(answer, None),
        lambda answer: known_of(Asked(answer, status), None),
        lambda answer: known_of(Asked(info, answer, answer, answer), Rights()),
    ):
        with suppress(Garbled):
            parser(answer)
