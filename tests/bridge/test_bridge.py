"""The bridge against a collector that answers as documented, on a real socket: up with readings, down with commands."""

import asyncio
import contextlib
import gzip
import json
import sqlite3
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from pydantic import ValidationError

from hashbus.clock import SYSTEM_CLOCK, SystemClock
from hashbus.health import Health
from hashbus.messages import (
    AvailabilityState,
    Command,
    CurtailmentRequest,
    DeviceOrder,
    MinerAvailability,
    MinerInfo,
    MinerState,
    MinerTelemetry,
    OrderResult,
    OrderStatus,
    PowerRequest,
    ServiceStatus,
)
from hashbus.messages import Level as DriverLevel
from hashbus.service import Running
from hashbus.testing.memory_bus import MemoryBroker, MemoryBus
from hashbus_bridge.service import main
from hashbus_bridge.settings import BridgeSettings
from hashbus_bridge.spool import Batch, Spool, packed

KEY = "hsc_" + "A" * 40
PATIENCE_S = 20


class QuickClock(SystemClock):
    """The system's clock for whoever waits: a second passes in a twentieth."""

    def monotonic(self) -> float:
        return super().monotonic() * 20

    async def sleep(self, seconds: float) -> None:
        await super().sleep(seconds / 20)


async def _until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not holds():  # noqa: ASYNC110 (what is waited for gives no signal)
            await asyncio.sleep(0.02)


class Collector:
    """A collector in a few lines: it remembers what it was sent, and answers as it is told to."""

    def __init__(self) -> None:
        self.records: list[dict[str, Any]] = []
        self.commands: list[dict[str, Any]] = []
        self.results: dict[str, dict[str, Any]] = {}
        self.status = 200
        self.url = ""
        self.heard = asyncio.Condition()

    @contextlib.asynccontextmanager
    async def serving(self) -> AsyncIterator["Collector"]:
        app = web.Application()
        app.router.add_post("/api/collector/upload", self._upload)
        app.router.add_get("/api/collector/commands/pending", self._pending)
        app.router.add_post("/api/collector/commands/{id}/result", self._result)
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        try:
            yield self
        finally:
            await runner.cleanup()

    async def until(self, holds: Any) -> None:
        async with asyncio.timeout(PATIENCE_S), self.heard:
            await self.heard.wait_for(holds)

    def _refusal(self, request: web.Request) -> web.Response | None:
        if request.headers.get("X-Collector-Key") != KEY:
            return web.json_response({"success": False, "error": "Invalid API key"}, status=401)
        return None if self.status == 200 else web.json_response({"success": False}, status=self.status)

    async def _upload(self, request: web.Request) -> web.Response:
        # aiohttp has undone the gzip already.
        records = json.loads(await request.read())
        async with self.heard:
            refusal = self._refusal(request)
            if refusal is None:
                self.records += records
            self.heard.notify_all()
        return refusal or web.json_response({"processed": len(records), "online": len(records), "offline": 0})

    async def _pending(self, request: web.Request) -> web.Response:
        refusal = self._refusal(request)
        if refusal:
            return refusal
        commands, self.commands = self.commands, []
        return web.json_response({"commands": commands, "count": len(commands)})

    async def _result(self, request: web.Request) -> web.Response:
        async with self.heard:
            refusal = self._refusal(request)
            if refusal is None:
                self.results[request.match_info["id"]] = await request.json()
            self.heard.notify_all()
        return refusal or web.json_response({"success": True})


class Site:
    """A bridge on a bus in memory."""

    def __init__(self, folder: Path, collector: Collector, **settings: object) -> None:
        bridge = {"url": collector.url, "api_key": KEY, "upload_s": 1, "commands_s": 1, **settings}
        self.settings = BridgeSettings.model_validate({"data_dir": folder, "bridge": bridge})
        self.broker = MemoryBroker()
        self.health = Health("bridge", "test", SYSTEM_CLOCK.now())
        self.poller = MemoryBus(self.broker, "poller")

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator["Site"]:
        bus = MemoryBus(self.broker, "bridge")
        running = Running("bridge", self.settings, bus, QuickClock(), self.health, once=False, dry_run=False)
        task = asyncio.create_task(main(running))
        await _until(lambda: len(bus.switchboard.subscriptions) == 2)
        try:
            yield self
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    def says_reading(self, miner: str = "attic", power_w: float = 3000) -> None:
        now = SYSTEM_CLOCK.now()
        self.poller.publish(
            MinerTelemetry(
                site="home",
                at=now,
                miner=miner,
                driver="x",
                state=MinerState.MINING,
                hashrate_ths=110.5,
                power_w=power_w,
            )
        )

    def says_info(self) -> None:
        now = SYSTEM_CLOCK.now()
        self.poller.publish(
            MinerInfo(
                site="home",
                at=now,
                miner="attic",
                driver="x",
                level=DriverLevel.GOLD,
                host="192.0.2.5",
                model="M64_VL40",
            )
        )


def command(number: int, kind: str, *, ends_in_s: float = 600, **more: object) -> dict[str, Any]:
    ends = datetime.now(UTC) + timedelta(seconds=ends_in_s)
    return {
        "command_id": f"c{number}",
        "miner_id": "attic",
        "ip_address": "203.0.113.9",
        "command": kind,
        "params": {},
        "priority": 8,
        "expires_at": ends.isoformat(),
        **more,
    }


async def test_readings_go_up_in_the_contracts_words_and_addresses_stay_at_home(tmp_path: Path) -> None:
    async with Collector().serving() as collector, Site(tmp_path, collector).running() as site:
        site.says_info()
        site.says_reading()
        await collector.until(lambda: collector.records)
    record = collector.records[0]
    assert (record["miner_id"], record["model"], record["online"]) == ("attic", "M64_VL40", True)
    assert (record["hashrate_ghs"], record["power_consumption"]) == (110_500, 3000)
    assert record["ip_address"] is None
    assert "192.0.2.5" not in json.dumps(collector.records)


async def test_an_offline_miner_is_uploaded_with_its_reason(tmp_path: Path) -> None:
    async with Collector().serving() as collector, Site(tmp_path, collector).running() as site:
        now = SYSTEM_CLOCK.now()
        offline = AvailabilityState.OFFLINE
        site.poller.publish(
            MinerAvailability(site="home", at=now, miner="attic", state=offline, since=now, reason="nothing listens")
        )
        await collector.until(lambda: collector.records)
    assert collector.records[0]["online"] is False
    assert collector.records[0]["error_message"] == "nothing listens"


@pytest.mark.parametrize("status", [500, 429, 503])
async def test_what_the_cloud_misses_follows_behind_what_is_new(tmp_path: Path, status: int) -> None:
    async with Collector().serving() as collector, Site(tmp_path, collector).running() as site:
        collector.status = status
        for number in range(5):
            site.says_reading(power_w=number)
        await _until(lambda: any("cloud is away" in problem for problem in site.health.problems))
        collector.status = 200
        site.says_reading(power_w=99)
        await collector.until(lambda: len(collector.records) >= 6)
    powers = [record["power_consumption"] for record in collector.records]
    assert powers[0] == 99
    assert sorted(powers[1:]) == [0, 1, 2, 3, 4]


async def test_what_waits_survives_the_end_of_the_bridge(tmp_path: Path) -> None:
    async with Collector().serving() as collector:
        async with Site(tmp_path, collector, upload_s=3600).running() as site:
            site.says_reading(power_w=7)
            await asyncio.sleep(0.2)
        async with Site(tmp_path, collector).running() as site:
            await collector.until(lambda: collector.records)
    assert collector.records[0]["power_consumption"] == 7


async def test_a_wrong_key_is_said_and_nothing_is_lost(tmp_path: Path) -> None:
    wrong = "hsc_" + "B" * 40
    async with Collector().serving() as collector:
        async with Site(tmp_path, collector, api_key=wrong).running() as site:
            site.says_reading()
            await _until(lambda: any("not accept this site's key" in problem for problem in site.health.problems))
            assert wrong not in " ".join(site.health.problems)
        async with Site(tmp_path, collector).running():
            await collector.until(lambda: collector.records)


class TestCommands:
    """Commands come home, are carried out once, and their results go back."""

    async def test_a_reboot_becomes_an_order_by_id_and_its_result_goes_back(self, tmp_path: Path) -> None:
        async with Collector().serving() as collector, Site(tmp_path, collector).running() as site:
            async with site.poller.subscribe(DeviceOrder) as orders:
                collector.commands.append(command(1, "reboot"))
                order = await orders.next(PATIENCE_S)
                assert order is not None
                assert (order.miner, order.command, order.source, order.id) == ("attic", Command.REBOOT, "cloud", "c1")
                site.poller.publish(_answer(order, OrderStatus.DONE))
            await collector.until(lambda: collector.results)
        assert collector.results["c1"] == {"status": "completed", "result_code": "ok", "result_message": "done"}

    async def test_the_same_command_again_is_not_said_again(self, tmp_path: Path) -> None:
        async with Collector().serving() as collector, Site(tmp_path, collector).running() as site:
            async with site.poller.subscribe(DeviceOrder) as orders:
                collector.commands += [command(1, "reboot"), command(1, "reboot"), command(2, "blink")]
                ids = [(await orders.next(PATIENCE_S)).id for _ in range(2)]  # type: ignore[union-attr]
                assert ids == ["c1", "c2"]

    async def test_a_command_begun_before_the_end_is_said_again_after_it(self, tmp_path: Path) -> None:
        async with Collector().serving() as collector:
            async with Site(tmp_path, collector).running() as site, site.poller.subscribe(DeviceOrder) as orders:
                collector.commands.append(command(1, "reboot"))
                assert await orders.next(PATIENCE_S)
            site = Site(tmp_path, collector)
            async with site.poller.subscribe(DeviceOrder) as orders, site.running():
                order = await orders.next(PATIENCE_S)
                assert order is not None
                assert order.id == "c1"

    async def test_power_is_asked_of_the_controller_when_there_is_one(self, tmp_path: Path) -> None:
        site = Site(tmp_path, collector := Collector())
        async with collector.serving():
            site = Site(tmp_path, collector)
            controller = MemoryBus(site.broker, "controller")
            now = SYSTEM_CLOCK.now()
            controller.publish(
                ServiceStatus(
                    site="home",
                    at=now,
                    service="controller",
                    state=AvailabilityState.ONLINE,
                    version="1",
                    started_at=now,
                )
            )
            async with controller.subscribe(PowerRequest) as requests, site.running():
                collector.commands.append(command(1, "disable"))
                request = await requests.next(PATIENCE_S)
                assert request is not None
                assert (request.scope, request.cap_w, request.rank) == ("attic", 0, "cloud")
                collector.commands.append(command(2, "enable"))
                released = await requests.next(PATIENCE_S)
                assert released is not None
                assert released.until <= SYSTEM_CLOCK.now()
                await collector.until(lambda: len(collector.results) == 2)

    async def test_a_curtailment_is_asked_of_the_curtailer_and_taken_back(self, tmp_path: Path) -> None:
        async with Collector().serving() as collector:
            site = Site(tmp_path, collector)
            curtailer = MemoryBus(site.broker, "curtailer")
            async with curtailer.subscribe(CurtailmentRequest) as requests, site.running():
                params = {"target_w": 5e6, "lasts_s": 7200, "ramp_s": 300, "strategy": "revenue", "why": "grid order 7"}
                collector.commands.append(command(1, "curtail", params=params, miner_id=None))
                asked = await requests.next(PATIENCE_S)
                assert asked is not None
                assert (asked.source, asked.id, asked.target_w, asked.ramp_s) == ("cloud", "c1", 5e6, 300)
                assert asked.ends_at - asked.starts_at == timedelta(hours=2)
                collector.commands.append(command(2, "curtail_stop"))
                ended = await requests.next(PATIENCE_S)
                assert ended is not None
                assert (ended.id, ended.is_cancelled) == ("c1", True)
                await collector.until(lambda: len(collector.results) == 2)
        assert {one["status"] for one in collector.results.values()} == {"completed"}

    async def test_what_an_earlier_bridge_asked_is_taken_back_by_its_name(self, tmp_path: Path) -> None:
        async with Collector().serving() as collector:
            site = Site(tmp_path, collector)
            now = SYSTEM_CLOCK.now()
            earlier = CurtailmentRequest(
                site="home", at=now, source="cloud", id="c7", level_pct=10,
                starts_at=now, ends_at=now + timedelta(hours=1), why="x",
            )  # fmt: skip
            MemoryBus(site.broker, "bridge").publish(earlier)
            curtailer = MemoryBus(site.broker, "curtailer")
            async with curtailer.subscribe(CurtailmentRequest) as requests, site.running():
                assert await requests.next(1) == earlier
                collector.commands.append(command(8, "curtail_stop"))
                ended = await requests.next(PATIENCE_S)
        assert ended is not None
        assert (ended.id, ended.is_cancelled) == ("c7", True)

    @pytest.mark.parametrize(
        ("raw", "status"),
        [
            (command(1, "curtail", params={"target_w": 5, "level_pct": 5}), "rejected"),
            (command(1, "curtail", params={"target_w": -5}), "rejected"),
            (command(1, "curtail", params={"target_w": 5, "ends_at": "2020-01-01T00:00:00Z"}), "rejected"),
            (command(1, "curtail", params={"target_w": 5}, ends_in_s=-5), "expired"),
            (command(1, "reboot", ends_in_s=-5), "expired"),
            (command(1, "explode"), "rejected"),
            (command(1, "reboot", miner_id="../../etc"), "rejected"),
        ],
    )
    async def test_what_cannot_be_carried_out_is_answered_and_disturbs_nothing(
        self, tmp_path: Path, raw: dict[str, Any], status: str
    ) -> None:
        async with Collector().serving() as collector, Site(tmp_path, collector).running():
            collector.commands += [raw, "nonsense"]  # type: ignore[list-item]
            await collector.until(lambda: collector.results)
        assert collector.results["c1"]["status"] == status


def _answer(order: DeviceOrder, status: OrderStatus) -> OrderResult:
    return OrderResult(
        site="home",
        at=SYSTEM_CLOCK.now(),
        miner=order.miner,
        asker=order.source,
        id=order.id,
        command=order.command,
        status=status,
        code="ok",
        message="done",
    )


class TestSpool:
    """What waits on disk is bounded, and gets coarser before it loses."""

    def test_at_its_bound_the_oldest_gets_coarser_and_the_newest_stays(self, tmp_path: Path) -> None:
        spool = Spool(tmp_path / "spool.db", max_mb=1)
        bodies = [bytes([number]) * 50_000 for number in range(60)]
        for body in bodies:
            spool.keep(body, records=10)
        kept = []
        while (batch := spool.oldest()) is not None:
            kept.append(batch.body)
            spool.sent(batch)
        assert kept[-5:] == bodies[-5:]
        assert kept == sorted(kept)
        assert spool.thinned == (60 - len(kept)) * 10
        assert sum(map(len, kept)) <= 1_000_000

    def test_at_its_bound_no_part_of_a_farm_is_forgotten_before_another(self, tmp_path: Path) -> None:
        spool = Spool(tmp_path / "spool.db", max_mb=1)
        for number in range(1, 41):
            spool.note([{"miner": "x"}], most=1)
            halves = [Batch(0, 1, bytes([half]) + bytes(30_000)) for half in (1, 2)]
            spool.end_round(spool.heard()[-1].id, halves)
            assert number == spool.waiting() // 2 or spool.thinned
        kept = []
        while (batch := spool.oldest()) is not None:
            kept.append(batch.body[0])
            spool.sent(batch)
        assert spool.thinned
        assert kept == [1, 2] * (len(kept) // 2)

    def test_a_spool_of_an_earlier_release_is_taken_over(self, tmp_path: Path) -> None:
        old = sqlite3.connect(tmp_path / "spool.db")
        old.executescript(
            "CREATE TABLE batch (id INTEGER PRIMARY KEY AUTOINCREMENT, records INTEGER NOT NULL, body BLOB NOT NULL);"
            "CREATE TABLE command (id TEXT PRIMARY KEY, body TEXT NOT NULL, result TEXT, is_told INTEGER DEFAULT 0);"
            "INSERT INTO batch (records, body) VALUES (3, 'x'); INSERT INTO command (id, body) VALUES ('c1', '{}');"
        )
        old.close()
        spool = Spool(tmp_path / "spool.db", max_mb=1)
        assert spool.waiting() == 3
        assert spool.unfinished() == [("c1", "{}")]

    def test_a_password_is_not_kept_when_its_command_is_over(self, tmp_path: Path) -> None:
        spool = Spool(tmp_path / "spool.db", max_mb=1)
        spool.begin([("c1", '{"password": "pool-secret"}')], SYSTEM_CLOCK.now())
        spool.finish("c1", {"status": "completed"})
        assert spool.unfinished() == []
        assert spool.results() == [("c1", {"status": "completed"})]
        assert spool._execute("SELECT count(*) FROM command WHERE body LIKE '%secret%'") == [(0,)]

    def test_a_batch_is_a_gzipped_array(self) -> None:
        assert json.loads(gzip.decompress(packed([{"a": 1}]))) == [{"a": 1}]


@pytest.mark.parametrize(
    "settings",
    [{"url": "http://cloud.example"}, {"url": "cloud.example"}, {"api_key": "hsc_short"}, {"api_key": "x" * 44}],
)
def test_a_line_that_is_not_safe_is_refused_at_the_start(settings: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        BridgeSettings.model_validate({"bridge": settings})
