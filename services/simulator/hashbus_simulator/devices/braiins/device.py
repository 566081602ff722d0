"""A miner with Braiins OS: ports 80 and 4028."""

from collections.abc import Collection, Mapping, Sequence

from aiohttp import web

from hashbus_simulator.braiins_settings import BraiinsBlock
from hashbus_simulator.devices.braiins import api
from hashbus_simulator.devices.braiins.rest import answer
from hashbus_simulator.devices.braiins.state import BraiinsState
from hashbus_simulator.devices.cgminer.wire import CgminerDialect, Document, Request
from hashbus_simulator.devices.contract import Place, World
from hashbus_simulator.devices.front import MinerFront, physics_of
from hashbus_simulator.devices.truth import miner_truth
from hashbus_simulator.serving import HttpPort, TcpPort

BOARD_LOST = "board_lost"


class Braiins(MinerFront[BraiinsState]):
    """An Antminer under Braiins OS. A fault of its own is `board_lost`: the third board hashes no more."""

    family = "braiins"

    def __init__(self, block: BraiinsBlock, place: Place, world: World) -> None:
        physics = physics_of(block, place, world)
        super().__init__(BraiinsState(block, place, physics, world))
        self.ports: Sequence[TcpPort | HttpPort] = (
            HttpPort("web", place.host, block.ports.get("web", 80), self._answer),
            TcpPort("cgminer", place.host, block.ports.get("cgminer", 4028), CgminerDialect(self._reply)),
        )

    @property
    def symptom_names(self) -> Collection[str]:
        """The faults of its own."""
        return (BOARD_LOST,)

    def show_symptom(self, name: str, count: int | None) -> None:  # noqa: ARG002  a state of the miner, not of replies
        """Lose a board."""
        self._state.has_lost_board = name == BOARD_LOST

    def clear_symptoms(self) -> None:
        """Find it again."""
        self._state.has_lost_board = False

    def truth(self) -> Mapping[str, object]:
        """What really is."""
        miner = self._state
        pools = tuple(pool for group in miner.groups for pool in group.pools)
        return miner_truth(miner.physics, pools) | {
            "power_limit_w": miner.target_w,
            "tuner": str(miner.tuner),
            "stopped": miner.is_stopped,
            "blinking": miner.is_blinking,
            "fan_pct": miner.physics.fan_pct,
            "pool_passwords": [pool.password for pool in pools],
        }

    def _reply(self, request: Request) -> Document:
        self._state.physics.catch_up()
        return api.reply(self._state, request)

    async def _answer(self, request: web.BaseRequest, credentials_rejected: bool) -> web.Response:
        return await answer(self._state, request, credentials_rejected)
