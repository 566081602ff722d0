"""The `simulator:` section of the site configuration."""

from collections import Counter
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

from hashbus_simulator.avalon_settings import AvalonBlock
from hashbus_simulator.blocks import DeviceBlock, MinerBlock
from hashbus_simulator.braiins_settings import BraiinsBlock
from hashbus_simulator.hiveos_settings import HiveosBlock
from hashbus_simulator.house_settings import HouseSettings
from hashbus_simulator.luxos_settings import LuxosBlock
from hashbus_simulator.luxpower_settings import LuxpowerBlock
from hashbus_simulator.market.settings import VenueBlock
from hashbus_simulator.modbus_settings import ModbusBlock
from hashbus_simulator.models import ANTMINERS, CGMINERS, WHATSMINERS
from hashbus_simulator.nicehash_settings import NicehashBlock
from hashbus_simulator.vnish_settings import VnishBlock
from hashbus_simulator.whatsminer_v2_settings import WhatsminerV2Block


class WhatsminerBlock(MinerBlock):
    """A WhatsMiner with API v3. `ports`: `api` (4433) and `cgminer` (4028).

    `password` is that of the account `super`; the default, equal to the account's name, does not allow writing,
    nor does `api_switch: false`. `ts_window_s` is the greatest age of a signed request. `salt` is the first
    salt (made from the seed when left out). `string_numbers` writes all numbers as strings, as some firmware does.
    `idle_shape` is what a stopped miner says (PROTOCOLS.md 1.6). `error_codes` are shown as present.
    """

    known_models = frozenset(model.name for model in WHATSMINERS)

    family: Literal["whatsminer_v3"] = "whatsminer_v3"
    model: str = "M64_VL40"
    password: SecretStr = SecretStr("super")
    api_switch: bool = True
    ts_window_s: int = Field(default=300, ge=1)
    string_numbers: bool = False
    salt: str | None = Field(default=None, pattern=r"^[A-Za-z0-9]{8}$")
    idle_shape: Literal["no_pools", "process_down"] = "no_pools"
    idle_close_s: float = Field(default=300.0, gt=0)
    error_codes: tuple[Annotated[int, Field(ge=100, le=9999)], ...] = ()
    firmware: str = "20250415.11.REL"


class AntminerBlock(MinerBlock):
    """A stock Antminer. `ports`: `cgminer` (4028) and `web` (80).

    `missing_comma` writes `}{` in `stats` as old bmminer does; `new_api` answers the flag of newer firmware.
    `settle_s` is the time in simulated seconds for which reads after a configuration write fail or show the old
    state. `mode_key` is the key that this firmware reads the work mode from, `mode_as_text` whether it wants text
    there. `reports_power` adds `chain_power`, which most stock images do not have.
    """

    known_models = frozenset(model.name for model in ANTMINERS)

    family: Literal["antminer"] = "antminer"
    model: str = "Antminer S19j Pro"
    password: SecretStr = SecretStr("root")
    missing_comma: bool = False
    new_api: bool = True
    settle_s: float = Field(default=15.0, ge=0, le=600)
    mode_key: Literal["miner-mode", "bitmain-work-mode"] = "miner-mode"
    mode_as_text: bool = False
    reports_power: bool = False
    compile_time: str = "Fri Mar 21 10:00:00 CST 2025"


class CgminerBlock(MinerBlock):
    """A miner run by plain cgminer. `ports`: `cgminer` (4028). `privileged` allows writing to everybody (`W:`)."""

    known_models = frozenset(model.name for model in (*CGMINERS, *ANTMINERS))

    family: Literal["cgminer"] = "cgminer"
    model: str = "Generic SHA-256"
    privileged: bool = False


class BitaxeBlock(MinerBlock):
    """A Bitaxe with AxeOS. `ports`: `web` (80). `version` picks the generation of its API."""

    family: Literal["bitaxe"] = "bitaxe"
    model: Literal["Bitaxe Max", "Bitaxe Ultra", "Bitaxe Supra", "Bitaxe Gamma", "Bitaxe Hex"] = "Bitaxe Gamma"
    version: Literal["v2.4.5", "v2.5.1", "v2.9.0", "v2.12.0", "v2.14.2", "v2.15.0"] = "v2.12.0"
    tuning_s: float = Field(default=20.0, ge=0, le=7200)
    boot_s: float = Field(default=12.0, ge=0, le=3600)


class Eg4PortalBlock(DeviceBlock):
    """The EG4 cloud portal of a house battery. `ports`: `web` (8080). It shows the simulator's `house`.

    `session_s` (2 h) and `refresh_s`, the age that its figures reach, are simulated seconds. `expires_as` is how a
    session too old shows: 401, the login page, figures that are all empty, or each in turn.
    """

    family: Literal["eg4_portal"] = "eg4_portal"
    account: str = "owner"
    password: SecretStr = SecretStr("owner")
    serial: str = Field(default="4512345678", pattern=r"^\d{10}$")
    session_s: float = Field(default=7200.0, gt=0)
    refresh_s: float = Field(default=60.0, ge=0)
    expires_as: Literal["unauthorized", "login_page", "zombie", "in_turn"] = "in_turn"


AnyBlock = Annotated[
    WhatsminerBlock
    | WhatsminerV2Block
    | AntminerBlock
    | AvalonBlock
    | CgminerBlock
    | BitaxeBlock
    | Eg4PortalBlock
    | LuxpowerBlock
    | ModbusBlock
    | BraiinsBlock
    | VnishBlock
    | LuxosBlock
    | HiveosBlock
    | NicehashBlock
    | VenueBlock,
    Field(discriminator="family"),
]


class SimulatorSettings(BaseModel):
    """What is emulated: devices, the seed of all chance, and how fast simulated time passes.

    `speed` 60 lets an hour of tuning, heating and battery pass in a minute. `control_port` is the HTTP control
    API on `control_host`; 0 takes any free port, null turns it off.
    """

    model_config = ConfigDict(extra="forbid")

    seed: int = 1
    speed: float = Field(default=1.0, gt=0, le=100_000)
    control_host: str = "127.0.0.1"
    control_port: int | None = Field(default=9130, ge=0, le=65535)
    house: HouseSettings = HouseSettings()
    devices: list[AnyBlock] = Field(default_factory=list)

    @model_validator(mode="after")
    def _ids_are_unique(self) -> Self:
        twice = [name for name, count in Counter(name for _, name in self.named()).items() if count > 1]
        if twice:
            raise ValueError(f"the id {twice[0]!r} is there twice")
        return self

    @model_validator(mode="after")
    def _rooms_are_there(self) -> Self:
        rooms, miners = {room.id for room in self.house.rooms}, {name for _, name in self.named()}
        measured = {block.room for block in self.devices if isinstance(block, ModbusBlock) and block.room}
        for name in sorted(measured - rooms - {"outdoors"}):
            raise ValueError(f"a thermometer hangs in the room {name!r}, which the house does not have")
        for room in self.house.rooms:
            for miner in sorted(set(room.miners) - miners):
                raise ValueError(f"the room {room.id!r} is heated by {miner!r}, which is not emulated")
        return self

    def named(self) -> list[tuple[AnyBlock, str]]:
        """Every single device with its id; a block is numbered by its id, devices without one by their family."""
        names: Counter[str] = Counter()
        devices: list[tuple[AnyBlock, str]] = []
        for block in self.devices:
            name = block.id or block.family.replace("_", "-")
            for _ in range(block.count):
                names[name] += 1
                is_alone = block.id is not None and block.count == 1
                devices.append((block, name if is_alone else f"{name}-{names[name]}"))
        return devices
