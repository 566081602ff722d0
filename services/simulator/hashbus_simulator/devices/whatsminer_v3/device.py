"""A WhatsMiner with API v3: ports 4433 and 4028."""

from collections.abc import Mapping, Sequence

from hashbus_simulator.devices.cgminer.wire import CgminerDialect, Document, Request
from hashbus_simulator.devices.contract import Place, World
from hashbus_simulator.devices.front import MinerFront, physics_of
from hashbus_simulator.devices.requests import json_object
from hashbus_simulator.devices.truth import miner_truth
from hashbus_simulator.devices.whatsminer_v3 import compat
from hashbus_simulator.devices.whatsminer_v3.auth import decrypt_param
from hashbus_simulator.devices.whatsminer_v3.frames import FrameDialect, reply_document
from hashbus_simulator.devices.whatsminer_v3.params import BadParam, members, whole_number
from hashbus_simulator.devices.whatsminer_v3.reads import NO_PARAM, READS, UNKNOWN_COMMAND, Answer, summary
from hashbus_simulator.devices.whatsminer_v3.state import WhatsminerState
from hashbus_simulator.devices.whatsminer_v3.system import SYSTEM_WRITES, take_image
from hashbus_simulator.devices.whatsminer_v3.writes import WRITES
from hashbus_simulator.serving import HttpPort, Push, Reply, TcpPort
from hashbus_simulator.settings import WhatsminerBlock

NO_PERMISSION = Answer(-4, "no permission")
BAD_JSON = Answer(-3, "invalid json")
ENCRYPTED = frozenset({"set.miner.pools", "set.user.change_passwd"})
MAX_REPORT_GAP_S = 285
ALL_WRITES = {**WRITES, **SYSTEM_WRITES}


class WhatsminerV3(MinerFront[WhatsminerState]):
    """Reads need no rights, writes a signature (PROTOCOLS.md 1)."""

    __slots__ = ("_state", "ports")
    family = "whatsminer_v3"

    def __init__(self, block: WhatsminerBlock, place: Place, world: World) -> None:
        physics = physics_of(block, place, world)
        super().__init__(WhatsminerState(block, place, physics, world.clock.unix_s))
        api = FrameDialect(self._reply, self._expects_image, idle_close_s=block.idle_close_s)
        old = CgminerDialect(self._reply_old, command_keys=("command", "cmd"))
        self.ports: Sequence[TcpPort | HttpPort] = (
            TcpPort("api", place.host, block.ports.get("api", 4433), api),
            TcpPort("cgminer", place.host, block.ports.get("cgminer", 4028), old),
        )

    def truth(self) -> Mapping[str, object]:
        """What really is."""
        miner = self._state
        return miner_truth(miner.physics, miner.pools) | {
            "power_mode": miner.power_mode,
            "heat_mode": miner.heat_mode,
            "fast_boot": miner.fast_boot,
            "hostname": miner.hostname,
            "led": miner.led,
            "salt": miner.vault.salt,
        }

    def _expects_image(self) -> bool:
        return self._state.expects_image

    def _reply_old(self, request: Request) -> Document:
        self._state.physics.catch_up()
        return compat.reply(self._state, request)

    def _reply(self, request: bytes, credentials_rejected: bool) -> Reply:
        miner = self._state
        miner.physics.catch_up()
        if miner.expects_image:
            return self._wrapped(take_image(miner), "set.system.update_firmware")
        fields = json_object(request) or {}
        cmd = fields.get("cmd")
        if not isinstance(cmd, str):
            return self._wrapped(BAD_JSON, "")
        if cmd in READS:
            return self._wrapped(READS[cmd](miner, fields.get("param")), cmd)
        if not cmd.startswith("set."):
            return self._wrapped(UNKNOWN_COMMAND, cmd)
        answer = NO_PERMISSION if credentials_rejected else self._write(cmd, fields)
        push = self._report(fields.get("param")) if cmd == "set.miner.report" and answer.code == 0 else None
        return self._wrapped(answer, cmd)._replace(push=push)

    def _write(self, cmd: str, fields: Mapping[str, object]) -> Answer:
        digest = self._state.vault.accepts(fields, self._state.unix_s())
        if digest is None:
            return NO_PERMISSION
        if cmd not in ALL_WRITES and cmd != "set.miner.report":
            return UNKNOWN_COMMAND
        param = fields.get("param")
        if cmd in ENCRYPTED:
            param = decrypt_param(param, digest)
        try:
            if cmd == "set.miner.report":
                _gap_s(param)
                return Answer(0, "ok")
            return ALL_WRITES[cmd](self._state, param)
        except BadParam:
            return NO_PARAM

    def _report(self, param: object) -> Push:
        """Frames sent unasked on this connection: the summary, every so many seconds."""
        return Push(float(_gap_s(param)), self._report_document)

    def _report_document(self) -> bytes:
        self._state.physics.catch_up()
        return self._wrapped(Answer(0, {"summary": summary(self._state)}), "get.miner.report").document

    def _wrapped(self, answer: Answer, cmd: str) -> Reply:
        msg = _as_strings(answer.msg) if self._state.block.string_numbers else answer.msg
        return Reply(reply_document(answer.code, self._state.unix_s(), msg, cmd), tail=answer.tail)


def _gap_s(param: object) -> int:
    (gap,) = members(param, "gap")
    return whole_number(gap, 0, MAX_REPORT_GAP_S)


def _as_strings(msg: object) -> object:
    """Some firmware writes numbers as strings."""
    if isinstance(msg, dict):
        return {key: _as_strings(value) for key, value in msg.items()}
    if isinstance(msg, list):
        return [_as_strings(value) for value in msg]
    return str(msg) if isinstance(msg, int | float) and not isinstance(msg, bool) else msg
