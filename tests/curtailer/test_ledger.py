"""What was planned and done, on disk: a log of every miner, and which plans wait to be settled."""

import sqlite3
from datetime import timedelta
from pathlib import Path

import pytest

from hashbus.messages import CurtailmentPlan, PlanState
from hashbus_curtailer import ledger as kept
from hashbus_curtailer.ledger import Ledger
from tests.curtailer.farm import NOON, Farm, Miner, row


async def story(farm: Farm, ledger: Ledger) -> None:
    """Let everything that is said of plans be noted, as the service does."""
    for plan in farm.plans:
        ledger.note(plan)


async def delivered(farm: Farm) -> None:
    """A plan from the request to its end."""
    await farm.passes(10)
    farm.asks(9000, lasts_s=60)
    await farm.passes(300)


async def test_every_miner_has_its_lines_in_the_operation_log(tmp_path: Path) -> None:
    farm = Farm([*row(6), Miner("stubborn", hashrate_ths=90, refuses=True)], min_off_s=0)
    await delivered(farm)
    with Ledger(tmp_path / "ledger.sqlite3") as ledger:
        await story(farm, ledger)
        log = list(ledger.log("cloud-r1"))
        of = {miner: [one.operation for one in log if one.miner == miner] for miner in {one.miner for one in log}}
        assert of["stubborn"] == ["curtailment_shutdown", "curtailment_failed"]
        assert of["m0005"] == ["curtailment_shutdown", "curtailment_recovery"]
        assert of[None] == ["plan_pending", "plan_executing", "plan_executed", "plan_recovering", "plan_done"]
        assert {one.cap_w for one in log if one.operation == "curtailment_shutdown"} == {0.0}
        assert {one.cap_w for one in log if one.operation == "curtailment_recovery"} == {None}
        assert [one.at for one in log if one.miner == "m0005"] == sorted(one.at for one in log if one.miner == "m0005")


async def test_it_survives_the_process_and_goes_on(tmp_path: Path) -> None:
    farm = Farm(row(6), min_off_s=0)
    await delivered(farm)
    for plan in farm.plans:
        with Ledger(tmp_path / "ledger.sqlite3") as ledger:
            ledger.note(plan)
    with Ledger(tmp_path / "ledger.sqlite3") as ledger:
        assert ledger.plan("cloud-r1") == farm.plan
        told = [one for one in ledger.log("cloud-r1") if one.operation == "curtailment_shutdown"]
        assert len(told) == len(farm.plan.miners) == 3


async def test_a_plan_waits_for_its_settlement_until_it_is_settled(tmp_path: Path) -> None:
    farm = Farm(row(6), min_off_s=0)
    await delivered(farm)
    with Ledger(tmp_path / "ledger.sqlite3") as ledger:
        for plan in farm.plans[:-1]:
            ledger.note(plan)
        assert ledger.unsettled(farm.now) == []
        ledger.note(farm.plan)
        assert ledger.unsettled(farm.plan.at - timedelta(seconds=1)) == []
        assert ledger.unsettled(farm.now) == [farm.plan]
        ledger.mark_settled("cloud-r1")
        assert ledger.unsettled(farm.now) == []
        assert ledger.begun_since(NOON) == [farm.plan]
        assert ledger.begun_since(farm.now + timedelta(days=1)) == []


async def test_a_plan_that_never_began_is_not_settled(tmp_path: Path) -> None:
    farm = Farm(row(4))
    await farm.passes(10)
    request = farm.asks(3000, in_s=100)
    await farm.passes(5)
    farm.says(request.model_copy(update={"is_cancelled": True, "at": farm.now}))
    await farm.passes(5)
    with Ledger(tmp_path / "ledger.sqlite3") as ledger:
        await story(farm, ledger)
        assert farm.plan.state is PlanState.CANCELLED
        assert ledger.unsettled(farm.now) == []


async def test_a_plan_that_another_takes_over_is_settled_up_to_then(tmp_path: Path) -> None:
    farm = Farm(row(10))
    await farm.passes(10)
    farm.asks(9000, source="cloud")
    await farm.passes(20)
    farm.asks(15_000, source="cli")
    await farm.passes(20)
    with Ledger(tmp_path / "ledger.sqlite3") as ledger:
        await story(farm, ledger)
        [over] = ledger.unsettled(farm.now)
        assert (over.plan, over.state) == ("cloud-r1", PlanState.DONE)
        assert over.at < farm.now


def test_only_the_newest_plans_stay_on_the_bus(tmp_path: Path) -> None:
    with Ledger(tmp_path / "ledger.sqlite3") as ledger:
        for number in range(kept.KEPT_ON_BUS + 3):
            ledger.note(
                CurtailmentPlan(
                    site="farm", at=NOON + timedelta(hours=number), plan=f"p{number}", state=PlanState.PENDING,
                    strategy="revenue", target_w=1, planned_w=1, starts_at=NOON, ends_at=NOON + timedelta(hours=99),
                    why="x",
                )
            )  # fmt: skip
        assert ledger.to_clear() == ["p0", "p1", "p2"]
        ledger.mark_cleared("p1")
        assert ledger.to_clear() == ["p0", "p2"]


async def test_what_is_older_than_it_keeps_is_forgotten(tmp_path: Path) -> None:
    farm = Farm(row(6), min_off_s=0)
    await delivered(farm)
    with Ledger(tmp_path / "ledger.sqlite3") as ledger:
        await story(farm, ledger)
        ledger.mark_cleared("cloud-r1")
        ledger.forget_before(NOON)
        assert list(ledger.log("cloud-r1"))
        ledger.forget_before(farm.now + timedelta(seconds=1))
        assert list(ledger.log("cloud-r1")) == []
        assert ledger.plan("cloud-r1") is None


def test_a_file_that_is_none_is_named(tmp_path: Path) -> None:
    file = tmp_path / "ledger.sqlite3"
    file.write_text("this is no database, and much too long to be taken for an empty one" * 100)
    with pytest.raises(OSError, match=r"ledger\.sqlite3"):
        Ledger(file)


async def test_an_entry_and_its_plan_are_kept_both_or_not_at_all(tmp_path: Path) -> None:
    farm = Farm(row(6))
    await farm.passes(10)
    farm.asks(9000)
    await farm.passes(20)
    with Ledger(tmp_path / "ledger.sqlite3") as ledger:
        ledger.note(farm.plans[0])
        ledger._db.execute("DROP TABLE operations")
        with pytest.raises(sqlite3.Error):
            ledger.note(farm.plan)
        assert ledger.plan("cloud-r1") == farm.plans[0]
