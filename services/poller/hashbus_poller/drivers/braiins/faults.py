"""The errors that Braiins OS writes into its journal (`miner/errors`, 24.06 and newer); pure.

The journal is never cleared: an entry from before the mining process came up is over. Until a miner has found a time
server its clock is wrong by years, so some of its entries look older than they are and are passed over.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from hashbus.messages import MinerError
from hashbus_poller.nested import objects
from hashbus_poller.readings import json_object, text_or_none, understanding

MOST = 5
LONGEST_TEXT = 1000
WORDLESS = "the miner notes a fault without a word; its log says more"
UNCODED = "miner_error"


def recent_errors(answer: bytes, *, since: datetime) -> tuple[MinerError, ...]:
    """Return the newest errors since a moment, each code once, newest first."""
    said = json_object(answer)
    with understanding(answer):
        found: dict[str, MinerError] = {}
        for entry in sorted(objects(said, "errors"), key=_moment, reverse=True):
            if _moment(entry) < since:
                break
            for error in _errors(entry):
                found.setdefault(f"{error.code} {error.text if error.code == UNCODED else ''}", error)
        return tuple(found.values())[:MOST]


def _errors(entry: Mapping[str, Any]) -> list[MinerError]:
    """Return one error for each code of an entry, or the bare message where it has none."""
    message, at = text_or_none(entry, "message"), _moment(entry)
    codes = objects(entry, "error_codes")
    if not codes:
        return [MinerError(code=UNCODED, text=_sentence(message, None, None), since=at)]
    return [
        MinerError(
            code=(text_or_none(code, "code") or UNCODED)[:200],
            text=_sentence(message, text_or_none(code, "reason"), text_or_none(code, "hint")),
            since=at,
        )
        for code in codes
    ]


def _sentence(message: str | None, reason: str | None, hint: str | None) -> str:
    return ": ".join(part for part in (message, reason, hint) if part)[:LONGEST_TEXT] or WORDLESS


def _moment(entry: Mapping[str, Any]) -> datetime:
    """Return when an entry was made; the beginning of all time where it does not say so in a way we know."""
    try:
        at = datetime.fromisoformat(str(entry.get("timestamp")))
    except ValueError:
        return datetime.min.replace(tzinfo=UTC) + timedelta(days=1)
    return at if at.tzinfo else at.replace(tzinfo=UTC)
