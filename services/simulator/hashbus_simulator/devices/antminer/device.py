"""A stock Antminer: ports 4028 and 80."""

from collections.abc import Mapping, Sequence

from aiohttp import web

from hashbus_simulator.devices.antminer import api
from hashbus_simulator.devices.antminer.state import AntminerState
from hashbus_simulator.devices.antminer.web import answer
from hashbus_simulator.devices.cgminer.wire import CgminerDialect, Document, Request
from hashbus_simulator.devices.contract import Place, World
from hashbus_simulator.devices.front import MinerFront, physics_of
from hashbus_simulator.devices.truth import miner_truth
from hashbus_simulator.serving import HttpPort, TcpPort
from hashbus_simulator.settings import AntminerBlock


class Antminer(MinerFront[AntminerState]):
    """Reads on the cgminer port, control through the web pages (PROTOCOLS.md 3.5, 3.6)."""

    __slots__ = ("_state", "ports")
    family = "antminer"

    def __init__(self, block: AntminerBlock, place: Place, world: World) -> None:
        physics = physics_of(block, place, world)
        super().__init__(AntminerState(block, place, physics, world))
        self.ports: Sequence[TcpPort | HttpPort] = (
            TcpPort("cgminer", place.host, block.ports.get("cgminer", 4028), CgminerDialect(self._reply)),
            HttpPort("web", place.host, block.ports.get("web", 80), self._answer),
        )

    def truth(self) -> Mapping[str, object]:
        """What really is."""
        miner = self._state
        return miner_truth(miner.physics, miner.configuration.pools) | {
            "work_mode": miner.configuration.work_mode,
            "freq_level": miner.configuration.freq_level,
            "freq_mhz": miner.configuration.freq_mhz,
            "blinking": miner.is_blinking,
            "hostname": miner.hostname,
            "fan_rpm": [miner.physics.fan_rpm(fan) for fan in range(miner.physics.model.fans)],
        }

    def _reply(self, request: Request) -> Document | bytes | None:
        self._state.physics.catch_up()
        return api.reply(self._state, request)

    async def _answer(self, request: web.BaseRequest, credentials_rejected: bool) -> web.Response:
        return await answer(self._state, request, credentials_rejected)
