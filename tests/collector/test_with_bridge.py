"""A real bridge and a real collector: readings go up, commands come home, and nothing is lost or doubled between."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from hashbus.clock import SYSTEM_CLOCK
from hashbus.health import Health
from hashbus.messages import (
    AvailabilityState,
    Capability,
    DeviceOrder,
    Level,
    MinerAvailability,
    MinerInfo,
    MinerState,
    MinerTelemetry,
    OrderResult,
    OrderStatus,
)
from hashbus.service import Running
from hashbus.testing.memory_bus import MemoryBroker, MemoryBus
from hashbus_bridge.service import main
from hashbus_bridge.settings import BridgeSettings
from tests.collector.clouds import PATIENCE_S, Cloud, Site, Visitor, cloud_over


class Home:
    """A site in memory: its bridge, and what its poller says."""

    def __init__(self, folder: Path, url: str, key: str, name: str = "north") -> None:
        bridge = {"url": url, "api_key": key, "upload_s": 1, "commands_s": 1}
        self.settings = BridgeSettings.model_validate({"site": name, "data_dir": folder, "bridge": bridge})
        self.broker = MemoryBroker()
        self.health = Health("bridge", "test", SYSTEM_CLOCK.now())
        self.poller = MemoryBus(self.broker, "poller", site=name)
        self.name = name

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Home"]:
        bus = MemoryBus(self.broker, "bridge", site=self.name)
        running = Running("bridge", self.settings, bus, SYSTEM_CLOCK, self.health, once=False, dry_run=False)
        task = asyncio.create_task(main(running))
        try:
            yield self
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    def says(self, miner: str = "attic", power_w: float = 3000) -> None:
        now = SYSTEM_CLOCK.now()
        told: dict[str, Any] = {"site": self.name, "at": now, "miner": miner, "driver": "x"}
        self.poller.publish(
            MinerInfo(**told, level=Level.GOLD, host="192.0.2.5", model="M64", capabilities=(Capability.REBOOT,))
        )
        self.poller.publish(MinerTelemetry(**told, state=MinerState.MINING, hashrate_ths=110.5, power_w=power_w))

    def loses(self, miner: str) -> None:
        now, offline = SYSTEM_CLOCK.now(), AvailabilityState.OFFLINE
        self.poller.publish(
            MinerAvailability(site=self.name, at=now, miner=miner, state=offline, since=now, reason="nothing listens")
        )

    def answers(self, order: DeviceOrder) -> None:
        self.poller.publish(
            OrderResult(
                site=self.name,
                at=SYSTEM_CLOCK.now(),
                miner=order.miner,
                asker=order.source,
                id=order.id,
                command=order.command,
                status=OrderStatus.DONE,
                code="ok",
                message="done",
            )
        )


async def _until(ask: Callable[[], Any], holds: Callable[[Any], bool]) -> Any:
    async with asyncio.timeout(PATIENCE_S):
        while not holds(found := await ask()):  # noqa: ASYNC110 (what is waited for gives no signal)
            await asyncio.sleep(0.1)
    return found


async def _one_miner(anna: Visitor, state: str) -> Any:
    found = await _until(
        lambda: anna.get("live/north"), lambda live: [one["state"] for one in live["miners"]] == [state]
    )
    return found["miners"][0]


async def test_readings_go_up_and_addresses_stay_at_home(cloud: Cloud, tmp_path: Path) -> None:
    site, anna = await cloud.site(), await cloud.person()
    async with Home(tmp_path, cloud.url, site.key).running() as home:
        home.says()
        seen = await _one_miner(anna, "online")
        assert (seen["model"], seen["power_consumption"], seen["hashrate_ghs"]) == ("M64", 3000, 110_500)
        assert (seen["ip_address"], seen["capabilities"]) == (None, ["reboot"])
        home.loses("attic")
        assert (await _one_miner(anna, "offline"))["error_message"] == "nothing listens"


async def test_a_command_from_the_cloud_reaches_the_miner_and_its_result_comes_back(
    cloud: Cloud, tmp_path: Path
) -> None:
    site, anna = await cloud.site(), await cloud.person()
    home = Home(tmp_path, cloud.url, site.key)
    async with home.poller.subscribe(DeviceOrder) as orders, home.running():
        command = await anna.order("attic", "reboot")
        order = await orders.next(PATIENCE_S)
        assert order is not None
        assert (order.id, order.miner, order.command) == (command, "attic", "reboot")
        home.answers(order)
        found = await _until(
            lambda: anna.get(f"commands/{command}"), lambda answer: answer["command"]["status"] == "completed"
        )
        assert (found["command"]["result_code"], found["command"]["result_message"]) == ("ok", "done")


async def test_a_fetch_whose_answer_was_lost_on_the_line_costs_nothing(cloud_database: str, tmp_path: Path) -> None:
    async with cloud_over(cloud_database, commands={"resend_s": 1}) as cloud:
        site, anna = await cloud.site(), await cloud.person()
        command = await anna.order("attic", "reboot")
        # The collector notes it as sent, but nobody hears the answer.
        assert len(await site.pending(once=True)) == 1
        home = Home(tmp_path, cloud.url, site.key)
        async with home.poller.subscribe(DeviceOrder) as orders, home.running():
            order = await orders.next(PATIENCE_S)
            assert order is not None
            assert order.id == command
            # It is given again until it is answered, and said once.
            await _until(lambda: anna.get(f"commands/{command}"), lambda answer: answer["command"]["times_sent"] >= 3)
            home.answers(order)
            await _until(
                lambda: anna.get(f"commands/{command}"), lambda answer: answer["command"]["status"] == "completed"
            )
            assert await orders.next(0.01) is None


async def test_a_key_of_another_site_is_said_with_its_reason(cloud: Cloud, tmp_path: Path) -> None:
    site: Site = await cloud.site("south")
    async with Home(tmp_path, cloud.url, site.key).running() as home:
        home.says()
        problems = await _until(_problems(home), lambda found: "this key is of site 'south'" in found)
        assert "hashbus cloud sites add south --local-name" in problems
        assert site.key not in problems


def _problems(home: Home) -> Callable[[], Any]:
    async def ask() -> str:
        return " ".join(home.health.problems)

    return ask
