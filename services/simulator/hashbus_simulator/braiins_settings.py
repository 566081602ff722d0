"""The block of an emulated miner with Braiins OS."""

from typing import Literal

from pydantic import Field, SecretStr

from hashbus_simulator.blocks import MinerBlock
from hashbus_simulator.models import ANTMINERS


class BraiinsBlock(MinerBlock):
    """An Antminer with Braiins OS. `ports`: `cgminer` (4028) and `web` (80).

    `session_s` is how long a login is good in simulated seconds; each request with it renews it. `tuner` is what the
    miner is tuned to when the simulator starts. `keeps_passwords` shows the passwords of pools in the configuration,
    as the field in the vendor's description allows; many builds leave them out.
    """

    known_models = frozenset(model.name for model in ANTMINERS)

    family: Literal["braiins"] = "braiins"
    model: str = "Antminer S19 XP"
    username: str = "root"
    password: SecretStr = SecretStr("root")
    version: Literal["24.09", "25.07", "26.04"] = "25.07"
    session_s: float = Field(default=3600.0, gt=0)
    tuner: Literal["power", "hashrate", "disabled"] = "power"
    keeps_passwords: bool = True
