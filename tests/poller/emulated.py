"""A device of the simulator as the stand-in of a DriverCase, or on a bench with a driver in front of it."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import aiohttp

from hashbus.clock import SystemClock
from hashbus.messages import MinerReading
from hashbus_poller.drivers.contract import DriverSpec, Unreachable, Wiring
from hashbus_poller.testing.driver_case import DriverCase, Ending, Fault, MemoryTape
from hashbus_poller.testing.waiting import LOOK_EVERY_S, PATIENCE_S
from hashbus_simulator.devices.contract import EmulatedDevice
from hashbus_simulator.faults import Fault as SimulatedFault
from hashbus_simulator.faults import FaultKind
from hashbus_simulator.fleet import Fleet
from hashbus_simulator.presence import Presence
from hashbus_simulator.settings import SimulatorSettings

SPEED = 200.0
"""An emulated minute passes in 0.3 s: reboots and tuning are awaited, not skipped."""


@asynccontextmanager
async def emulated_case(
    spec: DriverSpec,
    block: Mapping[str, object],
    options: Mapping[str, object],
    *,
    speed: float = SPEED,
    lacks: frozenset[Fault] = frozenset(),
    endings: Mapping[Fault, Ending] | None = None,
    more_truth: Callable[[Mapping[str, object]], Mapping[str, object]] = lambda _: {},
    **special: object,
) -> AsyncIterator[DriverCase]:
    """Start one device as `simulator.devices` describes it, and make the case around it.

    `options` gets the device's `host` where the driver has one; `more_truth` makes of the simulator's truth what the
    promises ask for under another name (`blinking`); `special` are further fields of DriverCase.
    """
    settings = SimulatorSettings.model_validate({"speed": speed, "control_port": None, "devices": [block]})
    async with Fleet(settings) as fleet:
        device_id, device = next(iter(fleet.devices.items()))
        presence = fleet.presences[device_id]

        async def misbehave(fault: Fault | None) -> None:
            if fault is None:
                await presence.clear_fault()
            else:
                await presence.put_fault(SimulatedFault(kind=FaultKind(fault.value)))

        yield DriverCase(
            spec=spec,
            options={**_place(spec, device.place.host), **options},
            address=device.place.host,
            misbehave=misbehave,
            truth=lambda: {**device.truth(), **more_truth(device.truth())},
            lacks=lacks,
            endings=endings or {},
            **special,  # type: ignore[arg-type]
        )


def _place(spec: DriverSpec, host: str) -> dict[str, object]:
    """Where the device is; a cloud's driver has an address of its own among its options."""
    return {"host": host} if "host" in spec.options.model_fields else {}


class SteppedClock(SystemClock):
    """The system's clock, which a test can put forward."""

    ahead_s = 0.0

    def monotonic(self) -> float:
        return super().monotonic() + self.ahead_s


Driver = TypeVar("Driver")
Emulated = TypeVar("Emulated", bound=EmulatedDevice)


@dataclass
class Bench(Generic[Driver, Emulated]):
    """A miner's driver, the device in front of it, and what they said to each other."""

    driver: Driver
    device: Emulated
    presence: Presence
    tape: MemoryTape
    wiring: Wiring
    clock: SteppedClock

    async def sees(self, is_so: Callable[[MinerReading], bool]) -> MinerReading:
        """Read until a reading is as it should be; one that cannot be reached may be booting."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                try:
                    reading: MinerReading | None = await self.driver.read()  # type: ignore[attr-defined]
                except Unreachable:
                    reading = None
                if reading is not None and is_so(reading):
                    return reading
                await asyncio.sleep(LOOK_EVERY_S)

    def asked(self, question: str) -> int:
        """How often the driver asked that."""
        return sum(1 for one, _ in self.tape.exchanges if one == question)

    @property
    def truth(self) -> dict[str, Any]:
        """What is really so in the device."""
        return dict(self.device.truth())


@asynccontextmanager
async def on_the_bench(
    spec: DriverSpec,
    sides: tuple[type[Driver], type[Emulated]],
    block: Mapping[str, object],
    options: Mapping[str, object],
) -> AsyncIterator[Bench[Driver, Emulated]]:
    """Emulate one device as `simulator.devices` describes it, with its driver; `sides` are the classes of both."""
    settings = SimulatorSettings.model_validate({"speed": SPEED, "control_port": None, "devices": [block]})
    tape, clock = MemoryTape(), SteppedClock()
    async with Fleet(settings) as fleet, aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
        ((device_id, device),) = fleet.devices.items()
        wiring = Wiring(clock=clock, http=lambda: session, tape=tape)
        asked = {**_place(spec, device.place.host), "timeout_s": PATIENCE_S, **options}
        driver = spec.create(spec.options.model_validate(asked), wiring)
        assert isinstance(driver, sides[0])
        assert isinstance(device, sides[1])
        yield Bench(driver, device, fleet.presences[device_id], tape, wiring, clock)
