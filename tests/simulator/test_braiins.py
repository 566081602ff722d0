"""The emulated Braiins OS, judged by a client as small as can be."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from tests.simulator.conftest import Emulate, Emulated, HandClock
from tests.simulator.wire import ask, code_of


class Client:
    """Logs in, asks, tells."""

    def __init__(self, emulated: Emulated, session: aiohttp.ClientSession) -> None:
        self._root = f"http://{emulated.host}:{emulated.port('web')}"
        self._session = session
        self.token = ""

    async def call(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        request = self._session.request(
            method, f"{self._root}/api/v1/{path}", json=body, headers={"Authorization": self.token}
        )
        async with request as response:
            return response.status, await response.json(content_type=None) if response.status == 200 else None

    async def log_in(self, password: str) -> int:
        status, reply = await self.call("POST", "auth/login", {"username": "root", "password": password})
        self.token = reply["token"] if reply else ""
        return status

    async def page(self) -> str:
        async with self._session.get(self._root) as response:
            return await response.text()


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
async def miner(emulate: Emulate) -> Emulated:
    return await emulate("braiins")


@pytest.fixture
async def client(miner: Emulated, session: aiohttp.ClientSession) -> Client:
    client = Client(miner, session)
    assert await client.log_in("root") == 200
    return client


async def test_the_start_page_names_the_firmware(client: Client) -> None:
    assert "Braiins OS" in await client.page()


async def test_only_who_has_logged_in_is_told_anything(client: Client) -> None:
    client.token = f"Bearer {client.token}"
    assert (await client.call("GET", "miner/details"))[0] == 401, "the raw token is wanted"
    assert await client.log_in("wrong") == 401
    assert (await client.call("GET", "version"))[1] == {"major": 1, "minor": 7, "patch": 0}


async def test_each_request_renews_the_login_and_silence_ends_it(client: Client, clock: HandClock) -> None:
    for _ in range(3):
        clock.wait(3000)
        assert (await client.call("GET", "miner/details"))[0] == 200
    clock.wait(3601)
    assert (await client.call("GET", "miner/details"))[0] == 401


async def test_a_power_target_is_tuned_to_without_a_restart(client: Client, miner: Emulated, clock: HandClock) -> None:
    assert await client.call("PUT", "performance/power-target", {"watt": 2000}) == (200, {"watt": 2000})
    _, state = await client.call("GET", "performance/tuner-state")
    assert state["overall_tuner_state"] == 3
    clock.wait(301)
    _, state = await client.call("GET", "performance/tuner-state")
    assert state["overall_tuner_state"] == 2
    assert state["mode_state"]["powertargetmodestate"]["current_target"] == {"watt": 2000}
    assert miner.truth["power_w"] == pytest.approx(2000, rel=0.01)
    assert miner.truth["restarts"] == 0


async def test_a_step_up_and_a_step_down(client: Client) -> None:
    await client.call("PUT", "performance/power-target", {"watt": 2000})
    assert await client.call("PATCH", "performance/power-target/increment", {"watt": 100}) == (200, {"watt": 2100})
    assert await client.call("PATCH", "performance/power-target/decrement", {"watt": 300}) == (200, {"watt": 1800})


@pytest.mark.parametrize("watt", [100, 99_999, "2000", None])
async def test_a_target_out_of_bounds_is_not_taken(client: Client, miner: Emulated, watt: Any) -> None:
    assert (await client.call("PUT", "performance/power-target", {"watt": watt}))[0] == 400
    assert miner.truth["power_limit_w"] == 3010


async def test_pause_resume_stop_and_start(client: Client, miner: Emulated, clock: HandClock) -> None:
    assert await client.call("PUT", "actions/pause") == (200, False)
    assert await client.call("PUT", "actions/pause") == (200, True), "it was paused already"
    assert (await client.call("GET", "miner/details"))[1]["status"] == 3
    assert miner.truth["asleep"]
    await client.call("PUT", "actions/resume")
    assert (await client.call("GET", "miner/details"))[1]["status"] == 2
    await client.call("PUT", "actions/stop")
    _, details = await client.call("GET", "miner/details")
    assert (details["status"], details["bosminer_uptime_s"]) == (1, 0)
    assert (await client.call("GET", "miner/stats"))[0] == 500
    await client.call("PUT", "actions/start")
    clock.wait(60)
    assert (await client.call("GET", "miner/details"))[1]["status"] == 2


async def test_a_batch_of_pools_replaces_all_groups(client: Client, miner: Emulated, clock: HandClock) -> None:
    pool = {"url": "stratum+tcp://new.example:3333", "user": "w", "password": "p"}
    group = {"name": "G", "pools": [pool], "load_balance_strategy": {"quota": {"value": 2}}}
    assert (await client.call("PUT", "pools/batch", [group]))[0] == 200
    assert miner.truth["pools"] == [{"url": pool["url"], "user": "w", "enabled": True}]
    assert miner.truth["restarts"] == 1
    assert (await client.call("GET", "pools/"))[0] == 500, "the mining process is not up yet"
    clock.wait(20)
    _, groups = await client.call("GET", "pools/")
    assert groups[0]["strategy"] == {"quota": {"value": 2}}
    assert "password" not in groups[0]["pools"][0]


async def test_the_stream_of_states_never_ends(client: Client) -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await client.call("GET", "miner/status")


async def test_port_4028_reads_and_writes_nothing(miner: Emulated) -> None:
    port = miner.port("cgminer")
    version = await ask(miner.host, port, "version")
    assert "BOSer" in version["VERSION"][0]
    assert "Type" not in version["VERSION"][0]
    assert (await ask(miner.host, port, "devdetails"))["DEVDETAILS"][0]["Model"] == "Antminer S19 XP"
    joined = await ask(miner.host, port, "summary+devs+pools")
    assert joined["summary"][0]["SUMMARY"][0]["MHS av"] == pytest.approx(140e6, rel=0.02)
    assert code_of(await ask(miner.host, port, "restart")) == 14
