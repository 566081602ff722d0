"""What the configuration of every emulated device has; each family adds its own fields."""

from ipaddress import IPv4Address
from typing import Annotated, ClassVar

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, field_validator

from hashbus_simulator.models import MODELS


class DeviceBlock(BaseModel):
    """One emulated device, or `count` of them on consecutive addresses.

    `host` (or `from`) is the address of the first; ids of a block are `{id}-1`, `{id}-2`, ...; without an id the
    family names them. `ports` overrides port numbers by name; 0 takes any free one. `ambient_c` is the
    temperature around the device.
    """

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    id: str | None = Field(default=None, pattern=r"^[A-Za-z0-9_-]+$")
    host: IPv4Address = Field(validation_alias=AliasChoices("host", "from"))
    count: int = Field(default=1, ge=1, le=100_000)
    ports: dict[str, Annotated[int, Field(ge=0, le=65535)]] = Field(default_factory=dict)

    @field_validator("host")
    @classmethod
    def _stays_on_this_machine(cls, host: IPv4Address) -> IPv4Address:
        if not host.is_loopback:
            raise ValueError("emulated devices listen on loopback addresses (127.x.y.z) only")
        return host


class MinerBlock(DeviceBlock):
    """What every emulated miner has: a model, its surroundings and how long tuning and booting take.

    `tuning_s` and `boot_s` are simulated seconds (real ones divided by `speed`).
    """

    known_models: ClassVar[frozenset[str]] = frozenset(MODELS)

    model: str
    ambient_c: float = Field(default=22.0, ge=-40, le=60)
    tuning_s: float = Field(default=300.0, ge=0, le=7200)
    boot_s: float = Field(default=60.0, ge=0, le=3600)

    @field_validator("model")
    @classmethod
    def _is_known(cls, model: str) -> str:
        if model not in cls.known_models:
            raise ValueError(f"unknown model; known are {', '.join(sorted(cls.known_models))}")
        return model
