"""What a miner with Braiins OS remembers besides its physics."""

from collections.abc import Callable
from enum import IntEnum, StrEnum
from typing import NamedTuple

from hashbus_simulator.braiins_settings import BraiinsBlock
from hashbus_simulator.devices.contract import Place, World
from hashbus_simulator.devices.pools import FACTORY_POOLS, Pool
from hashbus_simulator.physics import MinerPhysics

LOWEST_TARGET_SHARE = 0.45
START_S = 10.0  # from the start of the mining process to its first sign of life


class Status(IntEnum):
    """`status` in `miner/details`."""

    NOT_STARTED = 1
    NORMAL = 2
    PAUSED = 3


class Tuner(StrEnum):
    """What the miner tunes itself to."""

    POWER = "power"
    HASHRATE = "hashrate"
    DISABLED = "disabled"


class Group(NamedTuple):
    """One group of pools; the first that is alive is mined for."""

    name: str
    pools: tuple[Pool, ...]
    quota: int = 1


class BraiinsState:
    """Tuner, pools, logins, light and cooling of one miner.

    A new power target does not restart mining: the tuner looks for it, for `tuning_s` of the configuration. New
    pools restart the mining process.
    """

    def __init__(self, block: BraiinsBlock, place: Place, physics: MinerPhysics, world: World) -> None:
        self.block = block
        self.place = place
        self.physics = physics
        self.unix: Callable[[], float] = world.clock.unix_s
        self.groups: tuple[Group, ...] = (Group("Default", FACTORY_POOLS),)
        self.tuner = Tuner(block.tuner)
        self.target_w = round(physics.model.power_w)
        self.is_stopped = False
        self.is_blinking = False
        self.has_lost_board = False
        self._clock = world.clock
        self._tuned_at_s = 0.0
        self._process_at_s = self._clock() - physics.elapsed_s
        self._logins: dict[str, float] = {}
        self._logins_made = 0

    @property
    def version(self) -> tuple[int, int]:
        """Year and month of the firmware."""
        year, month = self.block.version.split(".")
        return int(year), int(month)

    @property
    def status(self) -> Status:
        """Whether the mining process runs, and mines."""
        if self.is_stopped or self.process_uptime_s == 0:
            return Status.NOT_STARTED
        return Status.PAUSED if self.physics.asleep else Status.NORMAL

    @property
    def process_uptime_s(self) -> int:
        """Seconds since the mining process came up; 0 when it does not run."""
        if self.is_stopped:
            return 0
        return max(0, min(int(self._clock() - self._process_at_s), self.physics.uptime_s - int(START_S)))

    @property
    def is_tuning(self) -> bool:
        """Whether the tuner still looks for its target."""
        return not self.physics.asleep and (self._clock() < self._tuned_at_s or not self.physics.is_tuned)

    @property
    def lowest_w(self) -> int:
        """The lowest power target."""
        return round(self.physics.model.power_w * LOWEST_TARGET_SHARE)

    @property
    def highest_w(self) -> int:
        """The highest power target."""
        return round(self.physics.model.power_w)

    def unix_s(self) -> int:
        """The miner's clock."""
        return int(self.unix())

    # --- logins ----------------------------------------------------------------------------------------

    def log_in(self, username: object, password: object) -> str | None:
        """A new token for who knows the password."""
        if (username, password) != (self.block.username, self.block.password.get_secret_value()):
            return None
        self._logins_made += 1
        token = f"{self.place.seed:08x}{self._logins_made:08x}"
        self._logins[token] = self._clock() + self.block.session_s
        return token

    def knows(self, token: str) -> bool:
        """Whether a token is good; each use renews it."""
        now_s = self._clock()
        if self._logins.get(token, 0.0) <= now_s:
            return False
        self._logins[token] = now_s + self.block.session_s
        return True

    # --- orders ----------------------------------------------------------------------------------------

    def tune_to(self, target_w: int) -> None:
        """Take a power target; mining goes on."""
        self.target_w = target_w
        self.tuner = Tuner.POWER
        self.physics.set_target(float(target_w))
        self._tuned_at_s = self._clock() + self.physics.timing.tuning_s

    def set_groups(self, groups: tuple[Group, ...]) -> None:
        """Mine for other pools; the mining process restarts."""
        self.groups = groups
        self.restart()

    def pause(self) -> bool:
        """Stop hashing; whether it was paused already."""
        was = self.physics.asleep
        self.physics.sleep()
        return was

    def resume(self) -> bool:
        """Hash again; whether it did already."""
        was = not self.physics.asleep
        self.physics.wake()
        return was

    def stop(self) -> bool:
        """End the mining process; whether it had ended already."""
        was = self.is_stopped
        self.is_stopped = True
        self.physics.sleep()
        return was

    def start(self) -> bool:
        """Start the mining process; whether it ran already."""
        was = not self.is_stopped
        if self.is_stopped:
            self.is_stopped = False
            self._process_at_s = self._clock() + START_S
            self.physics.wake()
        return was

    def restart(self) -> bool:
        """Restart the mining process, which forgets a pause."""
        was = not self.is_stopped
        self.is_stopped = False
        self._process_at_s = self._clock() + START_S
        if self.physics.asleep:
            self.physics.wake()
        else:
            self.physics.restart_mining()
        return was

    def reboot(self) -> bool:
        """Restart the control board; logins are forgotten."""
        self._logins.clear()
        self.is_stopped = False
        self.physics.wake()
        self.physics.reboot()
        self._process_at_s = self._clock() + self.physics.offline_left_s + START_S
        return True
