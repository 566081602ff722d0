"""What a worker in the Hive API becomes, with the fields of the vendor's description and without them."""

import json
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hashbus.messages import MinerReading, MinerState
from hashbus_poller.drivers.contract import DeviceError, Unreachable
from hashbus_poller.drivers.hiveos.identity import identity
from hashbus_poller.drivers.hiveos.parse import reading

NOW = 1_577_829_600
SHA256 = {"miner": "asicminer", "algo": "sha256", "coin": "BTC", "hash": 13_500_000_000}
WORKER: Mapping[str, Any] = {
    "stats": {
        "online": True,
        "stats_time": NOW,
        "boot_time": NOW - 900,
        "miner_start_time": NOW - 800,
        "power_draw": 1300,
    },
    "miners_summary": {"hashrates": [{**SHA256, "shares": {"accepted": 100, "rejected": 1}}]},
}


def read(**more: Any) -> MinerReading:
    return reading(json.dumps({**WORKER, **more}).encode())


def test_kilohashes_become_terahashes() -> None:
    assert read().hashrate_ths == 13.5


def test_times_are_counted_to_the_workers_last_word() -> None:
    assert (read().uptime_s, read().mining_s) == (900, 800)


def test_the_hashrate_of_another_algorithm_is_not_added_to_that_of_bitcoin() -> None:
    rates = [SHA256, {"algo": "ethash", "hash": 92_165}]
    assert read(miners_summary={"hashrates": rates}).hashrate_ths == 13.5


def test_a_rig_that_mines_something_else_hashes_nothing_here() -> None:
    found = read(miners_summary={"hashrates": [{"algo": "ethash", "hash": 92_165}]})
    assert (found.hashrate_ths, found.power_w, found.efficiency_j_per_th) == (None, 1300, None)


@pytest.mark.parametrize(
    ("rates", "started_s_ago", "state"),
    [
        ([], 10, MinerState.SLEEPING),
        ([{**SHA256, "hash": 0}], 10, MinerState.TUNING),
        ([{**SHA256, "hash": 0}], 4000, MinerState.IDLE),
        ([SHA256], 10, MinerState.MINING),
    ],
)
def test_what_a_worker_does_is_told_by_its_hashrates(
    rates: list[dict[str, Any]], started_s_ago: int, state: MinerState
) -> None:
    stats = {**WORKER["stats"], "miner_start_time": NOW - started_s_ago}
    assert read(stats=stats, miners_summary={"hashrates": rates}).state is state


def test_a_chip_that_does_not_work_makes_its_board_sick() -> None:
    boards = [{"chain": 1, "acn": 3, "status": [1, 1, 2]}, {"chain": 2, "acn": 3, "status": [1, 0, 1]}]
    found = read(asic_stats={"boards": boards})
    assert [board.is_healthy for board in found.boards] == [True, False]
    assert [board.chips_ok for board in found.boards] == [2, 2]
    assert found.boards_healthy == 1


def test_hashrates_that_fit_no_boards_are_nobodys() -> None:
    stats = {"hashrates": [{"algo": "sha256", "hashes": [1e9, 1e9]}]}
    found = read(asic_stats={"boards": [{"chain": 1}]}, miners_stats=stats)
    assert [board.hashrate_ths for board in found.boards] == [None]


@pytest.mark.parametrize("stats", [{}, {"online": False}, {"online": False, "stats_time": 1e300}])
def test_a_worker_that_says_nothing_is_unreachable(stats: dict[str, Any]) -> None:
    with pytest.raises(Unreachable, match="has not heard of the worker"):
        read(stats=stats)


def test_a_rig_of_graphics_cards_is_known_as_one() -> None:
    found = identity(json.dumps({"platform": 1, "versions": {"hive": "0.6-228"}}).encode())
    assert (found.make, found.model, found.firmware, found.firmware_version) == (
        "Hive OS rig",
        None,
        "Hive OS",
        "0.6-228",
    )


@given(
    st.sampled_from(
        ["stats", "miners_summary", "miners_stats", "asic_stats", "asic_info", "hardware_info", "versions"]
    ),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["hashrates", "boards", "hashes", "status", "problems", "online", "stats_time"]),
                inner,
                max_size=3,
            )
        ),
        max_leaves=8,
    ),
)
def test_whatever_a_cloud_may_say_is_a_reading_or_a_device_error(key: str, value: object) -> None:
    answer = json.dumps({**WORKER, key: value}).encode()
    for parse in (reading, identity):
        with suppress(DeviceError):
            parse(answer)
