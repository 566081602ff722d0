"""Ports of this machine: is one free, and who is asked when it is not."""

from __future__ import annotations

import socket

from hashbus_supervisor.problems import CannotRun


class PortTaken(CannotRun):
    """Somebody else listens on the port that is wanted."""


def check_free(host: str, port: int, setting: str) -> None:
    """Raise PortTaken, with the way out, when nothing of ours can listen there; `setting` is the one that chose it."""
    try:
        _bind(host, port)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise PortTaken(
            f"port {port} of {host} cannot be used: {reason}\n"
            f"  who has it:        ss -ltnp 'sport = :{port}'\n"
            f"  take another one:  set {setting} in the site file"
        ) from None


def free_port(host: str) -> int:
    """Return a port of `host` that nobody has at this moment."""
    return _bind(host, 0)


def _bind(host: str, port: int) -> int:
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    with socket.socket(family, kind, protocol) as candidate:
        # As servers do it: the rests of old connections hold no port, a listener does.
        candidate.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        candidate.bind(address)
        return int(candidate.getsockname()[1])
