"""Ports of the emulated devices: what a device offers to the network, and the sockets under it."""

import resource
import socket
from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple, Protocol

from aiohttp import web

LISTEN_BACKLOG = 128


class PortError(Exception):
    """A port cannot be listened on; the text names the device, the address and the setting to change."""


class Push(NamedTuple):
    """Documents that a device sends unasked on the same connection, every `every_s` real seconds; 0 stops them."""

    every_s: float
    make: Callable[[], bytes]


class Reply(NamedTuple):
    """What a TCP device answers: the document, raw bytes after it, whether it hangs up, what it goes on sending."""

    document: bytes
    tail: bytes = b""
    hang_up: bool = False
    push: Push | None = None


class TcpDialect(Protocol):
    """What is spoken on one TCP port: how requests are cut out of the stream, answered and framed.

    `max_clients`: further connections are closed at once (None: no limit). `idle_close_s`: real seconds of
    silence after which the device hangs up (None: never). `patience_s`: real seconds after which half a
    request is taken as a whole one (None: wait for the rest).
    """

    @property
    def max_clients(self) -> int | None:
        """How many clients may be connected at once."""

    @property
    def idle_close_s(self) -> float | None:
        """After how long a silent client is sent away."""

    @property
    def patience_s(self) -> float | None:
        """After how long half a request is taken as a whole one."""

    def take_request(self, received: bytearray, *, complete: bool) -> bytes | None:
        """Remove the first request from what was received; None while it is not whole.

        `complete` says that nothing more will come: the rest is a request as it is. Raises ValueError for
        bytes that no device of this kind goes on reading (it hangs up).
        """

    def answer(self, request: bytes, *, credentials_rejected: bool) -> Reply | None:
        """The reply to a request; None to hang up without one."""

    def frame(self, document: bytes) -> bytes:
        """The document as it goes over the wire."""


HttpAnswer = Callable[[web.BaseRequest, bool], Awaitable[web.Response]]
"""Answers one HTTP request; the flag says that no credentials are good enough (fault `wrong_password`).

The response has its body in `.body` or `.text` (no streams): the serving layer sends it, or spoils it.
"""


class TcpPort:
    """A TCP port of a device; `name` is its key under `ports:` in the configuration.

    A `single_threaded` one serves the client that came first, and the others wait until it has gone.
    """

    __slots__ = ("dialect", "host", "name", "number", "single_threaded")

    def __init__(
        self, name: str, host: str, number: int, dialect: TcpDialect, *, single_threaded: bool = False
    ) -> None:
        self.name = name
        self.host = host
        self.number = number
        self.dialect = dialect
        self.single_threaded = single_threaded


class HttpPort:
    """An HTTP port of a device; `name` is its key under `ports:` in the configuration."""

    __slots__ = ("answer", "host", "name", "number")

    def __init__(self, name: str, host: str, number: int, answer: HttpAnswer) -> None:
        self.name = name
        self.host = host
        self.number = number
        self.answer = answer


class Networked(Protocol):
    """The part of a device that the network needs to know."""

    @property
    def ports(self) -> Sequence[TcpPort | HttpPort]:
        """What it listens on."""

    @property
    def offline_left_s(self) -> float:
        """Simulated seconds until it is on the network again after a reboot; 0 when it is."""


def listening_socket(port: TcpPort | HttpPort, owner: str) -> socket.socket:
    """A bound TCP socket for the port; `port.number` is filled in when it was 0.

    Raises PortError with the setting to change when the address is taken, not ours or not permitted.
    """
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((port.host, port.number))
        listener.setblocking(False)
    except OSError as error:
        listener.close()
        raise PortError(_advice(port, owner, error)) from error
    port.number = listener.getsockname()[1]
    return listener


def _advice(port: TcpPort | HttpPort, owner: str, error: OSError) -> str:
    where = f"device {owner!r} cannot listen on {port.host}:{port.number}"
    setting = f"simulator.devices[{owner}].ports.{port.name}"
    if isinstance(error, PermissionError):
        return (
            f"{where}: ports below 1024 need root or CAP_NET_BIND_SERVICE; "
            f"set {setting} to a port above 1023, or allow it with `setcap`"
        )
    return f"{where}: {error.strerror}; choose another address (host) or another port ({setting})"


def raise_file_limit() -> int:
    """Allow as many open sockets as the system lets this process have; returns that number.

    Each emulated miner listens on one to three ports, and each client takes one more descriptor.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard
