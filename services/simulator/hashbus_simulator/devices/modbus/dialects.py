"""Modbus on the wire: behind the header of Modbus TCP, or as a serial frame with a checksum."""

import struct
from collections.abc import Callable

from hashbus_simulator.devices.modbus.protocol import HungUp, Unit, answered, crc16
from hashbus_simulator.serving import Reply

HEADER = struct.Struct(">HHHB")
LONGEST_PDU = 253
SERIAL_READ_BYTES = 8  # unit, function, two words, checksum: all requests but that of writing many

Units = Callable[[int], Unit | None]


class TcpModbus:
    """Modbus TCP. A unit that is not there is a gateway's exception 11."""

    max_clients: int | None
    idle_close_s: float | None = None
    patience_s: float | None = None

    def __init__(self, units: Units, *, max_clients: int | None = None) -> None:
        self._units = units
        self.max_clients = max_clients

    def take_request(self, received: bytearray, *, complete: bool) -> bytes | None:  # noqa: ARG002
        """One whole request with its header. Raises ValueError for what is no Modbus TCP."""
        if len(received) < HEADER.size:
            return None
        _, protocol, length, _ = HEADER.unpack_from(received)
        if protocol != 0 or not 2 <= length <= LONGEST_PDU + 1:
            raise ValueError("no header of Modbus TCP")
        end = 6 + length
        if len(received) < end:
            return None
        request = bytes(received[:end])
        del received[:end]
        return request

    def answer(self, request: bytes, *, credentials_rejected: bool) -> Reply | None:  # noqa: ARG002
        """The reply, header and all."""
        number, _, _, unit_id = HEADER.unpack_from(request)
        pdu = request[HEADER.size :]
        unit = self._units(unit_id)
        try:
            said = answered(unit, pdu) if unit is not None else bytes((pdu[0] | 0x80, 11))
        except HungUp:
            return None
        return Reply(HEADER.pack(number, 0, len(said) + 1, unit_id) + said)

    def frame(self, document: bytes) -> bytes:
        """The document as it is: its header is part of it."""
        return document


class RtuModbus:
    """Serial frames, on a line or through a gateway that passes them on. A unit that is not there stays silent."""

    max_clients: int | None = None
    idle_close_s: float | None = None
    patience_s: float | None = None

    def __init__(self, units: Units) -> None:
        self._units = units

    def take_request(self, received: bytearray, *, complete: bool) -> bytes | None:  # noqa: ARG002
        """One whole frame; everything is dropped when its checksum is wrong, as a silent line does."""
        if len(received) < SERIAL_READ_BYTES:
            return None
        is_many = received[1] == 16
        end = 9 + received[6] if is_many else SERIAL_READ_BYTES
        if len(received) < end:
            return None
        request = bytes(received[:end])
        is_sound = struct.pack("<H", crc16(request[:-2])) == request[-2:]
        if not is_sound:
            received.clear()
            return None
        del received[:end]
        return request

    def answer(self, request: bytes, *, credentials_rejected: bool) -> Reply | None:  # noqa: ARG002
        """The reply as a serial frame; nothing for a unit that is not there."""
        unit = self._units(request[0])
        if unit is None:
            return Reply(b"")
        try:
            said = request[:1] + answered(unit, request[1:-2])
        except HungUp:
            return None
        return Reply(said + struct.pack("<H", crc16(said)))

    def frame(self, document: bytes) -> bytes:
        """The document as it is: its checksum is part of it."""
        return document
