"""The inverter's registers (PROTOCOLS.md 5.4, 5.5): the house as input registers, settings as holding registers."""

from collections.abc import Iterable, Mapping, Sequence

from hashbus_simulator.devices.eg4_portal import payloads
from hashbus_simulator.devices.eg4_portal.battery import Bank
from hashbus_simulator.devices.eg4_portal.snapshot import Snapshot
from hashbus_simulator.devices.modbus.protocol import Function, Refusal

HEALTH_PCT = 100
CHARGE_V = 56.0
CUT_OFF_V = 46.0
CYCLES = 58
LAST_HOLDING = 250

# The portal shows the inverter's own integers, so the scales of both are the same.
RUNTIME = {
    "status": 0, "vpv1": 1, "vpv2": 2, "vpv3": 3, "vBat": 4, "ppv1": 7, "ppv2": 8, "ppv3": 9,
    "pCharge": 10, "pDisCharge": 11, "vacr": 12, "vacs": 13, "vact": 14, "fac": 15, "pinv": 16, "prec": 17,
    "vepsr": 20, "feps": 23, "peps": 24, "seps": 25, "pToGrid": 26, "pToUser": 27, "vBus1": 38, "vBus2": 39,
    "tinner": 64, "tradiator1": 65, "tradiator2": 66, "tBat": 67,
}  # fmt: skip
TODAY = {"Yielding": 28, "Charging": 33, "Discharging": 34, "Export": 36, "Import": 37, "Usage": 171}
TOTAL = {"Yielding": 40, "Charging": 50, "Discharging": 52, "Export": 56, "Import": 58, "Usage": 172}
# What an inverter comes with from the factory, as far as section 5.5 names it.
FACTORY = {
    21: 0x8201,
    64: 100,
    65: 100,
    66: 100,
    67: 100,
    101: 200,
    102: 200,
    105: 10,
    125: 10,
    160: 50,
    161: 90,
    227: 100,
}


def input_registers(
    snapshot: Snapshot, *, uptime_s: float, faults: Iterable[int] = (), warnings: Iterable[int] = ()
) -> dict[int, int]:
    """The input registers at a moment; those not named are 0. `faults` and `warnings` are the bits that are set."""
    runtime, energy = payloads.runtime(snapshot), payloads.energy(snapshot)
    bank, battery = Bank.of(snapshot), snapshot.settings.battery
    words = {register: _word(runtime[name]) for name, register in RUNTIME.items()}
    words |= {register: _word(energy[f"today{name}"]) for name, register in TODAY.items()}
    for name, register in TOTAL.items():
        words |= _low_first(register, _number(energy[f"total{name}"]))
    words |= _low_first(60, sum(1 << bit for bit in faults))
    words |= _low_first(62, sum(1 << bit for bit in warnings))
    words |= _low_first(69, int(uptime_s))
    flows = snapshot.house.flows
    return words | {
        5: round(bank.soc_pct) | HEALTH_PCT << 8,
        81: round(battery.max_charge_w / bank.volt_v * 10),
        82: round(battery.max_discharge_w / bank.volt_v * 10),
        83: round(CHARGE_V * 10),
        84: round(CUT_OFF_V * 10),
        96: bank.modules,
        97: round(bank.full_ah),
        98: _word(round(bank.current_a * 10)),
        101: round(bank.volt_v / 16 * 1000) + 2,
        102: round(bank.volt_v / 16 * 1000) - 2,
        103: _word(runtime["tBat"]) * 10,
        104: _word(runtime["tBat"]) * 10,
        106: CYCLES,
        170: _word(round(flows.load_w + flows.miners_w)),
        193: 1206,
        194: 1206,
    }


class Inverter:
    """The inverter behind dongle and Modbus: reads its registers, takes what is written into the holding ones."""

    def __init__(self, last_register: int, most_registers: int) -> None:
        self._last = last_register
        self._most = most_registers
        self.holding = dict(FACTORY)
        self.inputs: Mapping[int, int] = {}
        self.reads = 0

    def read(self, function: Function, first: int, count: int) -> Sequence[int]:
        """The values from `first` on. Raises Refusal: too many at once (3), none of that number (2), no coils (1)."""
        if function not in (Function.READ_HOLDING, Function.READ_INPUT):
            raise Refusal(1)
        if not 1 <= count <= self._most:
            raise Refusal(3)
        is_input = function is Function.READ_INPUT
        if first + count - 1 > (self._last if is_input else LAST_HOLDING):
            raise Refusal(2)
        self.reads += 1
        table = self.inputs if is_input else self.holding
        return [table.get(register, 0) for register in range(first, first + count)]

    def write(self, first: int, values: Sequence[int]) -> None:
        """Take settings. Raises Refusal for registers that are not there."""
        if first + len(values) - 1 > LAST_HOLDING:
            raise Refusal(2)
        self.holding.update(enumerate(values, first))

    def turn(self, coil: int, *, is_on: bool) -> None:  # noqa: ARG002
        """Refuse: it has no coils."""
        raise Refusal(1)


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0


def _word(value: object) -> int:
    return _number(value) & 0xFFFF


def _low_first(register: int, value: int) -> dict[int, int]:
    return {register: value & 0xFFFF, register + 1: value >> 16 & 0xFFFF}
