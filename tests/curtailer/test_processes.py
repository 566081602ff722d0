"""The curtailer and the recorder as real processes on a real broker: triggers, kill -9, settlement and its proof."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from benchmarks.servers import Service
from hashbus.bus import Subscription
from hashbus.clock import SYSTEM_CLOCK
from hashbus.messages import (
    Capability,
    CurtailmentPlan,
    CurtailmentRequest,
    Level,
    MeterTelemetry,
    MinerInfo,
    MinerState,
    MinerTelemetry,
    PlanState,
    Settlement,
)
from hashbus.mqtt_bus import MqttBus
from hashbus.settings import BrokerSettings
from hashbus.topics import SERVICES
from tests.curtailer.vtn import FakeVtn, event, serving
from tests.servers import GuardedMosquitto, free_port

PATIENCE_S = 60.0
MINERS = ("a", "b", "c", "d")
FULL_W, ASLEEP_W = 3000.0, 10.0


class Site:
    """A broker with accounts, the services under test, and miners and a meter that the test plays."""

    def __init__(self, folder: Path, broker: GuardedMosquitto, **curtailer: Any) -> None:
        self.folder, self.broker = folder, broker
        self.file = folder / "site.yaml"
        self.history_port = free_port()
        for account, password in broker.passwords.items():
            (folder / account).write_text(password)
        usual = {
            "min_off_s": 0,
            "recovery_s": 0,
            "stage_s": 1,
            "improve_within_s": 0,
            "meter": "grid",
            "settlement": {
                "after_s": 0,
                "weekend": [],
                "history_url": f"http://127.0.0.1:{self.history_port}",
            },
        }
        written = {
            "site": "farm",
            "data_dir": str(folder / "var"),
            "broker": {"port": broker.port, "username": "{service}", "password_file": str(folder / "{service}")},
            "recorder": {"history": {"port": self.history_port}, "flush_s": 0.2},
            "curtailer": {**usual, **curtailer},
        }
        self.file.write_text(yaml.safe_dump(written))
        self.asleep: set[str] = set()

    def bus(self, account: str) -> MqttBus:
        """A place on the broker."""
        settings = BrokerSettings.model_validate(
            {"port": self.broker.port, "username": account, "password": self.broker.passwords[account]}
        )
        return MqttBus(settings, site="farm", account=account)

    @asynccontextmanager
    async def alive(self) -> AsyncIterator[MqttBus]:
        """Let the miners live and follow the plan, as controller and poller would make them."""
        async with self.bus("poller") as poller, poller.subscribe(CurtailmentPlan) as plans:
            await poller.connected()
            for miner in MINERS:
                poller.publish(self._info(miner))
            task = asyncio.create_task(self._live(poller, plans))
            try:
                yield poller
            finally:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)

    async def _live(self, poller: MqttBus, plans: Subscription[CurtailmentPlan]) -> None:
        plan: CurtailmentPlan | None = None
        while True:
            now = SYSTEM_CLOCK.now()
            self.asleep = {
                part.miner
                for part in (plan.miners if plan and plan.state is not PlanState.PENDING else ())
                if (part.starts_at or now) <= now < (part.ends_at or now)
            }
            for miner in MINERS:
                is_asleep = miner in self.asleep
                poller.publish(
                    MinerTelemetry(
                        site="farm",
                        at=now,
                        miner=miner,
                        driver="whatsminer",
                        state=MinerState.SLEEPING if is_asleep else MinerState.MINING,
                        power_w=ASLEEP_W if is_asleep else FULL_W,
                        hashrate_ths=0 if is_asleep else 100,
                    )
                )
            power_w = len(self.asleep) * ASLEEP_W + (len(MINERS) - len(self.asleep)) * FULL_W
            poller.publish(MeterTelemetry(site="farm", at=now, meter="grid", driver="sdm630", power_w=power_w))
            plan = await plans.next(0.5) or plan

    def _info(self, miner: str) -> MinerInfo:
        return MinerInfo(
            site="farm",
            at=SYSTEM_CLOCK.now(),
            miner=miner,
            driver="whatsminer",
            level=Level.GOLD,
            capabilities=(Capability.POWER_LIMIT, Capability.SLEEP),
            rated_power_w=FULL_W,
        )

    async def remembers(self, poller: MqttBus, days: int) -> None:
        """The meter showed 12 kW on each of the last days, around this hour."""
        now = SYSTEM_CLOCK.now()
        for back in range(1, days + 1):
            for quarter in range(-20, 5):
                at = now - timedelta(days=back) + timedelta(minutes=15 * quarter)
                poller.publish(MeterTelemetry(site="farm", at=at, meter="grid", driver="sdm630", power_w=12_000))
        await poller.flush()


@pytest.fixture
def new_site(tmp_path: Path) -> Iterator[Callable[..., Site]]:
    """Make a site with these settings of the curtailer; the grid has an account of its own at its broker."""
    with GuardedMosquitto(tmp_path / "mosquitto", accounts=(*SERVICES, "grid")) as broker:
        yield lambda **curtailer: Site(tmp_path, broker, **curtailer)


async def until(plans: Subscription[CurtailmentPlan], state: PlanState, name: str = "") -> CurtailmentPlan:
    """Wait for a plan in that state."""
    async with asyncio.timeout(PATIENCE_S):
        async for plan in plans:
            if plan.state is state and plan.plan.startswith(name):
                return plan
    raise AssertionError


def request(**more: Any) -> CurtailmentRequest:
    now = SYSTEM_CLOCK.now()
    fields = {"id": "r1", "source": "cli", "target_w": 5000, "starts_at": now, "ends_at": now + timedelta(hours=1)}
    return CurtailmentRequest.model_validate({"site": "farm", "at": now, "why": "a test asks", **fields, **more})


async def hashbus(*words: str) -> tuple[int, str]:
    """Run the command, as an operator does."""
    command = [str(Path(sys.executable).with_name("hashbus")), *words]
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    out, _ = await process.communicate()
    return process.returncode or 0, out.decode()


async def test_a_plan_survives_kill_9_is_settled_by_itself_and_proved_by_its_document(
    new_site: Callable[..., Site], tmp_path: Path
) -> None:
    site = new_site()
    async with AsyncExitStack() as stack:
        stack.enter_context(Service("recorder", site.file))
        curtailer = stack.enter_context(Service("curtailer", site.file))
        poller = await stack.enter_async_context(site.alive())
        await site.remembers(poller, days=6)
        asker = await stack.enter_async_context(site.bus("supervisor"))
        plans = await stack.enter_async_context(asker.subscribe(CurtailmentPlan))
        settlements = await stack.enter_async_context(asker.subscribe(Settlement))
        await asker.connected()
        asked = request()
        asker.publish(asked)
        executed = await until(plans, PlanState.EXECUTED)
        down = set(site.asleep)
        assert len(down) == 2
        assert curtailer.counts("curtailer_target_watts", "curtailer_failed_miners") == [5000, 0]
        assert curtailer.counted("curtailer_delivered_watts") >= 5000
        curtailer.kill()
        asker.publish(asked.model_copy(update={"is_cancelled": True, "at": SYSTEM_CLOCK.now()}))
        await asker.flush()
        assert site.asleep == down
        curtailer.start()
        over = await until(plans, PlanState.CANCELLED)
        assert curtailer.counted("curtailer_target_watts") == 0
        assert {part.miner for part in over.miners} == down
        assert (over.begun_at, over.executed_at) == (executed.begun_at, executed.executed_at)
        async with asyncio.timeout(PATIENCE_S):
            settlement = await anext(settlements)
        await check_the_terminal(site, tmp_path)
    assert (settlement.plan, settlement.method) == ("cli-r1", "10-of-10, weekdays")
    assert (settlement.measured, settlement.baseline_days) == ("meter grid", 6)
    await check_the_document(tmp_path / "var" / "curtailer", settlement)
    code, out = await hashbus("curtail", "settle", "cli-r1", "--config", str(site.file))
    assert code == 1
    assert str(site.history_port) in out


async def check_the_terminal(site: Site, folder: Path) -> None:
    """What was done is asked for again by an operator."""
    at, file = ("--config", str(site.file)), folder / "s.json"
    code, out = await hashbus("curtail", "settle", "cli-r1", *at, "--json", str(file), "--csv", str(folder / "s.csv"))
    assert code == 0, out
    assert "baseline 10-of-10, weekdays, 6 days" in out
    assert (await hashbus("curtail", "verify", str(file)))[0] == 0
    assert (folder / "s.csv").read_text().startswith("starts_at,")
    code, out = await hashbus("curtail", "log", "cli-r1", *at)
    assert out.count("curtailment_shutdown") == out.count("curtailment_recovery") == 2
    code, out = await hashbus("curtail", "plans", *at)
    assert (code, out.count("cli-r1")) == (0, 1)
    code, out = await hashbus("curtail", "settle", "nonsense", *at)
    assert (code, "no plan 'nonsense' has begun" in out) == (1, True)


async def check_the_document(folder: Path, settlement: Settlement) -> None:
    """The signed document is genuine, and one that was changed is not."""
    file = folder / "settlements" / "cli-r1.json"
    code, out = await hashbus("curtail", "verify", str(file), "--key", str(folder / "settlement_key.pub.pem"))
    assert code == 0, out
    assert settlement.key
    assert settlement.key in out
    changed = json.loads(file.read_text())
    assert changed["signature"]["value"] == settlement.signature
    changed["result"]["delivered_wh"] += 1
    file.with_name("lie.json").write_text(json.dumps(changed))
    code, out = await hashbus("curtail", "verify", str(file.with_name("lie.json")))
    assert code == 1
    assert "changed after it was signed" in out


async def test_signals_events_and_hours_end_in_plans_of_their_own(new_site: Callable[..., Site]) -> None:
    async with serving(FakeVtn()) as vtn, AsyncExitStack() as stack:
        (folder := new_site().folder).joinpath("openadr").write_text("s3cret")
        site = new_site(
            triggers={
                "signal": {
                    "sources": [{"name": "iso", "topic": "grid/mw", "path": "mw", "scale": 1e6, "reads": "target_w"}]
                },
                "openadr": {
                    "vtn_url": vtn.url,
                    "allow_http": True,
                    "client_id": "site-1",
                    "client_secret_file": str(folder / "openadr"),
                    "poll_s": 1,
                },
                "schedule": [{"name": "always", "begins": "00:00", "ends": "24:00", "target_w": 2000}],
            }
        )
        stack.enter_context(Service("curtailer", site.file))
        await stack.enter_async_context(site.alive())
        ears = await stack.enter_async_context(site.bus("recorder"))
        plans = await stack.enter_async_context(ears.subscribe(CurtailmentPlan))
        await until(plans, PlanState.EXECUTED, "schedule-always-")
        signalled = await asyncio.create_subprocess_exec(
            *("mosquitto_pub", "-p", str(site.broker.port), "-t", "grid/mw", "-m", '{"mw": 0.006}'),
            *("-u", "grid", "-P", site.broker.passwords["grid"]),
        )
        assert await signalled.wait() == 0
        plan = await until(plans, PlanState.EXECUTED, "signal-")
        assert (plan.target_w, len(site.asleep)) == (6000, 3)
        now = SYSTEM_CLOCK.now()
        vtn.events = [
            event(createdDateTime=now.isoformat(), intervalPeriod={"start": "0001-01-01", "duration": "PT1H"})
        ]
        plan = await until(plans, PlanState.EXECUTED, "openadr-event-")
        assert len(site.asleep) == len(MINERS)
        vtn.events = []
        await until(plans, PlanState.EXECUTED, "signal-")
