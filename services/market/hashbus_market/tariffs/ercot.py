"""ERCOT public API: settlement point prices of Texas in USD a megawatt-hour, day ahead or real time.

Day ahead comes in hours, real time in quarters. Rows are lists whose columns the answer names under `fields`. Times are
the clock on the wall of Texas: hour 1 ends at 01:00, and in autumn `DSTFlag` marks the hour that comes a second time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from hashbus.messages import PriceWindow
from hashbus_market.asking import Ask
from hashbus_market.errors import SourceGarbled
from hashbus_market.reading import at, number

TEXAS = ZoneInfo("America/Chicago")
REPORTS = {
    "day_ahead": "/api/public-reports/np4-190-cd/dam_stlmnt_pnt_prices",
    "real_time": "/api/public-reports/np6-905-cd/spp_node_zone_hub",
}
LOGIN_PATH = "/ercotb2c.onmicrosoft.com/B2C_1_PUBAPI-ROPC-FLOW/oauth2/v2.0/token"
CLIENT_ID = "fec253ea-0d06-4272-a5e6-b478baeecd70"
"""Of the public API itself, the same for everybody (developer.ercot.com, "Authenticate")."""

SESSION_LASTS = timedelta(minutes=50)
"""An ID token is good for an hour and cannot be renewed."""

HOUR, QUARTER = timedelta(hours=1), timedelta(minutes=15)
REAL_TIME_HOLDS = timedelta(minutes=30)
"""The last quarter is published when it is over: it stands for now, until the next but one would be there."""


@dataclass(frozen=True, slots=True)
class Session:
    """A sign-in: what shows it, and until when it is used."""

    token: str = field(repr=False)
    until: datetime


async def sign_in(ask: Ask, now: datetime, *, username: str, password: str) -> Session:
    """Sign in with the account of the API explorer."""
    answer = await ask.post(
        LOGIN_PATH,
        username=username,
        password=password,
        grant_type="password",
        scope=f"openid {CLIENT_ID} offline_access",
        client_id=CLIENT_ID,
        response_type="id_token",
    )
    token = at(answer.json(), "id_token")
    if not isinstance(token, str) or not token.isprintable():
        raise SourceGarbled("the sign-in gives no id_token")
    return Session(token, now + SESSION_LASTS)


async def windows(ask: Ask, now: datetime, *, point: str, market: str) -> list[PriceWindow]:
    """Return the known prices around now."""
    today = now.astimezone(TEXAS).date()
    answer = await ask.get(
        REPORTS[market],
        settlementPoint=point,
        deliveryDateFrom=today.isoformat(),
        deliveryDateTo=(today + timedelta(days=1)).isoformat(),
        size="1000",
    )
    found = parse(answer.json(), point)
    if market == "real_time" and found:
        last = max(found, key=lambda one: one.ends_at)
        found[found.index(last)] = last.model_copy(update={"ends_at": last.ends_at + REAL_TIME_HOLDS})
    return found


def parse(body: Any, point: str) -> list[PriceWindow]:
    """Read the rows of one settlement point, of either report."""
    fields, data = at(body, "fields"), at(body, "data")
    if not isinstance(fields, list) or not isinstance(data, list):
        raise SourceGarbled("fields or data is no list")
    names = [str(at(field, "name")) for field in fields]
    rows = [dict(zip(names, row, strict=False)) for row in data if isinstance(row, list)]
    return [_window(row) for row in rows if row.get("settlementPoint") == point]


def _window(row: Mapping[str, Any]) -> PriceWindow:
    day = _date(str(at(row, "deliveryDate")))
    if "hourEnding" in row:
        start, lasts = _on_the_wall(day, _hour(str(row["hourEnding"]).partition(":")[0]), 0, row), HOUR
    else:
        quarter = int(number(row, "deliveryInterval")) - 1
        if not 0 <= quarter <= 3:
            raise SourceGarbled(f"deliveryInterval {quarter + 1} is not 1 to 4")
        start, lasts = _on_the_wall(day, _hour(str(at(row, "deliveryHour"))), quarter, row), QUARTER
    return PriceWindow(starts_at=start, ends_at=start + lasts, price_per_kwh=number(row, "settlementPointPrice") / 1000)


def _on_the_wall(day: date, hour: int, quarter: int, row: Mapping[str, Any]) -> datetime:
    is_second = str(row.get("DSTFlag", "N")).lower() in ("y", "true", "1")
    local = datetime.combine(day, time(hour, 15 * quarter), tzinfo=TEXAS)
    return local.replace(fold=1 if is_second else 0).astimezone(UTC)


def _hour(text: str) -> int:
    """Return the hour at which hour `text` (1 to 24, named by its end) begins."""
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:3]) <= 24):
        raise SourceGarbled(f"hour {text[:10]!r} is not 1 to 24")
    return int(text) - 1


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text[:10])
    except ValueError:
        raise SourceGarbled(f"deliveryDate is {text[:20]!r}, not a date") from None
