"""A device of the simulator as the stand-in of a DriverCase."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager

from hashbus_poller.drivers.contract import DriverSpec
from hashbus_poller.testing.driver_case import DriverCase, Ending, Fault
from hashbus_simulator.faults import Fault as SimulatedFault
from hashbus_simulator.faults import FaultKind
from hashbus_simulator.fleet import Fleet
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

    `options` gets the device's `host`; `more_truth` makes of the simulator's truth what the promises ask for under
    another name (`blinking`); `special` are further fields of DriverCase.
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
            options={"host": device.place.host, **options},
            address=device.place.host,
            misbehave=misbehave,
            truth=lambda: {**device.truth(), **more_truth(device.truth())},
            lacks=lacks,
            endings=endings or {},
            **special,  # type: ignore[arg-type]
        )
