"""People are told what matters, once, and told when it is over."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from hashbus.messages import (
    Alert,
    AvailabilityState,
    BatteryAvailability,
    CurtailmentPlan,
    Health,
    Message,
    MinerAvailability,
    MinerError,
    MinerState,
    MinerTelemetry,
    PlannedMiner,
    PlanState,
    ServiceStatus,
    SetpointResult,
    SetpointStatus,
    Severity,
)
from hashbus.step import TICK, Tick
from hashbus_notifier.settings import NotifierSection
from hashbus_notifier.step import State, step

START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


class House:
    """Feeds the real step by hand."""

    def __init__(self) -> None:
        self.now = START
        self.state = State("home", NotifierSection())
        self.alerts: list[Alert] = []

    def hear(self, message: Message | Tick) -> None:
        self.state, said = step(self.state, message, self.now)
        self.alerts += [alert for alert in said if isinstance(alert, Alert)]

    def passes(self, seconds: int) -> None:
        for _ in range(seconds):
            self.now += timedelta(seconds=1)
            self.hear(TICK)

    def miner(self, name: str, state: str, reason: str | None = "nothing listens") -> None:
        self.hear(
            MinerAvailability(
                site="home", at=self.now, miner=name, state=AvailabilityState(state), since=self.now, reason=reason
            )
        )

    def health(self, health: Health, **more: object) -> None:
        fields = {"state": MinerState.MINING, **more}
        self.hear(MinerTelemetry(site="home", at=self.now, miner="attic", driver="x", health=health, **fields))  # type: ignore[arg-type]

    def titles(self) -> list[str]:
        return [("over: " if alert.cleared_at else "") + alert.title for alert in self.alerts]


def test_a_miner_that_is_gone_for_long_is_told_once_and_its_return_too() -> None:
    house = House()
    house.miner("attic", "offline")
    house.passes(119)
    assert house.titles() == []
    house.passes(600)
    assert house.titles() == ["miner attic is offline"]
    assert house.alerts[0].text == "nothing listens"
    house.miner("attic", "online")
    house.passes(61)
    assert house.titles() == ["miner attic is offline", "over: miner attic is offline"]


def test_a_short_outage_is_nobodys_business() -> None:
    house = House()
    for _ in range(10):
        house.miner("attic", "offline")
        house.passes(30)
        house.miner("attic", "online")
        house.passes(70)
    assert house.titles() == []


def test_a_flapping_miner_rings_once() -> None:
    house = House()
    house.miner("attic", "offline")
    house.passes(130)
    for _ in range(20):
        house.miner("attic", "online")
        house.passes(30)
        house.miner("attic", "offline")
        house.passes(30)
    assert house.titles() == ["miner attic is offline"]


def test_five_hundred_miners_offline_are_one_message() -> None:
    house = House()
    for number in range(500):
        house.miner(f"m{number:03}", "offline")
    house.passes(200)
    assert house.titles() == ["500 × miner offline"]
    assert house.alerts[0].text == "m000, m001, m002, m003, m004 and 495 more"
    assert house.alerts[0].count == 500


def test_a_group_is_told_again_only_when_it_has_doubled() -> None:
    house = House()
    for number in range(6):
        house.miner(f"m{number:03}", "offline")
    house.passes(130)
    for number in range(6, 9):
        house.miner(f"m{number:03}", "offline")
    house.passes(130)
    assert house.titles() == ["6 × miner offline"]
    for number in range(9, 14):
        house.miner(f"m{number:03}", "offline")
    house.passes(130)
    assert house.titles() == ["6 × miner offline", "14 × miner offline"]


def test_heat_that_gets_worse_is_told_again() -> None:
    house = House()
    house.health(Health.WARNING, chip_max_c=88)
    house.passes(61)
    house.health(Health.CRITICAL, chip_max_c=97, errors=(MinerError(code="350", text="chip too hot"),))
    house.passes(10)
    assert house.titles() == ["miner attic is warning", "miner attic is critical"]
    assert house.alerts[1].text == "350: chip too hot; chip 97 °C"
    assert house.alerts[1].severity is Severity.CRITICAL


def test_a_service_that_dies_is_told_and_a_restart_is_not() -> None:
    house = House()

    def status(state: AvailabilityState) -> ServiceStatus:
        return ServiceStatus(
            site="home", at=house.now, service="poller", state=state, version="1", started_at=house.now
        )

    house.hear(status(AvailabilityState.OFFLINE))
    house.passes(5)
    house.hear(status(AvailabilityState.ONLINE))
    house.passes(120)
    assert house.titles() == []
    house.hear(status(AvailabilityState.OFFLINE))
    house.passes(31)
    assert house.titles() == ["poller is gone"]


def test_a_refused_setpoint_and_a_silent_battery_are_told() -> None:
    house = House()
    house.hear(
        SetpointResult(
            site="home",
            at=house.now,
            miner="attic",
            status=SetpointStatus.REFUSED,
            asked_w=2000,
            message="the API switch is off",
        )
    )
    house.hear(
        BatteryAvailability(
            site="home", at=house.now, battery="wall", state=AvailabilityState.OFFLINE, since=house.now, reason="login"
        )
    )
    house.passes(301)
    assert house.titles() == ["battery wall is offline", "miner attic does not take 2000 W"]


def test_a_curtailment_is_told_with_its_size_and_its_end() -> None:
    house = House()

    def plan(state: PlanState) -> CurtailmentPlan:
        return CurtailmentPlan(
            site="home",
            at=house.now,
            plan="p1",
            state=state,
            strategy="performance_priority",
            target_w=5_000_000,
            planned_w=5_001_750,
            starts_at=house.now,
            ends_at=house.now + timedelta(hours=4),
            miners=tuple(PlannedMiner(miner=f"m{n}", cap_w=0, saves_w=3250) for n in range(1539)),
            why="grid order 17",
        )

    house.hear(plan(PlanState.EXECUTING))
    house.passes(1)
    assert house.titles() == ["curtailment of 5,000.0 kW by 1539 miners"]
    assert house.alerts[0].severity is Severity.INFO
    house.hear(plan(PlanState.DONE))
    house.passes(61)
    assert house.titles()[-1].startswith("over: curtailment")


def test_after_a_restart_nothing_is_told_twice() -> None:
    house = House()
    house.miner("attic", "offline")
    house.passes(130)
    standing = house.alerts[-1]
    house.state = State("home", NotifierSection())
    house.hear(standing)
    house.miner("attic", "offline")
    house.passes(300)
    assert house.titles() == ["miner attic is offline"]


@given(st.lists(st.tuples(st.integers(0, 8), st.sampled_from(["online", "offline"]), st.integers(0, 200)), max_size=40))
def test_what_stands_is_what_was_told_and_not_cleared(story: list[tuple[int, str, int]]) -> None:
    house = House()
    for number, state, seconds in story:
        house.miner(f"m{number}", state)
        house.passes(seconds)
    standing: dict[str, Alert] = {}
    for alert in house.alerts:
        if alert.cleared_at:
            assert alert.key in standing
            del standing[alert.key]
        else:
            standing[alert.key] = alert
    assert set(standing) == set(house.state.told)
