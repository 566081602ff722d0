"""What people look at: sites, their totals, their miners, alerts, figures. Each answer says how old it is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from hashbus_collector import alerts
from hashbus_collector.view_answers import LiveMiner, SiteSummary, live_miner

if TYPE_CHECKING:
    from hashbus_collector.alerts import Alert
    from hashbus_collector.database import Database, Row
    from hashbus_collector.settings import AlertSettings

_MINERS = "SELECT l.*, m.miner_id FROM live l JOIN miner m ON m.no = l.miner"

# What is stale is counted apart and added to nothing: old power is not power.
_SUMMARY = """
SELECT s.id, s.title, s.made_at, s.last_upload_at, s.last_contact_at,
    (SELECT max(l.recorded_at) FROM live l WHERE l.site = s.id) AS newest_at,
    t.*
FROM site s LEFT JOIN LATERAL (
    SELECT count(*) AS miners,
        count(*) FILTER (WHERE l.online AND l.recorded_at > $2) AS online,
        count(*) FILTER (WHERE NOT l.online) AS offline,
        count(*) FILTER (WHERE l.online AND l.recorded_at <= $2) AS stale,
        count(*) FILTER (WHERE l.overall_health = 'warning' AND l.online AND l.recorded_at > $2) AS warning,
        count(*) FILTER (WHERE l.overall_health = 'critical' AND l.online AND l.recorded_at > $2) AS critical,
        sum(l.hashrate_ghs) FILTER (WHERE l.online AND l.recorded_at > $2) AS hashrate_ghs,
        sum(l.hashrate_expected_ghs) FILTER (WHERE l.online AND l.recorded_at > $2) AS hashrate_expected_ghs,
        sum(l.power_consumption) FILTER (WHERE l.online AND l.recorded_at > $2) AS power_consumption,
        count(l.power_consumption) FILTER (WHERE l.online AND l.recorded_at > $2) AS with_power,
        sum(l.hashrate_ghs) FILTER (WHERE l.online AND l.recorded_at > $2 AND l.power_consumption > 0) AS measured_ghs,
        avg(l.temperature_avg) FILTER (WHERE l.online AND l.recorded_at > $2) AS temperature_avg,
        max(l.temperature_max) FILTER (WHERE l.online AND l.recorded_at > $2) AS temperature_max
    FROM live l WHERE l.site = s.id
) t ON true
WHERE $1::text[] IS NULL OR s.id = ANY($1) ORDER BY s.id
"""

SORTS = {
    "miner_id": "m.miner_id",
    "hashrate": "l.hashrate_ghs",
    "power": "l.power_consumption",
    "efficiency": "l.efficiency",
    "temperature": "l.temperature_max",
    "recorded_at": "l.recorded_at",
}


@dataclass(frozen=True)
class Search:
    """Which miners are looked for, in which order, which page."""

    sites: list[str] | None
    state: str | None = None
    text: str | None = None
    sort: str = "miner_id"
    is_descending: bool = False
    page: int = 1
    per_page: int = 100


class Views:
    """Answers about the sites, from the database."""

    def __init__(self, database: Database, limits: AlertSettings) -> None:
        """`limits` say what is stale and what is worth an alert."""
        self._database = database
        self._limits = limits

    async def summaries(self, sites: list[str] | None, now: datetime) -> list[SiteSummary]:
        """Return the totals of sites (None: all); a site that is not known is not in the list."""
        rows = await self._database.fetch(_SUMMARY, sites, self._stale_before(now))
        return [self._summary(row, now) for row in rows]

    async def live(self, site: str, now: datetime) -> list[LiveMiner]:
        """Return the live rows of a site."""
        rows = await self._database.fetch(f"{_MINERS} WHERE l.site = $1 ORDER BY m.miner_id", site)
        return [live_miner(row, now, self._limits.stale_s) for row in rows]

    async def knows(self, site: str) -> bool:
        """Say whether there is such a site."""
        return bool(await self._database.value("SELECT true FROM site WHERE id = $1", site))

    async def known_miners(self, site: str, miners: list[str]) -> set[str]:
        """Return which of these miners the site ever uploaded."""
        rows = await self._database.fetch(
            "SELECT miner_id FROM miner WHERE site = $1 AND miner_id = ANY($2::text[])", site, miners
        )
        return {row["miner_id"] for row in rows}

    async def search(self, wanted: Search, now: datetime) -> tuple[int, list[LiveMiner]]:
        """Return how many miners fit and those of one page."""
        stale_before = self._stale_before(now)
        where = (
            "WHERE ($1::text[] IS NULL OR l.site = ANY($1)) "
            "AND ($2::text IS NULL OR position(lower($2) IN "
            "lower(concat_ws(' ', m.miner_id, l.model, l.worker_name))) > 0) "
            "AND CASE $3::text WHEN 'online' THEN l.online AND l.recorded_at > $4 WHEN 'offline' THEN NOT l.online "
            "WHEN 'stale' THEN l.online AND l.recorded_at <= $4 ELSE true END"
        )
        values = (wanted.sites, wanted.text, wanted.state, stale_before)
        source = "FROM live l JOIN miner m ON m.no = l.miner"
        total = await self._database.value(f"SELECT count(*) {source} {where}", *values)
        way = "DESC NULLS LAST" if wanted.is_descending else "ASC NULLS LAST"
        rows = await self._database.fetch(
            f"{_MINERS} {where} ORDER BY {SORTS[wanted.sort]} {way}, l.site, m.miner_id LIMIT $5 OFFSET $6",
            *values,
            wanted.per_page,
            (wanted.page - 1) * wanted.per_page,
        )
        return int(total), [live_miner(row, now, self._limits.stale_s) for row in rows]

    async def alerts(self, sites: list[str] | None, now: datetime) -> list[Alert]:
        """Return what is worth an alert now, the worst first. Of a site that is silent only that is said."""
        found = []
        for site in await self._database.fetch(
            "SELECT id, last_upload_at FROM site WHERE $1::text[] IS NULL OR id = ANY($1) ORDER BY id", sites
        ):
            silent = alerts.of_site(site, self._limits, now)
            if silent:
                found.append(silent)
                continue
            rows = await self._database.fetch(f"{_MINERS} WHERE l.site = $1 ORDER BY m.miner_id", site["id"])
            found += alerts.of_miners(rows, self._limits, now)
        return sorted(found, key=lambda one: one.severity is not alerts.Severity.CRITICAL)

    async def stats(self, sites: list[str] | None, now: datetime) -> dict[str, Any]:
        """Return figures of the last 24 hours."""
        day = now - timedelta(hours=24)
        uploads = await self._database.row(
            "SELECT count(*) AS uploads, coalesce(sum(processed), 0) AS records, coalesce(sum(stored), 0) AS stored, "
            "coalesce(sum(refused), 0) AS refused, avg(processing_ms) AS processing_ms_avg, "
            "coalesce(sum(bytes_travelled), 0) AS bytes_travelled, count(*) FILTER (WHERE status <> 200) AS failed "
            "FROM upload_log WHERE at > $1 AND ($2::text[] IS NULL OR site = ANY($2))",
            day,
            sites,
        )
        commands = await self._database.fetch(
            "SELECT status, count(*) AS number FROM command "
            "WHERE made_at > $1 AND ($2::text[] IS NULL OR site = ANY($2)) GROUP BY status",
            day,
            sites,
        )
        return {
            "uploads": dict(uploads or {}),
            "commands": {row["status"]: row["number"] for row in commands},
        }

    async def uploads(self, sites: list[str] | None, limit: int) -> list[Row]:
        """Return the newest lines of the upload log."""
        return await self._database.fetch(
            "SELECT * FROM upload_log WHERE $1::text[] IS NULL OR site = ANY($1) ORDER BY no DESC LIMIT $2",
            sites,
            limit,
        )

    async def audit(self, site: str | None, before_no: int | None, limit: int) -> list[Row]:
        """Return the newest acts."""
        return await self._database.fetch(
            "SELECT * FROM audit WHERE ($1::text IS NULL OR site = $1) AND ($2::bigint IS NULL OR no < $2) "
            "ORDER BY no DESC LIMIT $3",
            site,
            before_no,
            limit,
        )

    async def history(self, site: str, miner_id: str | None, start: datetime, stop: datetime, step_s: int) -> list[Row]:
        """Return means over steps: of one miner, or of a site (sums of its miners' means)."""
        return await self._database.fetch(
            "SELECT at, sum(hashrate_ghs) AS hashrate_ghs, sum(power_consumption) AS power_consumption, "
            "avg(temperature_avg) AS temperature_avg, max(temperature_max) AS temperature_max, "
            "count(*) FILTER (WHERE online) AS online, count(*) AS miners FROM ("
            " SELECT date_bin(make_interval(secs => $5), recorded_at, timestamptz 'epoch') AS at, miner, "
            " avg(hashrate_ghs) AS hashrate_ghs, avg(power_consumption) AS power_consumption, "
            " avg(temperature_avg) AS temperature_avg, max(temperature_max) AS temperature_max, "
            " bool_or(online) AS online "
            " FROM history WHERE recorded_at >= $3 AND recorded_at < $4 AND miner IN ("
            "  SELECT no FROM miner WHERE site = $1 AND ($2::text IS NULL OR miner_id = $2)) GROUP BY 1, 2"
            ") steps GROUP BY at ORDER BY at",
            site,
            miner_id,
            start,
            stop,
            float(step_s),
        )

    def _stale_before(self, now: datetime) -> datetime:
        return now - timedelta(seconds=self._limits.stale_s)

    def _summary(self, row: Row, now: datetime) -> SiteSummary:
        age_s = (now - row["last_upload_at"]).total_seconds() if row["last_upload_at"] else None
        power_w, measured = row["power_consumption"], row["measured_ghs"]
        return SiteSummary(
            site_id=row["id"],
            title=row["title"] or row["id"],
            miners_total=row["miners"],
            online=row["online"],
            offline=row["offline"],
            stale=row["stale"],
            warning=row["warning"],
            critical=row["critical"],
            hashrate_ghs=_total(row, "hashrate_ghs"),
            hashrate_expected_ghs=row["hashrate_expected_ghs"],
            power_consumption=_total(row, "power_consumption"),
            power_complete_pct=100 * row["with_power"] / row["online"] if row["online"] else None,
            efficiency=power_w / (measured / 1000) if power_w and measured else None,
            temperature_avg=row["temperature_avg"],
            temperature_max=row["temperature_max"],
            updated_at=row["last_upload_at"],
            newest_at=row["newest_at"],
            age_s=age_s,
            is_stale=age_s is None or age_s > self._limits.stale_s,
        )


def _total(row: Row, name: str) -> float | None:
    """Return a sum; null when it is over nothing that is known, zero when every miner is known to be off."""
    if row[name] is not None:
        return float(row[name])
    return 0.0 if row["miners"] and row["offline"] == row["miners"] else None
