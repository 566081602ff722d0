"""JSON logs, one line an event, with what belongs together under one correlation id."""

from __future__ import annotations

import logging
import re
import sys
from typing import TYPE_CHECKING, Any, TextIO, cast

import structlog

if TYPE_CHECKING:
    from collections.abc import MutableMapping

_SECRET_KEY = re.compile(r"pass(word|wd)?$|secret|token|api_?key|authorization", re.IGNORECASE)


def get(name: str) -> structlog.stdlib.BoundLogger:
    """Return the log of one part of a service."""
    return cast("structlog.stdlib.BoundLogger", structlog.get_logger(part=name))


def bind(**facts: object) -> None:
    """Add facts (a correlation id, a device) to every line that this task logs from now on."""
    structlog.contextvars.bind_contextvars(**facts)


def configure(
    service: str, level: str = "INFO", *, for_people: bool | None = None, stream: TextIO | None = None
) -> None:
    """Set the form of all lines of this process: JSON to standard error, or coloured text on a terminal.

    `stream` takes the lines instead, where the terminal shows something else.
    """
    stream = stream or sys.stderr
    people = stream.isatty() if for_people is None else for_people
    renderer: Any = structlog.dev.ConsoleRenderer() if people else structlog.processors.JSONRenderer(ensure_ascii=False)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
            structlog.processors.format_exc_info,
            hide_secrets,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level]),
        logger_factory=structlog.PrintLoggerFactory(stream),
        cache_logger_on_first_use=False,
    )
    structlog.contextvars.bind_contextvars(service=service)
    # Libraries speak through the standard library; only what goes wrong there is news.
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                hide_secrets,
                renderer,
            ],
            foreign_pre_chain=[
                structlog.contextvars.merge_contextvars,
                structlog.stdlib.add_log_level,
                structlog.stdlib.add_logger_name,
                structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
            ],
        )
    )
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    # paho tells every lost connection too; the bus does that itself, once.
    logging.getLogger("mqtt").setLevel(logging.CRITICAL)


def hide_secrets(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Replace the value of every key that sounds like a secret."""
    for key in event:
        if _SECRET_KEY.search(key):
            event[key] = "***"
    return event
