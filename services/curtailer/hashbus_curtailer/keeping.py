"""Writes down every plan before it is said, and takes from the bus what is too old to stay retained there."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

from hashbus import logs
from hashbus.messages import CurtailmentPlan, Message, PlanProgress, PlanState, Settlement
from hashbus.service import Running
from hashbus_curtailer import metrics
from hashbus_curtailer.ledger import KEPT_FOR, Ledger
from hashbus_curtailer.plan import FINAL
from hashbus_curtailer.settings import CurtailerSettings
from hashbus_curtailer.settlement.settling import ledger_file

log = logs.get("ledger")


class Keeping:
    """The ledger of a running curtailer. A disk that is full or gone is told and stops no curtailment."""

    def __init__(self, running: Running[CurtailerSettings]) -> None:
        """Open the ledger, when it can be; a dry run has none."""
        self._running = running
        self._counted: tuple[str, PlanState] | None = None
        self.ledger: Ledger | None = None
        try:
            self.ledger = None if running.dry_run else Ledger(ledger_file(running.settings))
        except OSError as error:
            self._tell(str(error))

    def note(self, said: Iterable[Message]) -> None:
        """Keep the plans among what is about to be said."""
        for message in said:
            if isinstance(message, PlanProgress):
                _count_progress(message)
            elif isinstance(message, CurtailmentPlan):
                self._count_plan(message)
                if self.ledger is not None:
                    self._keep(self.ledger, message)

    def _count_plan(self, plan: CurtailmentPlan) -> None:
        is_over = plan.state in FINAL
        metrics.MISSING_W.set(0 if is_over else plan.missing_w)
        if (plan.plan, plan.state) != self._counted:
            self._counted = plan.plan, plan.state
            metrics.PLANS.labels(plan.state.value).inc()

    def close(self) -> None:
        """Close the file."""
        if self.ledger is not None:
            self.ledger.close()

    def _keep(self, ledger: Ledger, plan: CurtailmentPlan) -> None:
        try:
            ledger.note(plan)
            if plan.state is PlanState.PENDING:
                self._clear_old(ledger)
                ledger.forget_before(plan.at - KEPT_FOR)
        except sqlite3.Error as error:
            self._tell(f"cannot be written: {error}")
        else:
            self._tell(None)

    def _clear_old(self, ledger: Ledger) -> None:
        now = self._running.clock.now()
        for name in ledger.to_clear():
            shape = {"site": self._running.settings.site, "at": now, "plan": name}
            state = {
                "state": PlanState.DONE,
                "target_w": 0,
                "delivered_w": 0,
                "confirmed": 0,
                "waiting": 0,
                "failed": 0,
            }
            settled = {"method": "none", "delivered_wh": 0, "promised_wh": 0, "score_pct": 0}
            self._running.bus.clear(PlanProgress.model_validate({**shape, **state}))
            self._running.bus.clear(Settlement.model_validate({**shape, **settled}))
            ledger.mark_cleared(name)

    def _tell(self, problem: str | None) -> None:
        if self._running.health.report("ledger", problem and f"ledger: {problem}") and problem:
            log.error("plans are not written down", problem=problem)


def _count_progress(progress: PlanProgress) -> None:
    is_over = progress.state in FINAL
    metrics.TARGET_W.set(0 if is_over else progress.target_w)
    metrics.DELIVERED_W.set(0 if is_over else progress.delivered_w)
    metrics.FAILED.set(0 if is_over else progress.failed)
