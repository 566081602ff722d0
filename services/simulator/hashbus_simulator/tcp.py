"""One client's connection to a TCP port of an emulated device."""

import asyncio
from typing import Protocol, cast

from hashbus_simulator.faults import Fault, FaultKind, FaultSlot, spoil_document
from hashbus_simulator.serving import Push, Reply, TcpPort


class Line(Protocol):
    """What a connection needs of the device's presence."""

    @property
    def faults(self) -> FaultSlot:
        """The fault in force, if any."""

    def admit(self, connection: "TcpConnection", port: TcpPort) -> bool:
        """Take the client in; False when the device has no place for it."""

    def has_turn(self, connection: "TcpConnection") -> bool:
        """Whether the device serves this client now, or another one first."""

    def forget(self, connection: "TcpConnection") -> None:
        """The client has gone."""

    def turn_ended(self, connection: "TcpConnection") -> None:
        """The client will ask no more: who waits behind it is served."""

    def replied(self) -> None:
        """A reply has been sent; the device may want to reboot now."""


class TcpConnection(asyncio.Protocol):
    """Reads requests, answers them one at a time, and misbehaves when a fault is in force."""

    __slots__ = ("_line", "_patience", "_playing", "_push", "_received", "_silence", "_transport", "has_ended", "port")

    def __init__(self, line: Line, port: TcpPort) -> None:
        self.port = port
        self._line = line
        self._received = bytearray()
        self.has_ended = False
        self._playing: asyncio.Task[None] | None = None
        self._silence: asyncio.TimerHandle | None = None
        self._patience: asyncio.TimerHandle | None = None
        self._push: asyncio.TimerHandle | None = None
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client has connected; a device that is full closes at once."""
        self._transport = cast("asyncio.Transport", transport)
        if self._line.admit(self, self.port):
            self._listen_on()
        else:
            self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        """The client has gone, whatever the reason."""
        for timer in (self._silence, self._patience, self._push):
            if timer is not None:
                timer.cancel()
        if self._playing is not None:
            self._playing.cancel()
        self._transport = None
        self._line.forget(self)

    def data_received(self, data: bytes) -> None:
        """Bytes have come, in whatever pieces."""
        self._received += data
        self._listen_on()
        self._answer_all(complete=False)

    def eof_received(self) -> bool:
        """A client may close its half after asking: it still gets the answer that is underway."""
        self.has_ended = True
        self._answer_all(complete=True)
        if self._line.has_turn(self) and (self._playing is None or self._playing.done()):
            self.hang_up()
        self._line.turn_ended(self)
        return True

    def go_on(self) -> None:
        """The client that was served before this one has gone."""
        self._answer_all(complete=self.has_ended)
        if self.has_ended and self._playing is None:
            self.hang_up()

    def hang_up(self) -> None:
        """Send what is underway, then close."""
        if self._transport is not None:
            self._transport.close()

    def drop(self) -> None:
        """Vanish, as a device without power does."""
        if self._transport is not None:
            self._transport.abort()

    def _listen_on(self) -> None:
        """Start the time again after which a silent client is sent away."""
        idle_s = self.port.dialect.idle_close_s
        if self._silence is not None:
            self._silence.cancel()
        if idle_s is None or self._playing is not None:
            return
        self._silence = asyncio.get_running_loop().call_later(idle_s, self.hang_up)

    def _answer_all(self, *, complete: bool) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None
        if not self._line.has_turn(self):
            return
        while self._playing is None and self._transport is not None and not self._transport.is_closing():
            try:
                request = self.port.dialect.take_request(self._received, complete=complete)
            except ValueError:
                self.hang_up()
                return
            if request is None:
                self._wait_for_rest()
                return
            self._answer(request)

    def _wait_for_rest(self) -> None:
        patience_s = self.port.dialect.patience_s
        if self._received and patience_s is not None:
            loop = asyncio.get_running_loop()
            self._patience = loop.call_later(patience_s, lambda: self._answer_all(complete=True))

    def _answer(self, request: bytes) -> None:
        fault = self._line.faults.take()
        rejected = fault is not None and fault.kind is FaultKind.WRONG_PASSWORD
        reply = self.port.dialect.answer(request, credentials_rejected=rejected)
        if reply is None:
            self.hang_up()
            self._line.replied()  # silence can be the answer to an order to reboot
        elif fault is None or rejected:
            self._send(self.port.dialect.frame(reply.document) + reply.tail)
            self._after(reply)
        else:
            self._playing = asyncio.get_running_loop().create_task(self._play(fault, reply))
            self._listen_on()

    async def _play(self, fault: Fault, reply: Reply) -> None:
        """Send the reply the way the fault has it, then go on with what arrived in the meantime."""
        wire = self.port.dialect.frame(spoil_document(fault, reply.document)) + reply.tail
        match fault.kind:
            case FaultKind.HANG:
                return  # `_playing` stays set: nothing on this connection is answered any more
            case FaultKind.SLOW:
                await asyncio.sleep(fault.wait_s)
                self._send(wire)
            case FaultKind.CUT:
                self._send(wire[: len(wire) // 2])
                self._playing = None
                self.hang_up()
                return
            case FaultKind.TRICKLE:
                for index in range(len(wire)):
                    self._send(wire[index : index + 1])
                    await asyncio.sleep(fault.wait_s)
            case _:
                self._send(wire)
        self._playing = None
        self._after(reply)
        self._listen_on()
        self._answer_all(complete=self.has_ended)
        if self.has_ended and self._playing is None:
            self.hang_up()

    def _send(self, data: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)

    def _after(self, reply: Reply) -> None:
        if reply.push is not None:
            self._push_every(reply.push)
        if reply.hang_up:
            self.hang_up()
        self._line.replied()

    def _push_every(self, push: Push) -> None:
        if self._push is not None:
            self._push.cancel()
            self._push = None
        if push.every_s > 0:
            self._push = asyncio.get_running_loop().call_later(push.every_s, self._push_once, push)

    def _push_once(self, push: Push) -> None:
        self._send(self.port.dialect.frame(push.make()))
        self._push_every(push)
