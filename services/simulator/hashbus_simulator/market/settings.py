"""The settings of an emulated market."""

from typing import Literal

from pydantic import Field, SecretStr

from hashbus_simulator.blocks import DeviceBlock

Venue = Literal[
    "binance",
    "okx",
    "deribit",
    "bybit",
    "coingecko",
    "mempool",
    "blockchain_info",
    "awattar",
    "entsoe",
    "octopus",
    "ercot",
]


class VenueBlock(DeviceBlock):
    """One exchange, source of the network or supplier of electricity. `ports`: `web` (8080).

    All venues of one seed see the same market: bitcoin wavers around `price_usd` by about `swing_pct`, electricity
    around `power_per_mwh` through the day. `height` is that of the chain at the start; a block comes every ten minutes.
    """

    family: Literal["market"] = "market"
    venue: Venue
    price_usd: float = Field(default=92_477.0, gt=0)
    swing_pct: float = Field(default=1.5, ge=0, le=50)
    difficulty: float = Field(default=152.27e12, ge=1)
    height: int = Field(default=925_000, ge=1)
    fees_per_block_btc: float = Field(default=0.025, ge=0, le=100)
    power_per_mwh: float = Field(default=90.0, ge=-500, le=5000)
    password: SecretStr = Field(default=SecretStr("emulated"), description="Token that a venue with accounts lets in")
