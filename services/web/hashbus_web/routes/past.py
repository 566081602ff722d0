"""The past (S2.19 to S2.23): charts of any device and of the whole site, and CSV files."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from enum import StrEnum
from typing import Annotated

import aiohttp
from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import StreamingResponse

from hashbus_web.history.chart import Chart
from hashbus_web.parts import Parts
from hashbus_web.people.callers import Caller
from hashbus_web.problems import not_found, wrong
from hashbus_web.routes.dependencies import PROBLEMS, Here, Reader, SiteReader, check_sees

router = APIRouter(prefix="/api", tags=["history"], responses=PROBLEMS)

OF_MINERS = ("miner", "miner_setpoint", "miner_setpoint_result", "miner_decision", "miner_availability")


class Range(StrEnum):
    """How far back a chart goes (S2.23)."""

    HOUR = "1h"
    SIX_HOURS = "6h"
    DAY = "24h"
    THREE_DAYS = "3d"
    WEEK = "1w"
    MONTH = "30d"
    YEAR = "1y"
    ALL = "all"


DAYS = {
    Range.HOUR: str(1 / 24),
    Range.SIX_HOURS: "0.25",
    Range.DAY: "1",
    Range.THREE_DAYS: "3",
    Range.WEEK: "7",
    Range.MONTH: "30",
    Range.YEAR: "365",
    Range.ALL: "all",
}


class Window(BaseModel):
    """Which part of the past, and how finely."""

    model_config = ConfigDict(extra="ignore", populate_by_name=True)

    range: Range | None = Field(None, description="How far back from now; three days when nothing is given")
    days: Annotated[float, Field(gt=0, le=3660)] | None = None
    from_: str | None = Field(None, alias="from", max_length=40, description="ISO 8601, for a window of one's own")
    to: str | None = Field(None, max_length=40)
    fields: str = Field("", max_length=2000, description="Names such as power_w, separated by commas; all when empty")
    width: Annotated[int, Field(ge=20, le=4000)] = Field(800, description="Most points that the chart can show")
    step: str | None = Field(None, pattern=r"^(auto|raw|[0-9]{1,8}[smhd]?)$", description="Of a CSV file: raw or 5m")

    def parameters(self) -> dict[str, str]:
        """Return the question as the recorder takes it."""
        if self.from_ is not None and (self.days is not None or self.range is not None):
            raise wrong("from", "cannot stand beside `days` or `range`; give one of them")
        asked = {"max_points": str(self.width)}
        if self.from_ is not None:
            asked["from"] = self.from_
        elif self.range is not None:
            asked["days"] = DAYS[self.range]
        else:
            asked["days"] = f"{self.days or 3:g}"
        if self.to is not None:
            asked["to"] = self.to
        if self.fields:
            asked["fields"] = self.fields
        return asked


async def chart_reply(here: Parts, window: Window, measurement: str, device: str) -> Response:
    """Return a chart of one device."""
    asked = {**window.parameters(), "measurement": measurement, "device": device}
    return Response(await here.recorder.chart("/history", asked), media_type="application/json")


async def csv_reply(here: Parts, window: Window, measurement: str, device: str) -> Response:
    """Return the same as a file, passed on while it is read: a year of it needs no memory."""
    asked = {**window.parameters(), "measurement": measurement, "device": device, "step": window.step or "raw"}
    del asked["max_points"]
    if asked.get("days") == "all":
        asked["days"] = "3660"
    stack = AsyncExitStack()
    # Opened here, so that a recorder that is away is still an honest 503.
    answer = await stack.enter_async_context(here.recorder.export(asked))
    name = f"{measurement}-{device.replace('/', '-')}.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return StreamingResponse(_passed_on(stack, answer), media_type="text/csv; charset=utf-8", headers=headers)


async def _passed_on(stack: AsyncExitStack, answer: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
    async with stack:
        async for part in answer.content.iter_chunked(1 << 16):
            yield part
            await asyncio.sleep(0)


def _checked(here: Parts, caller: Caller, measurement: str, device: str) -> None:
    if measurement in OF_MINERS:
        check_sees(here, caller, device)
    elif not caller.leaves.sight.is_whole:
        raise not_found(measurement, device)


Measurement = Annotated[str, Query(pattern=r"^[A-Za-z0-9_]{1,100}$")]
Device = Annotated[str, Query(pattern=r"^[A-Za-z0-9_/-]{1,200}$")]


@router.get("/history", response_model=Chart)
async def history(
    here: Here,
    caller: Reader,
    window: Annotated[Window, Query()],
    device: Device,
    measurement: Measurement = "miner",
) -> Response:
    """A chart of anything that is recorded."""
    _checked(here, caller, measurement, device)
    return await chart_reply(here, window, measurement, device)


@router.get("/history.csv", response_class=Response, responses={200: {"content": {"text/csv": {}}}})
async def export(
    here: Here,
    caller: Reader,
    window: Annotated[Window, Query()],
    device: Device,
    measurement: Measurement = "miner",
) -> Response:
    """The same as a CSV file."""
    _checked(here, caller, measurement, device)
    return await csv_reply(here, window, measurement, device)


@router.get("/site/history", response_model=Chart)
async def site_history(
    here: Here, _caller: SiteReader, window: Annotated[Window, Query()], measurement: Measurement = "miner"
) -> Response:
    """All devices of a kind added up, and of how many of them each point is made."""
    asked = {**window.parameters(), "measurement": measurement}
    return Response(await here.recorder.chart("/totals", asked), media_type="application/json")


class RecordedSeries(BaseModel):
    """One thing that is recorded."""

    measurement: str
    device: str
    last_at: str | None = None
    age_s: float | None = None
    fields: dict[str, str]


@router.get("/history/devices")
async def recorded(here: Here, _caller: SiteReader) -> list[RecordedSeries]:
    """Everything that is recorded, with its fields and their units."""
    return [RecordedSeries(**one) for one in await here.recorder.devices()]
