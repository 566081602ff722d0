"""A WhatsMiner with API v2: its port 4028."""

from collections.abc import Mapping, Sequence

from hashbus_simulator.devices.cgminer.wire import CgminerDialect, Document, Request, as_json
from hashbus_simulator.devices.contract import Place, World
from hashbus_simulator.devices.front import MinerFront, physics_of
from hashbus_simulator.devices.requests import json_object
from hashbus_simulator.devices.truth import miner_truth
from hashbus_simulator.devices.whatsminer_v2 import reads
from hashbus_simulator.devices.whatsminer_v2.reads import INVALID_COMMAND, MISSING_COMMAND, decoded, envelope
from hashbus_simulator.devices.whatsminer_v2.state import WhatsminerV2State
from hashbus_simulator.devices.whatsminer_v2.tokens import NotBase64, TooManyTokens, encrypted
from hashbus_simulator.devices.whatsminer_v2.writes import UNKNOWN, WRITES
from hashbus_simulator.devices.whatsminer_v3.params import BadParam
from hashbus_simulator.serving import HttpPort, TcpPort
from hashbus_simulator.whatsminer_v2_settings import WhatsminerV2Block

TOKEN_OK, BAD_TOKEN, LOCKED, NOT_BASE64 = 134, 135, 136, 137
INVALID_JSON, DENIED = 23, 45


class WhatsminerV2(MinerFront[WhatsminerV2State]):
    """Reports for everybody; writes for who knows the password of `admin` (PROTOCOLS.md 2)."""

    __slots__ = ("_state", "ports")
    family = "whatsminer_v2"

    def __init__(self, block: WhatsminerV2Block, place: Place, world: World) -> None:
        physics = physics_of(block, place, world)
        super().__init__(WhatsminerV2State(block, place, physics, world.clock))
        dialect = CgminerDialect(self._reply, command_keys=("command", "cmd"))
        self.ports: Sequence[TcpPort | HttpPort] = (
            TcpPort("cgminer", place.host, block.ports.get("cgminer", 4028), dialect),
        )

    def truth(self) -> Mapping[str, object]:
        """What really is."""
        miner = self._state
        return miner_truth(miner.physics, miner.pools) | {
            "power_mode": miner.power_mode,
            "fast_boot": miner.fast_boot,
            "hostname": miner.hostname,
            "led": miner.led,
            "tokens": miner.desk.alive(miner.clock()),
        }

    def _reply(self, request: Request) -> Document | bytes:
        miner = self._state
        miner.physics.catch_up()
        if "enc" in request.fields:
            return self._write(request.fields.get("data"), is_denied=request.is_denied)
        if request.problem is not None or not request.is_json:
            return envelope(miner, request.problem or INVALID_JSON, "json cmd err")
        is_for_cgminer = isinstance(request.fields.get("command"), str)
        names = request.command.split("+")
        if len(names) > 1:
            return self._joined(names, is_for_cgminer=is_for_cgminer)
        if request.command in reads.REPORTS:
            return reads.report(miner, request.command)
        if miner.block.split_processes and is_for_cgminer:
            return envelope(miner, INVALID_COMMAND, "invalid cmd")
        return self._own(request.command)

    def _joined(self, names: list[str], *, is_for_cgminer: bool) -> Document:
        """Several reports in one answer: only the classic ones, and only of whoever has a `command` there."""
        miner = self._state
        if not is_for_cgminer:
            return envelope(miner, MISSING_COMMAND, "invalid cmd")
        if miner.block.shape == "newer" or any(name not in reads.REPORTS for name in names):
            return envelope(miner, INVALID_COMMAND, "invalid cmd")
        return {**{name: [decoded(reads.report(miner, name))] for name in names}, "id": 1}

    def _own(self, command: str) -> Document | bytes:
        """What only the API's own process answers."""
        miner = self._state
        if command in reads.API_READS:
            return reads.api_read(miner, command)
        if command == "get_token":
            return self._token()
        denied = command in WRITES  # not enciphered: nobody may
        return envelope(
            miner, DENIED if denied else INVALID_COMMAND, "can't access write cmd" if denied else "invalid cmd"
        )

    def _token(self) -> Document:
        miner = self._state
        if not miner.desk.allows_writing:
            return envelope(miner, DENIED, "can't access write cmd")
        try:
            return envelope(miner, TOKEN_OK, miner.desk.issue(miner.clock(), miner.unix_s()))
        except TooManyTokens:
            return envelope(miner, LOCKED, "over max connect")

    def _write(self, data: object, *, is_denied: bool) -> Document:
        """An enciphered command; what is wrong with it is said in plain text, the rest is enciphered again."""
        miner = self._state
        if not miner.desk.allows_writing:
            return envelope(miner, DENIED, "can't access write cmd")
        try:
            fields = json_object(miner.desk.decrypt(data))
        except NotBase64:
            return envelope(miner, NOT_BASE64, "base64 decode err")
        if fields is None or is_denied:
            return envelope(miner, INVALID_JSON, "enc json load err")
        if not miner.desk.accepts(fields.get("token"), miner.clock()):
            return envelope(miner, BAD_TOKEN, "check token err")
        key = miner.desk.key()  # the command may change the password
        code, msg = self._carried_out(fields)
        return {"enc": encrypted(as_json(envelope(miner, code, msg)), key)}

    def _carried_out(self, fields: Mapping[str, object]) -> tuple[int, str]:
        command = WRITES.get(str(fields.get("cmd") or fields.get("command")))
        try:
            return UNKNOWN if command is None else command(self._state, fields)
        except BadParam:
            return INVALID_COMMAND, "invalid data"
