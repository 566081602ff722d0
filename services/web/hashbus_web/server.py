"""The HTTP server: uvicorn inside the service's own loop, with a way to cut a connection at once."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from typing import TYPE_CHECKING

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from hashbus.config_errors import ConfigError
from hashbus_web.live.stream import ABORT

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from hashbus_web.settings import WebSection

FAREWELL_S = 2
BACKLOG = 512


class Protocol(HttpToolsProtocol):
    """One connection."""

    def on_message_begin(self) -> None:
        """Hand the request a way to cut its connection: a reader that takes nothing cannot be asked to leave."""
        super().on_message_begin()
        self.scope["extensions"] = {ABORT: {"cut": self.transport.abort}}


class Server(uvicorn.Server):
    """uvicorn without its own idea of signals: the service's shell has them."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals alone."""
        yield


def bound(section: WebSection) -> socket.socket:
    """Take the address of the service; ConfigError when somebody else has it."""
    family = socket.AF_INET6 if ":" in section.host else socket.AF_INET
    try:
        return socket.create_server((section.host, section.port), family=family, backlog=BACKLOG)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise ConfigError(
            [f"web.port: {section.host}:{section.port} cannot be used: {reason}; choose a free one"]
        ) from None


def server(app: ASGIApp, section: WebSection) -> Server:
    """Return the server of an application; serve it on a socket from `bound`."""
    return Server(
        uvicorn.Config(
            app,
            http=Protocol,
            ws="none",
            loop="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=bool(section.trusted_proxies),
            forwarded_allow_ips=list(section.trusted_proxies),
            timeout_graceful_shutdown=FAREWELL_S,
            timeout_keep_alive=75,
        )
    )
