"""What a miner with VNish remembers besides its physics."""

from collections.abc import Callable
from dataclasses import dataclass

from hashbus_simulator.devices.contract import Place, World
from hashbus_simulator.devices.pools import FACTORY_POOLS, Pool
from hashbus_simulator.devices.vnish.auth import Locksmith
from hashbus_simulator.physics import MinerPhysics
from hashbus_simulator.vnish_settings import VnishBlock

TARGET_C = 65
PRESET_SHARES = (0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
UNTUNED_SHARE = 0.6
MODDED_SHARE = 1.15  # more than the stock power supply can give
FULL_PCT = 100


@dataclass(frozen=True, slots=True)
class Preset:
    """One profile of the tuner, named by its watts."""

    power_w: int
    rate_ths: int
    is_tuned: bool = True
    needs_modded_psu: bool = False

    @property
    def name(self) -> str:
        """Its id: the watts."""
        return str(self.power_w)

    @property
    def pretty(self) -> str:
        """Its name for people."""
        return f"{self.power_w} watt ~ {self.rate_ths} TH"


@dataclass(frozen=True, slots=True)
class Settings:
    """What is set; what mining runs with is another matter until it restarts. `fan_pct` None: automatic."""

    preset: str
    pools: tuple[Pool, ...] = FACTORY_POOLS
    target_c: int = TARGET_C
    fan_pct: int | None = None
    top_preset: str | None = None


class VnishState:
    """Presets, pools, settings and light of one miner.

    `settings` is what is saved, `running` what mining was started with: a difference in preset or pools needs a
    restart of mining, which is somebody's to ask for.
    """

    def __init__(self, block: VnishBlock, place: Place, physics: MinerPhysics, world: World) -> None:
        self.block = block
        self.place = place
        self.physics = physics
        self.unix: Callable[[], float] = world.clock.unix_s
        self.locksmith = Locksmith(block, world.clock, place.seed)
        self.presets = _presets(physics)
        full = next(preset for preset in reversed(self.presets) if not preset.needs_modded_psu)
        self.settings = self.running = Settings(full.name, top_preset=full.name)
        self.throttled_pct = FULL_PCT
        self.active_pool = 0
        self.is_blinking = False
        self.has_failed = False
        self._clock = world.clock
        self._up_at_s = world.clock()

    @property
    def is_modern(self) -> bool:
        """Whether this is the generation of 1.3."""
        return self.block.version.startswith("1.3")

    @property
    def daemon_is_up(self) -> bool:
        """Whether the mining daemon answers; 1.2 ends it when mining is stopped."""
        if self.physics.asleep and not self.is_modern:
            return False
        return self._clock() >= self._up_at_s

    @property
    def miner_state(self) -> str:
        """The word for what the miner does."""
        if self.has_failed:
            return "failure"
        if self.physics.asleep:
            return "stopped"
        if self._clock() < self._up_at_s:
            return "starting"
        return "mining" if self.physics.is_tuned else "auto-tuning"

    @property
    def needs_restart(self) -> bool:
        """Whether something saved is not in force."""
        return (self.settings.preset, self.settings.pools) != (self.running.preset, self.running.pools)

    def unix_s(self) -> int:
        """The miner's clock."""
        return int(self.unix())

    def preset(self, name: str) -> Preset | None:
        """The preset of that name."""
        return next((preset for preset in self.presets if preset.name == name), None)

    def save(self, settings: Settings) -> bool:
        """Save settings; cooling acts at once, the rest with the next start. Whether it needs a restart."""
        self.settings = settings
        self.physics.fan_pct = None if settings.fan_pct is None else float(settings.fan_pct)
        return self.needs_restart

    def start(self) -> None:
        """Start mining with what is saved."""
        if self.physics.asleep:
            self._take_up()
            self.physics.wake()

    def stop(self) -> None:
        """Stop mining."""
        self.physics.sleep()

    def restart(self) -> None:
        """Restart mining with what is saved; a stopped miner starts."""
        self._take_up()
        if self.physics.asleep:
            self.physics.wake()
        else:
            self.physics.restart_mining()

    def throttle(self, percent: int) -> None:
        """Run at a part of the preset's power, without a restart."""
        self.throttled_pct = percent
        self.physics.set_percent(float(percent), takes_s=5.0)

    def reboot(self) -> None:
        """Restart the control board."""
        self.locksmith.forget()
        self.throttled_pct = FULL_PCT
        self._take_up()
        self.physics.reboot()
        self._up_at_s = self._clock() + self.physics.offline_left_s + self.block.start_s

    def _take_up(self) -> None:
        self.running = self.settings
        self.active_pool = 0
        self._up_at_s = self._clock() + self.block.start_s
        preset = self.preset(self.running.preset)
        if preset is not None:
            self.physics.demand.limit_w = float(preset.power_w)


def _presets(physics: MinerPhysics) -> tuple[Preset, ...]:
    """Presets at shares of the rated power; one was never tuned, and one wants another power supply."""
    model = physics.model
    tuned = [
        Preset(
            power_w=round(model.power_w * share / 10) * 10,
            rate_ths=round(physics.demand.hashrate_ths(model.power_w * share)),
            is_tuned=share != UNTUNED_SHARE,
        )
        for share in PRESET_SHARES
    ]
    most_w = model.power_w * MODDED_SHARE
    modded = Preset(round(most_w / 10) * 10, round(physics.demand.hashrate_ths(most_w)), needs_modded_psu=True)
    return (*tuned, modded)
