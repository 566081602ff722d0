"""One device's place on the network: its open ports, its clients and its fault."""

import asyncio
from functools import partial

from hashbus_simulator.clock import SimulatedClock
from hashbus_simulator.faults import Fault, FaultKind, FaultSlot
from hashbus_simulator.http import HttpFront
from hashbus_simulator.serving import LISTEN_BACKLOG, HttpPort, Networked, PortError, TcpPort, listening_socket
from hashbus_simulator.tcp import TcpConnection

SHORTEST_WAIT_S = 0.01
RETRY_S = 1.0


class Presence:
    """Opens the ports of a device, and closes them while it reboots or refuses.

    Call all methods from the event loop that serves it.
    """

    __slots__ = ("_clients", "_clock", "_device", "_front", "_owner", "_servers", "_waking", "faults")

    def __init__(self, owner: str, device: Networked, clock: SimulatedClock, front: HttpFront) -> None:
        self.faults = FaultSlot()
        self._owner = owner
        self._device = device
        self._clock = clock
        self._front = front
        self._servers: list[asyncio.Server] = []
        # In the order in which they came; made with the first client: most have none.
        self._clients: dict[TcpConnection, None] | None = None
        self._waking: asyncio.Task[None] | None = None

    @property
    def is_reachable(self) -> bool:
        """Whether the device listens at this moment."""
        return bool(self._servers)

    @property
    def clients(self) -> int:
        """How many clients are connected to its TCP ports."""
        return len(self._clients or ())

    async def open(self) -> None:
        """Listen on all ports. Raises PortError."""
        if self._servers:
            return
        try:
            for port in self._device.ports:
                self._servers.append(await self._listen(port))
        except BaseException:
            self.close()
            raise

    async def _listen(self, port: TcpPort | HttpPort) -> asyncio.Server:
        loop = asyncio.get_running_loop()
        listener = listening_socket(port, self._owner)
        if isinstance(port, TcpPort):
            factory = partial(TcpConnection, self, port)
            return await loop.create_server(factory, sock=listener, backlog=LISTEN_BACKLOG)
        self._front.add(self, port)
        return await loop.create_server(self._front.server, sock=listener, backlog=LISTEN_BACKLOG)

    def close(self) -> None:
        """Leave the network: nobody listens, clients are cut off."""
        for server in self._servers:
            server.close()
        self._servers.clear()
        for client in list(self._clients or ()):
            client.drop()

    def stop(self) -> None:
        """Leave the network for good."""
        if self._waking is not None:
            self._waking.cancel()
        self.close()

    async def put_fault(self, fault: Fault) -> None:
        """Misbehave from now on. Raises PortError when the ports of a device that refused cannot be opened."""
        self.faults.put(fault)
        if fault.kind is FaultKind.REFUSE:
            self.close()
            await asyncio.sleep(0)  # the loop closes the sockets on its next turn
        elif self._waking is None:
            await self.open()

    async def clear_fault(self) -> None:
        """Behave again. Raises PortError when the ports of a device that refused cannot be opened."""
        self.faults.clear()
        if self._waking is None:
            await self.open()

    def admit(self, connection: TcpConnection, port: TcpPort) -> bool:
        """Take a client in, unless the port has as many as it can bear."""
        if self._clients is None:
            self._clients = {}
        limit = port.dialect.max_clients
        if limit is not None and sum(client.port is port for client in self._clients) >= limit:
            return False
        self._clients[connection] = None
        return True

    def has_turn(self, connection: TcpConnection) -> bool:
        """Whether a client is served now: on a single-threaded port only the one that came first is."""
        return not connection.port.single_threaded or self._first_at(connection.port) is connection

    def forget(self, connection: TcpConnection) -> None:
        """A client has gone."""
        if self._clients is None:
            return
        self._clients.pop(connection, None)
        self.turn_ended(connection)

    def turn_ended(self, connection: TcpConnection) -> None:
        """Serve whoever waits behind a client that will ask no more."""
        if connection.port.single_threaded and (following := self._first_at(connection.port)) is not None:
            following.go_on()

    def _first_at(self, port: TcpPort) -> TcpConnection | None:
        clients = [client for client in self._clients or () if client.port is port]
        return next((client for client in clients if not client.has_ended), clients[0] if clients else None)

    def replied(self) -> None:
        """After each reply: leave the network if the reply started a reboot."""
        if self._device.offline_left_s > 0 and self._waking is None:
            self._waking = asyncio.get_running_loop().create_task(self._stay_dark())

    async def _stay_dark(self) -> None:
        """Off the network until the device has booted; one turn of the loop lets the last reply out."""
        await asyncio.sleep(0)
        self.close()
        # A second reboot can come in the meantime (from the control API), and somebody may hold a port for a moment.
        while (left_s := self._device.offline_left_s) > 0 or not await self._has_come_back():  # noqa: ASYNC110
            await asyncio.sleep(max(SHORTEST_WAIT_S, self._clock.real_s(left_s)) if left_s else RETRY_S)
        self._waking = None

    async def _has_come_back(self) -> bool:
        """Whether the ports are open again, or need not be."""
        try:
            await self._open_unless_refusing()
        except PortError:
            return False
        return True

    async def _open_unless_refusing(self) -> None:
        fault = self.faults.current
        if fault is None or fault.kind is not FaultKind.REFUSE:
            await self.open()
