"""What the portal says about a house: raw integers in the scales of PROTOCOLS.md 5.1. Pure functions."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from hashbus_simulator.devices.eg4_portal.battery import NOMINAL_V, battery_fields
from hashbus_simulator.devices.eg4_portal.snapshot import FIRMWARE_CODE, TIME_FORMAT, Reply, Snapshot, head, status
from hashbus_simulator.house import Energy, Flows

PLANT_ID = 12345
MPP_V = 350.0  # voltage of the panel strings while the sun shines
# What an inverter that has lost its link no longer says.
LOST_RUNTIME_KEYS = frozenset(
    {"ppv", "pCharge", "pDisCharge", "batPower", "batStatus", "soc", "vBat"}
    | {"pinv", "prec", "peps", "status", "acCouplePower"}
)


def runtime(snapshot: Snapshot) -> Reply:
    """The reply of getInverterRuntime; a lost inverter misses the battery fields and keeps its old time."""
    flows = snapshot.house.flows
    reply: Reply = {
        **head(snapshot),
        "statusText": "offline" if snapshot.is_lost else "normal",
        "serverTime": snapshot.served_at.strftime(TIME_FORMAT),
        "deviceTime": _local(snapshot).strftime(TIME_FORMAT),
        "status": status(flows),
        **_strings(flows.pv_w),
        **_alternating(flows),
        **battery_fields(snapshot),
        **_temperatures(snapshot),
        "maxChgCurr": round(snapshot.settings.battery.max_charge_w / NOMINAL_V * 100),
        "maxDischgCurr": round(snapshot.settings.battery.max_discharge_w / NOMINAL_V * 100),
        "consumptionPower": round(flows.load_w + flows.miners_w),
        "acCouplePower": 0,
        "genPower": 0,
        "bmsCharge": True,
        "bmsDischarge": True,
    }
    return {key: value for key, value in reply.items() if not (snapshot.is_lost and key in LOST_RUNTIME_KEYS)}


def energy(snapshot: Snapshot) -> Reply:
    """The reply of getInverterEnergyInfo: tenths of a kWh, and the same again as text."""
    reply = head(snapshot)
    if not snapshot.is_lost:
        reply["soc"] = round(snapshot.house.soc_pct)
    for period, counted in (("today", snapshot.house.today), ("total", snapshot.house.total)):
        for name, tenths in _tenths_of_kwh(counted).items():
            reply[period + name] = tenths
            reply[f"{period}{name}Text"] = f"{tenths / 10:.1f}".removesuffix(".0")
    return reply


def inverter_info(snapshot: Snapshot) -> Reply:
    """The reply of getInverterInfo: what does not change."""
    return {
        "success": True,
        "lost": snapshot.is_lost,
        "datalogSn": f"BA{snapshot.serial[-8:]}",
        "serialNum": snapshot.serial,
        "deviceType": 6,
        "phase": 1,
        "dtc": 1,
        "voltClass": 0,
        "fwVersion": 34,
        "hardwareVersion": 0,
        "subDeviceType": 131,
        "allowExport2Grid": snapshot.settings.max_export_w > 0,
        "powerRating": 6,
        "machineType": 0,
        "deviceTypeText": "12KPV",
        "fwCode": FIRMWARE_CODE,
        "deviceInfo": "",
        "address": 1,
        "powerRatingText": snapshot.rating_text,
        "batteryType": "LITHIUM",
        "status": 0 if snapshot.is_lost else status(snapshot.house.flows),
        "statusText": "offline" if snapshot.is_lost else "normal",
    }


def login(snapshot: Snapshot, *, account: str) -> Reply:
    """The reply of a good login: the plants of the account and their inverters."""
    inverter = {
        "serialNum": snapshot.serial,
        "phase": 1,
        "lost": False,
        "dtc": 1,
        "deviceType": 6,
        "deviceTypeText": "12KPV",
        "powerRating": 6,
        "batteryType": "LITHIUM",
    }
    plant = {**_plant(snapshot), "inverters": [inverter], "parallelGroups": []}
    return {"success": True, "userId": 54321, "username": account, "role": "VIEWER", "plants": [plant]}


def plants(snapshot: Snapshot) -> Reply:
    """The reply of the plant list."""
    return {"total": 1, "rows": [{"id": PLANT_ID, **_plant(snapshot)}]}


def zombie(reply: Mapping[str, object]) -> Reply:
    """The reply as a session that has died unnoticed gets it: success, and nothing but nulls and zeros."""
    return {key: True if key == "success" else _emptied(value) for key, value in reply.items()}


def _emptied(value: object) -> object:
    if isinstance(value, bool):
        return False
    if isinstance(value, int | float):
        return 0
    return [] if isinstance(value, list) else None


def _plant(snapshot: Snapshot) -> Reply:
    offset_h = snapshot.settings.place.utc_offset_h
    return {"plantId": PLANT_ID, "name": "Simulated house", "timezoneHourOffset": int(offset_h)}


def _local(snapshot: Snapshot) -> datetime:
    return snapshot.taken_at + timedelta(hours=snapshot.settings.place.utc_offset_h)


def _strings(pv_w: float) -> Reply:
    """Two strings of panels that share the power about evenly; the third input is free."""
    first_w = round(pv_w * 0.506)
    total_w = round(pv_w)
    is_light = total_w > 0
    return {
        "vpv1": round(MPP_V * 10.03) if is_light else 0,
        "vpv2": round(MPP_V * 9.93) if is_light else 0,
        "vpv3": 0,
        "ppv1": first_w,
        "ppv2": total_w - first_w,
        "ppv3": 0,
        "ppv": total_w,
    }


def _alternating(flows: Flows) -> Reply:
    usage_w = flows.load_w + flows.miners_w
    return {
        "vacr": 2412,
        "vacs": 0,
        "vact": 0,
        "vBus1": 3740,
        "vBus2": 3120,
        "fac": 5998,
        "pf": "1",
        "vepsr": 2411,
        "feps": 5998,
        "peps": round(usage_w),
        "seps": round(usage_w * 1.02),
        "pToGrid": round(flows.export_w),
        "pToUser": round(flows.import_w),
        "pinv": round(max(0.0, flows.pv_w + flows.discharge_w - flows.charge_w)),
        "prec": 0,
    }


def _temperatures(snapshot: Snapshot) -> Reply:
    share = min(1.0, (snapshot.house.flows.pv_w + snapshot.house.flows.discharge_w) / snapshot.power_rating_w)
    cellar_c = 15 + 0.3 * snapshot.outdoor_c
    return {
        "tinner": round(cellar_c + 12 + 16 * share),
        "tradiator1": round(cellar_c + 10 + 24 * share),
        "tradiator2": round(cellar_c + 9 + 22 * share),
        "tBat": round(cellar_c + 3),
    }


def _tenths_of_kwh(counted: Energy) -> dict[str, int]:
    return {
        "Yielding": int(counted.pv_wh / 100),
        "Charging": int(counted.charge_wh / 100),
        "Discharging": int(counted.discharge_wh / 100),
        "Import": int(counted.import_wh / 100),
        "Export": int(counted.export_wh / 100),
        "Usage": int(counted.usage_wh / 100),
    }
