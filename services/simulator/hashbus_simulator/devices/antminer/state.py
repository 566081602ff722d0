"""What a stock Antminer remembers besides its physics."""

from collections.abc import Callable
from typing import NamedTuple

from hashbus_simulator.devices.antminer.generation import Generation, generation_of
from hashbus_simulator.devices.contract import Place, World
from hashbus_simulator.devices.pools import FACTORY_POOLS, Pool
from hashbus_simulator.physics import MinerPhysics
from hashbus_simulator.settings import AntminerBlock

MODE_SHARES = {"0": 1.0, "2": 1.0, "3": 0.7}
POOL_SLOTS = 3


class Configuration(NamedTuple):
    """What `get_miner_conf.cgi` shows and `set_miner_conf.cgi` writes; `work_mode` as in PROTOCOLS.md 3.6."""

    pools: tuple[Pool, ...] = FACTORY_POOLS
    work_mode: str = "0"
    freq_level: str = "100"
    fan_ctrl: bool = False
    fan_pwm: str = "100"
    freq_mhz: str | None = None
    """As set on the pages of S17 and before; None: as it left the factory."""


class AntminerState:
    """Configuration, password, light and network.

    After a configuration write the miner restarts in the background: for the first half of `settle_s` its mining
    process does not answer, and for the whole of it the old configuration is shown (the read-back race of 3.6).
    """

    __slots__ = (
        "_clock", "_settled_at_s", "_shown_before", "block", "configuration", "generation", "hostname", "is_blinking",
        "network", "password", "physics", "place", "unix",
    )  # fmt: skip

    def __init__(self, block: AntminerBlock, place: Place, physics: MinerPhysics, world: World) -> None:
        self.block = block
        self.place = place
        self.physics = physics
        self.unix: Callable[[], float] = world.clock.unix_s
        self._clock = world.clock
        self.generation: Generation = generation_of(block.model)
        self.password = block.password.get_secret_value()
        self.configuration = Configuration()
        self._shown_before = self.configuration
        self._settled_at_s = self._clock()
        self.is_blinking = False
        self.hostname = place.id
        self.network: tuple[str, str, str, str] | None = None  # address, mask, gateway, name server; None: DHCP

    def unix_s(self) -> int:
        """The miner's clock."""
        return int(self.unix())

    @property
    def daemon_is_up(self) -> bool:
        """Whether the mining process answers."""
        return self._clock() >= self._settled_at_s - self.block.settle_s / 2

    @property
    def shown_configuration(self) -> Configuration:
        """The configuration as the web page shows it."""
        return self.configuration if self._clock() >= self._settled_at_s else self._shown_before

    def configure(self, configuration: Configuration) -> None:
        """Write the configuration and restart mining with it."""
        self._shown_before = self.shown_configuration
        self.configuration = configuration
        self._settled_at_s = self._clock() + self.block.settle_s
        physics = self.physics
        physics.fan_pct = float(configuration.fan_pwm) if configuration.fan_ctrl else None
        physics.demand.mode_share = MODE_SHARES.get(configuration.work_mode, 1.0)
        physics.set_frequency(self._frequency_share(configuration), restart=False)
        if configuration.work_mode == self.generation.sleep_mode:
            physics.sleep()
        elif physics.asleep:
            physics.wake()
        else:
            physics.restart_mining()

    def _frequency_share(self, configuration: Configuration) -> float:
        if configuration.freq_mhz is not None:
            return float(configuration.freq_mhz) / self.physics.model.freq_mhz
        return float(configuration.freq_level) / 100.0
