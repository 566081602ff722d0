"""How fresh each site is, as figures: looked up every few seconds, so that they grow also when nothing comes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hashbus_collector.database import DatabaseAway

if TYPE_CHECKING:
    from hashbus_collector.collector import Collector

EVERY_S = 15.0


class Freshness:
    """Sets the figures of all sites."""

    def __init__(self, parts: Collector) -> None:
        """Nothing is set yet."""
        self._parts = parts

    async def run(self) -> None:
        """Look again and again; while the database is away the last figures stay, and the health page says why."""
        while True:
            await self._parts.clock.sleep(EVERY_S)
            try:
                await self.look()
            except DatabaseAway:
                continue

    async def look(self) -> None:
        """Set the figures of all sites as they are now."""
        metrics, now = self._parts.metrics, self._parts.clock.now()
        for site in await self._parts.views.summaries(None, now):
            if site.age_s is not None and site.updated_at is not None:
                metrics.age.labels(site.site_id).set(site.age_s)
                metrics.last_upload.labels(site.site_id).set(site.updated_at.timestamp())
            for state in ("online", "offline", "stale"):
                metrics.site_miners.labels(site.site_id, state).set(getattr(site, state))
        metrics.open_commands.clear()
        for row in await self._parts.database.fetch(
            "SELECT site, status, count(*) AS number FROM command WHERE status IN ('pending', 'sent') GROUP BY 1, 2"
        ):
            metrics.open_commands.labels(row["site"], row["status"]).set(row["number"])
