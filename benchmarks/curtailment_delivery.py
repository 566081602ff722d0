"""How long a farm takes to give up its power: 1,538 emulated miners, real processes, request to the last confirmed.

Simulator, broker, poller, controller and curtailer run as they do on a site; the request asks for 98 % of what the farm
draws, so that nearly every miner has to go. Confirmed is what readings taken afterwards show, not what was told.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

import yaml

from benchmarks.figures import Figure
from benchmarks.fleet import Farm
from benchmarks.servers import Service
from hashbus.clock import SYSTEM_CLOCK
from hashbus.messages import CurtailmentRequest, PlanProgress, PlanState
from hashbus.mqtt_bus import MqttBus
from hashbus.settings import BrokerSettings

MINERS, QUICK_MINERS = 1538, 12
INTERVAL_S = 10
LEVEL_PCT = 2
PATIENCE_S = 240.0
READINGS = "miner_poll_latency_ms_count"


class Outcome(NamedTuple):
    """Seconds from the request until the plan began, until its target was delivered, and until all were confirmed."""

    begun_s: float
    delivered_s: float
    last_s: float
    progress: PlanProgress


async def measure(*, quick: bool) -> list[Figure]:
    """Curtail one farm; about two minutes."""
    miners = QUICK_MINERS if quick else MINERS
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        farm = stack.enter_context(Farm(Path(folder), {"whatsminer": miners}, interval_s=INTERVAL_S))
        _let_every_service_in(farm)
        services = [
            stack.enter_context(Service(name, farm.site_file)) for name in ("poller", "controller", "curtailer")
        ]
        while services[0].counted(READINGS) < 2 * miners:  # noqa: ASYNC110 (another process counts)
            await asyncio.sleep(0.5)
        outcome = await _curtailed(farm)
    progress = outcome.progress
    note = (
        f"{progress.delivered_w / 1000:,.0f} kW of {progress.target_w / 1000:,.0f} kW asked, {progress.failed} failed"
    )
    name = f"curtail_{miners}"
    return [
        Figure(f"{name}_begun", outcome.begun_s, "s", "", "from the request to the plan that executes"),
        Figure(f"{name}_delivered", outcome.delivered_s, "s", "<= 30", note),
        Figure(f"{name}_confirmed", outcome.last_s, "s", "<= 10", f"the last of {progress.confirmed}"),
    ]


def _let_every_service_in(farm: Farm) -> None:
    site = yaml.safe_load(farm.site_file.read_text(encoding="utf-8"))
    site["broker"] = farm.broker.settings("{service}")
    farm.site_file.write_text(yaml.safe_dump(site), encoding="utf-8")


async def _curtailed(farm: Farm) -> Outcome:
    broker = BrokerSettings.model_validate(_with_password(farm))
    async with MqttBus(broker, site="farm", account="supervisor") as bus, bus.subscribe(PlanProgress) as heard:
        await bus.connected()
        now = SYSTEM_CLOCK.now()
        bus.publish(
            CurtailmentRequest(
                site="farm",
                at=now,
                source="cli",
                id="bench",
                level_pct=LEVEL_PCT,
                starts_at=now,
                ends_at=now + timedelta(hours=4),
                why="measured",
            )
        )
        begun, at_s = time.monotonic(), dict[str, float]()
        while True:
            progress = await heard.next(PATIENCE_S)
            if progress is None:
                raise TimeoutError(f"the farm was not curtailed in {PATIENCE_S:g} s: {at_s}")
            lasted_s = time.monotonic() - begun
            if progress.state is not PlanState.PENDING:
                at_s.setdefault("begun", lasted_s)
            if progress.state is PlanState.EXECUTED:
                at_s.setdefault("delivered", lasted_s)
                if progress.waiting == 0:
                    return Outcome(at_s["begun"], at_s["delivered"], lasted_s, progress)


def _with_password(farm: Farm) -> dict[str, object]:
    settings = farm.broker.settings("supervisor")
    password = Path(settings.pop("password_file")).read_text(encoding="utf-8").strip()
    return {**settings, "password": password}
