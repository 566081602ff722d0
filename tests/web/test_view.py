"""What is known of the site: the newest of each, and what follows from it."""

from datetime import UTC, datetime, timedelta
from typing import Any

from hashbus.messages import BatteryTelemetry, Level, MinerInfo, MinerState, MinerTelemetry, Severity
from hashbus_web.view.rows import miner_row
from hashbus_web.view.site_view import SiteView
from hashbus_web.view.timeline import Event, EventKind, grouped
from hashbus_web.view.totals import energy, totals

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)


def reading(miner: str = "attic", *, age_s: float = 0, **more: Any) -> MinerTelemetry:
    values: dict[str, Any] = {"state": MinerState.MINING, "power_w": 3000, "hashrate_ths": 150, **more}
    return MinerTelemetry(site="home", at=AT - timedelta(seconds=age_s), miner=miner, driver="d", **values)


def battery(**more: Any) -> BatteryTelemetry:
    return BatteryTelemetry(site="home", at=AT, battery="wall", driver="d", soc_pct=58, **more)


def view(*messages: Any) -> SiteView:
    found = SiteView("home")
    for message in messages:
        found.hear(message, AT)
    return found


def test_what_the_broker_collected_while_we_were_away_changes_nothing_newer() -> None:
    seen = view(reading(power_w=2000), reading(power_w=1000, age_s=600))
    assert miner_row(seen, "attic").power_w == 2000


def test_a_clock_that_was_wrong_does_not_stop_the_readings() -> None:
    seen = view(reading(power_w=2000, age_s=-3600), reading(power_w=1000))
    assert miner_row(seen, "attic").power_w == 1000


def test_only_fresh_readings_are_added_up_and_the_total_says_of_how_many_it_is() -> None:
    seen = view(reading("a"), reading("b", power_w=None), reading("c", age_s=600, power_w=9999))
    sums = totals(seen, AT)
    assert (sums.miners, sums.stale, sums.power_w) == (3, 1, 3000)
    assert sums.complete_pct is not None
    assert round(sums.complete_pct) == 33


def test_who_sleeps_without_saying_its_power_is_not_unknown() -> None:
    sums = totals(view(reading("a"), reading("b", power_w=None, state=MinerState.SLEEPING)), AT)
    assert sums.complete_pct == 100
    assert sums.sleeping == 1


def test_efficiency_is_of_those_that_tell_both() -> None:
    sums = totals(view(reading("a"), reading("b", hashrate_ths=None, power_w=1e5)), AT)
    assert sums.efficiency_j_per_th == 20


def test_the_house_is_what_the_load_leaves_beside_the_miners() -> None:
    flow = energy(view(battery(load_w=7600, pv_w=5000, battery_w=-2600)), 3000, AT)
    assert (flow.house_w, flow.pv_w, flow.battery_w, flow.soc_pct) == (4600, 5000, -2600, 58)
    assert flow.grid_w is None


def test_a_stale_battery_is_no_figure() -> None:
    flow = energy(view(battery(load_w=7600)), 3000, AT + timedelta(hours=1))
    assert flow.soc_pct is None
    assert flow.house_w is None


def test_a_miner_that_only_told_who_it_is_has_no_figures() -> None:
    info = MinerInfo(site="home", at=AT, miner="attic", driver="d", level=Level.GOLD)
    row = miner_row(view(info), "attic")
    assert row.power_w is None
    assert row.at is None
    assert totals(view(info), AT).stale == 1


def event(number: int, why: str = "grid") -> Event:
    title = f"m{number}: from 3,000 W to asleep"
    return Event(key=f"k{number}", at=AT, kind=EventKind.DECISION, title=title, why=why, target=f"m{number}")


def test_many_that_do_the_same_for_the_same_reason_are_one_line() -> None:
    told = grouped([*(event(number) for number in range(40)), event(99, "too hot")])
    assert [one.count for one in told] == [40, 1]
    assert told[0].title == "40 miners: from 3,000 W to asleep"
    assert "and 35 more" in told[0].target


def test_two_are_two_lines() -> None:
    assert [one.title for one in grouped([event(1), event(2)])] == [event(1).title, event(2).title]


def test_alerts_stay_lines_of_their_own() -> None:
    alerts = [
        Event(key=f"a{n}", at=AT, kind=EventKind.ALERT, severity=Severity.WARNING, title="hot", target=f"m{n}")
        for n in range(5)
    ]
    assert len(grouped(alerts)) == 5
