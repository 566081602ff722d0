"""Bitcoin, the network, electricity, and what mining earns with them."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel

from hashbus.messages import (
    BitcoinPrice,
    CurrencyRates,
    Hashprice,
    Indicators,
    MinerEconomics,
    NetworkState,
    PowerPrice,
    SiteEconomics,
)
from hashbus_web.routes.dependencies import PROBLEMS, Here, Reader, sees

router = APIRouter(prefix="/api", tags=["market"], responses=PROBLEMS)


class Market(BaseModel):
    """The newest figures; each says itself how old it is and of how many sources."""

    bitcoin: BitcoinPrice | None
    network: NetworkState | None
    power: PowerPrice | None
    hashprice: Hashprice | None
    indicators: Indicators | None
    currencies: CurrencyRates | None
    economics: SiteEconomics | None


@router.get("/market")
async def market(here: Here, _caller: Reader) -> Market:
    """What everything is worth now."""
    view = here.site.view
    return Market(
        bitcoin=view.one(BitcoinPrice),
        network=view.one(NetworkState),
        power=view.one(PowerPrice),
        hashprice=view.one(Hashprice),
        indicators=view.one(Indicators),
        currencies=view.one(CurrencyRates),
        economics=view.one(SiteEconomics),
    )


@router.get("/economics")
async def economics(here: Here, caller: Reader) -> dict[str, MinerEconomics]:
    """What each miner earns as it runs, and where it would earn most."""
    found = here.site.view.all(MinerEconomics)
    return {miner: one for miner, one in found.items() if sees(here, caller, miner)}
