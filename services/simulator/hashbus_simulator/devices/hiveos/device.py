"""The Hive API on the network: one worker of one farm, for who has the account's token."""

import hmac
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from aiohttp import web

from hashbus_simulator.devices.contract import Place, World
from hashbus_simulator.devices.front import MinerFront, physics_of
from hashbus_simulator.devices.hiveos.worker import worker
from hashbus_simulator.devices.pools import FACTORY_POOLS
from hashbus_simulator.devices.truth import miner_truth
from hashbus_simulator.hiveos_settings import HiveosBlock
from hashbus_simulator.physics import MinerPhysics
from hashbus_simulator.serving import HttpPort

MINER_ACTIONS: Mapping[str, Callable[[MinerPhysics], None]] = MappingProxyType(
    {"start": MinerPhysics.wake, "stop": MinerPhysics.sleep, "restart": MinerPhysics.restart_mining}
)


@dataclass(frozen=True, slots=True)
class HiveosState:
    """The worker behind the cloud."""

    block: HiveosBlock
    place: Place
    physics: MinerPhysics


class Hiveos(MinerFront[HiveosState]):
    """Answers as the cloud does; what it says of the worker is of this moment."""

    family = "hiveos"
    offline_left_s = 0.0  # the cloud stays while the worker boots

    def __init__(self, block: HiveosBlock, place: Place, world: World) -> None:
        super().__init__(HiveosState(block, place, physics_of(block, place, world)))
        self._unix_s = world.clock.unix_s
        self._orders = 0
        self._root = f"/api/v2/farms/{block.farm_id}/workers/{block.worker_id}"
        self.ports = (HttpPort("web", place.host, block.ports.get("web", 8080), self._answer),)

    def truth(self) -> Mapping[str, object]:
        """What really is."""
        return miner_truth(self._state.physics, FACTORY_POOLS) | {"orders": self._orders}

    async def _answer(self, request: web.BaseRequest, credentials_rejected: bool) -> web.Response:
        sent = request.headers.get("Authorization", "")
        right = f"Bearer {self._state.block.token.get_secret_value()}"
        if credentials_rejected or not hmac.compare_digest(sent.encode(), right.encode()):
            return _json({"code": 401, "message": "Unauthenticated"}, status=401)
        if request.path == self._root and request.method == "GET":
            self._state.physics.catch_up()
            return _json(worker(self._state.block, self._state.place, self._state.physics, int(self._unix_s())))
        if request.path == f"{self._root}/command" and request.method == "POST":
            return await self._order(request)
        return _json({"code": 404, "message": "Not found"}, status=404)

    async def _order(self, request: web.BaseRequest) -> web.Response:
        if self._state.block.is_reader:
            return _json({"code": 403, "message": "Forbidden"}, status=403)
        asked = await request.json()
        data = asked.get("data") or {}
        act = MINER_ACTIONS.get(str(data.get("action"))) if asked.get("command") == "miner" else None
        if asked.get("command") == "reboot":
            act = MinerPhysics.reboot
        if act is None:
            return _json({"code": 422, "message": "The command is invalid."}, status=422)
        act(self._state.physics)
        self._orders += 1
        return _json({"commands": [{"id": self._orders, "command": asked["command"]}]}, status=201)


def _json(said: Mapping[str, object], *, status: int = 200) -> web.Response:
    text = json.dumps(said, separators=(",", ":"))
    return web.Response(text=text, status=status, content_type="application/json")
