"""From a miner that falls silent on the wire to the message in the chat: simulator, poller, broker, notifier, Telegram.

Holds are off, so that what is measured is the way and not the patience. The miner refuses connections from one moment
on; the clock stops when the fake Telegram server has the message. Half of the poll interval is in it, on average.
"""

from __future__ import annotations

import asyncio
import json
import tempfile
import time
import urllib.request
from pathlib import Path
from statistics import median

import yaml

from benchmarks.figures import Figure
from benchmarks.servers import Service, Simulator, SiteBroker
from tests.notifier.telegram_server import CHAT, TOKEN, Telegram, telegram

HOST = "127.36.0.1"
INTERVAL_S = 1.0
ALERTS, QUICK_ALERTS = 20, 1
PATIENCE_S = 60.0


async def measure(*, quick: bool) -> list[Figure]:
    """Let a miner vanish and come back again and again; about two minutes."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        async with telegram() as chat:
            with SiteBroker(folder / "broker") as broker, Simulator(folder, _devices()) as simulator:
                file = _site_file(folder, broker, chat)
                with Service("poller", file), Service("notifier", file):
                    taken = [await _vanish(simulator, chat) for _ in range(QUICK_ALERTS if quick else ALERTS)]
    taken.sort()
    return [
        Figure("alert_latency_p50", median(taken), "s", "", f"from the wire to the chat; read every {INTERVAL_S:g} s"),
        Figure("alert_latency_max", taken[-1], "s", "", f"of {len(taken)}"),
    ]


def _devices() -> dict[str, object]:
    return {"devices": [{"id": "attic", "family": "cgminer", "host": HOST}]}


def _site_file(folder: Path, broker: SiteBroker, chat: Telegram) -> Path:
    (folder / "token").write_text(TOKEN, encoding="ascii")
    channel = {"kind": "telegram", "token_file": "token", "chats": [CHAT], "api_url": chat.url, "answers": False}
    site = {
        "site": "home",
        "data_dir": str(folder / "var"),
        "broker": broker.settings("{service}") | {"password_file": str(broker.secrets / "{service}")},
        "poller": {
            "interval_s": INTERVAL_S,
            "offline_retry_s": 1,
            "devices": {"attic": {"driver": "cgminer", "host": HOST}},
        },
        "notifier": {"offline_hold_s": 0, "clear_hold_s": 0, "service_hold_s": 3600, "channels": {"phone": channel}},
    }
    file = folder / "site.yaml"
    file.write_text(yaml.safe_dump(site), encoding="utf-8")
    return file


async def _vanish(simulator: Simulator, chat: Telegram) -> float:
    heard = len(chat.texts())
    begun_s = time.monotonic()
    await asyncio.to_thread(_fault, simulator, "refuse")
    await chat.until(lambda it: any("offline" in text for text in it.texts()[heard:]), PATIENCE_S)
    taken_s = time.monotonic() - begun_s
    heard = len(chat.texts())
    await asyncio.to_thread(_fault, simulator, None)
    await chat.until(lambda it: any("over" in text for text in it.texts()[heard:]), PATIENCE_S)
    return taken_s


def _fault(simulator: Simulator, kind: str | None) -> None:
    url = f"http://{simulator.host}:{simulator.port}/devices/attic/fault"
    body = json.dumps({"kind": kind}).encode() if kind else None
    method = "POST" if kind else "DELETE"
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"}, method=method)
    with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310 - our own simulator
        answer.read()
