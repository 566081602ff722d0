"""Orders to equipment: set once, within bounds, read back; refused in words where they cannot be carried out."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from hashbus.clock import SYSTEM_CLOCK
from hashbus.messages import (
    BatteryTelemetry,
    EquipmentCommand,
    EquipmentInfo,
    EquipmentOrder,
    EquipmentResult,
    OrderStatus,
    SensorTelemetry,
    SettingValue,
)
from hashbus_poller.journal import OrderJournal
from hashbus_simulator.devices.modbus.device import LOST_REPLIES, ModbusDevice
from tests.poller.site import Site, site, until

HOST = "127.86.41.1"
EMULATED: Mapping[str, Any] = {
    "id": "pump",
    "family": "modbus",
    "host": HOST,
    "input": {0: 85},
    "holding": {7: 500, 8: 500},
    "coil": {3: 1},
    "stuck": [8],
}
SPEED = {"title": "Speed", "table": "holding", "address": 7, "unit": "%", "scale": 0.1, "lowest": 20, "highest": 100}
PUMP: Mapping[str, Any] = {
    "driver": "modbus",
    "host": HOST,
    "kind": "sensor",
    "title": "The pump in the cellar",
    "takes_orders": True,
    "interval_s": 3600,
    "registers": {
        "power_w": {"table": "input", "address": 0, "unit": "W"},
        "speed_pct": {"table": "holding", "address": 7, "unit": "%", "scale": 0.1},
    },
    "settings": {
        "speed_pct": {**SPEED, "shown_by": "speed_pct"},
        "stuck_pct": {**SPEED, "title": "Set at its panel", "address": 8},
        "is_on": {"title": "Pump on", "table": "coil", "address": 3},
    },
}


@asynccontextmanager
async def cellar(tmp_path: Path, **pump: Any) -> AsyncIterator[tuple[Site, ModbusDevice]]:
    async with site(tmp_path, emulated=[dict(EMULATED)], devices={"pump": {**PUMP, **pump}}) as home:
        async with home.bus("web").subscribe(SensorTelemetry) as readings:
            await until(readings, lambda _: True)
        device = home.fleet.devices["pump"]
        assert isinstance(device, ModbusDevice)
        yield home, device


def order(
    setting: str = "speed_pct",
    value: SettingValue = 62.5,
    number: int = 1,
    equipment: str = "pump",
    command: str = "set",
    ends_in_s: float = 60,
) -> EquipmentOrder:
    now = datetime.now(UTC)
    return EquipmentOrder(
        site="home",
        at=now,
        equipment=equipment,
        source="web",
        id=f"o-{number}",
        command=EquipmentCommand(command),
        setting=setting,
        value=value,
        expires_at=now + timedelta(seconds=ends_in_s),
    )


async def result_of(home: Site, wanted: EquipmentOrder) -> EquipmentResult:
    web = home.bus("web")
    async with web.subscribe(EquipmentResult) as results:
        web.publish(wanted)
        return await until(results, lambda result: result.id == wanted.id)


async def test_the_site_hears_what_can_be_set(tmp_path: Path) -> None:
    async with cellar(tmp_path) as (home, _):
        async with home.bus("web").subscribe(EquipmentInfo) as infos:
            info = await until(infos, lambda _: True)
    assert (info.equipment, info.title, info.commands) == ("pump", PUMP["title"], (EquipmentCommand.SET,))
    speed, _, is_on = info.settings
    assert (speed.unit, speed.lowest, speed.highest, speed.step) == ("%", 20, 100, 0.1)
    assert is_on.is_switch


async def test_what_is_ordered_is_written_once_and_read_back(tmp_path: Path) -> None:
    async with cellar(tmp_path) as (home, device):
        result = await result_of(home, order())
        assert (result.status, result.code, result.value) == (OrderStatus.DONE, "read_back", 62.5), result.message
        assert result.message == "speed_pct is 62.5 %"
        assert device.writes == [("holding", 7, (625,))]


async def test_the_next_reading_comes_at_once_and_shows_it(tmp_path: Path) -> None:
    async with cellar(tmp_path) as (home, _), home.bus("web").subscribe(SensorTelemetry) as readings:
        await result_of(home, order())
        await until(readings, lambda reading: reading.speed_pct == 62.5)


async def test_a_switch_is_turned(tmp_path: Path) -> None:
    async with cellar(tmp_path) as (home, device):
        result = await result_of(home, order("is_on", value=False))
        assert (result.status, result.value, result.message) == (OrderStatus.DONE, False, "is_on is off")
        assert device.writes == [("coil", 3, (0,))]


async def test_what_is_so_already_is_not_written_again(tmp_path: Path) -> None:
    async with cellar(tmp_path) as (home, device):
        result = await result_of(home, order(value=50.0))
        assert (result.status, result.code, result.value) == (OrderStatus.DONE, "already", 50)
        assert device.writes == []


async def test_what_the_device_forgets_is_written_also_when_it_is_so_already(tmp_path: Path) -> None:
    settings = {"speed_pct": {**SPEED, "lapses_after_s": 60}}
    async with cellar(tmp_path, settings=settings) as (home, device):
        assert (await result_of(home, order(value=50.0))).code == "read_back"
        assert device.writes == [("holding", 7, (500,))]


LATE_S = -86_400


@pytest.mark.parametrize(
    ("asked", "status", "code", "words"),
    [
        ({"value": 19.9}, OrderStatus.REJECTED, "bad_value", "speed_pct is 19.9; it can be a number from 20 to 100 %"),
        ({"value": "full"}, OrderStatus.REJECTED, "bad_value", "it can be a number"),
        ({"setting": "is_on", "value": 1.0}, OrderStatus.REJECTED, "bad_value", "it can be true or false"),
        ({"setting": "colour"}, OrderStatus.UNSUPPORTED, "unsupported", "it has speed_pct, stuck_pct, is_on"),
        ({"equipment": "attic"}, OrderStatus.REJECTED, "unknown_equipment", "there is no equipment 'attic' here"),
        ({"ends_in_s": LATE_S}, OrderStatus.EXPIRED, "expired", "after its end"),
        ({"command": "refresh_session"}, OrderStatus.UNSUPPORTED, "unsupported", "has no session to renew"),
    ],
)
async def test_what_cannot_be_carried_out_is_answered_and_writes_nothing(
    tmp_path: Path, asked: dict[str, Any], status: OrderStatus, code: str, words: str
) -> None:
    async with cellar(tmp_path) as (home, device):
        result = await result_of(home, order(**asked))
        assert (result.status, result.code) == (status, code)
        assert words in result.message
        assert device.writes == []


async def test_nothing_is_set_on_a_device_whose_owner_does_not_let_it(tmp_path: Path) -> None:
    async with cellar(tmp_path, takes_orders=False) as (home, device):
        result = await result_of(home, order())
        assert result.status is OrderStatus.UNSUPPORTED
        assert "takes_orders: true" in result.message
        assert device.writes == []


async def test_the_memory_of_a_device_is_spared(tmp_path: Path) -> None:
    async with cellar(tmp_path) as (home, device):
        assert (await result_of(home, order(value=60.0, number=1))).status is OrderStatus.DONE
        second = await result_of(home, order(value=70.0, number=2))
        assert (second.status, second.code, second.value) == (OrderStatus.REJECTED, "too_soon", 60)
        assert len(device.writes) == 1


async def test_the_same_order_twice_is_carried_out_once(tmp_path: Path) -> None:
    async with cellar(tmp_path) as (home, device):
        wanted = order()
        first = await result_of(home, wanted)
        assert await result_of(home, wanted) == first
        assert len(device.writes) == 1


async def test_a_lost_reply_is_resolved_by_reading_back(tmp_path: Path) -> None:
    async with cellar(tmp_path) as (home, device):
        device.show_symptom(LOST_REPLIES, None)
        result = await result_of(home, order())
        assert (result.status, result.code, result.value) == (OrderStatus.DONE, "read_back", 62.5), result.message
        assert len(device.writes) == 1


async def test_a_yes_that_does_not_show_is_no_yes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hashbus_poller.equipment_orders.PATIENCE_S", 0.0)
    async with cellar(tmp_path) as (home, _):
        result = await result_of(home, order("stuck_pct"))
        assert (result.status, result.code, result.value) == (OrderStatus.FAILED, "read_back", 50)
        assert result.message == "stuck_pct is 50 %, not 62.5 %: the device did not take it"


async def test_an_order_that_was_interrupted_is_read_back_and_not_repeated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hashbus_poller.equipment_orders.PATIENCE_S", 0.0)
    (tmp_path / "poller").mkdir()
    journal = OrderJournal(tmp_path / "poller" / "orders.db")
    for number in (1, 2):
        journal.begin(("equipment/web", f"o-{number}"), SYSTEM_CLOCK.now())
    journal.close()
    async with cellar(tmp_path) as (home, device):
        done = await result_of(home, order(value=50.0, number=1))
        lost = await result_of(home, order(value=70.0, number=2))
        assert (done.status, done.value) == (OrderStatus.DONE, 50)
        assert (lost.status, lost.value) == (OrderStatus.FAILED, 50)
        assert device.writes == []


async def test_a_portals_session_is_renewed_by_order_and_its_age_is_told(tmp_path: Path) -> None:
    portal: dict[str, object] = {"id": "portal", "family": "eg4_portal", "host": "127.86.41.2", "ports": {"web": 18081}}
    wall = {"driver": "eg4_portal", "base_url": "http://127.86.41.2:18081", "account": "owner", "password": "owner"}
    devices = {"wall": {**wall, "serial": "4512345678"}}
    async with site(tmp_path, emulated=[portal], devices=devices) as home:
        async with home.bus("web").subscribe(BatteryTelemetry) as readings:
            first = await until(readings, lambda _: True)
            assert first.session_age_s is not None
            before = home.truth("portal")["logins"]
            renewed = order(equipment="wall", command="refresh_session")
            result = await result_of(home, renewed)
            assert (result.status, result.message) == (OrderStatus.DONE, "logged in anew")
            assert home.truth("portal")["logins"] == before + 1  # type: ignore[operator]
            assert (await until(readings, lambda _: True)).session_age_s is not None, "it is read again at once"
        async with home.bus("web").subscribe(EquipmentInfo) as infos:
            assert (await until(infos, lambda _: True)).commands == (EquipmentCommand.REFRESH_SESSION,)
