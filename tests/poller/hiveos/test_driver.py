"""The Hive OS driver against an emulated cloud, on real sockets."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest
from pydantic import ValidationError

from hashbus.messages import Capability, MinerIdentity, MinerReading, MinerState
from hashbus_poller.drivers.contract import Refused, Unreachable
from hashbus_poller.drivers.hiveos.driver import DRIVER, Hiveos, HiveosOptions
from hashbus_poller.testing.driver_promises import DriverCase, MinerPromises
from hashbus_simulator.devices.hiveos.device import Hiveos as EmulatedCloud
from tests.poller.emulated import Bench, emulated_case, on_the_bench

HOST = "127.84.50.1"
TOKEN = "hive-secret-1"
OPTIONS = {"base_url": f"http://{HOST}:8080/api/v2", "farm_id": 1631951, "worker_id": 5708266, "token": TOKEN}
BLOCK = {"family": "hiveos", "host": HOST, "token": TOKEN}


def sees_s19_pro(identity: MinerIdentity) -> None:
    assert (identity.make, identity.model, identity.firmware) == ("Antminer", "S19 Pro", "Hiveon")
    assert identity.mac is not None
    assert (identity.rated_hashrate_ths, identity.boards_total) == (110, 3)
    assert set(identity.capabilities) == {Capability.SLEEP, Capability.RESTART, Capability.REBOOT}


def sees_mining(reading: MinerReading) -> None:
    assert reading.state is MinerState.MINING
    assert reading.hashrate_ths == pytest.approx(110, rel=0.05)
    assert reading.power_w == pytest.approx(3250, rel=0.05)
    assert reading.efficiency_j_per_th == pytest.approx(29.5, rel=0.05)
    assert len(reading.boards) == reading.boards_healthy == 3
    assert reading.boards[0].hashrate_ths == pytest.approx(110 / 3, rel=0.05)
    assert len(reading.fans_rpm) == 4
    assert reading.frequency_mhz == 675


class TestHiveosPromises(MinerPromises):
    @pytest.fixture
    async def case(self) -> AsyncIterator[DriverCase]:
        seen: dict[str, Any] = {"see_identity": sees_s19_pro, "see_reading": sees_mining}
        async with emulated_case(DRIVER, BLOCK, OPTIONS, secrets=(TOKEN,), **seen) as case:
            yield case


def hive(
    options: dict[str, Any] | None = None, **block: Any
) -> AbstractAsyncContextManager[Bench[Hiveos, EmulatedCloud]]:
    return on_the_bench(DRIVER, (Hiveos, EmulatedCloud), {**BLOCK, **block}, {**OPTIONS, **(options or {})})


async def test_a_worker_that_boots_is_unreachable_with_the_time_of_its_last_word() -> None:
    async with hive(boot_s=3600) as bench:
        await bench.driver.reboot()
        with pytest.raises(Unreachable, match=r"has not heard of the worker since \d{4}-\d\d-\d\d \d\d:\d\d UTC"):
            await bench.driver.read()


async def test_a_token_that_may_only_read_is_refused_with_the_order() -> None:
    async with hive(is_reader=True) as bench:
        assert (await bench.driver.read()).state is MinerState.MINING
        with pytest.raises(Refused, match="POST miner: this token may not do that"):
            await bench.driver.sleep()
        assert bench.truth["orders"] == 0


@pytest.mark.parametrize("wrong", [{"farm_id": 1}, {"worker_id": 1}])
async def test_a_wrong_number_is_asked_for(wrong: dict[str, Any]) -> None:
    async with hive(wrong) as bench:
        with pytest.raises(Refused, match="check `farm_id` and `worker_id`"):
            await bench.driver.identify()


async def test_problems_that_the_cloud_sees_are_told_in_words() -> None:
    async with hive(problems=["missed_temp"]) as bench:
        (error,) = (await bench.driver.read()).errors
        assert (error.code, error.text) == (
            "missed_temp",
            "Hive OS sees missed temp; its page of the worker says more",
        )


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("http://api2.hiveos.example/api/v2", "would send secrets unencrypted"),
        ("api2.hiveos.farm", "must look like https://"),
        ("https://me:pass@api2.hiveos.farm/api/v2", "must not hold a user or password"),
    ],
)
def test_the_token_is_kept_safe(url: str, problem: str) -> None:
    with pytest.raises(ValidationError, match=problem):
        HiveosOptions.model_validate({**OPTIONS, "base_url": url})
