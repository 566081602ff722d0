"""The antminer driver against emulated stock Antminers, on real sockets."""

from collections.abc import AsyncIterator

import pytest

from hashbus.messages import Capability, MinerIdentity, MinerReading, MinerState
from hashbus_poller.drivers.antminer.driver import DRIVER
from hashbus_poller.testing.driver_promises import HARMLESS, DriverCase, Fault, MinerPromises
from tests.poller.emulated import emulated_case

HOST = "127.82.1.1"
PASSWORD = "web-secret-1"

ENDINGS = {
    Fault.CUT: HARMLESS,  # what came before the cut is read, and marked as partial
    Fault.TRUNCATED: HARMLESS,
    Fault.MISSING_COMMA: HARMLESS,
    Fault.NOT_JSON_TEXT: HARMLESS,  # the emulator's text says that the mining process is down: that is a reading
    Fault.WRONG_PASSWORD: HARMLESS,  # reading goes on, and says that the login is refused
}

OLD: dict[str, object] = {"new_api": False, "missing_comma": True}

EVERYTHING = {
    Capability.POWER_LIMIT,
    Capability.SLEEP,
    Capability.RESTART,
    Capability.REBOOT,
    Capability.FAN,
    Capability.POOL,
    Capability.BLINK,
}


def sees_s19j(identity: MinerIdentity) -> None:
    assert (identity.make, identity.model, identity.firmware) == ("Antminer", "S19j Pro", "stock")
    assert identity.mac is not None
    assert identity.serial is not None
    assert (identity.rated_power_w, identity.rated_hashrate_ths, identity.boards_total) == (3068, 104, 3)
    levels = {level.name: level.power_w for level in identity.power_levels}
    assert levels == {"sleep": 0.0, "80 %": 2454.4, "90 %": 2761.2, "normal": 3068.0}
    assert set(identity.capabilities) == EVERYTHING


def sees_mining(reading: MinerReading) -> None:
    assert reading.state is MinerState.MINING
    assert reading.hashrate_5s_ths == pytest.approx(104, rel=0.1)
    assert reading.power_w is None, "most stock firmware does not tell its power"
    assert reading.power_limit_w == 3068.0
    assert len(reading.boards) == reading.boards_healthy == 3
    assert reading.pool_url == "stratum+tcp://pool.example:3333"


class TestAntminerPromises(MinerPromises):
    @pytest.fixture
    async def case(self) -> AsyncIterator[DriverCase]:
        # Old firmware needs its web page for more; new firmware is what test_orders.py has.
        block = {"family": "antminer", "host": HOST, "password": PASSWORD, "new_api": False}
        async with emulated_case(
            DRIVER,
            block,
            {"password": PASSWORD},
            endings=ENDINGS,
            secrets=(PASSWORD,),
            see_identity=sees_s19j,
            see_reading=sees_mining,
        ) as case:
            yield case


class TestS17Promises(MinerPromises):
    @pytest.fixture
    async def case(self) -> AsyncIterator[DriverCase]:
        block = {"family": "antminer", "model": "Antminer S17 Pro", "host": "127.86.3.1", "password": PASSWORD, **OLD}
        options = {"password": PASSWORD, "frequencies_mhz": (590, 550, 500)}
        async with emulated_case(
            DRIVER, block, options, endings=ENDINGS, secrets=(PASSWORD,), frequency_mhz=550.0
        ) as case:
            yield case


class TestS9Promises(MinerPromises):
    @pytest.fixture
    async def case(self) -> AsyncIterator[DriverCase]:
        block = {"family": "antminer", "model": "Antminer S9", "host": "127.86.3.2", "password": PASSWORD, **OLD}
        options = {"password": PASSWORD, "frequencies_mhz": (550, 500)}
        async with emulated_case(
            DRIVER, block, options, endings=ENDINGS, secrets=(PASSWORD,), frequency_mhz=500.0
        ) as case:
            yield case


def sees_water(reading: MinerReading) -> None:
    assert reading.inlet_c is not None
    assert reading.outlet_c is not None
    assert reading.inlet_c + 5 < reading.outlet_c < (reading.chip_max_c or 0)
    assert (reading.board_max_c, reading.fans_rpm) == (reading.outlet_c, ())
    assert all(board.inlet_c and board.outlet_c for board in reading.boards)


def sees_hydro(identity: MinerIdentity) -> None:
    assert identity.is_liquid_cooled
    assert set(identity.capabilities) == EVERYTHING - {Capability.FAN}


class TestHydroPromises(MinerPromises):
    @pytest.fixture(params=[("Antminer S21 Hyd", True), ("Antminer S19 Pro Hyd", False)], ids=["new", "old shape"])
    async def case(self, request: pytest.FixtureRequest) -> AsyncIterator[DriverCase]:
        model, new_api = request.param
        block = {"family": "antminer", "model": model, "host": "127.86.3.3", "password": PASSWORD, "new_api": new_api}
        async with emulated_case(
            DRIVER,
            block,
            {"password": PASSWORD},
            endings=ENDINGS,
            secrets=(PASSWORD,),
            see_identity=sees_hydro,
            see_reading=sees_water,
        ) as case:
            yield case
