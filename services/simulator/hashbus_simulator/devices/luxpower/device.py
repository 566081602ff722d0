"""The inverter on the network: a dongle on port 8000, Modbus TCP on port 502, one set of registers behind both."""

from collections.abc import Mapping
from datetime import UTC, datetime

from hashbus_simulator.devices.contract import Place, World
from hashbus_simulator.devices.eg4_portal.snapshot import Snapshot
from hashbus_simulator.devices.luxpower.dongle import DongleDialect
from hashbus_simulator.devices.luxpower.registers import Inverter, input_registers
from hashbus_simulator.devices.modbus.dialects import TcpModbus
from hashbus_simulator.devices.modbus.protocol import Unit
from hashbus_simulator.luxpower_settings import LuxpowerBlock
from hashbus_simulator.serving import TcpPort

UNIT_ID = 1


class Luxpower:
    """A hybrid inverter: the house of this simulator as its dongle and its Modbus port show it."""

    family = "luxpower"
    model_name = "12KPV"
    power_w = 0.0
    offline_left_s = 0.0

    def __init__(self, block: LuxpowerBlock, place: Place, world: World) -> None:
        self.place = place
        self.inverter = Inverter(block.last_register, block.most_registers)
        self._block = block
        self._world = world
        dongle = DongleDialect(
            (block.dongle_serial, block.inverter_serial),
            self._now,
            heartbeat_s=block.heartbeat_s,
            mirrors=block.mirrors,
        )
        modbus = TcpModbus(lambda unit_id: self._now() if unit_id == UNIT_ID else None)
        self.ports = (
            TcpPort("dongle", place.host, block.ports.get("dongle", 8000), dongle),
            TcpPort("modbus", place.host, block.ports.get("modbus", 502), modbus),
        )

    def truth(self) -> Mapping[str, object]:
        """What really is: the house now; powers in W, + charging, + buying."""
        state = self._world.house.state
        flows = state.flows
        return {
            "power_w": 0.0,
            "soc_pct": round(state.soc_pct, 3),
            "pv_w": round(flows.pv_w, 1),
            "load_w": round(flows.load_w + flows.miners_w, 1),
            "battery_w": round(flows.charge_w - flows.discharge_w, 1),
            "grid_w": round(flows.import_w - flows.export_w, 1),
            "holding": {str(register): value for register, value in self.inverter.holding.items()},
            "reads": self.inverter.reads,
        }

    def _now(self) -> Unit:
        """The inverter with the registers of this moment."""
        world = self._world
        at = datetime.fromtimestamp(world.clock.unix_s(), UTC)
        snapshot = Snapshot(
            house=world.house.state,
            settings=world.house.settings,
            serial=self._block.inverter_serial,
            taken_at=at,
            served_at=at,
            outdoor_c=world.house.outdoor_c,
        )
        self.inverter.inputs = input_registers(
            snapshot, uptime_s=world.clock(), faults=self._block.fault_bits, warnings=self._block.warning_bits
        )
        return self.inverter
