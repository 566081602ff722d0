"""How an emulated WhatsMiner with API v2 is configured."""

from typing import Annotated, Literal

from pydantic import Field, SecretStr

from hashbus_simulator.blocks import MinerBlock
from hashbus_simulator.models import WHATSMINERS


class WhatsminerV2Block(MinerBlock):
    """A WhatsMiner with API v2. `ports`: `cgminer` (4028).

    `password` is that of the web account `admin`; the default does not allow writing, nor does `api_switch: false`.
    `shape` is the envelope of the reports: `classic` is cgminer's, `newer` has the fields under `Msg`, joins no
    reports and gives the hashrate of boards in TH/s. `split_processes` serves the two spellings of a request from two
    processes, as firmware of 2019 and 2020 does; `old_status` is its form of `status`. `summary_asleep` says whether
    `summary` answers while the miner sleeps. `malformed` writes error codes and the supply's values as broken firmware
    does. `knows_respbefore: false` refuses that parameter of `power_off`. At most `most_tokens` live, each for
    `token_s`; who asks for more is locked out for `lock_s`, and every further question begins that anew (simulated
    seconds). `salt` and `newsalt` are made from the seed when left out.
    """

    known_models = frozenset(model.name for model in WHATSMINERS)

    family: Literal["whatsminer_v2"] = "whatsminer_v2"
    model: str = "M50_VH40"
    password: SecretStr = SecretStr("admin")
    api_switch: bool = True
    api: str = Field(default="2.0.5", pattern=r"^\d+\.\d+\.\d+$")
    firmware: str = "20230911.12.Rel"
    shape: Literal["classic", "newer"] = "classic"
    split_processes: bool = False
    old_status: bool = False
    summary_asleep: Literal["idle", "error"] = "idle"
    malformed: bool = False
    knows_respbefore: bool = True
    error_codes: tuple[Annotated[int, Field(ge=100, le=999_999)], ...] = ()
    token_s: float = Field(default=1800.0, gt=0)
    most_tokens: int = Field(default=32, ge=1)
    lock_s: float = Field(default=180.0, ge=0)
    salt: str | None = Field(default=None, pattern=r"^[A-Za-z0-9]{8}$")
    newsalt: str | None = Field(default=None, pattern=r"^[A-Za-z0-9]{8}$")
