"""A miner run by plain cgminer: its port 4028."""

from collections.abc import Mapping, Sequence

from hashbus_simulator.devices.cgminer import reads, writes
from hashbus_simulator.devices.cgminer.codes import status
from hashbus_simulator.devices.cgminer.state import CgminerState
from hashbus_simulator.devices.cgminer.wire import CgminerDialect, Document, Request
from hashbus_simulator.devices.contract import Place, World
from hashbus_simulator.devices.front import MinerFront, physics_of
from hashbus_simulator.devices.truth import miner_truth
from hashbus_simulator.serving import HttpPort, TcpPort
from hashbus_simulator.settings import CgminerBlock

DESCRIPTION = "cgminer 4.12.1"


class PlainCgminer(MinerFront[CgminerState]):
    """Answers the cgminer API; joined reads are allowed, writing only with `privileged: true`."""

    __slots__ = ("_block", "_state", "ports")
    family = "cgminer"

    def __init__(self, block: CgminerBlock, place: Place, world: World) -> None:
        super().__init__(CgminerState(place, block.model, physics_of(block, place, world), world.clock.unix_s))
        self._block = block
        number = block.ports.get("cgminer", 4028)
        self.ports: Sequence[TcpPort | HttpPort] = (
            TcpPort("cgminer", place.host, number, CgminerDialect(self._reply)),
        )

    def truth(self) -> Mapping[str, object]:
        """What really is."""
        return miner_truth(self._state.physics, self._state.pools) | {"active_pool": self._state.active_pool}

    def _reply(self, request: Request) -> Document:
        self._state.physics.catch_up()
        if request.problem is not None:
            return self._document(request.problem)
        names = request.command.split("+")
        if len(names) > 1:
            return self._joined(names)
        return self._single(request)

    def _joined(self, names: list[str]) -> Document:
        """Reports only; each full reply stands in a list under its name."""
        parts: dict[str, object] = {}
        for name in names:
            document = self._report(name) if name in reads.REPORTS else self._document(14)
            parts[name] = [document]
        return {**parts, "id": 1}

    def _single(self, request: Request) -> Document:
        command = request.command
        if command in writes.PRIVILEGED and (request.is_denied or not self._block.privileged):
            return self._document(45, command)
        if command in reads.REPORTS:
            return self._report(command)
        if command in writes.COMMANDS:
            code, details = writes.COMMANDS[command](self._state, request.parameter)
            return self._document(code, *details)
        if command in {"restart", "quit"}:
            writes.restart(self._state)
            return {"STATUS": "RESTART" if command == "restart" else "BYE"}
        return self._own(command, request.parameter)

    def _own(self, command: str, parameter: str) -> Document:
        """The reads that cannot be joined."""
        match command:
            case "privileged":
                return self._document(46)
            case "check":
                return self._check(parameter)
            case "asc":
                return self._asc(parameter)
        return self._document(14)

    def _report(self, command: str) -> Document:
        code, details, sections = reads.REPORTS[command](self._state)
        return self._document(code, *details, sections=sections)

    def _check(self, command: str) -> Document:
        """`check|COMMAND`: whether it exists, and whether this client may use it."""
        if not command:
            return self._document(71)
        exists = command in reads.REPORTS or command in writes.PRIVILEGED or command in {"check", "asc"}
        may = exists and (command not in writes.PRIVILEGED or self._block.privileged)
        row = {"Exists": "Y" if exists else "N", "Access": "Y" if may else "N"}
        return self._document(72, sections={"CHECK": [row]})

    def _asc(self, parameter: str) -> Document:
        boards = self._state.physics.model.boards
        if not parameter.isdecimal():
            return self._document(15)
        if int(parameter) >= boards:
            return self._document(107, parameter, boards - 1)
        code, details, sections = reads.asc(self._state, int(parameter))
        return self._document(code, *details, sections=sections)

    def _document(self, code: int, *details: object, sections: Mapping[str, object] | None = None) -> dict[str, object]:
        head = status(code, self._state.unix_s(), DESCRIPTION, *details)
        return {"STATUS": head, **(sections or {}), "id": 1}
