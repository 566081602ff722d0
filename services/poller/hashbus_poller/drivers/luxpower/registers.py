"""Input registers (PROTOCOLS.md 5.4) as a battery reading; the same over dongle and Modbus; pure."""

from __future__ import annotations

from collections.abc import Mapping
from math import copysign

from hashbus.messages import BatteryReading
from hashbus_poller.drivers.contract import Unreachable
from hashbus_poller.drivers.luxpower.faults import errors
from hashbus_poller.drivers.luxpower.status import status

Registers = Mapping[int, int]
"""Values by register number, each 0 to 65535."""

WH_OF_A_COUNT = 100
"""Energy is counted in tenths of a kWh."""


def reading(registers: Registers) -> BatteryReading:
    """Make a reading of the registers 0 to 119 and, where the inverter has them, 160 to 199.

    `load_w` is what is left of sun, battery and grid: pv + discharge - charge + import - export. It includes what the
    inverter itself loses; a generator and what is coupled on the alternating-current side are not in it.
    A battery without a management system leaves its wished charge voltage (83) at 0, and what it would tell unknown.
    Firmware disagrees on the sign of the current, so it takes that of the power.
    Unreachable when the inverter has no figures of its battery: empty, it would still have its voltage.
    """
    r = registers
    soc_pct, soh_pct = r[5] & 0xFF, r[5] >> 8
    if soc_pct == 0 and r[4] == 0:
        raise Unreachable("the inverter has no figures of its battery: 0 % and 0 V is no reading")
    has_bms = r[83] > 0
    pv_w, battery_w, grid_w = r[7] + r[8] + r[9], r[10] - r[11], r[27] - r[26]
    return BatteryReading(
        soc_pct=soc_pct,
        soh_pct=soh_pct or None,
        pv_w=pv_w,
        load_w=max(0, pv_w - battery_w + grid_w),
        battery_w=battery_w,
        grid_w=grid_w,
        battery_v=r[4] / 10,
        battery_a=copysign(abs(signed(r[98])) / 10, battery_w) if has_bms else None,
        battery_c=signed(r[67]) or None,
        inverter_c=signed(r[64]) or None,
        grid_v=r[12] / 10,
        grid_hz=r[15] / 100,
        max_charge_a=r[81] / 10 if has_bms else None,
        max_discharge_a=r[82] / 10 if has_bms else None,
        cycles=r[106] if has_bms else None,
        pv_energy_wh=sum(_counter_wh(r, first) for first in (40, 42, 44)),
        charge_energy_wh=_counter_wh(r, 50),
        discharge_energy_wh=_counter_wh(r, 52),
        export_energy_wh=_counter_wh(r, 56),
        import_energy_wh=_counter_wh(r, 58),
        load_energy_wh=_counter_wh(r, 172) if 172 in r else None,
        status=status(r[0]),
        errors=errors(faults=double(r, 60), warnings=double(r, 62)),
    )


def signed(word: int) -> int:
    """Return a register as a number that may be negative."""
    return word - 0x10000 if word & 0x8000 else word


def double(r: Registers, first: int) -> int:
    """Return two registers as one number, the low word first."""
    return r[first] | r[first + 1] << 16


def _counter_wh(r: Registers, first: int) -> float:
    return float(double(r, first) * WH_OF_A_COUNT)
