"""The solver works beside the step: a plan that has not begun becomes better, and one that has is left alone."""

from types import SimpleNamespace

from hashbus.messages import PlanState
from hashbus_curtailer import step as curtailer
from hashbus_curtailer.service import Beside
from hashbus_curtailer.solver import Solver
from hashbus_curtailer.state import State
from tests.curtailer.farm import SITE, Farm, Miner, Service


def odd_miners() -> list[Miner]:
    """Five miners of which trading one for one finds no good choice for 6 kW, and the solver does."""
    figures = [(1550, 45), (3100, 100), (2050, 65), (1600, 105), (3000, 105)]
    return [Miner(f"m{n}", power_w, hashrate_ths) for n, (power_w, hashrate_ths) in enumerate(figures)]


def with_solver(farm: Farm, solver: Solver) -> Service:
    module = SimpleNamespace(step=Beside(solver, list), HEARS=curtailer.HEARS)
    return Service(farm, "curtailer", module, State(SITE, farm.settings))


async def test_a_plan_becomes_better_before_it_begins() -> None:
    with Solver() as solver:
        farm = Farm(odd_miners())
        farm.curtailer = with_solver(farm, solver)
        await farm.passes(10)
        farm.asks(6000)
        await farm.passes(1)
        assert farm.plan.state is PlanState.PENDING
        solver.wait(20)
        await farm.passes(20)
    assert farm.plan.state is PlanState.EXECUTED
    assert farm.down == {"m1", "m4"}


async def test_a_solver_that_is_late_keeps_nobody_waiting() -> None:
    farm = Farm(odd_miners(), improve_within_s=2)
    await farm.passes(10)
    farm.asks(6000)
    await farm.passes(20)
    assert farm.plan.state is PlanState.EXECUTED
    assert farm.down == {"m0", "m3", "m4"}


async def test_a_question_is_answered_once() -> None:
    farm = Farm(odd_miners())
    await farm.passes(10)
    farm.asks(6000)
    await farm.passes(1)
    assert farm.curtailer
    question = farm.curtailer.state.question
    assert question is not None
    with Solver() as solver:
        for _ in range(2):
            solver.ask(question)
        solver.wait(20)
        answer = solver.answer()
        assert answer is not None
        assert answer.question is question
        assert answer.selection.cost < question.selection.cost
        assert solver.answer() is None
