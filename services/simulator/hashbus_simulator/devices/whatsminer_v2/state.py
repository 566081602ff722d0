"""What a WhatsMiner with API v2 remembers besides its physics."""

from hashbus_simulator.clock import SimulatedClock
from hashbus_simulator.devices.contract import Place
from hashbus_simulator.devices.pools import FACTORY_POOLS, Pool
from hashbus_simulator.devices.whatsminer_v2.tokens import TokenDesk
from hashbus_simulator.physics import MinerPhysics
from hashbus_simulator.whatsminer_v2_settings import WhatsminerV2Block

POWER_LIMIT_SINCE = (2, 0, 5)
ERROR_CODES_SINCE = (2, 0, 4)


class WhatsminerV2State:
    """Settings as the miner keeps them; names follow the commands that set them (PROTOCOLS.md 2.5)."""

    __slots__ = (
        "block",
        "clock",
        "desk",
        "fast_boot",
        "fast_hash",
        "hostname",
        "led",
        "physics",
        "place",
        "pools",
        "power_mode",
        "target_freq_pct",
    )

    def __init__(self, block: WhatsminerV2Block, place: Place, physics: MinerPhysics, clock: SimulatedClock) -> None:
        self.block = block
        self.place = place
        self.physics = physics
        self.clock = clock
        self.desk = TokenDesk(block, place.seed)
        self.restore()

    def restore(self) -> None:
        """Settings as they come from the factory; the password stays."""
        self.pools: tuple[Pool, ...] = FACTORY_POOLS
        self.power_mode = "normal"
        self.fast_boot = "disable"
        self.fast_hash = "disable"
        self.target_freq_pct = 0
        self.hostname = self.place.id
        self.led: object = "auto"

    def unix_s(self) -> int:
        """The miner's clock."""
        return int(self.clock.unix_s())

    def has_api(self, since: tuple[int, int, int]) -> bool:
        """Whether its API is that new."""
        return tuple(int(part) for part in self.block.api.split(".")) >= since
