"""What a process shows of itself over HTTP, on loopback: /healthz, /metrics and pages a service adds."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest

from hashbus.config_errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime
    from wsgiref.types import StartResponse, WSGIEnvironment


@dataclass
class Health:
    """How a process is: what does not work right now, and since when it runs; `on_news` hears when that changes."""

    service: str
    version: str
    started_at: datetime
    is_connected: Callable[[], bool] = lambda: False
    on_news: Callable[[], object] = lambda: None
    registry: CollectorRegistry = REGISTRY
    _problems: dict[str, str] = field(default_factory=dict)
    _pages: dict[str, Callable[[str], tuple[HTTPStatus, str, bytes]]] = field(default_factory=dict)

    @property
    def problems(self) -> tuple[str, ...]:
        """Return what does not work, in words."""
        return tuple(self._problems.values())

    def report(self, key: str, problem: str | None) -> bool:
        """Note a problem under its key, or that it is over (None); True when that is news."""
        before = self._problems.get(key)
        if problem is None:
            self._problems.pop(key, None)
        else:
            self._problems[key] = problem
        is_news = before != problem
        if is_news:
            self.on_news()
        return is_news

    def add_page(self, prefix: str, page: Callable[[str], tuple[HTTPStatus, str, bytes]]) -> None:
        """Answer paths that begin with `prefix`. The page runs in another thread: it may only read."""
        self._pages[prefix] = page

    def answer(self, path: str) -> tuple[HTTPStatus, str, bytes]:
        """Return the answer to one request."""
        if path == "/metrics":
            return HTTPStatus.OK, CONTENT_TYPE_LATEST, generate_latest(self.registry)
        if path == "/healthz":
            return self._healthz()
        for prefix, page in list(self._pages.items()):
            if path.startswith(prefix):
                return page(unquote(path.removeprefix(prefix)))
        known = ", ".join(["/healthz", "/metrics", *self._pages])
        return HTTPStatus.NOT_FOUND, "text/plain", f"nothing here; known: {known}\n".encode()

    def _healthz(self) -> tuple[HTTPStatus, str, bytes]:
        is_well = self.is_connected()
        body = {
            "service": self.service,
            "status": "ok" if is_well and not self._problems else "degraded",
            "connected": is_well,
            "version": self.version,
            "started_at": self.started_at.isoformat(),
            "problems": self.problems,
        }
        status = HTTPStatus.OK if is_well else HTTPStatus.SERVICE_UNAVAILABLE
        return status, "application/json", json.dumps(body).encode() + b"\n"


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (the base class names it so)
        """Say nothing: a scrape every few seconds is no news."""


class _Server(WSGIServer):
    allow_reuse_address = True
    # A peer that never reads must not hold up the end of the process.
    daemon_threads = True


def serve(health: Health, host: str, port: int) -> int:
    """Answer from a thread of its own, which ends with the process; returns the port. ConfigError when it is taken."""

    def app(environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        status, kind, body = health.answer(environ["PATH_INFO"])
        start(f"{status.value} {status.phrase}", [("Content-Type", kind), ("Content-Length", str(len(body)))])
        return [body]

    try:
        server = make_server(host, port, app, server_class=_Server, handler_class=_Quiet)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise ConfigError(
            [f"health.port: {host}:{port} cannot be used: {reason}; set HASHBUS_HEALTH__PORT to a free port, or 0"]
        ) from None
    threading.Thread(target=server.serve_forever, name="health", daemon=True).start()
    return server.server_port
