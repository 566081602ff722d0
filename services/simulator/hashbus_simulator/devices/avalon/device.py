"""An Avalon: its port 4028."""

from collections.abc import Mapping, Sequence

from hashbus_simulator.avalon_settings import AvalonBlock
from hashbus_simulator.devices.avalon import ascset, reads
from hashbus_simulator.devices.avalon.ascset import Said
from hashbus_simulator.devices.avalon.generation import Shape
from hashbus_simulator.devices.avalon.state import AvalonState
from hashbus_simulator.devices.cgminer import writes
from hashbus_simulator.devices.cgminer.codes import status
from hashbus_simulator.devices.cgminer.wire import CgminerDialect, Document, Request
from hashbus_simulator.devices.contract import Place, World
from hashbus_simulator.devices.front import MinerFront
from hashbus_simulator.devices.truth import miner_truth
from hashbus_simulator.serving import HttpPort, TcpPort

DESCRIPTION = "cgminer 4.11.1"
HOME_WRITES = frozenset({"switchpool", "enablepool", "disablepool", "poolpriority"})
WRITES = HOME_WRITES | {"addpool", "removepool"}
ASC_TEXTS = {107: "Invalid ASC id {} - range is 0 - 0", 118: "ASC 0 set info: {}", 119: "ASC 0 set OK",
             120: "ASC 0 set failed: {}"}  # fmt: skip
LETTERS = {118: "I", 119: "S"}


class Avalon(MinerFront[AvalonState]):
    """Answers one client at a time; what it is told to do may cost the reply."""

    __slots__ = ("_state", "ports")
    family = "avalon"

    def __init__(self, block: AvalonBlock, place: Place, world: World) -> None:
        super().__init__(AvalonState(block, place, world.clock))
        dialect = CgminerDialect(self._reply)
        self.ports: Sequence[TcpPort | HttpPort] = (
            TcpPort("cgminer", place.host, block.ports.get("cgminer", 4028), dialect, single_threaded=True),
        )

    @property
    def power_w(self) -> float:
        """What it draws now, in W: it may have been due to go to sleep."""
        self._state.catch_up()
        return super().power_w

    def truth(self) -> Mapping[str, object]:
        """What really is."""
        miner = self._state
        miner.catch_up()
        return miner_truth(miner.physics, miner.classic.pools) | {
            "active_pool": miner.classic.active_pool,
            "blinking": miner.is_lit,
            "step": miner.step.number,
            "unpowered": miner.is_unpowered,
        }

    def _reply(self, request: Request) -> Document | None:
        self._state.catch_up()
        if request.problem is not None:
            return self._document(request.problem)
        names = request.command.split("+")
        if len(names) > 1:
            return self._joined(names)
        return self._single(request.command, request.parameter, is_denied=request.is_denied)

    def _joined(self, names: list[str]) -> Document:
        if not self._state.block.joins or not all(self._has(name) for name in names):
            return self._document(14)
        return {**{name: [self._report(name)] for name in names}, "id": 1}

    def _single(self, command: str, parameter: str, *, is_denied: bool) -> Document | None:
        if self._has(command):
            return self._report(command)
        if command == "check":
            return self._check(parameter)
        if not self._writes(command):
            return self._document(14)
        if is_denied or not self._state.block.privileged:
            return self._document(45, command)
        return self._write(command, parameter)

    def _write(self, command: str, parameter: str) -> Document | None:
        if command == "ascset":
            return self._said(ascset.carry_out(self._state, parameter))
        if command == "setpool":
            return self._said(ascset.setpool(self._state, parameter))
        if command == "restart":
            writes.restart(self._state.classic)
            return {"STATUS": "RESTART"}
        code, details = writes.COMMANDS[command](self._state.classic, parameter)
        return self._document(code, *details)

    def _said(self, said: Said) -> Document | None:
        if said.is_silent:
            return None
        head = {
            "STATUS": LETTERS.get(said.code, "E"),
            "When": self._state.classic.unix_s(),
            "Code": said.code,
            "Msg": ASC_TEXTS[said.code].format(said.text),
            "Description": DESCRIPTION,
        }
        return {"STATUS": [head], "id": 1}

    def _has(self, name: str) -> bool:
        is_home = self._state.generation.shape is Shape.SUMMARY
        return name in reads.REPORTS and (name != "litestats" or is_home)

    def _writes(self, command: str) -> bool:
        """Whether this generation has the command: home models set pools only with the password of their page."""
        if command in {"ascset", "restart"}:
            return True
        if self._state.generation.has_setpool_command:
            return command == "setpool" or command in HOME_WRITES
        return command in WRITES

    def _check(self, command: str) -> Document:
        exists = self._has(command) or self._writes(command)
        may = self._has(command) or (exists and self._state.block.privileged)
        row = {"Exists": "Y" if exists else "N", "Access": "Y" if may else "N"}
        return self._document(72, sections={"CHECK": [row]})

    def _report(self, name: str) -> Document:
        code, details, sections = reads.REPORTS[name](self._state)
        return self._document(code, *details, sections=sections)

    def _document(self, code: int, *details: object, sections: Mapping[str, object] | None = None) -> dict[str, object]:
        head = status(code, self._state.classic.unix_s(), DESCRIPTION, *details)
        return {"STATUS": head, **(sections or {}), "id": 1}
