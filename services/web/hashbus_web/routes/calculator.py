"""The calculator (S3.1 to S3.9): what a machine would earn and cost, and whether it ever pays itself back."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel

from hashbus.messages import BitcoinPrice, CurrencyRates, NetworkState, PowerPrice
from hashbus.models import all_models
from hashbus.profit import CannotCalculate, LiveMarket, ProfitAnswer, ProfitAsked, as_message, profit
from hashbus_web.acts.power import SOURCE
from hashbus_web.history.calculations import Calculated
from hashbus_web.problems import Problem, wrong
from hashbus_web.routes.dependencies import PROBLEMS, Here, Reader, address_of

router = APIRouter(prefix="/api/calculator", tags=["calculator"], responses=PROBLEMS)


class Model(BaseModel):
    """A miner by its vendor's data sheet."""

    make: str
    model: str
    rated_hashrate_ths: float | None
    rated_power_w: float | None
    year: int | None


@router.post("")
async def calculate(request: Request, here: Here, body: ProfitAsked) -> ProfitAnswer:
    """Calculate; what is not given comes from the data sheet or live from the market. No login is needed (S3.1).

    What somebody who is signed in calculates is kept.
    """
    if not here.people.users.has_admin:
        raise Problem(503, "setup_required", "this site has no administrator yet: run `hashbus web code`")
    caller = await here.people.callers.of(request.headers, request.cookies, address_of(request))
    if caller is None:
        await here.people.doorkeeper.let_calculate(address_of(request))
    view, now = here.site.view, here.clock.now()
    live = LiveMarket(
        bitcoin=view.one(BitcoinPrice),
        network=view.one(NetworkState),
        power=view.one(PowerPrice),
        rates=view.one(CurrencyRates),
    )
    try:
        answer = profit(body, live, now)
    except CannotCalculate as error:
        raise wrong(error.field, error.problem) from None
    if caller is not None:
        asked, answered = body.model_dump(mode="json", exclude_none=True), answer.model_dump(mode="json")
        await here.calculations.keep(now, caller.who, asked, answered)
        here.bus.publish(as_message(answer, site=here.bus.site, source=SOURCE, now=now))
    return answer


@router.get("/models")
async def models(here: Here) -> list[Model]:
    """Every model with its data sheet."""
    if not here.people.users.has_admin:
        raise Problem(503, "setup_required", "this site has no administrator yet: run `hashbus web code`")
    return [
        Model(
            make=one.make,
            model=one.model,
            rated_hashrate_ths=one.rated_hashrate_ths,
            rated_power_w=one.rated_power_w,
            year=one.year,
        )
        for one in all_models()
    ]


@router.get("/history")
async def history(here: Here, _caller: Reader, limit: Annotated[int, Query(ge=1, le=1_000)] = 50) -> list[Calculated]:
    """What was calculated here, the newest first."""
    return await here.calculations.newest(limit)
