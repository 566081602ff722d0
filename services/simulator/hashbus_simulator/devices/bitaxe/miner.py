"""The Bitaxe behind its web server: chips, settings, what halts it."""

from collections.abc import Callable, Mapping
from enum import StrEnum

from hashbus_simulator.devices.bitaxe.boards import BOARDS
from hashbus_simulator.devices.bitaxe.firmware import AxeOs
from hashbus_simulator.devices.bitaxe.rules import POOL_DEFAULTS, accepted_changes, accepted_pools
from hashbus_simulator.models import MODELS
from hashbus_simulator.physics import MinerPhysics, Timing

HEAT_SHARE = 0.66  # AxeOS steers its fan to 60 °C at the chip; MinerPhysics is made for larger machines
HOTTEST_C = 75.0  # THROTTLE_TEMP of ESP-Miner main/tasks/power_management_task.c
PAUSED_FAN_PCT = 30.0
IDENTIFY_S = 30.0


class Halt(StrEnum):
    """Why the chips stand still."""

    PAUSED = "paused"
    OVERHEAT = "overheat"
    POWER_FAULT = "power_fault"


class BitaxeMiner:
    """One Bitaxe as a load with settings, seen from inside.

    Frequency and core voltage act at once, a change of the pool only after a restart: `pool_in_use` is where
    the hashes really go, the settings are what the firmware shows.
    """

    def __init__(
        self, model: str, firmware: AxeOs, *, clock: Callable[[], float], seed: int, ambient_c: float, timing: Timing
    ) -> None:
        self.board = BOARDS[model]
        self.firmware = firmware
        self.clock = clock
        self.physics = MinerPhysics(MODELS[model], clock, seed=seed, ambient_c=ambient_c, timing=timing)
        # The frequency alone sets the pace here; no power limit and no mode stands above it.
        self.physics.demand.limit_w = self.physics.model.power_w * self.physics.model.max_power_share
        self.physics.demand.mode_share = self.physics.model.max_power_share
        self.settings = _factory_settings(self.board.chip.frequency_mhz, self.board.chip.core_mv)
        self.pools = {0: _pool_of(self.settings, "stratum"), 1: _pool_of(self.settings, "fallbackStratum")}
        self.halts: set[Halt] = set()
        self.has_lost_sensor = False
        self.identify_until_s = 0.0
        self.pool_in_use = self.shown_pool("stratum")

    @property
    def power_w(self) -> float:
        """Draw at the wall in W: the board's own, plus the chips' by frequency and core voltage squared (CV²f)."""
        self.physics.catch_up()
        model = self.physics.model
        pace = self.physics.hashrate_ths / model.hashrate_ths
        return model.sleep_w + (model.power_w - model.sleep_w) * pace * self._volt_share**2

    @property
    def chip_c(self) -> float:
        """Chip temperature in °C."""
        ambient_c = self.physics.ambient_c
        return ambient_c + HEAT_SHARE * (self.physics.heat.chip_c - ambient_c) * self._volt_share**2

    @property
    def fan_pct(self) -> float:
        """Fan speed in per cent of full: by heat, by hand, or what the halt asks for."""
        if Halt.OVERHEAT in self.halts:
            return 100.0
        if self.halts:
            return PAUSED_FAN_PCT
        if not self.settings["autofanspeed"]:
            key = "manualFanSpeed" if self.firmware.since(2, 11) else "fanspeed"
            return self.number(key)
        return min(100.0, max(self.number("minFanSpeed"), 2.2 * (self.chip_c - 38.0)))

    @property
    def _volt_share(self) -> float:
        return self.number("coreVoltage") / self.board.chip.core_mv

    def number(self, key: str) -> float:
        """A numeric setting."""
        value = self.settings[key]
        return float(value) if isinstance(value, int | float) else 0.0

    def change(self, change: Mapping[str, object]) -> dict[str, object]:
        """Take new settings; returns those that were taken. Raises WrongInputError (2.11 and newer)."""
        changes = accepted_changes(self.firmware, change)
        pools = change.get("pools", []) if self.firmware.since(2, 15) else []
        slots = accepted_pools(pools, self.pools)
        self.settings.update(changes)
        self.pools.update(slots)
        if "frequency" in changes:
            share = self.number("frequency") / self.board.chip.frequency_mhz
            self.physics.set_frequency(share, restart=False)
        # Before 2.12 the firmware leaves its main loop on overheating: clearing the latch needs a restart.
        if "overheat_mode" in changes and self.firmware.since(2, 12):
            self.halts.discard(Halt.OVERHEAT)
            self._settle()
        return changes

    def shown_pool(self, prefix: str) -> dict[str, object]:
        """The pool that the flat keys of `info` show: of 2.15 the selected slot, before that the settings."""
        if not self.firmware.since(2, 15):
            return _pool_of(self.settings, prefix)
        index = self.number("primaryPoolIndex" if prefix == "stratum" else "secondaryPoolIndex")
        return self.pools.get(int(index), dict(POOL_DEFAULTS))

    def halt(self, reason: Halt) -> None:
        """Stop hashing for a reason."""
        self.halts.add(reason)
        if reason is Halt.OVERHEAT:
            self.settings.update(overheat_mode=1, autofanspeed=0, fanspeed=100, manualFanSpeed=100)
            if not self.firmware.since(2, 12):
                self.change({"frequency": 50, "coreVoltage": 1000})
        self._settle()

    def protect(self) -> None:
        """Stop when the chips are too hot, as the firmware does whenever it looks."""
        self.physics.catch_up()
        if self.chip_c > HOTTEST_C and not self.halts:
            self.halt(Halt.OVERHEAT)

    def release(self, reason: Halt) -> None:
        """Take one reason away; hashing starts again when none is left."""
        self.halts.discard(reason)
        self._settle()

    def restart(self) -> None:
        """Boot: off the network for a while; a pause is forgotten, an overheat latch is not."""
        self.halts.discard(Halt.PAUSED)
        if not self.settings["overheat_mode"]:
            self.halts.discard(Halt.OVERHEAT)
        self.pool_in_use = self.shown_pool("stratum")
        self.identify_until_s = 0.0
        self._settle()
        self.physics.reboot()

    def identify(self) -> bool:
        """Say hello on the screen for 30 s, or stop it; whether it says hello now."""
        now_s = self.clock()
        self.identify_until_s = 0.0 if self.identify_until_s > now_s else now_s + IDENTIFY_S
        return self.identify_until_s > 0

    def _settle(self) -> None:
        if self.halts and not self.physics.asleep:
            self.physics.sleep()
        elif not self.halts:
            self.physics.wake()


def _pool_of(settings: Mapping[str, object], prefix: str) -> dict[str, object]:
    """A pool slot out of flat settings (`stratumURL`, `fallbackStratumURL`, ...)."""
    slot: dict[str, object] = {}
    for key, default in POOL_DEFAULTS.items():
        value = settings.get(prefix + key.removeprefix("stratum"), default)
        slot[key] = bool(value) if isinstance(default, bool) else value
    return slot


def _factory_settings(frequency_mhz: int, core_mv: int) -> dict[str, object]:
    """What a device is set to when the simulator starts; never null."""
    return {
        "ssid": "lab",
        "wifiPass": "",
        "hostname": "bitaxe",
        "stratumURL": "pool.example",
        "stratumPort": 3333,
        "stratumUser": "farm.b1",
        "stratumSuggestedDifficulty": 1000,
        "fallbackStratumURL": "backup.example",
        "fallbackStratumPort": 3333,
        "fallbackStratumUser": "farm.b1",
        "fallbackStratumSuggestedDifficulty": 1000,
        "useFallbackStratum": 0,
        "primaryPoolIndex": 0,
        "secondaryPoolIndex": 1,
        "frequency": frequency_mhz,
        "coreVoltage": core_mv,
        "overclockEnabled": 0,
        "display": "SSD1306 (128x32)",
        "rotation": 0,
        "flipscreen": 1,
        "invertscreen": 0,
        "invertfanpolarity": 1,
        "displayTimeout": -1,
        "autofanspeed": 1,
        "fanspeed": 100,
        "manualFanSpeed": 100,
        "minFanSpeed": 25,
        "temptarget": 60,
        "overheat_mode": 0,
        "useCustomWWW": 0,
        "statsFrequency": 0,
    }
