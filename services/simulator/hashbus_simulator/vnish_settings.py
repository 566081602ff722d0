"""The block of an emulated miner with VNish firmware."""

from typing import Literal

from pydantic import Field, SecretStr

from hashbus_simulator.blocks import MinerBlock
from hashbus_simulator.models import ANTMINERS


class VnishBlock(MinerBlock):
    """An Antminer with VNish. `ports`: `web` (80) and `cgminer` (4028).

    `version` picks the generation of its interface: 1.2.6 writes watts into `power_usage`, 1.3.4 joules per terahash,
    and only 1.3.4 can be throttled. `api_key` is a key that somebody has made for a program. After `tries` wrong
    passwords nobody is let in for `lock_s` simulated seconds. `start_s` is for how long after a start the mining
    daemon is down and the summary empty. `preset_switcher` lets the firmware change presets by temperature.
    """

    known_models = frozenset(model.name for model in ANTMINERS)

    family: Literal["vnish"] = "vnish"
    model: str = "Antminer S19 Pro"
    password: SecretStr = SecretStr("admin")
    api_key: SecretStr | None = None
    version: Literal["1.2.6", "1.3.4"] = "1.3.4"
    tries: int = Field(default=5, ge=1)
    lock_s: float = Field(default=300.0, gt=0)
    session_s: float = Field(default=86_400.0, gt=0)
    start_s: float = Field(default=15.0, ge=0)
    preset_switcher: bool = False
    immersion: bool = False
