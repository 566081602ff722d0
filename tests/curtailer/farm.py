"""A farm in memory: the real curtailer and the real controller on a bus, and miners that do as they are told or not."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from hashbus.bus import Subscription
from hashbus.messages import (
    AvailabilityState,
    Capability,
    CurtailmentOffer,
    CurtailmentPlan,
    CurtailmentQuestion,
    CurtailmentRequest,
    Hashprice,
    Level,
    Message,
    MeterTelemetry,
    MinerAvailability,
    MinerInfo,
    MinerState,
    MinerTelemetry,
    PlanProgress,
    PlanState,
    PowerPrice,
    PowerSetpoint,
    SetpointResult,
    SetpointStatus,
)
from hashbus.step import TICK
from hashbus.testing.memory_bus import MemoryBroker, MemoryBus
from hashbus.topics import service_of_source
from hashbus_controller import step as controller
from hashbus_controller.registry import beginning
from hashbus_controller.settings import ControllerSettings
from hashbus_curtailer import step as curtailer
from hashbus_curtailer.settings import CurtailerSection
from hashbus_curtailer.state import State as CurtailerState

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
SITE = "farm"


@dataclass
class Miner:
    """An emulated miner: what it runs at, and whether it does as it is told."""

    name: str
    full_w: float = 3250
    hashrate_ths: float = 110
    asleep_w: float = 15
    obeys: bool = True
    is_online: bool = True
    refuses: bool = False
    group: str | None = None
    setpoint_w: float | None = None

    @property
    def power_w(self) -> float:
        told_w = self.setpoint_w if self.obeys and not self.refuses else None
        if told_w is None:
            return self.full_w
        return self.asleep_w if told_w == 0 else min(told_w, self.full_w)


class Service:
    """A step on a bus, driven by hand."""

    def __init__(
        self, farm: "Farm", account: str, module: Any, state: Any, hears: tuple[type[Message], ...] = ()
    ) -> None:
        self.farm = farm
        self.module = module
        self.state = state
        self.bus = MemoryBus(farm.broker, account, SITE, outbox_messages=1_000_000)
        self.subscribing = self.bus.subscribe(*(hears or module.HEARS))
        self.heard: Subscription[Message] | None = None

    async def turns(self) -> None:
        """Hear what there is, and one tick."""
        if self.heard is None:
            self.heard = await self.subscribing.__aenter__()
        for message in [*self.heard.drain(), TICK]:
            self.state, said = self.module.step(self.state, message, self.farm.now)
            for one in said:
                self.bus.publish(one)

    async def dies(self) -> None:
        """End without a word."""
        await self.subscribing.__aexit__(None, None, None)


class Farm:
    """Some miners, a controller and a curtailer, and a clock in the hand."""

    def __init__(self, miners: Iterable[Miner], **settings: Any) -> None:
        self.now = NOON
        self.broker = MemoryBroker()
        self.miners = {miner.name: miner for miner in miners}
        self.settings = CurtailerSection.model_validate({"recovery_s": 60, "asleep_draws_w": 15, **settings})
        self.poller = MemoryBus(self.broker, "poller", SITE, outbox_messages=1_000_000)
        decides = beginning(ControllerSettings(site=SITE))
        self.controller = Service(self, "controller", controller, decides, controller.hears(decides))
        self.curtailer: Service | None = self.new_curtailer()
        self.meter: float | None = None
        """What else the site draws behind its meter; None: it has none."""
        self.plans: list[CurtailmentPlan] = []
        self.progress: list[PlanProgress] = []
        self._ears = MemoryBus(self.broker, "recorder", SITE)
        self._hearing = self._ears.subscribe(CurtailmentPlan, PlanProgress, PowerSetpoint)
        self._heard: Subscription[Any] | None = None
        for miner in self.miners.values():
            self.poller.publish(self.info(miner))

    async def loses_its_curtailer(self, seconds: int) -> None:
        """The curtailer is killed, and another starts after that time."""
        assert self.curtailer
        await self.curtailer.dies()
        self.curtailer = None
        await self.passes(seconds)
        self.curtailer = self.new_curtailer()

    def hears_price(self, price_per_kwh: float, hashprice: float | None = None) -> None:
        """The market says what power costs, and perhaps what a petahash earns in a day; in dollars."""
        market = MemoryBus(self.broker, "market", SITE)
        fields = {"site": SITE, "at": self.now, "taken_at": self.now, "completeness_pct": 100}
        market.publish(
            PowerPrice.model_validate(
                {**fields, "currency": "USD", "price_per_kwh": price_per_kwh, "tariff": "spot"}
                | {"sources_used": 1, "sources_total": 1}
            )
        )
        if hashprice is not None:
            market.publish(
                Hashprice.model_validate(
                    {**fields, "hashprice_usd_per_ph_day": hashprice, "price_usd": 90_000, "difficulty": 1e14}
                )
            )

    def new_curtailer(self) -> Service:
        return Service(self, "curtailer", curtailer, CurtailerState(SITE, self.settings))

    def info(self, miner: Miner) -> MinerInfo:
        return MinerInfo(
            site=SITE,
            at=self.now,
            miner=miner.name,
            driver="whatsminer",
            level=Level.GOLD,
            capabilities=(Capability.POWER_LIMIT, Capability.SLEEP),
            max_power_w=miner.full_w,
            rated_power_w=miner.full_w,
            rated_hashrate_ths=miner.hashrate_ths,
            group=miner.group,
        )

    async def passes(self, seconds: int) -> None:
        """Let time pass, second by second; the miners and the meter are read every five seconds."""
        for _ in range(seconds):
            self.now += timedelta(seconds=1)
            if self.now.second % 5 == 0:
                self._read()
                if self.meter is not None:
                    self.poller.publish(
                        MeterTelemetry(
                            site=SITE, at=self.now, meter="grid", driver="sdm630", power_w=self.drawn_w + self.meter
                        )
                    )
            await self.controller.turns()
            if self.curtailer:
                await self.curtailer.turns()
            await self._listen()

    def _read(self) -> None:
        for miner in self.miners.values():
            if not miner.is_online:
                continue
            is_asleep = miner.power_w == miner.asleep_w
            self.poller.publish(
                MinerTelemetry(
                    site=SITE,
                    at=self.now,
                    miner=miner.name,
                    driver="whatsminer",
                    state=MinerState.SLEEPING if is_asleep else MinerState.MINING,
                    power_w=miner.power_w,
                    power_limit_w=miner.full_w,
                    hashrate_ths=0 if is_asleep else miner.hashrate_ths * miner.power_w / miner.full_w,
                )
            )

    async def _listen(self) -> None:
        if self._heard is None:
            self._heard = await self._hearing.__aenter__()
        for message in self._heard.drain():
            if isinstance(message, PowerSetpoint):
                self._tell(self.miners[message.miner], message)
            elif isinstance(message, CurtailmentPlan):
                self.plans.append(message)
            else:
                self.progress.append(message)

    def _tell(self, miner: Miner, setpoint: PowerSetpoint) -> None:
        miner.setpoint_w = setpoint.power_w
        if miner.refuses and setpoint.power_w < miner.full_w:
            said = SetpointResult(
                site=SITE, at=self.now, miner=miner.name, status=SetpointStatus.REFUSED, asked_w=setpoint.power_w
            )
            self.poller.publish(said)

    def goes_offline(self, name: str) -> None:
        """A miner is gone: nobody reads it any more."""
        self.miners[name].is_online = False
        said = MinerAvailability(
            site=SITE, at=self.now, miner=name, state=AvailabilityState.OFFLINE, since=self.now, reason="gone"
        )
        self.poller.publish(said)

    def asks(
        self,
        target_w: float | None = None,
        *,
        source: str = "cloud",
        lasts_s: float = 900,
        in_s: float = 0,
        **more: Any,
    ) -> CurtailmentRequest:
        """Somebody asks the farm to give up power."""
        starts_at = self.now + timedelta(seconds=in_s)
        fields = {
            "id": "r1",
            "target_w": target_w,
            "starts_at": starts_at,
            "ends_at": starts_at + timedelta(seconds=lasts_s),
            "why": f"{source} asks",
            **more,
        }
        request = CurtailmentRequest(site=SITE, at=self.now, source=source, **fields)
        self.says(request)
        return request

    async def would_give(self, *, lasts_s: float = 900, **more: Any) -> CurtailmentOffer:
        """A page asks what a curtailment would be, and is answered."""
        web = MemoryBus(self.broker, "web", SITE)
        ends_at = self.now + timedelta(seconds=lasts_s)
        fields = {"source": "web", "id": "q1", "starts_at": self.now, "ends_at": ends_at}
        async with web.subscribe(CurtailmentOffer, asker="web") as offers:
            web.publish(CurtailmentQuestion.model_validate({"site": SITE, "at": self.now, **fields, **more}))
            await self.passes(1)
            offer = await offers.next(1)
        assert offer
        return offer

    def says(self, request: CurtailmentRequest) -> None:
        """Somebody says a request, perhaps again."""
        MemoryBus(self.broker, service_of_source(request.source), SITE).publish(request)

    @property
    def drawn_w(self) -> float:
        """What the whole farm draws now."""
        return sum(miner.power_w for miner in self.miners.values())

    @property
    def down(self) -> set[str]:
        """Who draws less than it could."""
        return {miner.name for miner in self.miners.values() if miner.power_w < miner.full_w}

    @property
    def plan(self) -> CurtailmentPlan:
        """The plan as it was last said."""
        return self.plans[-1]

    @property
    def life(self) -> list[PlanState]:
        """The states of all plans so far, each once."""
        states = [plan.state for plan in self.plans]
        return [state for index, state in enumerate(states) if index == 0 or states[index - 1] is not state]

    def skips(self) -> dict[str, str]:
        """Why miners take no part, as it was last said."""
        return {one.miner: one.reason for one in self.progress[-1].skipped}


def row(count: int, **more: Any) -> list[Miner]:
    """So many miners, each a little less efficient than the one before."""
    return [Miner(f"m{n:04}", hashrate_ths=110 - n * 0.01, **more) for n in range(count)]
