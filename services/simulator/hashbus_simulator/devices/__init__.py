"""The families that the simulator can be: one line each, from the configured block to the device."""

from hashbus_simulator.devices.contract import EmulatedDevice, Place, World
from hashbus_simulator.settings import DeviceBlock


def build_device(block: DeviceBlock, place: Place, world: World) -> EmulatedDevice:
    """The device that a block of the configuration asks for, at its place."""
    raise ValueError(f"no device for {type(block).__name__}")
