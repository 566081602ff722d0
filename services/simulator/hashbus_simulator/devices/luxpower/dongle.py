"""The Wi-Fi dongle on the wire (PROTOCOLS.md 5.2): frames, heartbeats, and the cloud's talk that it lets out."""

import struct
from collections.abc import Callable
from typing import NamedTuple

from hashbus_simulator.devices.modbus.protocol import Function, Refusal, Unit, crc16
from hashbus_simulator.serving import Push, Reply

PREFIX = b"\xa1\x1a"
HEADER = struct.Struct("<2sHHBB10s")
DATA_HEAD = struct.Struct("<BB10sH")
HEARTBEAT, TRANSLATED = 0xC1, 0xC2
REQUEST, NORMAL = 1, 2  # the protocol numbers; a reply marked 1 has one value and no count of bytes
LONGEST_FRAME = 600
STRANGER = b"9999999999"


class Request(NamedTuple):
    """A data frame that asks for something."""

    function: int
    inverter: bytes
    first: int
    rest: bytes


class DongleDialect:
    """One client at a time; another one is sent away. What is meant for another dongle or inverter is not answered."""

    max_clients: int | None = 1
    idle_close_s: float | None = None
    patience_s: float | None = None

    def __init__(
        self, serials: tuple[str, str], unit: Callable[[], Unit], *, heartbeat_s: float, mirrors: bool
    ) -> None:
        self._dongle, self._inverter = (serial.encode() for serial in serials)
        self._unit = unit
        self._push = Push(heartbeat_s, self.heartbeat)
        self._mirrors = mirrors

    def heartbeat(self) -> bytes:
        """The 19 bytes that come now and then."""
        return HEADER.pack(PREFIX, NORMAL, 13, 1, HEARTBEAT, self._dongle) + b"\0"

    def take_request(self, received: bytearray, *, complete: bool) -> bytes | None:  # noqa: ARG002
        """One whole frame. Raises ValueError for what does not begin like one."""
        if not PREFIX.startswith(received[:2]):
            raise ValueError("no frame of a dongle")
        if len(received) < 6:
            return None
        end = 6 + int.from_bytes(received[4:6], "little")
        if not HEADER.size <= end <= LONGEST_FRAME:
            raise ValueError(f"a frame of {end} bytes")
        if len(received) < end:
            return None
        frame = bytes(received[:end])
        del received[:end]
        return frame

    def answer(self, request: bytes, *, credentials_rejected: bool) -> Reply | None:  # noqa: ARG002
        """The reply, and before it whatever the dongle lets out; an echoed heartbeat needs none."""
        asked = self._understood(request)
        if asked is None:
            return Reply(b"", push=self._push)
        noise = self._of_the_cloud() + self.heartbeat() if self._mirrors else b""
        return Reply(noise + self._replied(asked), push=self._push)

    def frame(self, document: bytes) -> bytes:
        """The document as it is: its header is part of it."""
        return document

    def _understood(self, request: bytes) -> Request | None:
        """The data frame, if it is for this dongle and inverter and its checksum is right."""
        _, _, _, _, function, dongle = HEADER.unpack_from(request)
        data = request[HEADER.size + 2 : -2]
        is_sound = struct.pack("<H", crc16(data)) == request[-2:]
        if function != TRANSLATED or dongle != self._dongle or not is_sound or len(data) < DATA_HEAD.size + 2:
            return None
        action, code, inverter, first = DATA_HEAD.unpack_from(data)
        if action != 0 or inverter != self._inverter:
            return None
        return Request(code, inverter, first, data[DATA_HEAD.size :])

    def _replied(self, asked: Request) -> bytes:
        try:
            protocol, body = self._carried_out(asked)
        except Refusal as refusal:
            asked = asked._replace(function=asked.function | 0x80)
            protocol, body = NORMAL, bytes((refusal.code,))
        return self._frame(protocol, asked.function, asked.inverter, asked.first, body)

    def _carried_out(self, asked: Request) -> tuple[int, bytes]:
        """Protocol number and body of the reply. Raises Refusal."""
        unit, value = self._unit(), int.from_bytes(asked.rest[:2], "little")
        match asked.function:
            case Function.READ_HOLDING | Function.READ_INPUT:
                words = unit.read(Function(asked.function), asked.first, value)
                packed = struct.pack(f"<{len(words)}H", *words)
                return (REQUEST, packed) if len(words) == 1 else (NORMAL, bytes((len(packed),)) + packed)
            case Function.WRITE_ONE:
                unit.write(asked.first, [value])
                return NORMAL, asked.rest[:2]
            case Function.WRITE_MANY:
                values = asked.rest[3:]
                if len(values) != 2 * value:
                    raise Refusal(3)
                unit.write(asked.first, struct.unpack(f"<{value}H", values))
                return NORMAL, asked.rest[:2]
        raise Refusal(1)

    def _of_the_cloud(self) -> bytes:
        """Answers to the cloud: about an inverter that is not ours, and about ours, of another length than we ask."""
        other = struct.pack("<B3H", 6, 4, 3512, 0)
        strange = self._frame(NORMAL, Function.READ_INPUT, STRANGER, 0, other)
        return strange + self._frame(NORMAL, Function.READ_INPUT, self._inverter, 0, other)

    def _frame(self, protocol: int, function: int, inverter: bytes, first: int, body: bytes) -> bytes:
        data = DATA_HEAD.pack(1, function, inverter, first) + body
        payload = struct.pack("<H", len(data) + 2) + data + struct.pack("<H", crc16(data))
        return HEADER.pack(PREFIX, protocol, HEADER.size - 6 + len(payload), 1, TRANSLATED, self._dongle) + payload
