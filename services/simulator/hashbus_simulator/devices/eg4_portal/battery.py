"""The battery bank as the portal shows it: voltages, currents and modules in the scales of PROTOCOLS.md 5.1."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Self

from hashbus_simulator.devices.eg4_portal.snapshot import TIME_FORMAT, Reply, Snapshot

CELLS = 16  # lithium iron phosphate in series
NOMINAL_V = 51.2
MODULE_KWH = 14.3  # one wall-mounted module of 280 Ah
MODULE_OHM = 0.02
# Resting voltage of one cell by state of charge: own figures in the shape of a lithium iron phosphate cell.
CELL_CURVE = ((0, 2.80), (5, 3.05), (10, 3.20), (20, 3.25), (50, 3.29), (70, 3.32), (90, 3.34), (98, 3.38), (100, 3.46))


@dataclass(frozen=True, slots=True)
class Bank:
    """The bank's terminals and modules; current and power are positive while charging."""

    soc_pct: float
    full_ah: float
    modules: int
    power_w: float
    volt_v: float

    @classmethod
    def of(cls, snapshot: Snapshot) -> Self:
        """The bank of a house: resting voltage by charge, a little more while charging, less while discharging."""
        capacity_kwh, house = snapshot.settings.battery.capacity_kwh, snapshot.house
        modules = max(1, round(capacity_kwh / MODULE_KWH))
        power_w = house.flows.charge_w - house.flows.discharge_w
        rest_v = CELLS * _cell_v(house.soc_pct)
        volt_v = rest_v + MODULE_OHM / modules * power_w / rest_v
        return cls(house.soc_pct, capacity_kwh * 1000 / NOMINAL_V, modules, power_w, volt_v)

    @property
    def current_a(self) -> float:
        """Current of the whole bank."""
        return self.power_w / self.volt_v

    @property
    def remaining_ah(self) -> float:
        """Charge that is left in the whole bank."""
        return self.full_ah * self.soc_pct / 100


def battery_fields(snapshot: Snapshot) -> Reply:
    """The battery as runtime and battery reply both have it."""
    bank, flows = Bank.of(snapshot), snapshot.house.flows
    return {
        "pCharge": round(flows.charge_w),
        "pDisCharge": round(flows.discharge_w),
        "batPower": round(bank.power_w),
        "batStatus": "Charging" if bank.power_w > 0 else "Discharging" if bank.power_w < 0 else "Idle",
        "soc": round(bank.soc_pct),
        "vBat": round(bank.volt_v * 10),
    }


def battery_info(snapshot: Snapshot) -> Reply:
    """The reply of getBatteryInfo: the bank and each of its modules; of a lost inverter only the shell."""
    bank, is_lost = Bank.of(snapshot), snapshot.is_lost
    kind = "charge" if bank.power_w > 0 else "discharge" if bank.power_w < 0 else "idle"
    reply: Reply = {"success": True, "serialNum": snapshot.serial, "lost": is_lost}
    if not is_lost:
        reply |= {"hasRuntimeData": True, "statusText": "normal", **battery_fields(snapshot)}
        reply["batteryArray"] = [_module(bank, snapshot, number) for number in range(1, bank.modules + 1)]
    return reply | {
        "remainCapacity": 0 if is_lost else round(bank.remaining_ah),
        "fullCapacity": 0 if is_lost else round(bank.full_ah),
        "capacityPercent": 0 if is_lost else round(bank.soc_pct),
        "totalNumber": 0 if is_lost else bank.modules,
        "currentText": "" if is_lost else f"{abs(bank.current_a):.1f}",
        "currentType": "unknown" if is_lost else kind,
        "totalVoltageText": "" if is_lost else f"{bank.volt_v:.1f}",
    }


def _module(bank: Bank, snapshot: Snapshot, number: int) -> Reply:
    cell_mv = round(bank.volt_v / CELLS * 1000)
    cell_tenths_c = round((18 + 0.3 * snapshot.outdoor_c) * 10)
    return {
        "batteryKey": f"{snapshot.serial}_Battery_ID_{number:02d}",
        "batterySn": f"Battery_ID_{number:02d}",
        "batIndex": number - 1,
        "lost": False,
        "lastUpdateTime": snapshot.taken_at.strftime(TIME_FORMAT),
        "totalVoltage": round(bank.volt_v * 100),
        "current": round(bank.current_a / bank.modules * 10),
        "soc": round(bank.soc_pct),
        "soh": 100,
        "currentRemainCapacity": round(bank.remaining_ah / bank.modules),
        "currentFullCapacity": round(bank.full_ah / bank.modules),
        "batMaxCellTemp": cell_tenths_c + 10,
        "batMinCellTemp": cell_tenths_c,
        "batMaxCellVoltage": cell_mv + 2,
        "batMinCellVoltage": cell_mv - 2,
        "cycleCnt": 58,
        "fwVersionText": "2.17",
    }


def _cell_v(soc_pct: float) -> float:
    for (low, low_v), (high, high_v) in pairwise(CELL_CURVE):
        if soc_pct <= high:
            return low_v + (high_v - low_v) * (soc_pct - low) / (high - low)
    return CELL_CURVE[-1][1]
