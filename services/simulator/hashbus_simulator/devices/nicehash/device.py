"""The API of NiceHash on the network: one rig, for who signs with the account's key."""

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass

from aiohttp import web

from hashbus_simulator.devices.contract import Place, World
from hashbus_simulator.devices.front import MinerFront, physics_of
from hashbus_simulator.devices.pools import FACTORY_POOLS
from hashbus_simulator.devices.truth import miner_truth
from hashbus_simulator.nicehash_settings import NicehashBlock
from hashbus_simulator.physics import MinerPhysics
from hashbus_simulator.serving import HttpPort

BASE = "/main/api/v2/mining"
VERSIONS = "NHM/3.1.1.0/EM"


@dataclass(frozen=True, slots=True)
class NicehashState:
    """The rig behind the cloud."""

    block: NicehashBlock
    place: Place
    physics: MinerPhysics


class Nicehash(MinerFront[NicehashState]):
    """Answers as the cloud does; what it says of the rig is of this moment."""

    family = "nicehash"
    offline_left_s = 0.0  # the cloud stays while the rig boots

    def __init__(self, block: NicehashBlock, place: Place, world: World) -> None:
        super().__init__(NicehashState(block, place, physics_of(block, place, world)))
        self._unix_s = world.clock.unix_s
        self._orders = 0
        self.ports = (HttpPort("web", place.host, block.ports.get("web", 8080), self._answer),)

    def truth(self) -> Mapping[str, object]:
        """What really is."""
        return miner_truth(self._state.physics, FACTORY_POOLS) | {"orders": self._orders}

    async def _answer(self, request: web.BaseRequest, credentials_rejected: bool) -> web.Response:
        body = await request.read()
        if credentials_rejected or not self._is_signed(request, body):
            return _json({"error_id": "1", "errors": [{"code": 2000, "message": "Invalid session"}]}, status=401)
        block, physics = self._state.block, self._state.physics
        if request.method == "GET" and request.path == f"{BASE}/rig2/{block.rig_id}":
            physics.catch_up()
            return _json(rig(block, physics, int(self._unix_s() * 1000)))
        if request.method == "POST" and request.path == f"{BASE}/rigs/status2":
            return self._order(json.loads(body))
        return _json({"errors": [{"code": 5012, "message": "Mining rig not found"}]}, status=404)

    def _order(self, asked: Mapping[str, object]) -> web.Response:
        block, physics = self._state.block, self._state.physics
        if asked.get("rigId") != block.rig_id or asked.get("action") not in ("START", "STOP"):
            return _json({"errors": [{"code": 5011, "message": "Wrong action"}]}, status=400)
        if not block.takes_orders:
            return _json({"success": False, "message": "Rig is not managed"})
        (physics.wake if asked["action"] == "START" else physics.sleep)()
        self._orders += 1
        return _json({"success": True, "successType": "SUCCESS"})

    def _is_signed(self, request: web.BaseRequest, body: bytes) -> bool:
        """Whether the signature is that of the account's key, over this very request, at this time."""
        block, headers = self._state.block, request.headers
        sent_ms, nonce = headers.get("X-Time", "0"), headers.get("X-Nonce", "")
        if not sent_ms.isdecimal() or abs(int(sent_ms) / 1000 - self._unix_s()) > block.skew_s:
            return False
        name = block.api_key.get_secret_value()
        parts = [name, sent_ms, nonce, "", block.organization_id, "", request.method, request.path, ""]
        message = "\0".join(parts).encode() + (b"\0" + body if body else b"")
        digest = hmac.new(block.api_secret.get_secret_value().encode(), message, hashlib.sha256).hexdigest()
        return hmac.compare_digest(headers.get("X-Auth", "").encode(), f"{name}:{digest}".encode())


def rig(block: NicehashBlock, physics: MinerPhysics, now_ms: int) -> dict[str, object]:
    """What the API says of the rig at this moment."""
    is_online = physics.offline_left_s == 0
    status = "OFFLINE" if not is_online else "STOPPED" if physics.asleep else "MINING"
    return {
        "rigId": block.rig_id,
        "type": "MANAGED",
        "name": "attic",
        "statusTime": now_ms,
        "minerStatus": status,
        "notifications": list(block.notes),
        "softwareVersions": VERSIONS,
        "devices": [_device(block, physics, status)] if is_online else [],
        "stats": [],
    }


def _device(block: NicehashBlock, physics: MinerPhysics, status: str) -> dict[str, object]:
    speed = {
        "algorithm": "SHA256ASICBOOST",
        "title": "SHA256AsicBoost",
        "speed": f"{physics.hashrate_ths:.8f}",
        "displaySuffix": "TH",
    }
    return {
        "id": "0-device1",
        "name": block.model,
        "deviceType": {"enumName": "ASIC", "description": "ASIC"},
        "status": {"enumName": status, "description": status.capitalize()},
        "temperature": round(physics.heat.chip_c),
        "revolutionsPerMinute": physics.fan_rpm(0),
        "revolutionsPerMinutePercentage": 60,
        "powerUsage": round(physics.power_w, 1),
        "speeds": [speed] if status == "MINING" else [],
    }


def _json(said: Mapping[str, object], *, status: int = 200) -> web.Response:
    text = json.dumps(said, separators=(",", ":"))
    return web.Response(text=text, status=status, content_type="application/json")
