"""The poller on emulated devices: it reads them, notices when they go, sets their power, carries out orders once."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from hashbus.messages import (
    AvailabilityState,
    BatteryTelemetry,
    Capability,
    Command,
    DeviceOrder,
    MinerAvailability,
    MinerInfo,
    MinerState,
    MinerTelemetry,
    OrderParams,
    OrderResult,
    OrderStatus,
    PowerSetpoint,
    SetpointResult,
    SetpointStatus,
)
from hashbus.testing.memory_bus import MemoryBroker
from hashbus_simulator.faults import FaultKind
from tests.poller.site import Site, site, until

ATTIC = {"id": "attic", "family": "whatsminer_v3", "host": "127.81.0.1", "password": "miner-pass1", "tuning_s": 30}
CELLAR = {"id": "cellar", "family": "cgminer", "host": "127.81.0.2"}
WHATSMINER = {"driver": "whatsminer", "host": "127.81.0.1", "password": "miner-pass1", "timeout_s": 2}
CGMINER = {"driver": "cgminer", "host": "127.81.0.2", "timeout_s": 2}


def setpoint(power_w: float, lease_s: float = 300) -> PowerSetpoint:
    now = datetime.now(UTC)
    return PowerSetpoint(
        site="home",
        at=now,
        miner="attic",
        power_w=power_w,
        valid_until=now + timedelta(seconds=lease_s),
        reason="battery at 58 %",
        decision="d-1",
    )


def order(
    command: Command, number: int = 1, miner: str = "attic", ends_in_s: float = 60, **params: object
) -> DeviceOrder:
    now = datetime.now(UTC)
    return DeviceOrder(
        site="home",
        at=now,
        miner=miner,
        source="web",
        id=f"order-{number}",
        command=command,
        params=OrderParams.model_validate(params),
        expires_at=now + timedelta(seconds=ends_in_s),
    )


async def test_a_miner_is_known_read_and_online(tmp_path: Path) -> None:
    async with site(tmp_path, emulated=[ATTIC], devices={"attic": WHATSMINER}) as home:
        web = home.bus("web")
        async with web.subscribe(MinerInfo) as infos, web.subscribe(MinerTelemetry) as readings:
            info = await until(infos, lambda _: True)
            reading = await until(readings, lambda reading: reading.state is MinerState.MINING)
        async with web.subscribe(MinerAvailability) as states:
            assert (await until(states, lambda _: True)).state is AvailabilityState.ONLINE
    assert (info.make, info.model, info.driver) == ("WhatsMiner", "M64_VL40", "whatsminer")
    assert Capability.POWER_LIMIT in info.capabilities
    assert reading.power_w == pytest.approx(float(str(home.truth("attic")["power_w"])), rel=0.05)
    assert reading.liquid_c is not None


async def test_a_hung_miner_delays_nobody(tmp_path: Path) -> None:
    devices = {"attic": WHATSMINER, "cellar": CGMINER}
    async with site(tmp_path, emulated=[ATTIC, CELLAR], devices=devices) as home:
        await home.misbehave("attic", FaultKind.HANG)
        async with home.bus("web").subscribe(MinerTelemetry, miner="cellar") as readings:
            first = await until(readings, lambda _: True)
            for _ in range(3):
                following = await until(readings, lambda _: True)
                assert following.at - first.at < timedelta(seconds=1.8)
                first = following


@pytest.mark.parametrize(
    ("kind", "words"),
    [(FaultKind.REFUSE, "nothing listens"), (FaultKind.HANG, ""), (FaultKind.GARBAGE, ""), (FaultKind.CUT, "")],
)
async def test_a_miner_that_is_gone_is_offline_with_the_reason_and_comes_back(
    tmp_path: Path, kind: FaultKind, words: str
) -> None:
    devices = {"attic": {**WHATSMINER, "timeout_s": 0.3}}
    async with site(tmp_path, emulated=[ATTIC], devices=devices, offline_after=2) as home:
        async with home.bus("web").subscribe(MinerAvailability) as states:
            await until(states, lambda state: state.state is AvailabilityState.ONLINE)
            await home.misbehave("attic", kind)
            gone = await until(states, lambda state: state.state is AvailabilityState.OFFLINE)
            assert gone.reason
            assert words in gone.reason.lower()
            assert "miner-pass1" not in gone.reason
            await home.misbehave("attic", None)
            await until(states, lambda state: state.state is AvailabilityState.ONLINE)


async def test_the_raw_answers_are_kept_for_people(tmp_path: Path) -> None:
    async with site(tmp_path, emulated=[CELLAR], devices={"cellar": CGMINER}) as home:
        async with home.bus("web").subscribe(MinerTelemetry) as readings:
            await until(readings, lambda _: True)
        status, _, body = home.health.answer("/raw/cellar")
        assert status == 200
        exchanges = json.loads(body)
        assert any("SUMMARY" in exchange["answer"] for exchange in exchanges)
        assert home.health.answer("/raw/nobody")[0] == 404


async def test_a_battery_is_read(tmp_path: Path) -> None:
    portal = {"id": "portal", "family": "eg4_portal", "host": "127.81.0.3", "ports": {"web": 18081}}
    battery = {
        "driver": "eg4_portal",
        "base_url": "http://127.81.0.3:18081",
        "account": "owner",
        "password": "owner",
        "serial": "4512345678",
    }
    async with site(tmp_path, emulated=[portal], devices={"wall": battery}) as home:
        async with home.bus("web").subscribe(BatteryTelemetry) as readings:
            reading = await until(readings, lambda _: True)
    assert 0 <= reading.soc_pct <= 100


class TestSetpoints:
    """A setpoint is brought to the miner, confirmed by reading back, and ends."""

    async def test_it_is_taken_and_confirmed_by_reading_back(self, tmp_path: Path) -> None:
        async with site(tmp_path, emulated=[ATTIC], devices={"attic": WHATSMINER}) as home:
            controller = home.bus("controller")
            async with controller.subscribe(SetpointResult) as results:
                controller.publish(setpoint(2000))
                confirmed = await until(results, lambda result: result.status is SetpointStatus.CONFIRMED)
            assert confirmed.taken_w == 2000
            assert confirmed.decision == "d-1"
            assert home.truth("attic")["power_limit_w"] == 2000

    async def test_zero_is_sleep_and_back(self, tmp_path: Path) -> None:
        async with site(tmp_path, emulated=[ATTIC], devices={"attic": WHATSMINER}) as home:
            controller = home.bus("controller")
            async with controller.subscribe(SetpointResult) as results:
                controller.publish(setpoint(0))
                await until(results, lambda result: result.status is SetpointStatus.CONFIRMED)
                assert home.truth("attic")["asleep"] is True
                controller.publish(setpoint(3600))
                await until(
                    results, lambda result: result.status is SetpointStatus.CONFIRMED and result.asked_w == 3600
                )
                assert home.truth("attic")["asleep"] is False

    async def test_when_nobody_renews_it_the_miner_goes_to_its_safe_power(self, tmp_path: Path) -> None:
        devices = {"attic": {**WHATSMINER, "safe_power_w": 0}}
        async with site(tmp_path, emulated=[ATTIC], devices=devices) as home:
            controller = home.bus("controller")
            async with controller.subscribe(SetpointResult) as results:
                controller.publish(setpoint(3000, lease_s=4))
                await until(results, lambda result: result.status is SetpointStatus.LAPSED)
                await until(results, lambda result: result.asked_w == 0 and result.status is SetpointStatus.CONFIRMED)
            assert home.truth("attic")["asleep"] is True

    async def test_a_setpoint_that_ended_while_the_poller_was_away_is_not_followed(self, tmp_path: Path) -> None:
        broker = MemoryBroker()
        old = setpoint(1500, lease_s=-60)
        broker.retained[old.address()] = old.encode()
        async with site(tmp_path, emulated=[ATTIC], devices={"attic": WHATSMINER}, broker=broker) as home:
            async with home.bus("controller").subscribe(SetpointResult) as results:
                assert (await until(results, lambda _: True)).status is SetpointStatus.LAPSED
            assert home.truth("attic")["power_limit_w"] == 3600

    async def test_a_wrong_password_is_told_as_refused_without_it(self, tmp_path: Path) -> None:
        devices = {"attic": {**WHATSMINER, "password": "not-this-one"}}
        async with site(tmp_path, emulated=[ATTIC], devices=devices) as home:
            controller = home.bus("controller")
            async with controller.subscribe(SetpointResult) as results:
                controller.publish(setpoint(2000))
                refused = await until(results, lambda result: result.status is SetpointStatus.REFUSED)
            assert refused.message
            assert "not-this-one" not in refused.message

    async def test_a_miner_that_cannot_says_unsupported(self, tmp_path: Path) -> None:
        async with site(tmp_path, emulated=[CELLAR], devices={"attic": CGMINER}) as home:
            controller = home.bus("controller")
            async with controller.subscribe(SetpointResult) as results:
                controller.publish(setpoint(2000))
                await until(results, lambda result: result.status is SetpointStatus.UNSUPPORTED)


class TestOrders:
    """An order is carried out at most once and answered in every case."""

    async def _result(self, home: Site, *orders: DeviceOrder) -> OrderResult:
        web = home.bus("web")
        async with web.subscribe(MinerInfo) as infos, web.subscribe(OrderResult) as results:
            await until(infos, lambda _: True)
            for one in orders:
                web.publish(one)
            return await until(results, lambda result: result.id == orders[-1].id)

    async def test_a_reboot_is_done(self, tmp_path: Path) -> None:
        async with site(tmp_path, emulated=[ATTIC], devices={"attic": WHATSMINER}) as home:
            result = await self._result(home, order(Command.REBOOT))
            assert (result.status, result.asker) == (OrderStatus.DONE, "web")
            assert home.truth("attic")["reboots"] == 1

    async def test_the_same_order_again_is_answered_but_not_repeated_also_after_a_restart(self, tmp_path: Path) -> None:
        the_order = order(Command.REBOOT)
        async with site(tmp_path, emulated=[ATTIC], devices={"attic": WHATSMINER}) as home:
            await self._result(home, the_order)
            again = await self._result(home, the_order)
            assert again.status is OrderStatus.DONE
            assert home.truth("attic")["reboots"] == 1
        async with site(tmp_path, emulated=[ATTIC], devices={"attic": WHATSMINER}) as home:
            after_restart = await self._result(home, the_order)
            assert after_restart == again
            assert home.truth("attic")["reboots"] == 0

    @pytest.mark.parametrize(
        ("the_order", "status", "code"),
        [
            ({"command": Command.REBOOT, "ends_in_s": -5}, OrderStatus.EXPIRED, "expired"),
            ({"command": Command.REBOOT, "miner": "nobody"}, OrderStatus.REJECTED, "unknown_miner"),
            ({"command": Command.SET_POOL, "url": "stratum+tcp://p:1"}, OrderStatus.REJECTED, "bad_params"),
        ],
    )
    async def test_an_order_that_cannot_be_begun_says_why(
        self, tmp_path: Path, the_order: dict[str, Any], status: OrderStatus, code: str
    ) -> None:
        async with site(tmp_path, emulated=[ATTIC], devices={"attic": WHATSMINER}) as home:
            result = await self._result(home, order(**the_order))
            assert (result.status, result.code) == (status, code)
            assert home.truth("attic")["reboots"] == 0

    async def test_what_the_firmware_cannot_do_is_unsupported_never_a_silent_yes(self, tmp_path: Path) -> None:
        async with site(tmp_path, emulated=[CELLAR], devices={"attic": CGMINER}) as home:
            result = await self._result(home, order(Command.SET_FAN, fan_pct=50))
            assert result.status is OrderStatus.UNSUPPORTED

    async def test_enable_is_refused_while_a_setpoint_rules(self, tmp_path: Path) -> None:
        async with site(tmp_path, emulated=[ATTIC], devices={"attic": WHATSMINER}) as home:
            controller = home.bus("controller")
            async with controller.subscribe(SetpointResult) as results:
                controller.publish(setpoint(2000))
                await until(results, lambda _: True)
            result = await self._result(home, order(Command.DISABLE))
            assert (result.status, result.code) == (OrderStatus.REJECTED, "setpoint_rules")

    async def test_disable_and_enable_without_a_setpoint(self, tmp_path: Path) -> None:
        async with site(tmp_path, emulated=[ATTIC], devices={"attic": WHATSMINER}) as home:
            assert (await self._result(home, order(Command.DISABLE, 1))).status is OrderStatus.DONE
            assert home.truth("attic")["asleep"] is True
            assert (await self._result(home, order(Command.ENABLE, 2))).status is OrderStatus.DONE
            assert home.truth("attic")["asleep"] is False

    async def test_without_a_journal_nothing_is_done_and_it_is_said(self, tmp_path: Path) -> None:
        (tmp_path / "poller").write_text("a file where the folder should be")
        async with site(tmp_path, emulated=[ATTIC], devices={"attic": WHATSMINER}) as home:
            async with home.bus("web").subscribe(MinerInfo) as infos:
                await until(infos, lambda _: True)
            assert any("no orders are carried out" in problem for problem in home.health.problems)


async def test_one_round_reads_every_device_once(tmp_path: Path) -> None:
    devices = {"attic": WHATSMINER, "cellar": CGMINER}
    broker = MemoryBroker()
    async with site(tmp_path, emulated=[ATTIC, CELLAR], devices=devices, once=True, broker=broker):
        pass
    kinds = {address.split("/")[3] + " " + address.split("/")[4] for address in broker.retained}
    assert kinds >= {"attic telemetry", "cellar telemetry", "attic info", "cellar info"}
