"""What an Avalon remembers besides its physics."""

from dataclasses import replace

from hashbus_simulator.avalon_settings import AvalonBlock
from hashbus_simulator.clock import SimulatedClock
from hashbus_simulator.devices.avalon.generation import GENERATIONS, Shape, Step
from hashbus_simulator.devices.cgminer.state import CgminerState
from hashbus_simulator.devices.contract import Place
from hashbus_simulator.devices.pools import Pool
from hashbus_simulator.models import MODELS, MinerModel
from hashbus_simulator.physics import MinerPhysics, Timing


class AvalonState:
    """Steps, lights and what is due: `softoff` and `softon` come with a time, modes and pools with a reboot."""

    __slots__ = (
        "_due",
        "block",
        "classic",
        "clock",
        "generation",
        "is_lit",
        "is_unpowered",
        "physics",
        "place",
        "soft_off_unix_s",
        "soft_on_unix_s",
        "step",
        "waiting_pools",
        "waiting_step",
    )

    def __init__(self, block: AvalonBlock, place: Place, clock: SimulatedClock) -> None:
        self.block = block
        self.place = place
        self.clock = clock
        self.generation = GENERATIONS[block.model]
        self.physics = MinerPhysics(
            _model(block, self.generation.shape),
            clock,
            seed=place.seed,
            ambient_c=block.ambient_c,
            timing=Timing(tuning_s=block.tuning_s, boot_s=block.boot_s),
        )
        self.classic = CgminerState(place, block.model, self.physics, self.now_s)
        self.step = self.waiting_step = self.generation.steps[-1]
        self.waiting_pools: dict[int, Pool] = {}
        self.is_lit = False
        self.is_unpowered = False
        self.soft_off_unix_s = self.soft_on_unix_s = 0
        self._due: tuple[float, bool] | None = None

    def now_s(self) -> float:
        """The `When` of its replies: the time of day, or before home models the seconds since it was powered up."""
        return self.clock.unix_s() if self.generation.tells_unix_time else float(self.physics.uptime_s)

    def catch_up(self) -> None:
        """Bring everything to the present moment, also what was ordered for a time that has come."""
        self.physics.catch_up()
        if self._due is not None and self.clock() >= self._due[0]:
            is_off = self._due[1]
            self._due = None
            self.switch(is_off=is_off)

    def switch(self, *, is_off: bool) -> None:
        """Stop hashing, or begin again."""
        if is_off:
            self.physics.sleep()
        else:
            self.physics.wake()

    def order(self, unix_s: int, *, is_off: bool) -> None:
        """Stop or begin at a time of day; what was ordered before is forgotten, a time that has gone by is now."""
        if is_off:
            self.soft_off_unix_s = unix_s
        else:
            self.soft_on_unix_s = unix_s
        self._due = (self.clock() + max(0.0, unix_s - self.clock.unix_s()), is_off)
        self.catch_up()

    @property
    def soft_off_code(self) -> int:
        """0 while it works; what else it is when it was told to sleep differs between generations."""
        return self.generation.asleep_code if self.physics.asleep and not self.is_unpowered else 0

    def cut_power(self) -> None:
        """`hashpower,0`: the boards have no power until the next reboot."""
        self.is_unpowered = True
        self.physics.sleep()

    def take_step(self, step: Step) -> None:
        """Another work mode: at once, or at the next reboot."""
        self.waiting_step = step
        if self.generation.has_set_word:
            self._apply_step()

    def _apply_step(self) -> None:
        if self.step != self.waiting_step:
            self.step = self.waiting_step
            self.physics.set_limit(self.step_w)

    @property
    def step_w(self) -> float:
        """The power that the mode aims at (`MPO`)."""
        return float(round(self.physics.model.power_w * self.step.share))

    def reboot(self) -> None:
        """Take what was waiting for it, leave the network and come back mining."""
        pools = list(self.classic.pools)
        for number, pool in sorted(self.waiting_pools.items()):
            pools[number : number + 1] = [pool]
        self.classic.pools = tuple(pools)
        self.classic.active_pool = 0
        self.waiting_pools.clear()
        self._due = None
        self.is_unpowered = False
        self.is_lit = False
        self.physics.fan_pct = None
        self.physics.asleep = False
        self._apply_step()
        self.physics.reboot()


def _model(block: AvalonBlock, shape: Shape) -> MinerModel:
    """All units on one controller together."""
    model = MODELS[block.model]
    if shape is not Shape.MODULES:
        return model
    units = block.modules
    return replace(
        model,
        hashrate_ths=model.hashrate_ths * units,
        power_w=model.power_w * units,
        sleep_w=model.sleep_w * units,
        boards=model.boards * units,
    )
