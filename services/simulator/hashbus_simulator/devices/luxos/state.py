"""What a miner with LuxOS remembers besides its physics."""

from collections.abc import Callable
from dataclasses import dataclass
from math import pow as power_of

from hashbus_simulator.devices.contract import Place, World
from hashbus_simulator.devices.pools import FACTORY_POOLS, Pool
from hashbus_simulator.luxos_settings import LuxosBlock
from hashbus_simulator.physics import MinerPhysics

STEPS = range(-16, 9)  # sixteen profiles below the default and eight above it
STEP_MHZ = 25.0
LETTERS = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"


@dataclass(frozen=True, slots=True)
class Profile:
    """A frequency with its voltage, and the hashrate and power that go with it."""

    step: int
    frequency_mhz: float
    power_w: int
    rate_ths: float

    @property
    def name(self) -> str:
        """The default one is called so, the others by their frequency."""
        return "default" if self.step == 0 else f"{self.frequency_mhz:.0f}MHz"


class Session:
    """The one session that a miner gives out: it lapses when nobody uses it. Times in simulated seconds."""

    def __init__(self, clock: Callable[[], float], seed: int, life_s: float) -> None:
        self._clock = clock
        self._seed = seed
        self._life_s = life_s
        self._made = 0
        self._id = ""
        self._ends_s = 0.0

    @property
    def holder(self) -> str:
        """The id in use; empty when there is none."""
        return self._id if self._clock() < self._ends_s else ""

    def begin(self) -> str | None:
        """A new session; None while another one lives."""
        if self.holder:
            return None
        self._made += 1
        number = self._seed * 1_000_003 + self._made * 7_919
        self._id = "".join(LETTERS[number // len(LETTERS) ** place % len(LETTERS)] for place in range(8))
        self._ends_s = self._clock() + self._life_s
        return self._id

    def use(self, session_id: str) -> bool:
        """Whether that is the id in use; each use prolongs it."""
        if not session_id or session_id != self.holder:
            return False
        self._ends_s = self._clock() + self._life_s
        return True

    def end(self) -> None:
        """Give it up."""
        self._id = ""


class LuxosState:
    """Profiles, session, pools, lights and thermal management of one miner."""

    def __init__(self, block: LuxosBlock, place: Place, physics: MinerPhysics, world: World) -> None:
        self.block = block
        self.place = place
        self.physics = physics
        self.unix: Callable[[], float] = world.clock.unix_s
        self.session = Session(world.clock, place.seed, block.session_s)
        self.profiles = tuple(_profile(physics, step) for step in STEPS)
        self.profile = self.named("default") or self.profiles[-1]
        self.max_profile = "default"
        self.pools: tuple[Pool, ...] = FACTORY_POOLS
        self.active_pool = 0
        self.red_led = "auto"
        self.has_lost_board = False

    def unix_s(self) -> int:
        """The miner's clock."""
        return int(self.unix())

    def named(self, name: str) -> Profile | None:
        """The profile of that name."""
        return next((profile for profile in self.profiles if profile.name == name), None)

    @property
    def is_ramping(self) -> bool:
        """Whether boards are on their way to the frequency of the profile."""
        return not self.physics.asleep and not self.physics.is_tuned

    def take(self, profile: Profile) -> None:
        """Run another profile; the boards ramp to it."""
        self.profile = profile
        self.physics.demand.limit_w = min(float(profile.power_w), self.physics.model.power_w)
        if not self.physics.asleep:
            self.physics.restart_mining()


def _profile(physics: MinerPhysics, step: int) -> Profile:
    model = physics.model
    frequency_mhz = model.freq_mhz + step * STEP_MHZ
    power_w = model.power_w * power_of(frequency_mhz / model.freq_mhz, 1.0 / model.hash_exponent)
    rate_ths = model.hashrate_ths * frequency_mhz / model.freq_mhz
    return Profile(step, frequency_mhz, round(power_w), round(rate_ths, 1))
