"""Alerts reach people through real channels, once, also when a channel or the notifier was away."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from aiohttp import web

from hashbus.clock import SYSTEM_CLOCK
from hashbus.messages import (
    Alert,
    AlertAck,
    AvailabilityState,
    DeviceOrder,
    MinerAvailability,
    MinerState,
    MinerTelemetry,
    PowerRequest,
)
from hashbus.mqtt_bus import MqttBus
from hashbus.settings import BrokerSettings
from tests.notifier.telegram_server import CHAT, GUEST, OWNER, TOKEN, Telegram, telegram, until
from tests.servers import Daemon, Mosquitto, answers, free_port

FAST = {"offline_hold_s": 0, "clear_hold_s": 0, "service_hold_s": 3600}


class Notifier(Daemon):
    """The service as the supervisor runs it."""

    def __init__(self, folder: Path, broker: Mosquitto, site: str, **section: Any) -> None:
        health = free_port()
        self.file, self.folder = folder / "site.yaml", folder
        (folder / "token").write_text(TOKEN + "\n")
        settings = {
            "site": site,
            "data_dir": str(folder / "var"),
            "broker": {"host": broker.host, "port": broker.port},
            "health": {"port": health},
            "notifier": {**FAST, **section},
        }
        self.file.write_text(yaml.safe_dump(settings))
        self.health_url = f"http://{self.host}:{health}/healthz"
        super().__init__(
            [sys.executable, "-m", "hashbus_notifier", "--config", str(self.file)],
            port=health,
            log=folder / "notifier.log",
            is_ready=lambda: answers(self.health_url),
        )


@asynccontextmanager
async def speaker(broker: Mosquitto, site: str, account: str) -> AsyncIterator[MqttBus]:
    async with MqttBus(BrokerSettings(host=broker.host, port=broker.port), site=site, account=account) as bus:
        await bus.connected()
        yield bus


def chat(server: Telegram, **more: Any) -> dict[str, Any]:
    place = {"kind": "telegram", "token_file": "token", "chats": [CHAT], "may_change": [OWNER], "api_url": server.url}
    return {"channels": {"phone": {**place, **more}}}


async def miner_goes(bus: MqttBus, site: str, state: str, miner: str = "attic") -> None:
    now = SYSTEM_CLOCK.now()
    bus.publish(
        MinerAvailability(
            site=site, at=now, miner=miner, state=AvailabilityState(state), since=now, reason="nothing listens"
        )
    )
    await bus.flush()


async def test_an_alert_is_told_once_and_its_end_too(tmp_path: Path, mosquitto: Mosquitto, site: str) -> None:
    async with telegram() as server, speaker(mosquitto, site, "poller") as poller:
        with Notifier(tmp_path, mosquitto, site, **chat(server)) as notifier:
            await miner_goes(poller, site, "offline")
            await server.until(lambda it: any("attic is offline" in text for text in it.texts()))
            notifier.kill()
            notifier.start()
            await miner_goes(poller, site, "online")
            await server.until(lambda it: any("over" in text for text in it.texts()))
        assert sum("attic is offline" in text and "over" not in text for text in server.texts()) == 1
        assert sum("over" in text for text in server.texts()) == 1


@pytest.mark.parametrize("mood", ["busy", "ill"])
async def test_what_a_channel_would_not_take_is_told_later(
    tmp_path: Path, mosquitto: Mosquitto, site: str, mood: str
) -> None:
    async with telegram() as server, speaker(mosquitto, site, "poller") as poller:
        server.mood = mood
        with Notifier(tmp_path, mosquitto, site, **chat(server)) as notifier:
            await miner_goes(poller, site, "offline")
            await server.until(lambda it: "sendMessage" in it.calls)
            assert server.texts() == []
            server.mood = "well"
            await server.until(lambda it: len(it.texts()) == 1, timeout_s=60)
            assert TOKEN not in notifier.log.read_text()


async def test_what_waited_for_a_dead_channel_survives_kill_9(tmp_path: Path, mosquitto: Mosquitto, site: str) -> None:
    port = free_port()
    section = chat(Telegram(url=f"http://127.0.0.1:{port}"), answers=False)
    async with speaker(mosquitto, site, "poller") as poller, speaker(mosquitto, site, "web") as reader:
        notifier = Notifier(tmp_path, mosquitto, site, **section)
        with notifier:
            async with reader.subscribe(Alert) as alerts:
                await miner_goes(poller, site, "offline")
                assert await alerts.next(20) is not None
            await asyncio.sleep(1)
            notifier.kill()
            async with telegram(port) as server:
                notifier.start()
                await server.until(lambda it: len(it.texts()) == 1, timeout_s=60)
                assert "attic is offline" in server.texts()[0]


async def test_an_escalation_is_spared_when_somebody_has_looked(
    tmp_path: Path, mosquitto: Mosquitto, site: str
) -> None:
    async with (
        telegram() as server,
        speaker(mosquitto, site, "poller") as poller,
        speaker(mosquitto, site, "web") as web,
    ):
        with Notifier(tmp_path, mosquitto, site, **chat(server, after_s=4, answers=False)):
            async with web.subscribe(Alert) as alerts:
                await miner_goes(poller, site, "offline", "seen")
                alert = await alerts.next(20)
                assert alert is not None
                web.publish(
                    AlertAck(site=site, at=SYSTEM_CLOCK.now(), key=alert.key, source="web", since=alert.since, by="ann")
                )
                await web.flush()
                await miner_goes(poller, site, "offline", "unseen")
            await server.until(lambda it: any("unseen" in text for text in it.texts()))
        assert not any("miner seen" in text for text in server.texts())


async def test_a_webhook_gets_it_through_apprise(tmp_path: Path, mosquitto: Mosquitto, site: str) -> None:
    heard: list[dict[str, Any]] = []

    async def take(request: web.Request) -> web.Response:
        heard.append(await request.json())
        return web.Response()

    app = web.Application()
    app.router.add_post("/hook", take)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    (tmp_path / "hook").write_text(f"json://127.0.0.1:{runner.addresses[0][1]}/hook")
    section = {"channels": {"hook": {"kind": "apprise", "url_secret_file": "hook"}}}
    try:
        async with speaker(mosquitto, site, "poller") as poller:
            with Notifier(tmp_path, mosquitto, site, **section):
                await miner_goes(poller, site, "offline")
                await until(lambda: heard)
    finally:
        await runner.cleanup()
    assert "attic is offline" in heard[0]["message"]


async def test_a_sign_of_life_is_sent(tmp_path: Path, mosquitto: Mosquitto, site: str) -> None:
    beats: list[str] = []

    async def take(request: web.Request) -> web.Response:
        beats.append(request.path)
        return web.Response()

    app = web.Application()
    app.router.add_get("/{secret}", take)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    (tmp_path / "beat").write_text(f"http://127.0.0.1:{runner.addresses[0][1]}/a-secret-path")
    try:
        with Notifier(tmp_path, mosquitto, site, heartbeat={"url_secret_file": "beat", "every_s": 10}) as notifier:
            await until(lambda: beats)
            assert "a-secret-path" not in notifier.log.read_text()
    finally:
        await runner.cleanup()


async def conversation(
    tmp_path: Path, mosquitto: Mosquitto, site: str, server: Telegram, act: Callable[[MqttBus], Any]
) -> None:
    now = SYSTEM_CLOCK.now()
    async with speaker(mosquitto, site, "poller") as poller:
        poller.publish(
            MinerTelemetry(
                site=site,
                at=now,
                miner="attic",
                driver="whatsminer",
                state=MinerState.MINING,
                power_w=3600,
                hashrate_ths=212,
            )
        )
        await poller.flush()
        with Notifier(tmp_path, mosquitto, site, **chat(server)):
            await server.until(lambda it: "getUpdates" in it.calls)
            await act(poller)


async def test_the_bot_tells_how_the_site_is(tmp_path: Path, mosquitto: Mosquitto, site: str) -> None:
    async with telegram() as server:

        async def ask(_bus: MqttBus) -> None:
            server.writes("/status")
            await server.until(lambda it: any("212.0 TH/s at 3.60 kW" in text for text in it.texts()))
            server.writes("/why@our_bot")
            await server.until(lambda it: any("nobody asks anything" in text for text in it.texts()))

        await conversation(tmp_path, mosquitto, site, server, ask)


async def test_the_owner_sets_a_power_and_others_may_not(tmp_path: Path, mosquitto: Mosquitto, site: str) -> None:
    async with telegram() as server, speaker(mosquitto, site, "controller") as controller:

        async def ask(_bus: MqttBus) -> None:
            async with controller.subscribe(PowerRequest) as heard:
                server.writes("/set attic 1000", user=GUEST)
                server.writes("/set attic 1000", user=OWNER, chat=999)
                server.writes("/set attic lots")
                await server.until(lambda it: any("watts, hours" in text for text in it.texts()))
                server.writes("/set attic 2000 4")
                request = await heard.next(20)
                assert request is not None
                assert (request.scope, request.cap_w, request.source) == ("attic", 2000, "notifier")
                assert request.until - request.at == timedelta(hours=4)
                await server.until(lambda it: any("2000 W" in text for text in it.texts()))
                assert not any("1000 W" in text for text in server.texts())

        await conversation(tmp_path, mosquitto, site, server, ask)


async def test_a_reboot_is_ordered_only_after_a_yes(tmp_path: Path, mosquitto: Mosquitto, site: str) -> None:
    async with telegram() as server:

        async def ask(poller: MqttBus) -> None:
            async with poller.subscribe(DeviceOrder) as heard:
                server.writes("/reboot attic")
                await server.until(lambda it: any(one["keyboard"] for one in it.sent))
                button = next(one for one in server.sent if one["keyboard"])["keyboard"][0][0]["callback_data"]
                assert await heard.next(0.5) is None
                server.presses(button, user=GUEST)
                server.presses(button)
                order = await heard.next(20)
                assert order is not None
                assert (order.miner, order.command.value, order.source) == ("attic", "reboot", "notifier")
                server.presses(button)
                await server.until(lambda it: any("too old" in text for text in it.edits))
                assert await heard.next(0.3) is None

        await conversation(tmp_path, mosquitto, site, server, ask)


def test_a_wrong_channel_is_told_at_the_start_without_its_secret(
    tmp_path: Path, mosquitto: Mosquitto, site: str
) -> None:
    (tmp_path / "bad").write_text("nonsense-with-a-password")
    notifier = Notifier(tmp_path, mosquitto, site, channels={"x": {"kind": "apprise", "url_secret_file": "bad"}})
    done = subprocess.run(
        [sys.executable, "-m", "hashbus_notifier", "--config", str(notifier.file)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode != 0
    assert "notifier.channels.x" in done.stderr
    assert "nonsense-with" not in done.stderr + done.stdout
