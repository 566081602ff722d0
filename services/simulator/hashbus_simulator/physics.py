"""How a miner behaves as a load and a heater, whatever protocol it speaks."""

from collections.abc import Callable
from dataclasses import dataclass

from hashbus_simulator.demand import Demand
from hashbus_simulator.heat import Heat, toward
from hashbus_simulator.models import MinerModel
from hashbus_simulator.noise import wobble

SILENT_SHARE = 0.1  # of the tuning time: chips start up, no hashes yet
RAMP_STEP_S = 10.0  # integration step while power and hashrate move
SUPPLY_TAU_S = 0.4  # a fast change is through after about a second (PROTOCOLS.md 1.8, `fast`)
PSU_RISE_K = 22.0  # at rated power
FAN_FROM_C, FAN_SPAN_K = 50.0, 40.0  # chips at 50 C: slowest; at 90 C: full speed
SHARE_DIFFICULTY = 524_288
TERAHASHES_PER_SHARE = SHARE_DIFFICULTY * 2**32 / 1e12
REJECTED_PART = 0.002
HW_ERRORS_PER_TERAHASH = 2e-6


@dataclass(frozen=True, slots=True)
class Timing:
    """How long a restart of mining and a reboot take, in simulated seconds (PROTOCOLS.md 1.9: 2 to 20 minutes)."""

    tuning_s: float = 300.0
    boot_s: float = 60.0


class MinerPhysics:
    """One miner as a load: power, hashrate and heat, brought up to date when somebody looks.

    Nothing runs in the background: `catch_up()` advances the state by the time that has passed on `clock`
    (simulated seconds), so a miner that nobody asks costs nothing. Commands catch up by themselves. Same
    seed and same calls give the same figures. The figures here are the truth; what a device reports of them
    goes through `measured`.
    """

    __slots__ = (
        "_ambient_c",
        "_at_s",
        "_booted_at_s",
        "_clock",
        "_mining_at_s",
        "_offline_until_s",
        "_tuned_at_s",
        "asleep",
        "demand",
        "energy_ws",
        "fan_pct",
        "hash_1min_ths",
        "hash_15min_ths",
        "hashrate_ths",
        "heat",
        "model",
        "power_5min_w",
        "power_w",
        "reboots",
        "restarts",
        "seed",
        "terahashes",
        "timing",
        "tuning_factor",
    )

    def __init__(
        self,
        model: MinerModel,
        clock: Callable[[], float],
        *,
        seed: int = 0,
        ambient_c: float = 22.0,
        timing: Timing | None = None,
    ) -> None:
        self.model = model
        self.seed = seed
        self.timing = timing or Timing()
        self.demand = Demand(model)
        self._clock = clock
        self._ambient_c = ambient_c
        self._at_s = clock()
        self.asleep = False
        self.fan_pct: float | None = None
        self.tuning_factor = 1.0
        self.reboots = 0
        self.restarts = 0
        self._has_run_for(3600.0 * (6 + 60 * abs(wobble(seed, 0, 0.0))))

    def _has_run_for(self, time_s: float) -> None:
        """Start warm: a site that is switched on in the simulator has been mining for a while."""
        self._booted_at_s = self._offline_until_s = self._at_s - time_s - 110.0
        self._mining_at_s = self._at_s - time_s
        self._tuned_at_s = self._mining_at_s + self.timing.tuning_s
        self.power_w = self.power_5min_w = self.demand.power_w(self._at_s)
        self.hashrate_ths = self.hash_1min_ths = self.hash_15min_ths = self.demand.hashrate_ths(self.power_w)
        self.terahashes = self.hashrate_ths * time_s
        self.energy_ws = self.power_w * time_s
        self.heat = Heat(self.model.cooling, self._ambient_c, self.power_w / self.model.power_w)

    # --- what is asked of it ---------------------------------------------------------------------------

    def set_limit(self, power_w: float) -> None:
        """Take a new power limit in watts; mining starts again and tunes itself to it."""
        self.catch_up()
        self.demand.limit_w = min(power_w, self.model.power_w * self.model.max_power_share)
        self.restart_mining()

    def set_mode(self, share: float) -> None:
        """Take a power mode as a share of the rated power; mining starts again."""
        self.catch_up()
        self.demand.mode_share = share
        self.restart_mining()

    def set_frequency(self, share: float, *, restart: bool = True) -> None:
        """Run the chips at a share of their usual frequency; hashrate follows it, power a little faster."""
        self.catch_up()
        self.demand.freq_share = share
        if restart:
            self.restart_mining()

    def set_percent(self, percent: float, *, takes_s: float = 0.0) -> None:
        """Run at a percentage of the limit without a restart, reached within `takes_s`; a reboot forgets it."""
        self.catch_up()
        self.demand.set_percent(percent, self._at_s, takes_s=takes_s)

    def set_target(self, power_w: float | None) -> None:
        """Run at a power in watts below the limit without a restart; None is the limit again."""
        self.catch_up()
        self.demand.target_w = power_w

    def sleep(self) -> None:
        """Stop hashing; only the control board and its supply stay on."""
        self.catch_up()
        self.asleep = True
        self.hashrate_ths = self.hash_1min_ths = self.hash_15min_ths = 0.0

    def wake(self) -> None:
        """Start hashing again, from the beginning."""
        if self.asleep:
            self.restart_mining()
            self.asleep = False

    def restart_mining(self, *, silent_s: float = 0.0) -> None:
        """Hashrate falls to nothing, counters start again, and the boards tune themselves.

        `silent_s`: simulated seconds for which the device does not answer at all.
        """
        self.catch_up()
        self.restarts += 1
        self._offline_until_s = max(self._offline_until_s, self._at_s + silent_s)
        self._begin_mining(max(self._at_s, self._offline_until_s))

    def reboot(self) -> None:
        """Leave the network for the boot time, then start mining again (or stay asleep)."""
        self.catch_up()
        self.reboots += 1
        self.demand.forget_percent()
        self._offline_until_s = self._booted_at_s = self._at_s + self.timing.boot_s
        self.energy_ws = 0.0
        self._begin_mining(self._offline_until_s)

    def _begin_mining(self, at_s: float) -> None:
        self._mining_at_s = at_s
        self._tuned_at_s = at_s + self.timing.tuning_s * self.tuning_factor
        self.terahashes = 0.0
        self.hashrate_ths = self.hash_1min_ths = self.hash_15min_ths = 0.0

    # --- what it shows ---------------------------------------------------------------------------------

    @property
    def ambient_c(self) -> float:
        """Temperature of the surroundings in degrees Celsius; the house or a test moves it."""
        return self._ambient_c

    @ambient_c.setter
    def ambient_c(self, value_c: float) -> None:
        self.catch_up()
        self._ambient_c = value_c

    @property
    def is_tuned(self) -> bool:
        """Whether the boards have found their frequency (`up-freq-finish`)."""
        return not self.asleep and self._at_s >= self._tuned_at_s

    @property
    def is_hashing(self) -> bool:
        """Whether hashes are being made at all."""
        return self.hashrate_ths > 0.01 * self.model.hashrate_ths

    @property
    def offline_left_s(self) -> float:
        """Simulated seconds until it answers again after a reboot; 0 when it answers."""
        return max(0.0, self._offline_until_s - self._clock())

    @property
    def elapsed_s(self) -> int:
        """Seconds since mining started."""
        return 0 if self.asleep else max(0, int(self._at_s - self._mining_at_s))

    @property
    def uptime_s(self) -> int:
        """Seconds since the control board came up."""
        return max(0, int(self._at_s - self._booted_at_s))

    @property
    def hash_average_ths(self) -> float:
        """Mean hashrate since mining started, in TH/s."""
        return self.terahashes / self.elapsed_s if self.elapsed_s > 0 else 0.0

    @property
    def shares(self) -> int:
        """Shares sent to the pool since mining started."""
        return int(self.terahashes / TERAHASHES_PER_SHARE)

    @property
    def rejected(self) -> int:
        """Shares that the pool refused."""
        return int(self.shares * REJECTED_PART)

    @property
    def accepted(self) -> int:
        """Shares that the pool took."""
        return self.shares - self.rejected

    @property
    def hw_errors(self) -> int:
        """Wrong results of the chips since mining started."""
        return int(self.terahashes * HW_ERRORS_PER_TERAHASH)

    @property
    def psu_c(self) -> float:
        """Temperature inside the power supply."""
        return self._ambient_c + PSU_RISE_K * self.power_w / self.model.power_w

    def fan_rpm(self, fan: int) -> int:
        """Speed of one fan; without fans 0, and asleep they go on slowly."""
        if fan >= self.model.fans:
            return 0
        by_heat = 0.35 + 0.65 * min(1.0, max(0.0, (self.heat.chip_c - FAN_FROM_C) / FAN_SPAN_K))
        share = self.fan_pct / 100.0 if self.fan_pct is not None else 0.3 if self.asleep else by_heat
        return int(self.measured(self.model.max_fan_rpm * share, 40 + fan, spread=0.01)) // 10 * 10

    def measured(self, value: float, channel: int, *, spread: float) -> float:
        """A figure as a sensor shows it: off by at most `spread` as a share of it, another one every 10 s."""
        return value * (1.0 + spread * wobble(self.seed, channel, self._at_s))

    # --- how it moves ----------------------------------------------------------------------------------

    def catch_up(self) -> None:
        """Bring the figures to the present moment of the clock."""
        self.advance(self._clock() - self._at_s)

    def advance(self, dt_s: float) -> None:
        """Let `dt_s` simulated seconds pass."""
        while dt_s > 0:
            step_s = min(dt_s, self._steady_for_s())
            self._step(step_s)
            dt_s -= step_s

    def _steady_for_s(self) -> float:
        """How far one step may go: to the next turn of the curve, and finely while figures move."""
        silent_until_s = self._mining_at_s + SILENT_SHARE * (self._tuned_at_s - self._mining_at_s)
        turns = (self._offline_until_s, silent_until_s, self._tuned_at_s, self.demand.percent_reached_s)
        ahead = [turn - self._at_s for turn in turns if turn > self._at_s]
        return max(1e-3, min(RAMP_STEP_S, *ahead)) if ahead else float("inf")

    def _step(self, dt_s: float) -> None:
        before_ths, before_w = self.hashrate_ths, self.power_w
        self._at_s += dt_s
        goal_w, goal_ths = self._goal(self._at_s)
        self.power_w = toward(before_w, goal_w, dt_s, SUPPLY_TAU_S)
        self.hashrate_ths = toward(before_ths, goal_ths, dt_s, SUPPLY_TAU_S)
        # Over a long step the figure sits at its goal nearly all the time; over a short one the mean is right.
        is_long = dt_s > RAMP_STEP_S
        mean_ths = self.hashrate_ths if is_long else (before_ths + self.hashrate_ths) / 2
        mean_w = self.power_w if is_long else (before_w + self.power_w) / 2
        if not self.asleep:
            self.terahashes += mean_ths * dt_s
        self.energy_ws += mean_w * dt_s
        self.hash_1min_ths = toward(self.hash_1min_ths, mean_ths, dt_s, 60.0)
        self.hash_15min_ths = toward(self.hash_15min_ths, mean_ths, dt_s, 900.0)
        self.power_5min_w = toward(self.power_5min_w, mean_w, dt_s, 300.0)
        self.heat.advance(dt_s, ambient_c=self._ambient_c, share=mean_w / self.model.power_w)

    def _goal(self, at_s: float) -> tuple[float, float]:
        """Power in W and hashrate in TH/s that the miner makes for at this moment."""
        if self.asleep or at_s < self._offline_until_s:
            return self.model.sleep_w, 0.0
        target_w = self.demand.power_w(at_s)
        span_s = max(1e-6, self._tuned_at_s - self._mining_at_s)
        tuned = min(1.0, (at_s - self._mining_at_s) / span_s)
        if tuned < SILENT_SHARE:
            return max(self.model.sleep_w, 0.1 * target_w), 0.0
        ramp = (tuned - SILENT_SHARE) / (1.0 - SILENT_SHARE)
        return target_w * (0.2 + 0.8 * ramp), self.demand.hashrate_ths(target_w) * ramp
