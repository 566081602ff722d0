"""The paths of the collector."""

from __future__ import annotations

from typing import Any

from hashbus_collector.answers import Refused

PREFIX = "/api/collector"

_WORDS = {
    400: "The body cannot be read",
    401: "The key is not accepted, or nobody is logged in",
    403: "Not allowed",
    404: "Not there",
    405: "Not with this method",
    408: "The body did not arrive in time",
    409: "Contradicts what happened already",
    413: "Too long",
    415: "Packed or written in a way that is not understood",
    422: "A value is not right; the error names it",
    429: "Too often; the header Retry-After says when to come again",
    503: "The database is away; the header Retry-After says when to come again",
}


def refusals(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return what a path can answer besides success, for the OpenAPI document."""
    return {status: {"model": Refused, "description": _WORDS[status]} for status in sorted({*statuses, 422, 503})}
