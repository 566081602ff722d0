"""What a site's configuration says of an Antminer."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, SecretStr

from hashbus_poller.drivers.antminer.levels import FULL_PCT
from hashbus_poller.drivers.cgminer.wire import CgminerOptions

Percent = Annotated[float, Field(gt=0, le=FULL_PCT)]
Megahertz = Annotated[float, Field(gt=0, le=2000)]


class AntminerOptions(CgminerOptions):
    """What a site's configuration says of an Antminer."""

    web_port: int = Field(80, ge=1, le=65535, description="TCP port of its web page")
    username: str = Field("root", min_length=1, pattern=r"^[^:]*$", description="User of its web page")
    password: SecretStr | None = Field(None, description="Password of its web page; without one the miner is only read")
    rated_power_w: float | None = Field(
        None, gt=0, le=50_000, description="Power at full level, in W; the vendor's figure when not given"
    )
    levels_pct: tuple[Percent, ...] = Field(
        (100.0, 90.0, 80.0), description="Frequency levels that its web page offers, in per cent"
    )
    frequencies_mhz: tuple[Megahertz, ...] = Field(
        (), description="S17 and before: frequencies that its web page offers, in MHz, the highest the usual one"
    )
    low_power_pct: Percent | None = Field(
        None, description="Draw of its low-power mode in per cent of the rated power, where its web page offers one"
    )
