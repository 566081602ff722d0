"""A miner with VNish: ports 80 and 4028."""

from collections.abc import Collection, Mapping, Sequence

from aiohttp import web

from hashbus_simulator.devices.cgminer.wire import CgminerDialect, Document, Request
from hashbus_simulator.devices.contract import Place, World
from hashbus_simulator.devices.front import MinerFront, physics_of
from hashbus_simulator.devices.truth import miner_truth
from hashbus_simulator.devices.vnish import api
from hashbus_simulator.devices.vnish.rest import answer
from hashbus_simulator.devices.vnish.state import VnishState
from hashbus_simulator.serving import HttpPort, TcpPort
from hashbus_simulator.vnish_settings import VnishBlock

FAILURE = "failure"


class Vnish(MinerFront[VnishState]):
    """An Antminer under VNish. A fault of its own is `failure`: mining has ended with an error of the firmware."""

    family = "vnish"

    def __init__(self, block: VnishBlock, place: Place, world: World) -> None:
        physics = physics_of(block, place, world)
        super().__init__(VnishState(block, place, physics, world))
        self.ports: Sequence[TcpPort | HttpPort] = (
            HttpPort("web", place.host, block.ports.get("web", 80), self._answer),
            TcpPort("cgminer", place.host, block.ports.get("cgminer", 4028), CgminerDialect(self._reply)),
        )

    @property
    def symptom_names(self) -> Collection[str]:
        """The faults of its own."""
        return (FAILURE,)

    def show_symptom(self, name: str, count: int | None) -> None:  # noqa: ARG002  a state of the miner, not of replies
        """Fail."""
        self._state.has_failed = name == FAILURE

    def clear_symptoms(self) -> None:
        """Be well again."""
        self._state.has_failed = False

    def truth(self) -> Mapping[str, object]:
        """What really is; `pools` is where the hashes can go, `pool_passwords` what is saved."""
        miner = self._state
        return miner_truth(miner.physics, miner.running.pools) | {
            "preset": miner.running.preset,
            "saved_preset": miner.settings.preset,
            "top_preset": miner.settings.top_preset,
            "throttled_pct": miner.throttled_pct,
            "active_pool": miner.active_pool,
            "blinking": miner.is_blinking,
            "fan_pct": miner.physics.fan_pct,
            "locked_s": miner.locksmith.locked_s,
            "pool_passwords": [pool.password for pool in miner.settings.pools],
        }

    def _reply(self, request: Request) -> Document | None:
        self._state.physics.catch_up()
        return api.reply(self._state, request)

    async def _answer(self, request: web.BaseRequest, credentials_rejected: bool) -> web.Response:
        return await answer(self._state, request, credentials_rejected)
