"""What a WhatsMiner remembers besides its physics."""

from collections.abc import Callable

from hashbus_simulator.devices.contract import Place
from hashbus_simulator.devices.pools import FACTORY_POOLS, Pool
from hashbus_simulator.devices.whatsminer_v3.auth import Vault
from hashbus_simulator.physics import MinerPhysics
from hashbus_simulator.settings import WhatsminerBlock

MODES = ("low", "normal", "high")
MODE_SHARES = {"low": 0.8, "normal": 1.0, "high": 1.0}


class WhatsminerState:
    """Settings as the miner keeps them; names follow the commands that set them (PROTOCOLS.md 1.7, 1.8)."""

    __slots__ = (
        "block", "cointype", "custom", "expects_image", "fans", "fast_boot", "fast_hash", "heat_mode", "hostname",
        "is_enabled", "led", "net_config", "ntp_servers", "physics", "place", "pools", "power_mode",
        "target_freq_pct", "time_randomized", "timezone", "unix", "upfreq_speed", "user_power_w", "vault",
        "web_pools", "zonename",
    )  # fmt: skip

    def __init__(self, block: WhatsminerBlock, place: Place, physics: MinerPhysics, unix: Callable[[], float]) -> None:
        self.block = block
        self.place = place
        self.physics = physics
        self.unix = unix
        self.vault = Vault(
            place.seed,
            block.password.get_secret_value(),
            api_switch=block.api_switch,
            window_s=block.ts_window_s,
            salt=block.salt,
        )
        self.expects_image = False
        self.restore_settings()
        self.restore_system()

    def restore_settings(self) -> None:
        """Mining settings as they come from the factory."""
        self.pools: tuple[Pool, ...] = FACTORY_POOLS
        self.is_enabled = True
        self.power_mode = "normal"
        self.user_power_w = 0
        self.target_freq_pct = 0
        self.upfreq_speed = 0
        self.fast_boot = "disable"
        self.fast_hash = "disable"
        self.heat_mode = "normal"
        self.cointype = "BTC"
        self.fans: tuple[int, int, int] = (0, 0, 0)  # poweroff_cool, zero_speed, temp_offset

    def restore_system(self) -> None:
        """System settings as they come from the factory."""
        self.hostname = self.place.id
        self.led: object = "auto"
        self.net_config: tuple[str, str, str, str] | None = None  # ip, netmask, gateway, dns; None: dhcp
        self.ntp_servers = "pool.ntp.example"
        self.time_randomized: tuple[int, int] = (0, 0)
        self.timezone = "UTC0"
        self.zonename = "Etc/UTC"
        self.web_pools = True
        self.custom: tuple[str, ...] = ()

    def unix_s(self) -> int:
        """The miner's clock."""
        return int(self.unix())
