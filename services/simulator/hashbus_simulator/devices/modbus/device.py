"""A device that is nothing but registers: a probe, a boiler, a pump, or a meter on the house's grid connection."""

import struct
from collections.abc import Collection, Mapping, Sequence
from enum import StrEnum

from hashbus_simulator.devices.contract import Place, World
from hashbus_simulator.devices.modbus.dialects import RtuModbus, TcpModbus
from hashbus_simulator.devices.modbus.protocol import Function, HungUp, Refusal, Unit
from hashbus_simulator.house import House
from hashbus_simulator.modbus_settings import ModbusBlock
from hashbus_simulator.serving import TcpPort

PHASE_V = 231.0
GRID_HZ = 50.0
# Input registers of the SDM630, each the first of two that hold a float with the high word first.
METER_LAST = 0x5B

HUMIDITY_TENTHS = 452

LOST_REPLIES = "lost_replies"


class Table(StrEnum):
    """The two tables that can be written."""

    COIL = "coil"
    HOLDING = "holding"


class ModbusDevice:
    """One unit behind Modbus TCP and behind a gateway for serial frames; the same registers by both.

    A fault of its own is `lost_replies`: it does what is written to it, and hangs up before it has said so.
    """

    family = "modbus"
    power_w = 0.0
    offline_left_s = 0.0

    def __init__(self, block: ModbusBlock, place: Place, world: World) -> None:
        self.place = place
        self.model_name = block.model
        self.tables: dict[Function, dict[int, int]] = {
            Function.READ_INPUT: dict(block.input),
            Function.READ_HOLDING: dict(block.holding),
            Function.READ_DISCRETE: dict(block.discrete),
            Function.READ_COILS: dict(block.coil),
        }
        self.reads: list[tuple[int, int, int]] = []
        self.writes: list[tuple[Table, int, tuple[int, ...]]] = []
        self._loses_replies = False
        self._block = block
        self._house = world.house
        self._rooms = world.rooms
        self.ports = (
            TcpPort("modbus", place.host, block.ports.get("modbus", 502), TcpModbus(self.unit)),
            TcpPort("rtu", place.host, block.ports.get("rtu", 4001), RtuModbus(self.unit)),
        )

    @property
    def symptom_names(self) -> Collection[str]:
        """The faults of its own."""
        return (LOST_REPLIES,)

    def show_symptom(self, name: str, count: int | None) -> None:  # noqa: ARG002  until it is cleared
        """Lose the replies to writes."""
        self._loses_replies = name == LOST_REPLIES

    def clear_symptoms(self) -> None:
        """Say again what was done."""
        self._loses_replies = False

    def unit(self, unit_id: int) -> Unit | None:
        """What answers to a unit id: this device to its own."""
        return self if unit_id == self._block.unit else None

    def truth(self) -> Mapping[str, object]:
        """Its registers, and how often it was asked and written to."""
        tables = {
            function.name.lower(): {str(place): entry for place, entry in table.items()}
            for function, table in self.tables.items()
        }
        return {"power_w": 0.0, "reads": len(self.reads), "writes": len(self.writes), **tables}

    def read(self, function: Function, first: int, count: int) -> Sequence[int]:
        """The entries from `first` on. Raises Refusal where there is none, or for too many."""
        self.reads.append((int(function), first, count))
        if function in (Function.READ_INPUT, Function.READ_HOLDING) and count > self._block.longest_read:
            raise Refusal(3)
        if self._block.model == "SDM630" and function is Function.READ_INPUT:
            self.tables[function] = meter_registers(self._house)
        if self._block.room is not None and function is Function.READ_INPUT:
            self.tables[function] = thermometer_registers(self._rooms.measured_c(self._block.room))
        table = self.tables[function]
        try:
            return [table[place] for place in range(first, first + count)]
        except KeyError:
            raise Refusal(2) from None

    def write(self, first: int, values: Sequence[int]) -> None:
        """Take values into holding registers that exist. Raises Refusal where there is none."""
        holding = self.tables[Function.READ_HOLDING]
        places = range(first, first + len(values))
        if any(place not in holding for place in places):
            raise Refusal(2)
        self.writes.append((Table.HOLDING, first, tuple(values)))
        kept = {place: holding[place] for place in places if place in self._block.stuck}
        holding.update(enumerate(values, first))
        holding.update(kept)
        self._said()

    def turn(self, coil: int, *, is_on: bool) -> None:
        """Turn a coil that exists on or off. Raises Refusal where there is none."""
        coils = self.tables[Function.READ_COILS]
        if coil not in coils:
            raise Refusal(2)
        self.writes.append((Table.COIL, coil, (int(is_on),)))
        coils[coil] = int(is_on)
        self._said()

    def _said(self) -> None:
        """Come to the end of a write. Raises HungUp where nobody hears of it."""
        if self._loses_replies:
            raise HungUp


def meter_registers(house: House) -> dict[int, int]:
    """What an SDM630 on the house's grid connection shows: three phases that share the power, + buying."""
    state = house.state
    grid_w = state.flows.import_w - state.flows.export_w
    shown = dict.fromkeys(range(0, METER_LAST, 2), 0.0)
    for phase in range(3):
        shown[2 * phase] = PHASE_V
        shown[6 + 2 * phase] = abs(grid_w) / 3 / PHASE_V
        shown[12 + 2 * phase] = grid_w / 3
    shown |= {
        0x2A: PHASE_V,
        0x2E: abs(grid_w) / 3 / PHASE_V,
        0x30: abs(grid_w) / PHASE_V,
        0x34: grid_w,
        0x46: GRID_HZ,
        0x48: state.total.import_wh / 1000,
        0x4A: state.total.export_wh / 1000,
    }
    words: dict[int, int] = {}
    for place, value in shown.items():
        words[place], words[place + 1] = struct.unpack(">2H", struct.pack(">f", value))
    return words


def thermometer_registers(value_c: float) -> dict[int, int]:
    """What an XY-MD02 shows: tenths of a degree as a signed word, and a dry day's humidity in tenths of a per cent."""
    return {1: round(value_c * 10) & 0xFFFF, 2: HUMIDITY_TENTHS}
