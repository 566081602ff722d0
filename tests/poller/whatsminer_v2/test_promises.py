"""The driver of API v2 keeps the promises, against emulated miners of several firmware generations on real sockets."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest

from hashbus.messages import Capability, MinerIdentity, MinerReading, MinerState
from hashbus_poller.drivers.whatsminer_v2.driver import DRIVER
from hashbus_poller.testing.driver_promises import HARMLESS, DriverCase, Ending, Fault, MinerPromises
from tests.poller.emulated import emulated_case

PASSWORD = "miner-p1"

ENDINGS: dict[Fault, Ending] = {
    Fault.CUT: HARMLESS,  # what came before the cut is read, and marked as partial
    Fault.TRUNCATED: HARMLESS,
    Fault.MISSING_COMMA: HARMLESS,
    Fault.NOT_JSON_TEXT: HARMLESS,  # the text says that the mining process is down: that is a reading
    Fault.WRONG_PASSWORD: HARMLESS,  # reading needs no password
}


def blinking(truth: Mapping[str, object]) -> Mapping[str, object]:
    return {"blinking": truth["led"] != "auto"}


def miner(block: Mapping[str, object], **special: Any) -> AbstractAsyncContextManager[DriverCase]:
    """A case of an emulated WhatsMiner with a password; `special` as in emulated_case."""
    described = {"family": "whatsminer_v2", "password": PASSWORD, **block}
    common: dict[str, Any] = {"secrets": (PASSWORD,), "endings": ENDINGS, "more_truth": blinking}
    return emulated_case(DRIVER, described, {"password": PASSWORD}, **common, **special)


def air_cooled(identity: MinerIdentity) -> None:
    assert (identity.make, identity.model) == ("WhatsMiner", "M50_VH40")
    assert (identity.firmware_version, identity.api_version) == ("20230911.12.Rel", "2.0.5")
    assert identity.mac is not None
    assert identity.psu_model == "P463B"
    assert identity.is_liquid_cooled is False
    assert {Capability.POWER_LIMIT, Capability.POWER_PERCENT, Capability.SLEEP} <= set(identity.capabilities)
    assert Capability.FREQUENCY not in identity.capabilities


def mining_in_the_air(reading: MinerReading) -> None:
    assert reading.state is MinerState.MINING
    assert reading.hashrate_ths == pytest.approx(118, rel=0.05)
    assert reading.power_limit_w == 3306
    assert reading.input_v == 231.5
    assert len(reading.fans_rpm) == 2
    assert reading.psu_fan_rpm == 7200
    assert [round(board.hashrate_ths or 0) for board in reading.boards] == [39, 39, 39]
    assert reading.pool_url == "stratum+tcp://pool.example:3333"
    assert not reading.is_partial


class TestClassicFirmwarePromises(MinerPromises):
    @pytest.fixture
    async def case(self) -> AsyncIterator[DriverCase]:
        block = {"model": "M50_VH40", "host": "127.83.1.1"}
        async with miner(block, see_identity=air_cooled, see_reading=mining_in_the_air) as case:
            yield case


def mining_in_a_liquid(reading: MinerReading) -> None:
    assert reading.fans_rpm == ()
    assert reading.psu_fan_rpm is None
    assert reading.liquid_c is not None
    assert [round(board.hashrate_ths or 0) for board in reading.boards] == [53, 53, 53, 53], "boards tell TH/s"
    assert [error.code for error in reading.errors] == ["218", "531"]


class TestNewerFirmwarePromises(MinerPromises):
    """Liquid-cooled, the newer envelope, broken lists, no `respbefore`: firmware of 2024."""

    @pytest.fixture
    async def case(self) -> AsyncIterator[DriverCase]:
        block = {
            "model": "M64_VL40",
            "host": "127.83.1.2",
            "shape": "newer",
            "malformed": True,
            "knows_respbefore": False,
            "error_codes": [218, 531],
        }
        async with miner(block, see_reading=mining_in_a_liquid) as case:
            yield case


def without_power_limit(identity: MinerIdentity) -> None:
    assert identity.model == "M30S+_VE40"
    assert Capability.POWER_LIMIT not in identity.capabilities, "from API 2.0.5 on"
    assert Capability.POWER_PERCENT not in identity.capabilities, "its status does not show one"


class TestFirmwareOfTwoProcessesPromises(MinerPromises):
    """An M30S of 2020: each spelling has a process of its own, and asleep only `status` answers."""

    @pytest.fixture
    async def case(self) -> AsyncIterator[DriverCase]:
        block = {
            "model": "M30S+_VE40",
            "host": "127.83.1.3",
            "api": "2.0.3",
            "split_processes": True,
            "old_status": True,
            "summary_asleep": "error",
            "error_codes": [110],
        }
        async with miner(block, see_identity=without_power_limit) as case:
            yield case
