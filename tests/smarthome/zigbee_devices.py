"""Devices as Zigbee2MQTT 2.x lists them in `bridge/devices`, composed from its documentation, and what they say."""

from typing import Any


def number(name: str, unit: str | None = None, *, access: int = 1, **more: Any) -> dict[str, Any]:
    found = {"type": "numeric", "name": name, "label": name.title(), "property": name, "access": access, **more}
    return found | ({"unit": unit} if unit else {})


def flag(name: str, on: object = True, off: object = False, *, access: int = 1, **more: Any) -> dict[str, Any]:
    return {
        "type": "binary",
        "name": name,
        "label": name.title(),
        "property": name,
        "access": access,
        "value_on": on,
        "value_off": off,
        **more,
    }


LINK = number("linkquality", "lqi", value_min=0, value_max=255, category="diagnostic")
BATTERY = number("battery", "%", value_min=0, value_max=100, category="diagnostic")
BATTERY_VOLTAGE = number("voltage", "mV", category="diagnostic")


def device(name: str, ieee: str, exposes: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    return {
        "ieee_address": ieee,
        "type": "EndDevice",
        "network_address": 29159,
        "supported": True,
        "friendly_name": name,
        "disabled": False,
        "definition": {
            "model": "WSDCGQ11LM",
            "vendor": "Aqara",
            "description": "A device",
            "supports_ota": False,
            "options": [],
            "exposes": exposes,
        },
        "power_source": "Battery",
        "model_id": "lumi.weather",
        "manufacturer": "LUMI",
        "interview_completed": True,
        "interviewing": False,
        "interview_state": "SUCCESSFUL",
        "endpoints": {"1": {"bindings": [], "configured_reportings": [], "clusters": {"input": [], "output": []}}},
        **more,
    }


ROOM = device(
    "living room/climate",
    "0x00158d00018255df",
    [
        BATTERY,
        number("temperature", "°C"),
        number("humidity", "%"),
        number("pressure", "hPa"),
        BATTERY_VOLTAGE,
        LINK,
    ],
)
WINDOW = device(
    "Küche/Fenster", "0x00158d0001a2b3c4", [BATTERY, flag("contact", on=False, off=True), BATTERY_VOLTAGE, LINK]
)
PLUG = device(
    "pump plug",
    "0xa4c1380000000001",
    [
        {"type": "switch", "features": [flag("state", "ON", "OFF", access=7, value_toggle="TOGGLE")]},
        number("power", "W", access=5),
        number("current", "A", access=5),
        number("voltage", "V", access=5),
        number("energy", "kWh"),
        LINK,
    ],
    type="Router",
    power_source="Mains (single phase)",
)
VALVE = device(
    "bath/valve",
    "0xa4c1380000000002",
    [
        {
            "type": "climate",
            "features": [
                number("occupied_heating_setpoint", "°C", access=7, value_min=5, value_max=30, value_step=0.5),
                number("local_temperature", "°C", access=5),
                {
                    "type": "enum",
                    "name": "system_mode",
                    "property": "system_mode",
                    "access": 7,
                    "values": ["off", "heat"],
                },
                {
                    "type": "enum",
                    "name": "running_state",
                    "property": "running_state",
                    "access": 5,
                    "values": ["idle", "heat"],
                },
                number("pi_heating_demand", "%", access=5),
            ],
        },
        BATTERY,
        LINK,
    ],
)
STRIP = device(
    "two sockets",
    "0xa4c1380000000003",
    [
        {
            "type": "switch",
            "endpoint": "l1",
            "features": [flag("state", "ON", "OFF", access=7, property="state_l1", endpoint="l1")],
        },
        {
            "type": "switch",
            "endpoint": "l2",
            "features": [flag("state", "ON", "OFF", access=7, property="state_l2", endpoint="l2")],
        },
        number("power", "W", property="power_l1", endpoint="l1"),
        number("power", "W", property="power_l2", endpoint="l2"),
        LINK,
    ],
)
LEAK = device("cellar leak", "0x00158d0001ffff01", [flag("water_leak"), BATTERY, LINK])
COORDINATOR = device("Coordinator", "0x00124b00120144ae", [], type="Coordinator", definition=None, supported=False)
UNSUPPORTED = device("odd", "0x00124b00120144af", [], definition=None, supported=False)
BULB = device(
    "bulb",
    "0x90fd9ffffe6494fc",
    [{"type": "light", "features": [flag("state", "ON", "OFF", access=7), number("brightness", access=7)]}, LINK],
)
BLIND = device(
    "blind", "0x90fd9ffffe6494fd", [{"type": "cover", "features": [number("position", "%", access=7)]}, LINK]
)

ALL = [ROOM, WINDOW, PLUG, VALVE, STRIP, LEAK, COORDINATOR, UNSUPPORTED, BULB, BLIND]
