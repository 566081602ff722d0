"""The block of an emulated miner with LuxOS."""

from typing import Literal

from pydantic import Field

from hashbus_simulator.blocks import MinerBlock
from hashbus_simulator.models import ANTMINERS


class LuxosBlock(MinerBlock):
    """An Antminer with LuxOS. `ports`: `cgminer` (4028) and `web` (80).

    `session_s` is how long a session lives in simulated seconds without being used. `atm` lets the firmware change
    profiles by temperature. `joins` answers several reports asked for at once. `board_profiles` is how versions
    before 2024 set a profile: board by board.
    """

    known_models = frozenset(model.name for model in ANTMINERS)

    family: Literal["luxos"] = "luxos"
    model: str = "Antminer S19j Pro"
    version: str = "2025.4.8.220305-57b389c7"
    session_s: float = Field(default=60.0, gt=0)
    atm: bool = False
    joins: bool = True
    board_profiles: bool = False
    cooling: Literal["Air", "Hydro", "Immersion"] = "Air"
