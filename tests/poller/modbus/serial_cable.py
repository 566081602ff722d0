"""A serial cable to emulated Modbus units: one end is a terminal that a driver opens, the other is served here."""

import asyncio
import contextlib
import os
import pty
import tty
from collections.abc import Iterator
from contextlib import contextmanager

from hashbus_simulator.devices.modbus.dialects import RtuModbus, Units


class Cable:
    """What goes over the cable; `is_noisy` puts bytes before each answer, as a bad cable does."""

    def __init__(self, master: int, path: str, units: Units) -> None:
        self.path = path
        self.requests: list[bytes] = []
        self.is_noisy = False
        self._master = master
        self._dialect = RtuModbus(units)
        self._received = bytearray()

    def arrive(self) -> None:
        """Bytes have come from the driver's end."""
        with contextlib.suppress(OSError):
            self._received += os.read(self._master, 4096)
        while (request := self._dialect.take_request(self._received, complete=False)) is not None:
            self.requests.append(request)
            reply = self._dialect.answer(request, credentials_rejected=False)
            if reply is not None and reply.document:
                os.write(self._master, (b"\xfe\xff" if self.is_noisy else b"") + reply.document)


@contextmanager
def serial_cable(units: Units) -> Iterator[Cable]:
    """Lay a cable; only inside a running loop."""
    master, slave = pty.openpty()
    tty.setraw(slave)
    cable = Cable(master, os.ttyname(slave), units)
    loop = asyncio.get_running_loop()
    loop.add_reader(master, cable.arrive)
    try:
        yield cable
    finally:
        loop.remove_reader(master)
        os.close(slave)
        os.close(master)
