"""A home in a table: what the battery and the miners say over time, and what the controller lets them draw."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from hashbus.messages import (
    BatteryTelemetry,
    Capability,
    ControlRequest,
    ControlState,
    Decision,
    Level,
    Message,
    MeterTelemetry,
    MinerControl,
    MinerInfo,
    MinerState,
    MinerTelemetry,
    PowerPrice,
    PowerRequest,
    PowerSetpoint,
    Rank,
)
from hashbus.step import TICK, Tick
from hashbus_controller.registry import beginning
from hashbus_controller.replay import replayed
from hashbus_controller.settings import ControllerSettings
from hashbus_controller.step import step

DAY = datetime(2026, 3, 1, tzinfo=UTC)


def info(miner: str, **more: Any) -> MinerInfo:
    """A miner that takes any power from 500 to 3600 W, or sleeps."""
    return MinerInfo(
        site="home",
        at=DAY,
        miner=miner,
        driver="whatsminer",
        level=Level.GOLD,
        capabilities=(Capability.POWER_LIMIT, Capability.SLEEP),
        **{"min_power_w": 500, "max_power_w": 3600, "power_step_w": 1, **more},
    )


class Home:
    """Feeds the real step by hand, with a clock in the hand."""

    def __init__(
        self,
        settings: dict[str, Any] | None = None,
        miners: Iterable[str] = ("attic",),
        *,
        starts: datetime = DAY + timedelta(hours=12),
        **site: Any,
    ) -> None:
        section = {"auto_control": "enabled", **(settings or {})}
        self.settings = ControllerSettings.model_validate({"site": "home", "controller": section, **site})
        self.now = starts
        self.state = beginning(self.settings)
        self.said: list[Message] = []
        self.heard: dict[str, Message] = {}
        """What the broker keeps of others: it comes again after a restart."""
        self.hear(TICK)
        for miner in miners:
            self.hear(info(miner))
            self.hear(self.reading(miner))
        self.now += timedelta(seconds=10)
        self.said.clear()

    def reading(self, miner: str = "attic", **more: Any) -> MinerTelemetry:
        """What a healthy miner says."""
        fields = {"state": MinerState.MINING, "power_limit_w": 3600, "power_w": 3550, **more}
        return MinerTelemetry(site="home", at=self.now, miner=miner, driver="whatsminer", **fields)

    def battery(self, soc_pct: float) -> BatteryTelemetry:
        """What the battery says."""
        return BatteryTelemetry(site="home", at=self.now, battery="house", driver="eg4_portal", soc_pct=soc_pct)

    def request(self, name: str, rank: Rank, *, lasts_s: float = 3600, scope: str = "attic", **watts: float) -> None:
        """Somebody asks for power."""
        until = self.now + timedelta(seconds=lasts_s)
        self.hear(
            PowerRequest(
                site="home",
                at=self.now,
                source="web",
                scope=scope,
                name=name,
                rank=rank,
                until=until,
                why=f"{name} says so",
                **watts,
            )
        )

    def hear(self, message: Message | Tick) -> list[Message]:
        """Let the controller hear one message; returns what it says to it."""
        if isinstance(message, Message) and message.topic.retain:
            self.heard[message.address()] = message
        self.state, said = step(self.state, message, self.now)
        news = list(said)
        for one in news:
            if isinstance(one, Decision):
                assert replayed(one) == one.power_w, one
        self.said += news
        return news

    def passes(self, seconds: float) -> None:
        """Let time pass, second by second for short times, else in ticks of ten seconds."""
        end = self.now + timedelta(seconds=seconds)
        stride = timedelta(seconds=1 if seconds <= 60 else 10)
        while self.now < end:
            self.now = min(end, self.now + stride)
            self.hear(TICK)

    def setpoint_w(self, miner: str = "attic") -> float | None:
        """The power a miner may draw now; None when no lease holds."""
        for message in reversed(self.said):
            if isinstance(message, PowerSetpoint) and message.miner == miner:
                return message.power_w if message.valid_until > self.now else None
        return None

    def decision(self, miner: str = "attic") -> Decision:
        """The last decision about a miner."""
        return next(m for m in reversed(self.said) if isinstance(m, Decision) and m.miner == miner)

    def changes(self, miner: str = "attic") -> list[float]:
        """Every power it was given, without the renewals."""
        given = [m.power_w for m in self.said if isinstance(m, PowerSetpoint) and m.miner == miner]
        return [power for index, power in enumerate(given) if index == 0 or given[index - 1] != power]

    def plays(self, table: str) -> None:
        """Play a table of moments: time, state of charge, and the setpoint that must hold after it."""
        rows = [row.split("#")[0].split() for row in table.strip().splitlines()]
        for time, soc, setpoint in rows[1:]:
            hours, minutes = map(int, time.split(":"))
            moment = DAY + timedelta(hours=hours, minutes=minutes)
            while self.now < moment:
                # The portal is read every minute and shows the last value until the next row.
                self.passes(min(60.0, (moment - self.now).total_seconds()))
                known = self.heard.get("hashbus/home/battery/house/telemetry")
                if isinstance(known, BatteryTelemetry) and self.now < moment:
                    self.hear(replace_at(known, self.now))
            self.hear(self.battery(float(soc)))
            self.passes(1)
            expected = None if setpoint == "-" else float(setpoint)
            assert self.setpoint_w() == expected, f"at {time} with {soc} %: {self.setpoint_w()}, not {setpoint}"

    def meter(self, power_w: float) -> MeterTelemetry:
        """What the meter at the grid says; + is buying."""
        return MeterTelemetry(site="home", at=self.now, meter="grid", driver="modbus", power_w=power_w)

    def price(self, per_kwh: float, **more: Any) -> PowerPrice:
        """What a kilowatt-hour costs."""
        fields = {"currency": "EUR", "tariff": "test", "sources_used": 1, "sources_total": 1, "completeness_pct": 100}
        return PowerPrice(site="home", at=self.now, taken_at=self.now, price_per_kwh=per_kwh, **{**fields, **more})

    def switches(self, *, on: bool, **more: Any) -> list[Message]:
        """Somebody switches automatic control."""
        return self.hear(ControlRequest(site="home", at=self.now, source="web", is_enabled=on, **more))

    def at(self, moment: datetime) -> None:
        """Let time pass until a moment."""
        self.passes((moment - self.now).total_seconds())

    def restarts(self) -> None:
        """Kill the controller and start another that knows only what the broker kept."""
        kept: dict[str, Message] = {}
        for message in self.said:
            if message.topic.retain:
                kept[message.address()] = message
        heard = [message for message in self.heard.values() if not isinstance(message, ControlState | MinerControl)]
        self.state = beginning(self.settings)
        memory = [message for message in kept.values() if isinstance(message, ControlState | MinerControl)]
        for message in [*memory, *heard]:
            self.hear(message)


def replace_at(message: BatteryTelemetry, now: datetime) -> BatteryTelemetry:
    """The same reading, taken later."""
    return message.model_copy(update={"at": now})
