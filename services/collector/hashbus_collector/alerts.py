"""What is worth an alert, from the live rows of a site. Pure: what is over is not in the list any more."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hashbus_collector.settings import AlertSettings


class Severity(StrEnum):
    """How much an alert asks of a person."""

    CRITICAL = "critical"
    WARNING = "warning"


@dataclass(frozen=True)
class Alert:
    """Something that a person should look at. `id` is the same as long as it lasts."""

    id: str
    severity: Severity
    kind: str
    site_id: str
    miner_id: str | None
    message: str
    value: float | None
    limit: float | None
    since: datetime | None


def of_site(site: Mapping[str, Any], limits: AlertSettings, now: datetime) -> Alert | None:
    """Return the alert of a site that says nothing any more; one that never said anything is new, not silent."""
    last = site["last_upload_at"]
    if last is None:
        return None
    age_s = (now - last).total_seconds()
    if age_s <= limits.stale_s:
        return None
    message = f"the site has uploaded nothing for {_duration(age_s)}"
    return Alert(
        f"{site['id']}:silent", Severity.CRITICAL, "site_silent", site["id"], None, message, age_s, limits.stale_s, last
    )


def of_miners(rows: Iterable[Mapping[str, Any]], limits: AlertSettings, now: datetime) -> Iterator[Alert]:
    """Return the alerts of all miners of a site that is heard; the values of a stale row are not judged."""
    for row in rows:
        if not row["online"]:
            yield _alert(row, Severity.CRITICAL, "offline", row["error_message"] or "the miner is not reached",
                         since=row["state_since"])  # fmt: skip
        elif (now - row["recorded_at"]).total_seconds() > limits.stale_s:
            yield _alert(row, Severity.WARNING, "stale", "the miner has said nothing new", since=row["recorded_at"])
        else:
            yield from _of_values(row, limits)


def _of_values(row: Mapping[str, Any], limits: AlertSettings) -> Iterator[Alert]:
    hottest = row["temperature_max"]
    if hottest is not None and hottest > limits.warning_c:
        is_critical = hottest > limits.critical_c
        limit = limits.critical_c if is_critical else limits.warning_c
        severity = Severity.CRITICAL if is_critical else Severity.WARNING
        yield _alert(row, severity, "temperature", f"a chip has {hottest:.0f} °C, more than {limit:.0f} °C",
                     value=hottest, limit=limit)  # fmt: skip
    expected, found = row["hashrate_expected_ghs"], row["hashrate_ghs"]
    if expected and found is not None and found < expected * limits.hashrate_pct / 100:
        yield _alert(row, Severity.WARNING, "hashrate", f"{100 * found / expected:.0f} % of the expected hashrate",
                     value=100 * found / expected, limit=limits.hashrate_pct)  # fmt: skip
    total, healthy = row["boards_total"], row["boards_healthy"]
    if total and healthy is not None and healthy < total:
        yield _alert(row, Severity.WARNING, "boards", f"{total - healthy} of {total} hashboards do not work",
                     value=healthy, limit=total)  # fmt: skip
    if row["overall_health"] == "critical":
        yield _alert(row, Severity.CRITICAL, "health", row["error_message"] or "the site calls the miner critical")
    elif row["error_message"]:
        yield _alert(row, Severity.WARNING, "error", row["error_message"])


def _alert(
    row: Mapping[str, Any], severity: Severity, kind: str, message: str, *,
    value: float | None = None, limit: float | None = None, since: datetime | None = None,
) -> Alert:  # fmt: skip
    name = f"{row['site']}:{row['miner_id']}:{kind}"
    return Alert(name, severity, kind, row["site"], row["miner_id"], message, value, limit, since)


def _duration(seconds: float) -> str:
    for size, word in ((86_400, "days"), (3600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return f"{seconds // size:.0f} {word}"
    return f"{seconds:.0f} seconds"
