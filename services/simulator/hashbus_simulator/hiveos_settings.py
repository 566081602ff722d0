"""The block of an emulated worker in the cloud of Hive OS."""

from typing import Literal

from pydantic import Field, SecretStr

from hashbus_simulator.blocks import MinerBlock
from hashbus_simulator.models import ANTMINERS


class HiveosBlock(MinerBlock):
    """An Antminer that Hive OS manages, and the cloud that shows it. `ports`: `web` (8080).

    `token` is the account's; `is_reader` may read the farm and not give orders. `problems` are what Hive OS sees.
    """

    known_models = frozenset(model.name for model in ANTMINERS)

    family: Literal["hiveos"] = "hiveos"
    model: str = "Antminer S19 Pro"
    farm_id: int = Field(default=1631951, gt=0)
    worker_id: int = Field(default=5708266, gt=0)
    token: SecretStr = SecretStr("hive-token")
    is_reader: bool = False
    problems: tuple[str, ...] = ()
