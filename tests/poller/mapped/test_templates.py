"""Templates: each that is shipped is loaded and read from a server that answers as the device does."""

import json
import struct
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from hashbus.clock import SYSTEM_CLOCK
from hashbus.messages import BatteryReading, MeterReading, SensorReading, SettingValue
from hashbus_poller.drivers.contract import Wiring
from hashbus_poller.drivers.http_json.driver import HttpJson
from hashbus_poller.drivers.http_json.options import HttpJsonOptions
from hashbus_poller.drivers.modbus.driver import ModbusDevice
from hashbus_poller.drivers.modbus.options import ModbusDeviceOptions
from hashbus_poller.drivers.mqtt_in.options import MqttInOptions
from hashbus_poller.drivers.mqtt_in.parse import Said
from hashbus_poller.drivers.mqtt_in.parse import read as read_topics
from hashbus_poller.mapped import templates
from hashbus_poller.mapped.fields import Reading
from hashbus_poller.registry import drivers
from hashbus_poller.settings import settings_model
from hashbus_poller.testing.driver_promises import MemoryTape
from hashbus_simulator.fleet import Fleet
from hashbus_simulator.settings import SimulatorSettings

HOST = "127.85.5.1"
FIXTURES = Path(__file__).parents[2] / "fixtures"


def floats(*pairs: tuple[int, float], low_first: bool = False) -> dict[int, int]:
    """Registers that hold floats, written by hand: nothing here knows the templates."""
    words: dict[int, int] = {}
    for place, value in pairs:
        high, low = struct.unpack(">2H", struct.pack(">f", value))
        words[place], words[place + 1] = (low, high) if low_first else (high, low)
    return words


SDM630 = floats(
    *((place, 0.0) for place in range(0, 0x5C, 2)),
    (0x0C, 500.0), (0x0E, -200.0), (0x10, 50.0), (0x2A, 231.5), (0x30, 3.25), (0x34, 350.0), (0x46, 50.02),
    (0x48, 1234.5), (0x4A, 77.25),
)  # fmt: skip
SDM120 = floats(
    *((place, 0.0) for place in range(0, 0x56, 2)),
    (0x00, 229.5), (0x06, 2.5), (0x0C, -570.0), (0x46, 49.98), (0x48, 12.5), (0x4A, 8.0),
)  # fmt: skip
TUF2000 = floats((0, 0.5), (32, 31.5), (34, 45.25), low_first=True)
EG4 = dict.fromkeys(range(120), 0) | {
    0: 12, 4: 538, 5: 0x644C, 7: 2310, 8: 2254, 10: 2430, 12: 2412, 15: 5998, 27: 120, 50: 21_000, 52: 19_000, 53: 1,
    56: 1200, 58: 34_000, 64: 46, 67: 0xFFFB,
}  # fmt: skip

PUMP = dict.fromkeys(range(300, 340), 0) | {
    301: 12, 302: 6210, 303: 3150, 312: 85, 321: 31_215, 332: 1432,
}  # fmt: skip

MODBUS: Mapping[str, tuple[dict[str, Any], Reading]] = {
    "sdm630": (
        {"input": SDM630, "longest_read": 80},
        MeterReading(
            power_w=350, phases_w=(500, -200, 50), voltage_v=231.5, current_a=3.25, frequency_hz=50.02,
            import_energy_wh=1_234_500, export_energy_wh=77_250,
        ),
    ),
    "sdm120": (
        {"input": SDM120, "longest_read": 80},
        MeterReading(
            power_w=-570, voltage_v=229.5, current_a=2.5, frequency_hz=49.98,
            import_energy_wh=12_500, export_energy_wh=8_000,
        ),
    ),
    "tuf2000": ({"holding": TUF2000}, SensorReading(flow_lpm=8.333333, inlet_c=31.5, outlet_c=45.25)),
    "xy_md02": ({"input": {1: 0xFF9C, 2: 452}}, SensorReading(temperature_c=-10, humidity_pct=45.2)),
    "grundfos_pump": (
        {"input": PUMP, "holding": {100: 3, 103: 5500}},
        SensorReading(
            flow_lpm=20, speed_pct=62.1, pump_rpm=3150, power_w=85, temperature_c=39, energy_wh=1_432_000
        ),
    ),
    "mypv_ac_elwa": ({"holding": {1000: 2950, 1001: 583}}, SensorReading(power_w=2950, temperature_c=58.3)),
    "eg4": (
        {"input": EG4, "longest_read": 40},
        BatteryReading(
            soc_pct=76, soh_pct=100, pv_w=4564, battery_w=2430, grid_w=120, battery_v=53.8, battery_c=-5, inverter_c=46,
            grid_v=241.2, grid_hz=59.98, charge_energy_wh=2_100_000, discharge_energy_wh=8_453_600,
            import_energy_wh=3_400_000, export_energy_wh=120_000, status="PV charges and feeds the house",
        ),
    ),
}  # fmt: skip

SETTINGS: Mapping[str, Mapping[str, tuple[SettingValue, Mapping[int, int]]]] = {
    "grundfos_pump": {"is_on": (False, {100: 1}), "setpoint_pct": (62.5, {103: 6250})},
    "mypv_ac_elwa": {"power_w": (1500.0, {1000: 1500})},
    "eg4": {
        "charge_power_pct": (60.0, {64: 60}),
        "discharge_power_pct": (70.0, {65: 70}),
        "ac_charge_power_pct": (20.0, {66: 20}),
        "ac_charge_to_pct": (90.0, {67: 90}),
        "discharge_to_pct": (20.0, {105: 20}),
    },
}
"""Of each Modbus template that can be ordered: a value of each setting, and what then stands in which register."""

SWITCHED: Mapping[str, Mapping[str, tuple[SettingValue, str]]] = {
    "shelly_plug": {"is_on": (False, "/rpc/Switch.Set?id=0&on=false")},
    "shelly_plug_s": {"is_on": (False, "/relay/0?turn=off")},
}
"""Of each HTTP template that can be ordered: a value of each setting, and what is then asked of the device."""

HTTP: Mapping[str, tuple[str, Reading]] = {
    "shelly_pro_3em": (
        "/rpc/Shelly.GetStatus",
        MeterReading(
            power_w=-1304.2, phases_w=(-510.4, -420.8, -373.0), voltage_v=232.1, current_a=6.4, frequency_hz=50,
            import_energy_wh=120_345.67, export_energy_wh=45_012.34,
        ),
    ),
    "shelly_3em": (
        "/status",
        MeterReading(
            power_w=410.66, phases_w=(10.66, 400, 0), voltage_v=232.06, import_energy_wh=1505.3, export_energy_wh=20
        ),
    ),
    "shelly_plug": (
        "/rpc/Shelly.GetStatus", SensorReading(is_on=True, power_w=45.2, energy_wh=6532.23, temperature_c=43.1)
    ),
    "shelly_plug_s": ("/status", SensorReading(is_on=True, power_w=44.75, energy_wh=2.0, temperature_c=29.8)),
}  # fmt: skip

MQTT: Mapping[str, tuple[str, Reading]] = {
    "theengs_ble": (
        "home/TheengsGateway/BTtoMQTT/A4C138AABBCC",
        SensorReading(temperature_c=21.3, humidity_pct=48.5, battery_pct=87),
    ),
    "tasmota_plug": ("tele/pump/SENSOR", SensorReading(power_w=56, energy_wh=3185)),
    "ems_esp_boiler": ("ems-esp/boiler_data", SensorReading(outlet_c=45.1, inlet_c=38.6, target_c=50, is_on=True)),
}


def test_every_shipped_template_is_tried_here() -> None:
    assert templates.names() == sorted([*MODBUS, *HTTP, *MQTT])


@pytest.mark.parametrize("name", templates.names())
def test_a_shipped_template_says_what_it_is_and_where_its_facts_are_from(name: str) -> None:
    found = templates.template(name, None)
    assert found.driver in drivers()
    assert found.title
    assert found.source
    assert "kind" in found.options


@pytest.fixture
async def wiring() -> AsyncIterator[Wiring]:
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
        yield Wiring(SYSTEM_CLOCK, lambda: session, MemoryTape())


@pytest.mark.parametrize("name", MODBUS)
async def test_a_modbus_template_reads_its_device(name: str, wiring: Wiring) -> None:
    block, expected = MODBUS[name]
    devices = [{"family": "modbus", "host": HOST, **block}]
    async with Fleet(SimulatorSettings.model_validate({"control_port": None, "devices": devices})):
        options = ModbusDeviceOptions.model_validate({"template": name, "host": HOST})
        reading = await ModbusDevice(options, wiring).read()
    assert reading == expected


def test_every_setting_of_a_shipped_template_is_tried_here() -> None:
    shipped = {name: templates.template(name, None).options.get("settings", {}) for name in templates.names()}
    assert {name: set(its) for name, its in (*SETTINGS.items(), *SWITCHED.items())} == {
        name: set(its) for name, its in shipped.items() if its
    }


@pytest.mark.parametrize("name", SETTINGS)
async def test_a_template_sets_its_device(name: str, wiring: Wiring) -> None:
    holding = {100: 3, 103: 0, 1000: 0, 1001: 583, **dict.fromkeys((64, 65, 66, 67, 105), 50)}
    devices = [{"family": "modbus", "host": HOST, "holding": holding}]
    async with Fleet(SimulatorSettings.model_validate({"control_port": None, "devices": devices})) as fleet:
        device = next(iter(fleet.devices.values()))
        options = ModbusDeviceOptions.model_validate({"template": name, "host": HOST, "takes_orders": True})
        driver = ModbusDevice(options, wiring)
        assert {one.name for one in driver.settings} == set(SETTINGS[name])
        for setting, (value, expected) in SETTINGS[name].items():
            await driver.write_setting(setting, value)
            registers = device.truth()["read_holding"]
            assert isinstance(registers, dict)
            assert {place: registers[str(place)] for place in expected} == expected
            assert await driver.read_setting(setting) == value


def sample(name: str) -> bytes:
    """What the device says, composed from its documentation."""
    (path,) = FIXTURES.glob(f"*/{name}/*/status.json")
    return path.read_bytes()


@asynccontextmanager
async def answering(name: str) -> AsyncIterator[list[str]]:
    """A device that always answers alike; gives what it is asked, as it comes."""
    asked: list[str] = []

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        asked.append(request.path_qs)
        return web.Response(body=sample(name))

    runner = web.ServerRunner(web.Server(answer))
    await runner.setup()
    await web.TCPSite(runner, HOST, 80).start()
    try:
        yield asked
    finally:
        await runner.cleanup()


def http_driver(name: str, wiring: Wiring, **more: Any) -> HttpJson:
    return HttpJson(HttpJsonOptions.model_validate({"template": name, "host": HOST, **more}), wiring)


@pytest.mark.parametrize("name", HTTP)
async def test_an_http_template_reads_its_device(name: str, wiring: Wiring) -> None:
    path, expected = HTTP[name]
    async with answering(name) as asked:
        assert await http_driver(name, wiring).read() == expected
    assert asked == [path]


@pytest.mark.parametrize("name", SWITCHED)
async def test_an_http_template_sets_its_device(name: str, wiring: Wiring) -> None:
    driver = http_driver(name, wiring, takes_orders=True)
    for setting, (value, request) in SWITCHED[name].items():
        async with answering(name) as asked:
            await driver.write_setting(setting, value)
            assert await driver.read_setting(setting) is True, "the sample is of a plug that is on"
        assert asked == [request, HTTP[name][0]]


@pytest.mark.parametrize("name", MQTT)
def test_an_mqtt_template_reads_its_device(name: str) -> None:
    topic, expected = MQTT[name]
    options = MqttInOptions.model_validate({"template": name, "topic": topic})
    now = SYSTEM_CLOCK.now()
    assert read_topics(options, {topic: Said(sample(name), now)}, now) == expected.model_copy(update={"taken_at": now})


OWN = """
driver: modbus
title: The boiler in the cellar
source: its label
options:
  kind: sensor
  unit: 7
  registers:
    temperature_c: {table: holding, address: 1, unit: °C}
    is_on: {table: coil, address: 0}
"""


def own_template(folder: Path, text: str = OWN, name: str = "boiler") -> dict[str, Any]:
    (folder / f"{name}.yaml").write_text(text)
    return {"template": name, "template_folder": str(folder), "host": "192.0.2.7"}


def test_a_template_of_ones_own_is_found_in_its_folder(tmp_path: Path) -> None:
    options = ModbusDeviceOptions.model_validate(own_template(tmp_path))
    assert (options.unit, list(options.registers)) == (7, ["temperature_c", "is_on"])


def test_what_a_device_says_itself_goes_before_its_template(tmp_path: Path) -> None:
    own = {"unit": 9, "registers": {"is_on": None, "flow_lpm": {"table": "input", "address": 5, "unit": "L/h"}}}
    options = ModbusDeviceOptions.model_validate({**own_template(tmp_path), **own})
    assert (options.unit, list(options.registers)) == (9, ["temperature_c", "flow_lpm"])


def test_a_template_of_ones_own_may_replace_a_shipped_one(tmp_path: Path) -> None:
    assert ModbusDeviceOptions.model_validate(own_template(tmp_path, name="sdm630")).unit == 7


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("driver: [", "is not valid YAML"),
        ("driver: modbus", "title: Field required"),
        (OWN.replace("modbus", "http_json"), "is for `driver: http_json`"),
        (OWN.replace("°C", "W"), "unit of temperature_c"),
        (OWN + "surprise: 1\n", "surprise"),
    ],
)
def test_a_template_that_is_wrong_is_named(tmp_path: Path, text: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        ModbusDeviceOptions.model_validate(own_template(tmp_path, text))


@pytest.mark.parametrize("name", ["none-such", "../sdm630", "SDM630"])
def test_a_template_that_is_not_there_is_answered_with_those_that_are(name: str) -> None:
    with pytest.raises(ValueError, match=r"there are .*sdm630|should match pattern"):
        ModbusDeviceOptions.model_validate({"template": name, "host": "192.0.2.7"})


def test_the_pollers_folder_of_templates_is_that_of_all_its_devices(tmp_path: Path) -> None:
    device = {"driver": "modbus", **own_template(tmp_path)}
    del device["template_folder"]
    block = {"prefix": "row-", "hosts": ["192.0.2.8", "192.0.2.9"], "driver": "modbus", "template": "boiler"}
    poller = {"template_folder": str(tmp_path), "devices": {"boiler": device}, "blocks": [block]}
    settings: Any = settings_model().model_validate({"poller": poller})
    assert {name: one.unit for name, one in settings.poller.devices.items()} == {
        "boiler": 7,
        "row-001": 7,
        "row-002": 7,
    }


def test_a_sample_is_json() -> None:
    for name in (*HTTP, *MQTT):
        assert isinstance(json.loads(sample(name)), dict)
