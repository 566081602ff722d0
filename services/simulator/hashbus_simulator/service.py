"""The simulator as a process: the fleet and its control API, until told to stop."""

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack

from hashbus_simulator.control import ControlApi
from hashbus_simulator.fleet import Fleet
from hashbus_simulator.settings import SimulatorSettings


async def serve(settings: SimulatorSettings, started: Callable[[Fleet, str | None], None]) -> None:
    """Emulate until cancelled; `started` hears when all ports are open, with the address of the control API.

    Raises PortError when a port cannot be had.
    """
    async with AsyncExitStack() as stack:
        fleet = await stack.enter_async_context(Fleet(settings))
        url = None
        if settings.control_port is not None:
            control = ControlApi(fleet, host=settings.control_host, port=settings.control_port)
            url = (await stack.enter_async_context(control)).url
        started(fleet, url)
        await asyncio.Event().wait()
