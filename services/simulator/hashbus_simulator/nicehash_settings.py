"""The block of an emulated rig in the cloud of NiceHash."""

from typing import Literal

from pydantic import Field, SecretStr

from hashbus_simulator.blocks import MinerBlock
from hashbus_simulator.models import ANTMINERS


class NicehashBlock(MinerBlock):
    """An Antminer that NiceHash manages, and the cloud that shows it. `ports`: `web` (8080).

    A request is good with a signature of `api_secret` and a time that is off by at most `skew_s` real seconds.
    `notes` are the notifications of the rig, `takes_orders: false` answers every order with no success.
    """

    known_models = frozenset(model.name for model in ANTMINERS)

    family: Literal["nicehash"] = "nicehash"
    model: str = "Antminer S19 Pro"
    rig_id: str = "0-emulated1"
    organization_id: str = "0b0b0b0b-1111-2222-3333-444444444444"
    api_key: SecretStr = SecretStr("nicehash-key")
    api_secret: SecretStr = SecretStr("nicehash-secret")
    skew_s: float = Field(default=300.0, gt=0)
    notes: tuple[str, ...] = ()
    takes_orders: bool = True
