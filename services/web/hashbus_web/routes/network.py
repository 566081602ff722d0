"""The site's network (S2.16, S2.31): which devices are known, and looking for more."""

from __future__ import annotations

import ipaddress
from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field

from hashbus.messages import (
    EquipmentInfo,
    FoundDevice,
    MinerInfo,
    MinerTelemetry,
    Moment,
    ScanRequest,
    ScanResult,
    ScanStatus,
    Word,
)
from hashbus_web.acts.power import SOURCE
from hashbus_web.parts import Parts
from hashbus_web.people.callers import Caller
from hashbus_web.people.rights import Right
from hashbus_web.people.secrets import new_id
from hashbus_web.problems import Problem, wrong
from hashbus_web.routes.dependencies import PROBLEMS, Here, May, SiteReader, check_can_ask
from hashbus_web.view.rows import miner_row

router = APIRouter(prefix="/api/network", tags=["network"], responses=PROBLEMS)

Scanner = Annotated[Caller, Depends(May(Right.SCAN, on_site=True))]

TAKEN_WITHIN = timedelta(seconds=30)


class KnownDevice(BaseModel):
    """A device of this site."""

    id: str
    kind: str
    host: str | None = None
    driver: str | None = None
    make: str | None = None
    model: str | None = None
    is_online: bool | None = None
    last_seen: Moment | None = None
    reason: str | None = None
    hashrate_ths: float | None = None
    power_w: float | None = None


class NetworkDevices(BaseModel):
    """Who is known, and whom the last scan saw."""

    count: int = Field(description="Devices of this site")
    devices: list[KnownDevice]
    scan: ScanResult | None = None
    new: list[FoundDevice] = Field(description="Found by the last scan, not of this site yet")


class ScanBody(BaseModel):
    """Where to look."""

    model_config = ConfigDict(extra="forbid")

    networks: tuple[Word, ...] = Field(
        (), max_length=16, description="192.168.1.0/24, 192.168.1.10-40 or 192.168.1.7; empty: the poller's networks"
    )


class Scan(BaseModel):
    """A scan that was asked for; how far it is stands in /api/network/scan and in the live section `scans`."""

    id: str
    networks: tuple[str, ...]
    expires_at: Moment


@router.get("/devices")
async def devices(here: Here, _caller: SiteReader) -> NetworkDevices:
    """Every device that is known, and what the last scan has found."""
    known = [*_miners(here), *_equipment(here)]
    scan = here.site.view.one(ScanResult, SOURCE)
    hosts = {one.host for one in known}
    new = [one for one in scan.found if one.configured_as is None and one.host not in hosts] if scan else []
    return NetworkDevices(count=len(known), devices=known, scan=scan, new=new)


@router.get("/scan")
async def last_scan(here: Here, _caller: SiteReader) -> ScanResult | None:
    """How far the last scan is and what it has found."""
    return here.site.view.one(ScanResult, SOURCE)


@router.post("/scan", status_code=202)
async def scan(here: Here, caller: Scanner, body: ScanBody | None = None) -> Scan:
    """Look who is on the network. No password is tried and nothing is changed."""
    wanted = body or ScanBody()
    for network in wanted.networks:
        _check(network)
    before, now = here.site.view.one(ScanResult, SOURCE), here.clock.now()
    if before is not None and before.status is ScanStatus.RUNNING and before.age_s(now) < 60:
        raise Problem(409, "conflict", "a scan is running; its end is not far")
    await check_can_ask(here)
    request = ScanRequest(
        site=here.bus.site,
        at=now,
        source=SOURCE,
        id=new_id("sc"),
        networks=wanted.networks,
        expires_at=now + TAKEN_WITHIN,
    )
    here.bus.publish(request)
    await here.people.audit.note(
        "scan",
        who=caller.who,
        via=caller.via,
        address=caller.address,
        target="network",
        detail={"networks": wanted.networks},
    )
    return Scan(id=request.id, networks=request.networks, expires_at=request.expires_at)


def _miners(here: Parts) -> list[KnownDevice]:
    view, found = here.site.view, []
    for miner in view.miners():
        info, reading, row = view.one(MinerInfo, miner), view.one(MinerTelemetry, miner), miner_row(view, miner)
        found.append(
            KnownDevice(
                id=miner,
                kind="miner",
                host=info.host if info else None,
                driver=info.driver if info else None,
                make=info.make if info else None,
                model=info.model if info else None,
                is_online=row.online,
                last_seen=reading.at if reading else None,
                reason=row.reason,
                hashrate_ths=row.hashrate_ths,
                power_w=row.power_w,
            )
        )
    return found


def _equipment(here: Parts) -> list[KnownDevice]:
    return [
        KnownDevice(id=name, kind=info.kind.value, host=info.host, driver=info.driver, model=info.title)
        for name, info in here.site.view.all(EquipmentInfo).items()
    ]


def _check(network: str) -> None:
    """Refuse at once what is no network; what is too large or not private, the poller refuses."""
    text = network.strip()
    try:
        if "/" in text:
            ipaddress.IPv4Network(text, strict=False)
            return
        first, _, last = text.partition("-")
        ipaddress.IPv4Address(first.strip())
        if last and not last.strip().isdecimal():
            ipaddress.IPv4Address(last.strip())
    except ValueError:
        hint = "192.168.1.0/24, 192.168.1.10-40 or 192.168.1.7"
        raise wrong("networks", f"{network[:60]!r} is no network", hint) from None
