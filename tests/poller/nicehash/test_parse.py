"""What a rig in the API of NiceHash becomes, with all that clients have seen there and without it."""

import json
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hashbus.messages import MinerReading, MinerState
from hashbus_poller.drivers.contract import DeviceError, Refused, Unreachable
from hashbus_poller.drivers.nicehash.parse import check_order, identity, reading

SPEED = {"algorithm": "SHA256", "speed": "13.5", "displaySuffix": "TH"}
DEVICE: Mapping[str, Any] = {"name": "S9", "powerUsage": 1300, "temperature": 71, "speeds": [SPEED]}


def read(**more: Any) -> MinerReading:
    return reading(json.dumps({"minerStatus": "MINING", "devices": [DEVICE], **more}).encode())


def device(**more: Any) -> dict[str, Any]:
    return {**DEVICE, **more}


@pytest.mark.parametrize(
    ("speed", "hashrate_ths"),
    [
        (SPEED, 13.5),
        ({**SPEED, "displaySuffix": "GH"}, 0.0135),
        ({**SPEED, "algorithm": {"enumName": "SHA256ASICBOOST"}}, 13.5),
        ({**SPEED, "algorithm": "DAGGERHASHIMOTO"}, None),
        ({**SPEED, "displaySuffix": "furlong"}, None),
    ],
)
def test_only_what_hashes_bitcoin_is_counted_and_in_its_unit(speed: dict[str, Any], hashrate_ths: float | None) -> None:
    assert read(devices=[device(speeds=[speed])]).hashrate_ths == hashrate_ths


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("MINING", MinerState.MINING),
        ("BENCHMARKING", MinerState.TUNING),
        ("STOPPED", MinerState.SLEEPING),
        ("ERROR", MinerState.FAULT),
        ("TRANSFERRED", MinerState.UNKNOWN),
    ],
)
def test_what_the_rig_does_is_told_by_its_status(status: str, state: MinerState) -> None:
    assert read(minerStatus=status).state is state


def test_the_power_of_a_rig_is_known_when_that_of_each_device_is() -> None:
    assert read(devices=[device(), device()]).power_w == 2600
    assert read(devices=[device(), device(powerUsage=-1)]).power_w is None
    assert read(devices=[]).power_w is None


def test_a_temperature_that_holds_two_is_that_of_the_chip() -> None:
    assert read(devices=[device(temperature=84 * 65_536 + 62)]).chip_max_c == 62
    assert read(devices=[device(temperature=-1)]).chip_max_c is None


def test_devices_of_several_names_make_no_model() -> None:
    rig = {"devices": [device(), device(name="T9")]}
    assert identity(json.dumps(rig).encode()).model is None


@pytest.mark.parametrize("rig", [{}, {"statusTime": 1e300}, {"statusTime": 1_600_000_000_000}])
def test_a_rig_that_says_nothing_is_unreachable(rig: dict[str, Any]) -> None:
    with pytest.raises(Unreachable, match="has not heard of the rig"):
        read(minerStatus="OFFLINE", **rig)


@pytest.mark.parametrize("answer", [{}, {"success": False}, {"success": "true", "message": "no"}])
def test_only_success_is_success(answer: dict[str, Any]) -> None:
    with pytest.raises(Refused):
        check_order(json.dumps(answer).encode())


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["speeds", "speed", "algorithm", "temperature", "powerUsage", "name", "displaySuffix"]),
            inner,
            max_size=3,
        )
    ),
    max_leaves=8,
)


@given(st.sampled_from(["devices", "minerStatus", "notifications", "statusTime", "softwareVersions"]), JUNK)
def test_whatever_a_cloud_may_say_is_a_reading_or_a_device_error(key: str, value: object) -> None:
    answer = json.dumps({"minerStatus": "MINING", "devices": [DEVICE], key: value}).encode()
    for parse in (reading, identity):
        with suppress(DeviceError):
            parse(answer)
