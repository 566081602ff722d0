"""How an emulated Avalon is configured."""

from typing import Literal

from pydantic import Field, SecretStr

from hashbus_simulator.blocks import MinerBlock
from hashbus_simulator.models import AVALONS


class AvalonBlock(MinerBlock):
    """An Avalon. `ports`: `cgminer` (4028), which serves one client at a time.

    `modules` is how many units hang on the controller of a 7xx to 9xx. `password` is that of the web page, which
    `setpool` asks for. `closes_without_reply` says after which orders the miner hangs up without a word. `joins`:
    whether it joins reports. `privileged: false` refuses every change. `lost_sensor` shows -273 for the air that it
    takes in. `error_bits` are set in the code of its first hashboard, `supply_bits` in that of its supply.
    """

    known_models = frozenset(model.name for model in AVALONS)

    family: Literal["avalon"] = "avalon"
    model: str = "Avalon 1366"
    modules: int = Field(default=1, ge=1, le=20)
    password: SecretStr = SecretStr("root")
    closes_without_reply: Literal["none", "softon", "both"] = "both"
    joins: bool = True
    privileged: bool = True
    lost_sensor: bool = False
    error_bits: int = Field(default=0, ge=0, le=0xFFFFFFFF)
    supply_bits: int = Field(default=0, ge=0, le=0xFFFF)
    firmware: str = "24100900_aaaaaaa_bbbbbbb"
