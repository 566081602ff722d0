"""What the poller does with a miner each round: know it, read it, bring it to the power it may draw."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from hashbus import logs
from hashbus.messages import (
    Health,
    MinerIdentity,
    MinerInfo,
    MinerReading,
    MinerTelemetry,
    PowerSetpoint,
    SetpointResult,
    SetpointStatus,
)
from hashbus.power import Target, target
from hashbus_poller import metrics, modulation, setpoints
from hashbus_poller.drivers.contract import DeviceError, Refused, Unreachable, Unsupported
from hashbus_poller.readback import Marks
from hashbus_poller.setpoints import Act, Rules, Wanted
from hashbus_poller.vitals import judge

if TYPE_CHECKING:
    from hashbus_poller.device import Device
    from hashbus_poller.probes import Loop
    from hashbus_poller.vitals import Thresholds

log = logs.get("miner")

LOOK_AGAIN_S, CURIOUS_FOR_S = 2.0, 30.0
"""A grid order is delivered when it is seen to be: most miners show a new power within seconds."""

ASLEEP_BELOW_W = 100.0
"""Standby is 10 to 40 W of control board and fans; a hashboard that runs draws hundreds."""

IDENTIFY_EVERY_S = 900.0
"""Firmware is updated, a power supply swapped, write access opened, while a miner keeps its address."""


class MinerVisit:
    """Reads one miner and asserts its setpoint."""

    def __init__(
        self,
        device: Device,
        thresholds: Thresholds,
        confirm_s: float,
        raises_per_day: int = 24,
        *,
        loop: Loop | None = None,
    ) -> None:
        """Visit `device`; nothing is asked of it before somebody wants something."""
        self.device = device
        self.identity: MinerIdentity | None = None
        self.marks: Marks | None = None
        self._thresholds = device.settings.thresholds or thresholds
        self._loop = loop
        self._confirm_s = confirm_s
        self._raises_per_day = raises_per_day
        self._health = Health.UNKNOWN
        self._wanted: Wanted | None = None
        self._identified_s = 0.0

    @property
    def holds_setpoint(self) -> bool:
        """Say whether a setpoint rules this miner now."""
        return self._wanted is not None and not self._wanted.is_lapsed

    async def __call__(self) -> float | None:
        """Identify when it is time, read, tell, and bring the power to where it belongs.

        Once something was asked of the miner, it wants to come again soon and see.
        """
        now_s = self.device.clock.monotonic()
        if self.identity is None or now_s - self._identified_s > IDENTIFY_EVERY_S:
            await self._identify(now_s)
        try:
            reading = await self._read()
        except DeviceError:
            # Whoever answers next under this address may be another miner, or the same with another firmware.
            self._identified_s = -IDENTIFY_EVERY_S
            raise
        await self.assert_power(reading)
        return max(LOOK_AGAIN_S, self.device.spec.min_interval_s) if self._is_curious(reading) else None

    def _is_curious(self, reading: MinerReading) -> bool:
        """Say whether something was asked a moment ago and the miner has not shown it yet.

        Firmware tells at once that it sleeps, and a moment later what it draws then.
        """
        wanted = self._wanted
        if wanted is None or wanted.asked_s is None:
            return False
        draws_on = wanted.power_w == 0 and (reading.power_w or 0.0) > ASLEEP_BELOW_W
        if wanted.told is SetpointStatus.CONFIRMED and not draws_on:
            return False
        return self.device.clock.monotonic() - wanted.asked_s < CURIOUS_FOR_S

    async def _identify(self, now_s: float) -> None:
        identity = _rated(await self.device.driver.identify(), self.device.settings.rated_power_w)
        if identity != self.identity:
            self.identity = identity
            self.device.say(self._info(identity))
        self._identified_s = now_s

    def _info(self, identity: MinerIdentity) -> MinerInfo:
        device = self.device
        return MinerInfo(
            site=device.site,
            at=device.clock.now(),
            miner=device.id,
            driver=device.spec.name,
            level=device.spec.level,
            host=device.host,
            group=device.settings.group,
            safe_power_w=device.settings.safe_power_w,
            **identity.__dict__,
        )

    async def _read(self) -> MinerReading:
        device = self.device
        at, begun_s = device.clock.now(), device.clock.monotonic()
        reading: MinerReading = await device.driver.read()
        latency_ms = round((device.clock.monotonic() - begun_s) * 1000, 1)
        if self._loop is not None:
            reading = self._loop.complete(reading, device.clock.now())
        self.marks = Marks.of(reading)
        self._health = judge(reading, self._thresholds, self._health)
        device.say(
            MinerTelemetry(
                site=device.site,
                at=at,
                miner=device.id,
                driver=device.spec.name,
                health=self._health,
                **(reading.__dict__ | {"latency_ms": latency_ms}),
            )
        )
        return reading

    def hear(self, setpoint: PowerSetpoint) -> bool:
        """Take a setpoint; True when it changes something now.

        Its end is measured from here on the clock that never goes back: a jump of the wall clock neither ends nor
        prolongs it.
        """
        clock = self.device.clock
        ends_s = clock.monotonic() + (setpoint.valid_until - clock.now()).total_seconds()
        before = self._wanted
        self._wanted = setpoints.heard(before, setpoint, ends_s)
        return (
            before is None
            or before.is_lapsed
            or before.setpoint.limit_w != setpoint.limit_w
            or before.power_w != setpoint.power_w
        )

    async def assert_power(self, reading: MinerReading) -> None:
        """Compare what is wanted with what the miner shows, and ask for the difference."""
        wanted = self._unless_lapsed()
        if wanted is None or self.identity is None:
            return
        percent = modulation.wanted_percent(wanted, reading, self.identity)
        if percent is not None:
            await self._modulate(wanted, percent, reading)
            return
        goal = target(wanted.power_w, self.identity)
        if goal is None:
            self._tell(wanted, SetpointStatus.UNSUPPORTED, None, "this firmware can neither limit its power nor sleep")
            return
        if setpoints.is_shown(goal, reading, self.identity):
            if goal.power_w > 0 and modulation.is_left_over(reading, self.identity):
                await self._modulate(wanted, modulation.FULL_PCT, reading)
                return
            self._tell(wanted, SetpointStatus.CONFIRMED, goal, goal.note)
            return
        rules = Rules(self._confirm_s, self.identity.power_change.min_interval_s, self._raises_per_day)
        now_s = self.device.clock.monotonic()
        act = setpoints.next_act(wanted, goal, reading, self.identity, rules, now_s)
        if act is not None:
            await self._ask(wanted, goal, act[0], reading)
        elif setpoints.is_used_up(wanted, goal, reading, rules, now_s):
            self._tell(
                wanted,
                SetpointStatus.REFUSED,
                goal,
                f"its {rules.raises_per_day} changes to more power in 24 h are used up (`power_changes_per_day`)",
            )

    async def _modulate(self, wanted: Wanted, percent: int, reading: MinerReading) -> None:
        """Bring a percentage of the standing limit into force, and confirm it when it shows."""
        goal = Target(wanted.power_w, None if percent == modulation.FULL_PCT else f"{percent} % of its limit")
        if modulation.in_force_pct(reading) == percent:
            self._tell(wanted, SetpointStatus.CONFIRMED, goal, goal.note)
        elif not modulation.is_pending(wanted, self.device.clock.monotonic()):
            await self._ask(wanted, goal, Act.PERCENT, reading, percent)

    def _unless_lapsed(self) -> Wanted | None:
        """Return what is wanted now: the setpoint, after its end the safe power, or nothing where none is set."""
        wanted = self._wanted
        if wanted is None:
            return None
        if not wanted.is_lapsed and self.device.clock.monotonic() >= wanted.ends_s:
            wanted = self._wanted = self._lapse(wanted)
        return None if wanted.is_lapsed and self.device.settings.safe_power_w is None else wanted

    def _lapse(self, wanted: Wanted) -> Wanted:
        safe_w = self.device.settings.safe_power_w
        note = "nobody renewed it; left as it is" if safe_w is None else f"nobody renewed it; going to {safe_w:g} W"
        log.warning("setpoint lapsed", device=self.device.id, was_w=wanted.power_w, safe_w=safe_w)
        self._tell(wanted, SetpointStatus.LAPSED, None, note)
        return setpoints.lapsed(wanted, safe_w or 0.0)

    async def _ask(
        self, wanted: Wanted, goal: Target, act: Act, reading: MinerReading, percent: int = modulation.FULL_PCT
    ) -> None:
        clock = self.device.clock
        self._wanted = setpoints.asked(wanted, act, goal.power_w, reading, clock.monotonic())
        driver = self.device.driver
        try:
            if act is Act.SLEEP:
                await driver.sleep()
            elif act is Act.WAKE:
                await driver.wake()
            elif act is Act.PERCENT:
                await driver.set_power_percent(percent)
            else:
                await driver.set_power_limit(goal.power_w)
        except Refused as error:
            # Who loses a right is asked again what it can do.
            self._identified_s = -IDENTIFY_EVERY_S
            self._tell(self._wanted, SetpointStatus.REFUSED, goal, str(error))
        except Unsupported as error:
            self._tell(self._wanted, SetpointStatus.UNSUPPORTED, goal, str(error))
        except Unreachable as error:
            # It may have arrived all the same: the next reading tells.
            self._tell(self._wanted, SetpointStatus.UNREACHABLE, goal, str(error))
        except DeviceError as error:
            self._tell(self._wanted, SetpointStatus.REFUSED, goal, str(error))
        else:
            log.info("power asked", device=self.device.id, act=act.value, power_w=goal.power_w)
            self._tell(self._wanted, SetpointStatus.SENT, goal, goal.note)

    def _tell(self, wanted: Wanted, status: SetpointStatus, goal: Target | None, message: str | None) -> None:
        """Say what became of the setpoint, once for each outcome."""
        if wanted.told is status:
            return
        metrics.SETPOINTS.labels(status.value).inc()
        device, at = self.device, self.device.clock.now()
        self.device.say(
            SetpointResult(
                site=device.site,
                at=at,
                miner=device.id,
                status=status,
                asked_w=wanted.power_w,
                taken_w=goal.power_w if goal else None,
                confirmed_at=at if status is SetpointStatus.CONFIRMED else None,
                decision=wanted.setpoint.decision,
                message=message,
            )
        )
        self._wanted = replace(wanted, told=status)


def _rated(identity: MinerIdentity, rated_power_w: float | None) -> MinerIdentity:
    """Add the owner's figure where neither the miner nor the model table knows its power."""
    if rated_power_w is None or identity.rated_power_w is not None:
        return identity
    most_w = identity.max_power_w or rated_power_w
    return identity.model_copy(update={"rated_power_w": rated_power_w, "max_power_w": most_w})
