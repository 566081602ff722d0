"""Points that the store will never take: kept in a file to be looked at, instead of being tried for ever."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from hashbus import logs
from hashbus_recorder import metrics

if TYPE_CHECKING:
    from pathlib import Path

    from hashbus_recorder.repository import PointsRefused

MAX_BYTES = 10_000_000

log = logs.get("quarantine")


class Quarantine:
    """A file of refused points, one JSON object a line; at 10 MB it becomes `.1` and a new one begins."""

    def __init__(self, path: Path) -> None:
        """The file is made with the first refused point."""
        self._path = path
        self._reasons: set[str] = set()

    def put(self, refusal: PointsRefused) -> None:
        """Keep the points and why they were refused. A disk that is full loses them; they are counted all the same."""
        metrics.REFUSED.inc(len(refusal.points))
        if refusal.reason not in self._reasons and len(self._reasons) < 1_000:
            # Once for each reason, not once for each batch.
            self._reasons.add(refusal.reason)
            log.warning("points refused", points=len(refusal.points), reason=refusal.reason, kept_in=str(self._path))
        rows = [
            {
                "reason": refusal.reason,
                "measurement": point.measurement,
                "device": point.device,
                "at": point.at.isoformat(),
                "fields": dict(point.fields),
                "tags": dict(point.tags),
            }
            for point in refusal.points
        ]
        try:
            self._append("".join(f"{json.dumps(row)}\n" for row in rows))
        except OSError as error:
            log.error("refused points cannot be kept", path=str(self._path), problem=str(error))

    def _append(self, text: str) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        if self._path.exists() and self._path.stat().st_size > MAX_BYTES:
            self._path.replace(self._path.with_suffix(f"{self._path.suffix}.1"))
        with self._path.open("a", encoding="utf-8") as file:
            file.write(text)
