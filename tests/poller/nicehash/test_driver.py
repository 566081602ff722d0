"""The NiceHash driver against an emulated cloud, on real sockets."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from hashbus.messages import Capability, MinerIdentity, MinerReading, MinerState
from hashbus_poller.drivers.contract import Refused, Unreachable
from hashbus_poller.drivers.nicehash import commands
from hashbus_poller.drivers.nicehash.driver import DRIVER, Nicehash, NicehashOptions
from hashbus_poller.testing.driver_promises import HARMLESS, DriverCase, Fault, MinerPromises
from hashbus_simulator.devices.nicehash.device import Nicehash as EmulatedCloud
from tests.poller.emulated import Bench, emulated_case, on_the_bench

HOST = "127.84.51.1"
KEYS = {
    "organization_id": "0b0b0b0b-1111-2222-3333-444444444444",
    "rig_id": "0-AbCdEf123",
    "api_key": "nh-key-secret-1",
    "api_secret": "nh-signing-secret-1",
}
OPTIONS = {"base_url": f"http://{HOST}:8080", **KEYS}
ENDINGS = {Fault.MISSING_COMMA: HARMLESS}
"""A rig of one device has no second element in any array, so no comma to lose."""

BLOCK = {"family": "nicehash", "host": HOST, **KEYS}


def sees_the_rig(identity: MinerIdentity) -> None:
    assert (identity.make, identity.model, identity.firmware) == ("NiceHash rig", "Antminer S19 Pro", "NiceHash")
    assert identity.firmware_version == "NHM/3.1.1.0/EM"
    assert identity.capabilities == (Capability.SLEEP,)


def sees_mining(reading: MinerReading) -> None:
    assert reading.state is MinerState.MINING
    assert reading.hashrate_ths == pytest.approx(110, rel=0.05)
    assert reading.power_w == pytest.approx(3250, rel=0.05)
    assert reading.chip_max_c is not None
    assert len(reading.fans_rpm) == 1


class TestNicehashPromises(MinerPromises):
    @pytest.fixture
    async def case(self) -> AsyncIterator[DriverCase]:
        secrets = (KEYS["api_key"], KEYS["api_secret"])
        seen: dict[str, Any] = {"see_identity": sees_the_rig, "see_reading": sees_mining}
        async with emulated_case(DRIVER, BLOCK, OPTIONS, secrets=secrets, endings=ENDINGS, **seen) as case:
            yield case


def rig(
    options: dict[str, Any] | None = None, **block: Any
) -> AbstractAsyncContextManager[Bench[Nicehash, EmulatedCloud]]:
    return on_the_bench(DRIVER, (Nicehash, EmulatedCloud), {**BLOCK, **block}, {**OPTIONS, **(options or {})})


@pytest.mark.parametrize("wrong", ["organization_id", "api_key", "api_secret"])
async def test_a_wrong_key_is_refused_and_the_clock_is_named_too(wrong: str) -> None:
    async with rig({wrong: "another"}) as bench:
        with pytest.raises(
            Refused, match="check organization_id, api_key and api_secret, and that this machine's clock"
        ):
            await bench.driver.read()


async def test_a_wrong_rig_is_asked_for() -> None:
    async with rig({"rig_id": "0-another"}) as bench:
        with pytest.raises(Refused, match="check `rig_id`"):
            await bench.driver.identify()


async def test_an_order_without_success_is_no_success() -> None:
    async with rig(takes_orders=False) as bench:
        with pytest.raises(Refused, match="did not take the order: 'Rig is not managed'"):
            await bench.driver.sleep()
        assert bench.truth["orders"] == 0
        assert not bench.truth["asleep"]


async def test_a_rig_that_is_away_is_unreachable_with_the_time_of_its_last_word() -> None:
    async with rig(boot_s=3600) as bench:
        bench.device.physics.reboot()
        with pytest.raises(Unreachable, match=r"has not heard of the rig since \d{4}-\d\d-\d\d \d\d:\d\d UTC"):
            await bench.driver.read()


async def test_what_nicehash_notes_is_told_in_words() -> None:
    async with rig(notes=["RIG_ERROR"]) as bench:
        (error,) = (await bench.driver.read()).errors
        assert (error.code, error.text) == (
            "RIG_ERROR",
            "NiceHash notes: rig error; its page of the rig says more",
        )


def test_a_signature_is_that_of_the_vendors_example() -> None:
    """The figure is what the vendor's example client makes of these very parts, joined by hand."""
    key = commands.Key("org-1", SecretStr("key-1"), SecretStr("secret-1"))
    headers = commands.signed(commands.rig("0-abc"), key, time_ms=1_600_000_000_000, nonce="nonce-1")
    assert headers["X-Auth"] == "key-1:0a85d3af2eeac69514ea36353c5abbbd5b8f315dc838ebdc763561e03badefff"


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("http://api2.nicehash.example", "would send secrets unencrypted"),
        ("api2.nicehash.com", "must look like https://"),
        ("https://me:pass@api2.nicehash.com", "must not hold a user or password"),
    ],
)
def test_the_key_is_kept_safe(url: str, problem: str) -> None:
    with pytest.raises(ValidationError, match=problem):
        NicehashOptions.model_validate({**OPTIONS, "base_url": url})
