"""The WhatsMiner driver keeps the promises, against emulated miners on real sockets."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest

from hashbus.messages import MinerIdentity, MinerReading, MinerState
from hashbus_poller.drivers.whatsminer.driver import DRIVER
from hashbus_poller.testing.driver_promises import HARMLESS, DriverCase, Ending, Fault, MinerPromises
from tests.poller.emulated import emulated_case

PASSWORD = "miner-pass1"

# Reading needs no password.
ENDINGS: dict[Fault, Ending] = {Fault.WRONG_PASSWORD: HARMLESS}


def blinking(truth: Mapping[str, object]) -> Mapping[str, object]:
    return {"blinking": truth["led"] != "auto"}


def miner(block: Mapping[str, object], **special: Any) -> AbstractAsyncContextManager[DriverCase]:
    """A case of an emulated WhatsMiner with a password; `special` as in emulated_case."""
    described = {"family": "whatsminer_v3", "password": PASSWORD, **block}
    common: dict[str, Any] = {"secrets": (PASSWORD,), "endings": ENDINGS, "more_truth": blinking}
    return emulated_case(DRIVER, described, {"password": PASSWORD}, **common, **special)


def liquid_cooled(identity: MinerIdentity) -> None:
    assert (identity.make, identity.model) == ("WhatsMiner", "M64_VL40")
    assert identity.is_liquid_cooled is True
    assert (identity.control_board, identity.psu_model, identity.boards_total) == ("CB6V5", "P738B", 4)


def in_the_liquid(reading: MinerReading) -> None:
    assert reading.state is MinerState.MINING
    assert reading.liquid_c is not None
    assert reading.ambient_c is not None
    assert reading.liquid_c > reading.ambient_c
    assert reading.fans_rpm == ()
    assert reading.psu_fan_rpm is None
    assert reading.power_limit_w == 3600
    assert len(reading.boards) == reading.boards_healthy == 4


class TestLiquidCooledPromises(MinerPromises):
    @pytest.fixture
    async def case(self) -> AsyncIterator[DriverCase]:
        block = {"model": "M64_VL40", "host": "127.89.0.1"}
        seen = {"see_identity": liquid_cooled, "see_reading": in_the_liquid}
        async with miner(block, power_w=3000.0, **seen) as case:
            yield case


def in_the_air(reading: MinerReading) -> None:
    assert len(reading.fans_rpm) == 2
    assert reading.liquid_c is None
    assert reading.psu_fan_rpm is not None


class TestAirCooledPromises(MinerPromises):
    """An air-cooled one that writes its numbers as strings and says nothing but a sentence when it is stopped."""

    @pytest.fixture
    async def case(self) -> AsyncIterator[DriverCase]:
        block = {"model": "M50_VH40", "host": "127.89.0.2", "string_numbers": True, "idle_shape": "process_down"}
        async with miner(block, see_reading=in_the_air) as case:
            yield case
