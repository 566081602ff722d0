"""Alerts, and the window of errors with its Clear (S2.18)."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel

from hashbus.messages import Alert, AlertAck, Moment
from hashbus_web.acts.power import SOURCE
from hashbus_web.live.sections import ack_of
from hashbus_web.parts import Parts
from hashbus_web.people.callers import Caller
from hashbus_web.people.rights import Right
from hashbus_web.problems import not_found
from hashbus_web.routes.dependencies import PROBLEMS, DeviceId, Here, May, SiteReader, check_can_ask

router = APIRouter(prefix="/api/alerts", tags=["alerts"], responses=PROBLEMS)

Clearer = Annotated[Caller, Depends(May(Right.ALERTS, on_site=True))]


class ShownAlert(Alert):
    """An alert, and who has seen it."""

    acked_by: str | None = None
    acked_at: Moment | None = None


class Cleared(BaseModel):
    """What has been seen now. What is not over stays an alert, marked as seen."""

    cleared: list[str]


@router.get("")
async def alerts(here: Here, _caller: SiteReader) -> list[ShownAlert]:
    """Everything that is wrong now, the worst first."""
    order = ("critical", "warning", "info")
    found = sorted(_standing(here), key=lambda alert: (order.index(alert.severity.value), alert.since))
    return [_shown(here, alert) for alert in found]


@router.post("/clear")
async def clear_all(here: Here, caller: Clearer) -> Cleared:
    """Note that everything that is wrong now has been seen."""
    return await _cleared(here, caller, [one for one in _standing(here) if ack_of(here.site.view, one) is None])


@router.post("/{key}/clear")
async def clear(here: Here, caller: Clearer, key: DeviceId) -> Cleared:
    """Note that one alert has been seen."""
    alert = next((one for one in _standing(here) if one.key == key), None)
    if alert is None:
        raise not_found("alert", key)
    return await _cleared(here, caller, [alert])


def _standing(here: Parts) -> list[Alert]:
    return [alert for alert in here.site.view.all(Alert).values() if alert.cleared_at is None]


def _shown(here: Parts, alert: Alert) -> ShownAlert:
    ack = ack_of(here.site.view, alert)
    return ShownAlert(**dict(alert), acked_by=(ack.by or ack.source) if ack else None, acked_at=ack.at if ack else None)


async def _cleared(here: Parts, caller: Caller, alerts: list[Alert]) -> Cleared:
    await check_can_ask(here)
    now = here.clock.now()
    for alert in alerts:
        here.bus.publish(
            AlertAck(site=here.bus.site, at=now, key=alert.key, source=SOURCE, since=alert.since, by=caller.who)
        )
    keys = [alert.key for alert in alerts]
    await here.people.audit.note(
        "alerts_cleared", who=caller.who, via=caller.via, address=caller.address, target=", ".join(keys)[:1000]
    )
    return Cleared(cleared=keys)
