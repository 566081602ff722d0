"""What the Braiins OS driver makes of its REST answers."""

import json
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hashbus.messages import Capability, MinerReading, MinerState
from hashbus_poller.drivers.braiins import parse
from hashbus_poller.drivers.braiins.faults import recent_errors
from hashbus_poller.drivers.braiins.identity import Limits, known_of, limits_of, release
from hashbus_poller.drivers.braiins.pools import groups_of, is_first, with_pool_first
from hashbus_poller.drivers.contract import Garbled

FIXTURES = Path(__file__).parents[2] / "fixtures" / "braiins"
SCENES = sorted(path.parent for path in FIXTURES.rglob("details.json"))
MINING = FIXTURES / "S19_XP" / "25.07" / "mining"
PARTS = ("stats", "hashboards", "cooling", "tuner", "pools")


def name_of(scene: Path) -> str:
    return " ".join(scene.relative_to(FIXTURES).parts).replace("_", " ")


def reading_of(scene: Path, **changed: Any) -> MinerReading:
    """The reading of a scene; `changed` replaces whole answers."""
    raw = {part: (scene / f"{part}.json").read_bytes() for part in PARTS if (scene / f"{part}.json").exists()}
    raw |= {part: json.dumps(value).encode() for part, value in changed.items()}
    details = raw.pop("details", (scene / "details.json").read_bytes())
    now = parse.process(details)
    return parse.reading(now, parse.Rest(**raw)) if now.runs else parse.idle_reading(now)


def said(part: str, scene: Path = MINING) -> Any:
    return json.loads((scene / f"{part}.json").read_bytes())


@pytest.mark.parametrize("scene", SCENES, ids=name_of)
def test_every_scene_reads_as_is_written_beside_it(scene: Path) -> None:
    expected = json.loads((scene / "reading.json").read_bytes())
    assert reading_of(scene).model_dump(mode="json", exclude_none=True) == expected


@pytest.mark.parametrize("scene", SCENES, ids=name_of)
def test_every_miner_is_known_by_its_details_and_bounds(scene: Path) -> None:
    constraints = scene / "constraints.json"
    limits = limits_of(constraints.read_bytes()) if constraints.exists() else Limits()
    identity = known_of((scene / "details.json").read_bytes(), limits).identity
    expected = json.loads((scene / "identity.json").read_bytes())
    assert identity.model_dump(mode="json", exclude_none=True) == expected


@pytest.mark.parametrize(
    ("status", "tuner_state", "state"),
    [
        (0, 2, MinerState.MINING),
        (2, 0, MinerState.MINING),
        (2, 1, MinerState.MINING),
        (2, 3, MinerState.TUNING),
        (2, 5, MinerState.MINING),
        (2, 6, MinerState.TUNING),
        (2, 99, MinerState.MINING),
        (3, 3, MinerState.SLEEPING),
        (5, 2, MinerState.MINING),
    ],
)
def test_status_and_tuner_state_are_numbers_and_new_ones_do_no_harm(
    status: int, tuner_state: int, state: MinerState
) -> None:
    reading = reading_of(
        MINING,
        details=said("details") | {"status": status},
        tuner=said("tuner") | {"overall_tuner_state": tuner_state},
    )
    assert reading.state is state


def test_a_miner_without_hashes_is_idle_and_a_failed_tuner_is_a_fault() -> None:
    silent = said("stats")
    silent["miner_stats"]["real_hashrate"]["last_5s"] = {"gigahash_per_second": 0.0}
    assert reading_of(MINING, stats=silent).state is MinerState.IDLE
    failed = reading_of(MINING, stats=silent, tuner=said("tuner") | {"overall_tuner_state": 4})
    assert failed.state is MinerState.FAULT
    assert [error.code for error in failed.errors] == ["tuner_error"]


def test_what_the_vendor_does_not_explain_is_named_all_the_same() -> None:
    for status, code in ((4, "suspended"), (5, "restricted")):
        reading = reading_of(MINING, details=said("details") | {"status": status})
        assert [error.code for error in reading.errors] == [code]


def test_a_process_that_does_not_run_is_sleep_and_just_after_boot_it_is_a_start() -> None:
    stopped = said("details") | {"status": 1, "bosminer_uptime_s": 0}
    assert reading_of(MINING, details=stopped).state is MinerState.SLEEPING
    assert reading_of(MINING, details=stopped | {"system_uptime_s": 40}).state is MinerState.TUNING


def test_power_and_targets_that_are_not_there_are_unknown_and_never_zero() -> None:
    stats = said("stats")
    stats["power_stats"] = None
    reading = reading_of(MINING, stats=stats, tuner={"mode_state": None, "overall_tuner_state": 1})
    assert (reading.power_w, reading.power_limit_w, reading.efficiency_j_per_th) == (None, None, None)


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        ("2025-08-06-0-3881c51d-25.07-plus", (25, 7)),
        ("2024-05-01-0-00000000-24.04.1-plus", (24, 4)),
        ("2022-09-13-0-11012d53-22.08", (22, 8)),
        ("nightly", (0, 0)),
        (None, (0, 0)),
    ],
)
def test_the_release_is_the_year_and_month_at_the_end(version: str | None, expected: tuple[int, int]) -> None:
    assert release(version) == expected


def test_fans_are_offered_from_the_version_that_can_set_them() -> None:
    old = known_of((FIXTURES / "S9" / "24.09" / "stopped" / "details.json").read_bytes(), Limits()).identity
    assert Capability.FAN not in old.capabilities
    assert Capability.POWER_LIMIT not in old.capabilities, "nothing is offered whose bounds are unknown"
    new = known_of((MINING / "details.json").read_bytes(), Limits(1000.0, 3000.0)).identity
    assert {Capability.FAN, Capability.POWER_LIMIT} <= set(new.capabilities)


CONFIGURED: dict[str, Any] = {
    "pool_groups": [
        {
            "uid": "0",
            "name": "A",
            "load_balance_strategy": {"fixed_share_ratio": {"value": 0.6}},
            "pools": [
                {"uid": "x", "url": "stratum+tcp://one:1", "user": "u", "password": "secret", "enabled": True},
                {"url": "stratum+tcp://two:2", "user": "u"},
            ],
        },
        {"name": "B", "pools": [{"url": "stratum+tcp://three:3", "user": "u", "enabled": False}]},
    ]
}


class TestPools:
    def test_groups_are_written_back_whole_and_without_ids(self) -> None:
        groups = groups_of(CONFIGURED, b"[]")
        assert groups[0]["load_balance_strategy"] == {"fixed_share_ratio": {"value": 0.6}}
        assert "uid" not in groups[0]
        assert groups[0]["pools"][0] == {
            "url": "stratum+tcp://one:1",
            "user": "u",
            "password": "secret",
            "enabled": True,
        }
        assert groups[1]["pools"] == [{"url": "stratum+tcp://three:3", "user": "u", "enabled": False}]

    def test_a_new_pool_comes_first_and_no_other_is_lost(self) -> None:
        new = {"url": "stratum+tcp://new:4", "user": "u", "enabled": True}
        groups = with_pool_first(groups_of(CONFIGURED, b"[]"), new)
        assert [pool["url"][-1] for group in groups for pool in group["pools"]] == ["4", "1", "2", "3"]

    def test_a_known_pool_moves_up_and_keeps_its_password(self) -> None:
        groups = groups_of(CONFIGURED, b"[]")
        assert is_first(groups, "stratum+tcp://one:1", "u")
        assert not is_first(groups, "stratum+tcp://two:2", "u")
        moved = with_pool_first(groups, {"url": "stratum+tcp://one:1", "user": "u", "enabled": True})
        assert moved[0]["pools"][0]["password"] == "secret"
        assert len(moved[0]["pools"]) == 2

    def test_a_version_that_lists_no_groups_in_its_configuration_is_asked_for_its_pools(self) -> None:
        groups = groups_of({"pool_groups": []}, (MINING / "pools.json").read_bytes())
        assert groups[0]["load_balance_strategy"] == {"quota": {"value": 1}}
        assert [pool["url"] for pool in groups[0]["pools"]] == [
            "stratum+tcp://pool.example:3333",
            "stratum+tcp://backup.example:3333",
        ]


class TestJournal:
    journal = (FIXTURES / "S21_Pro" / "26.04" / "one_board_lost" / "errors.json").read_bytes()
    at = datetime(2026, 4, 17, 18, 0, tzinfo=UTC)

    def test_codes_become_words_with_a_hint(self) -> None:
        (error,) = recent_errors(self.journal, since=self.at)
        assert error.code == "V2"
        assert error.text is not None
        assert error.text.startswith("Hashboard 3: voltage out of range: Low hashboard voltage: Either overcurrent")
        assert error.since is not None

    def test_what_is_over_is_not_told_again(self) -> None:
        assert recent_errors(self.journal, since=self.at + timedelta(days=1)) == ()

    def test_an_entry_without_a_proper_time_or_code_does_no_harm(self) -> None:
        odd = b'{"errors": [{"timestamp": "soon", "message": "x"}, {"timestamp": "2026-05-01T00:00:00.123456789Z"}]}'
        assert len(recent_errors(odd, since=self.at)) <= 1


def test_a_wrong_kind_of_value_is_named() -> None:
    with pytest.raises(Garbled, match="status is missing"):
        parse.process(b"{}")
    with pytest.raises(Garbled, match="watt is 'lots'"):
        reading_of(MINING, stats={"power_stats": {"approximated_consumption": {"watt": "lots"}}})
    with pytest.raises(Garbled, match="hashboards is 'none', which is not a list of objects"):
        reading_of(MINING, hashboards={"hashboards": "none"})


KEYS = (
    *("hashboards", "stats", "id", "real_hashrate", "last_5s", "gigahash_per_second", "fans", "rpm", "degree_c"),
    *("pools", "url", "status", "mode_state", "watt", "errors", "timestamp"),
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(KEYS),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(part=st.sampled_from(PARTS), value=json_values)
def test_no_json_at_all_crashes_the_parser(part: str, value: Any) -> None:
    with suppress(Garbled):
        reading_of(MINING, **{part: value})


@given(st.binary())
def test_no_bytes_at_all_crash_the_parsers(raw: bytes) -> None:
    for parser in (
        parse.process,
        parse.tuner,
        limits_of,
        lambda answer: known_of(answer, Limits()),
        lambda answer: recent_errors(answer, since=TestJournal.at),
        lambda answer: groups_of({}, answer),
    ):
        with suppress(Garbled):
            parser(raw)
