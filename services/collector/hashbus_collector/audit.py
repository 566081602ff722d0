"""Who did what, and when (S1.72). An entry is written in the transaction of what it tells of."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datetime import datetime

    from hashbus_collector.database import Connection


@dataclass(frozen=True)
class Entry:
    """One act. `who` is a person's name, `key:...`, `cli` or `collector`."""

    at: datetime
    who: str
    action: str
    site: str | None = None
    subject: str = ""
    details: dict[str, Any] = field(default_factory=dict)
    address: str | None = None


async def write(connection: Connection, *entries: Entry) -> None:
    """Write entries down."""
    if not entries:
        return
    await connection.executemany(
        "INSERT INTO audit (at, who, action, site, subject, details, address) VALUES ($1, $2, $3, $4, $5, $6, $7)",
        [
            (one.at, one.who, one.action, one.site, one.subject, json.dumps(one.details, default=str), one.address)
            for one in entries
        ],
    )
