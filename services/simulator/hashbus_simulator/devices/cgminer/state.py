"""What a miner run by plain cgminer remembers."""

from collections.abc import Callable

from hashbus_simulator.devices.contract import Place
from hashbus_simulator.devices.pools import FACTORY_POOLS, Pool
from hashbus_simulator.physics import MinerPhysics


class CgminerState:
    """Pools by number, the one in use, and the boards that are switched off."""

    __slots__ = ("active_pool", "disabled_boards", "model_name", "physics", "place", "pools", "unix")

    def __init__(self, place: Place, model_name: str, physics: MinerPhysics, unix: Callable[[], float]) -> None:
        self.place = place
        self.model_name = model_name
        self.physics = physics
        self.unix = unix
        self.pools: tuple[Pool, ...] = FACTORY_POOLS
        self.active_pool = 0
        self.disabled_boards: frozenset[int] = frozenset()

    def unix_s(self) -> int:
        """The miner's clock."""
        return int(self.unix())

    def last_share_unix_s(self) -> int:
        """When the last share was found, in Unix seconds; 0 while nothing hashes."""
        return self.unix_s() - 7 if self.physics.is_hashing else 0

    def set_pool(self, number: int, pool: Pool) -> None:
        """Replace one pool."""
        self.pools = (*self.pools[:number], pool, *self.pools[number + 1 :])

    def switch_boards(self, disabled: frozenset[int]) -> None:
        """Run on the boards that are left; without any the miner sleeps."""
        self.disabled_boards = disabled
        boards = self.physics.model.boards
        if len(disabled) == boards:
            self.physics.sleep()
            return
        self.physics.set_percent(100.0 * (boards - len(disabled)) / boards)
        self.physics.wake()
