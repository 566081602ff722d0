"""A simulated clock that a test moves by hand, and a fleet that runs on it."""

from collections.abc import Mapping

from hashbus_simulator.clock import SimulatedClock
from hashbus_simulator.fleet import Fleet
from hashbus_simulator.settings import SimulatorSettings

SPEED = 1000.0  # what a device waits out in real time, it waits out a thousand times as fast


class HandClock:
    """Time stands still until `passes` is called, in simulated seconds."""

    def __init__(self) -> None:
        self._real_s = 0.0
        self.simulated = SimulatedClock(speed=SPEED, monotonic=lambda: self._real_s)

    def passes(self, simulated_s: float) -> None:
        """Let simulated time pass."""
        self._real_s += simulated_s / SPEED

    def fleet(self, *devices: Mapping[str, object], **settings: object) -> Fleet:
        """A fleet of these device blocks on this clock, without a control API."""
        whole = {"control_port": None, "devices": list(devices), **settings}
        return Fleet(SimulatorSettings.model_validate(whole), clock=self.simulated)


def web_url(fleet: Fleet, device_id: str) -> str:
    """Where the web server of a started device is."""
    port = next(port for port in fleet.devices[device_id].ports if port.name == "web")
    return f"http://{port.host}:{port.number}"
