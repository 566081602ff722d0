"""The emulated VNish, judged by a client as small as can be."""

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from tests.simulator.conftest import Emulate, Emulated, HandClock
from tests.simulator.wire import ask, code_of


class Client:
    """Unlocks, asks, tells."""

    def __init__(self, emulated: Emulated, session: aiohttp.ClientSession) -> None:
        self.root = f"http://{emulated.host}:{emulated.port('web')}"
        self._session = session
        self.headers: dict[str, str] = {}

    async def call(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        request = self._session.request(method, f"{self.root}/api/v1/{path}", json=body, headers=self.headers)
        async with request as response:
            has_json = response.content_type == "application/json"
            return response.status, await response.json() if has_json else await response.text()

    async def unlock(self, password: str) -> tuple[int, Any]:
        status, reply = await self.call("POST", "unlock", {"pw": password})
        if status == 200:
            self.headers = {"Authorization": f"Bearer {reply['token']}"}
        return status, reply

    async def page(self) -> str:
        async with self._session.get(self.root) as response:
            return await response.text()


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


async def test_what_everybody_may_see(emulate: Emulate, session: aiohttp.ClientSession) -> None:
    client = Client(await emulate("vnish"), session)
    assert "AnthillOS" in await client.page()
    for path in ("info", "model", "summary", "perf-summary", "status"):
        assert (await client.call("GET", path))[0] == 200
    for path in ("settings", "autotune/presets"):
        assert (await client.call("GET", path))[0] == 401
    assert (await client.call("POST", "mining/stop"))[0] == 401


@pytest.mark.parametrize(
    ("version", "power_usage", "efficiency"),
    [
        ("1.2.6", pytest.approx(3250, rel=0.02), pytest.approx(0.0295, rel=0.1)),
        ("1.3.4", pytest.approx(29.5, rel=0.05), pytest.approx(29.5, rel=0.1)),
    ],
)
async def test_two_generations_mean_two_things_by_one_key(
    emulate: Emulate, session: aiohttp.ClientSession, version: str, power_usage: Any, efficiency: Any
) -> None:
    client = Client(await emulate("vnish", version=version), session)
    miner = (await client.call("GET", "summary"))[1]["miner"]
    assert miner["power_consumption"] == pytest.approx(3250, rel=0.02)
    assert miner["power_usage"] == power_usage
    assert miner["power_efficiency"] == efficiency
    assert miner["pools"][-1]["pool_type"] == "DevFee"
    assert ("throttled" in miner["miner_status"]) is (version == "1.3.4")


async def test_wrong_passwords_lock_it_for_a_while(
    emulate: Emulate, session: aiohttp.ClientSession, clock: HandClock
) -> None:
    client = Client(await emulate("vnish", tries=3), session)
    assert [(await client.unlock("wrong"))[0] for _ in range(3)] == [403, 403, 403]
    status, reply = await client.unlock("admin")
    assert (status, reply["unlock_timeout"]) == (429, 301), "the right one does not help now"
    clock.wait(301)
    assert (await client.unlock("admin"))[0] == 200


async def test_a_preset_is_saved_and_taken_up_by_a_restart(
    emulate: Emulate, session: aiohttp.ClientSession, clock: HandClock
) -> None:
    miner = await emulate("vnish")
    client = Client(miner, session)
    await client.unlock("admin")
    presets = (await client.call("GET", "autotune/presets"))[1]
    assert [preset["name"] for preset in presets if preset["status"] == "untuned"] == ["1950"]
    assert presets[-1]["modded_psu_required"]
    saved = await client.call("POST", "settings", {"miner": {"overclock": {"preset": "2280"}}})
    assert saved == (200, {"restart_required": True, "reboot_required": False})
    assert (await client.call("GET", "perf-summary"))[1]["current_preset"]["name"] == "3250"
    assert (await client.call("GET", "status"))[1]["restart_required"]
    await client.call("POST", "mining/restart")
    assert (await client.call("GET", "summary"))[1] == {"miner": None}, "the daemon is down"
    assert (await client.call("GET", "status"))[1]["miner_state"] == "starting"
    clock.wait(20)
    assert (await client.call("GET", "status"))[1]["miner_state"] == "auto-tuning"
    clock.wait(300)
    assert miner.truth["power_w"] == pytest.approx(2280, rel=0.02)


async def test_a_throttle_needs_no_restart(emulate: Emulate, session: aiohttp.ClientSession, clock: HandClock) -> None:
    miner = await emulate("vnish")
    client = Client(miner, session)
    await client.unlock("admin")
    assert (await client.call("POST", "mining/throttle", {"percent": 10}))[0] == 500
    assert (await client.call("POST", "mining/throttle", {"percent": 50}))[0] == 200
    clock.wait(30)
    assert miner.truth["power_w"] == pytest.approx(1625, rel=0.02)
    assert miner.truth["restarts"] == 0


async def test_the_older_generation_cannot_be_throttled_and_is_silent_when_stopped(
    emulate: Emulate, session: aiohttp.ClientSession
) -> None:
    miner = await emulate("vnish", version="1.2.6")
    client = Client(miner, session)
    await client.unlock("admin")
    assert (await client.call("POST", "mining/throttle", {"percent": 50}))[0] == 404
    await client.call("POST", "mining/stop")
    assert (await client.call("GET", "summary"))[1] == {"miner": None}
    assert (await client.call("GET", "status"))[1]["miner_state"] == "stopped"
    assert miner.truth["asleep"]


@pytest.mark.parametrize(
    "body",
    [
        {"miner": {"overclock": {"preset": "1"}}},
        {"miner": {"cooling": {"mode": {"name": "manual", "param": 300}}}},
        {"miner": {"pools": []}},
        {"miner": {"pools": [{"url": "x"}]}},
    ],
)
async def test_settings_that_make_no_sense_are_not_taken(
    emulate: Emulate, session: aiohttp.ClientSession, body: Any
) -> None:
    client = Client(await emulate("vnish"), session)
    await client.unlock("admin")
    status, reply = await client.call("POST", "settings", body)
    assert (status, list(reply)) == (500, ["err"])


async def test_on_4028_it_looks_like_stock_but_for_its_name(emulate: Emulate) -> None:
    miner = await emulate("vnish", version="1.2.6")
    port = miner.port("cgminer")
    version = (await ask(miner.host, port, "version"))["VERSION"][0]
    assert version["Type"] == "Antminer S19 Pro (Vnish 1.2.6)"
    assert code_of(await ask(miner.host, port, "restart")) == 45
    assert (await ask(miner.host, port, "stats"))["STATS"][1]["GHS 5s"] == pytest.approx(110_000, rel=0.03)
