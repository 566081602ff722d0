"""What the fleet knows of a device, and what a device is given."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from hashbus_simulator.clock import SimulatedClock
from hashbus_simulator.house import House
from hashbus_simulator.physics import MinerPhysics
from hashbus_simulator.rooms import Rooms
from hashbus_simulator.serving import HttpPort, TcpPort


@dataclass(frozen=True, slots=True)
class Place:
    """Who and where one device is: id, address, identity; unique in the fleet, the same for the same seed."""

    id: str
    host: str
    seed: int
    mac: str  # "C2:05:11:00:AB:CD"
    serial: str


@dataclass(frozen=True, slots=True)
class World:
    """What all devices of one process share."""

    clock: SimulatedClock
    house: House
    rooms: Rooms


class EmulatedDevice(Protocol):
    """One emulated device: where it is, what it listens on, and the truth behind what it says."""

    @property
    def place(self) -> Place:
        """Who and where it is."""

    @property
    def family(self) -> str:
        """The protocol family, as `family:` in the configuration."""

    @property
    def model_name(self) -> str:
        """The model, as `model:` in the configuration."""

    @property
    def ports(self) -> Sequence[TcpPort | HttpPort]:
        """What it listens on."""

    @property
    def offline_left_s(self) -> float:
        """Simulated seconds until it is on the network again; 0 when it is (a reboot sets it)."""

    @property
    def power_w(self) -> float:
        """What it draws at this moment, in W; negative or 0 for a device that is no load."""

    def truth(self) -> Mapping[str, object]:
        """What really is (power_w, asleep, pools, reboots, ...), for tests and the demo; JSON types only."""


@runtime_checkable
class Warmable(Protocol):
    """A device whose surroundings have a temperature: every miner."""

    @property
    def physics(self) -> MinerPhysics:
        """The miner as a load and a heater."""
