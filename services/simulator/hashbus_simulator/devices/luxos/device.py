"""A miner with LuxOS: ports 4028 and 80."""

from collections.abc import Collection, Mapping, Sequence

from aiohttp import web

from hashbus_simulator.devices.cgminer.wire import CgminerDialect, Document, Request
from hashbus_simulator.devices.contract import Place, World
from hashbus_simulator.devices.front import MinerFront, physics_of
from hashbus_simulator.devices.luxos import reads, writes
from hashbus_simulator.devices.luxos.codes import status
from hashbus_simulator.devices.luxos.reads import Read
from hashbus_simulator.devices.luxos.state import LuxosState
from hashbus_simulator.devices.truth import miner_truth
from hashbus_simulator.luxos_settings import LuxosBlock
from hashbus_simulator.serving import HttpPort, TcpPort

BOARD_LOST = "board_lost"
PAGE = "<!doctype html><html><head><title>Luxor Firmware</title></head><body><div id=app></div></body></html>"


class Luxos(MinerFront[LuxosState]):
    """An Antminer under LuxOS. A fault of its own is `board_lost`: the third board does not answer any more."""

    family = "luxos"

    def __init__(self, block: LuxosBlock, place: Place, world: World) -> None:
        physics = physics_of(block, place, world)
        super().__init__(LuxosState(block, place, physics, world))
        self.ports: Sequence[TcpPort | HttpPort] = (
            TcpPort("cgminer", place.host, block.ports.get("cgminer", 4028), CgminerDialect(self._reply)),
            HttpPort("web", place.host, block.ports.get("web", 80), self._answer),
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
        return miner_truth(miner.physics, miner.pools) | {
            "profile": miner.profile.name,
            "max_profile": miner.max_profile,
            "session": miner.session.holder,
            "active_pool": miner.active_pool,
            "blinking": miner.red_led == "blink",
            "fan_pct": miner.physics.fan_pct,
        }

    def _reply(self, request: Request) -> Document:
        self._state.physics.catch_up()
        if request.problem is not None:
            return self._document((request.problem, (), {}))
        names = request.command.split("+")
        if len(names) > 1 and self._state.block.joins:
            return {**{name: [self._report(name)] for name in names}, "id": 1}
        return self._document(self._single(request))

    def _report(self, name: str) -> Document:
        report = reads.REPORTS.get(name)
        return self._document((14, (), {}) if report is None else report(self._state))

    def _single(self, request: Request) -> Read:
        miner, command = self._state, request.command
        if command == "logon":
            return writes.logon(miner)
        if command in reads.REPORTS:
            return reads.REPORTS[command](miner)
        if command in writes.WITHOUT_SESSION:
            return writes.WITHOUT_SESSION[command](miner, request.parameter)
        if command not in writes.IN_SESSION:
            return 14, (), {}
        session_id, *arguments = request.parameter.split(",")
        if not miner.session.use(session_id):
            return 401, (), {}
        return writes.IN_SESSION[command](miner, arguments)

    def _document(self, read: Read) -> Document:
        code, details, sections = read
        head = status(code, self._state.unix_s(), self._state.block.version, *details)
        return {"STATUS": head, **sections, "id": 1}

    async def _answer(self, _request: web.BaseRequest, _rejected: bool) -> web.Response:
        return web.Response(text=PAGE, content_type="text/html")
