"""What people call to look at the sites: totals, live rows, miners, alerts, figures, charts, logs."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Response
from pydantic import BaseModel, Field

from hashbus_collector.access import LoggedIn, Parts, allow
from hashbus_collector.collector import Collector
from hashbus_collector.errors import Refusal
from hashbus_collector.log_answers import Audit, UploadLog, audit_line, upload_line
from hashbus_collector.people import EVERY_SITE, Person, Role
from hashbus_collector.records import ShortText
from hashbus_collector.routes import PREFIX, refusals
from hashbus_collector.view_answers import (
    Alerts,
    History,
    Live,
    MinerPage,
    SiteList,
    Stats,
    Step,
    Summary,
    alert_answer,
    stats_of,
)
from hashbus_collector.views import Search

router = APIRouter(prefix=PREFIX, tags=["views"])

# S1.36 and S1.63 to S1.66: how long an answer may be kept. An upload drops those of its site at once.
LIVE_S, SUMMARY_S, ALERTS_S = 60, 30, 5

MOST_POINTS = 5000

SitePath = Annotated[str, Path(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
SiteQuery = Annotated[str | None, Query(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
MinerQuery = Annotated[str | None, Query(min_length=1, max_length=128, pattern=r"^[^\x00-\x1f]*$")]


@router.get("/sites", response_model=SiteList, responses=refusals(401))
async def sites(parts: Parts, who: LoggedIn) -> Response:
    """List the sites with their totals and how fresh they are."""

    async def answer() -> SiteList:
        now = parts.clock.now()
        found = await parts.views.summaries(who.sites, now)
        return SiteList(at=now, sites=found, count=len(found))

    return await _kept(parts, f"telemetry:sites:{_scope(who)}", ALERTS_S, answer)


@router.get("/summary/{site_id}", response_model=Summary, responses=refusals(401, 404))
async def summary(site_id: SitePath, parts: Parts, who: LoggedIn) -> Response:
    """Give the totals of a site."""
    allow(who, site_id, Role.GUEST)

    async def answer() -> Summary:
        now = parts.clock.now()
        found = await parts.views.summaries([site_id], now)
        if not found:
            raise Refusal(404, f"no site {site_id!r}")
        return Summary(at=now, summary=found[0])

    return await _kept(parts, f"telemetry:summary:{site_id}", SUMMARY_S, answer)


@router.get("/live/{site_id}", response_model=Live, responses=refusals(401, 404))
async def live(site_id: SitePath, parts: Parts, who: LoggedIn) -> Response:
    """Give the newest reading of each miner of a site."""
    allow(who, site_id, Role.GUEST)

    async def answer() -> Live:
        if not await parts.views.knows(site_id):
            raise Refusal(404, f"no site {site_id!r}")
        now = parts.clock.now()
        found = await parts.views.live(site_id, now)
        return Live(at=now, site_id=site_id, miners=found, count=len(found))

    return await _kept(parts, f"telemetry:live:{site_id}", LIVE_S, answer)


class MinerSearch(BaseModel):
    """Which miners are looked for, in which order; all when nothing is said."""

    site_id: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")] | None = None
    state: Literal["online", "offline", "stale"] | None = None
    search: ShortText | None = Field(None, description="Part of the id, the model or the worker")
    sort: Literal["miner_id", "hashrate", "power", "efficiency", "temperature", "recorded_at"] = "miner_id"
    descending: bool = False
    page: Annotated[int, Field(ge=1, le=100_000)] = 1
    per_page: Annotated[int, Field(ge=1, le=1000)] = 100


@router.get("/miners", response_model=MinerPage, responses=refusals(401, 404))
async def miners(parts: Parts, who: LoggedIn, asked: Annotated[MinerSearch, Query()]) -> MinerPage:
    """Look for miners over all sites, page by page."""
    if asked.site_id is not None:
        allow(who, asked.site_id, Role.GUEST)
    wanted = Search(
        sites=[asked.site_id] if asked.site_id else who.sites,
        state=asked.state,
        text=asked.search or None,
        sort=asked.sort,
        is_descending=asked.descending,
        page=asked.page,
        per_page=asked.per_page,
    )
    total, found = await parts.views.search(wanted, parts.clock.now())
    return MinerPage(miners=found, total=total, page=asked.page, per_page=asked.per_page)


@router.get("/alerts", response_model=Alerts, responses=refusals(401, 404))
async def alerts(
    parts: Parts, who: LoggedIn, site_id: SiteQuery = None, severity: Literal["critical", "warning"] | None = None
) -> Response:
    """Say what is worth an alert now, the worst first."""
    if site_id is not None:
        allow(who, site_id, Role.GUEST)

    async def answer() -> Alerts:
        found = await parts.views.alerts([site_id] if site_id else who.sites, parts.clock.now())
        chosen = [alert_answer(one) for one in found if severity in (None, one.severity.value)]
        return Alerts(alerts=chosen, count=len(chosen))

    return await _kept(parts, f"telemetry:alerts:{site_id or _scope(who)}:{severity}", ALERTS_S, answer)


@router.get("/stats", response_model=Stats, responses=refusals(401))
async def stats(parts: Parts, who: LoggedIn) -> Response:
    """Give figures over all sites the asker may look at."""

    async def answer() -> Stats:
        now = parts.clock.now()
        found = await parts.views.summaries(who.sites, now)
        return stats_of(found, await parts.views.stats(who.sites, now), now)

    return await _kept(parts, f"telemetry:stats:{_scope(who)}", ALERTS_S, answer)


@router.get("/history/{site_id}", response_model=History, responses=refusals(401, 404))
async def history(
    site_id: SitePath,
    parts: Parts,
    who: LoggedIn,
    miner_id: MinerQuery = None,
    hours: Annotated[float, Query(gt=0, le=8760)] = 24,
    step_s: Annotated[int | None, Query(ge=10, le=86_400, description="The answer says which was taken")] = None,
) -> Response:
    """Give a chart: of one miner, or sums over a site."""
    allow(who, site_id, Role.GUEST)
    # About 300 points when nobody says, and never more than 5,000.
    step = max(step_s or max(60, round(hours * 12 / 60) * 60), math.ceil(hours * 3600 / MOST_POINTS))

    async def answer() -> History:
        stop = parts.clock.now()
        rows = await parts.views.history(site_id, miner_id, stop - timedelta(hours=hours), stop, step)
        return History(site_id=site_id, miner_id=miner_id, step_s=step, points=[Step(**dict(row)) for row in rows])

    return await _kept(parts, f"telemetry:history:{site_id}:{miner_id}:{hours}:{step}", LIVE_S, answer)


@router.get("/uploads", response_model=UploadLog, responses=refusals(401, 404))
async def uploads(
    parts: Parts, who: LoggedIn, site_id: SiteQuery = None, limit: Annotated[int, Query(ge=1, le=1000)] = 100
) -> UploadLog:
    """List the newest uploads."""
    if site_id is not None:
        allow(who, site_id, Role.GUEST)
    rows = await parts.views.uploads([site_id] if site_id else who.sites, limit)
    return UploadLog(uploads=[upload_line(row) for row in rows])


@router.get("/audit", response_model=Audit, responses=refusals(401, 403, 404))
async def audit(
    parts: Parts,
    who: LoggedIn,
    site_id: SiteQuery = None,
    before: Annotated[int | None, Query(ge=1, le=2**62)] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> Audit:
    """List the newest acts; for admins."""
    if site_id is not None:
        allow(who, site_id, Role.ADMIN)
    elif not who.may(EVERY_SITE, Role.ADMIN):
        raise Refusal(403, "only an admin of all sites sees all acts; give site_id")
    rows = await parts.views.audit(site_id, before, limit)
    return Audit(entries=[audit_line(row) for row in rows], next_before=rows[-1]["no"] if len(rows) == limit else None)


def _scope(who: Person) -> str:
    return EVERY_SITE if who.sites is None else ",".join(who.sites)


async def _kept(parts: Collector, name: str, ttl_s: int, answer: Callable[[], Awaitable[BaseModel]]) -> Response:
    """Give the answer that was kept, or make and keep a new one. Whether one may see it was checked before."""
    body: Any = await parts.cache.get(name)
    if body is None:
        body = (await answer()).model_dump_json().encode()
        await parts.cache.put(name, body, ttl_s)
    return Response(body, media_type="application/json", headers={"Cache-Control": "no-store"})
