"""API v3 on the wire: a little-endian length, then JSON; an empty frame is a heartbeat (PROTOCOLS.md 1.1)."""

import json
import struct
from collections.abc import Callable, Mapping

from hashbus_simulator.serving import Reply

LENGTH = struct.Struct("<I")
MAX_FRAME_BYTES = 1 << 20
MAX_IMAGE_BYTES = 1 << 26


def frame(document: bytes) -> bytes:
    """The document behind its length."""
    return LENGTH.pack(len(document)) + document


class FrameDialect:
    """Cuts frames out of the stream, however it was split; the connection stays open between requests.

    `expects_image` says that the next frame is a firmware image, which may be larger than a request.
    """

    __slots__ = ("_answer", "_expects_image", "idle_close_s")
    max_clients: int | None = 10
    patience_s: float | None = None

    def __init__(
        self,
        answer_request: Callable[[bytes, bool], Reply],
        expects_image: Callable[[], bool],
        *,
        idle_close_s: float,
    ) -> None:
        self._answer = answer_request
        self._expects_image = expects_image
        self.idle_close_s: float | None = idle_close_s

    def take_request(self, received: bytearray, *, complete: bool) -> bytes | None:  # noqa: ARG002
        """The first whole frame; heartbeats are passed over. Raises ValueError for an absurd length."""
        while len(received) >= LENGTH.size:
            (length,) = LENGTH.unpack_from(received)
            if length == 0:
                del received[: LENGTH.size]
                continue
            if length > (MAX_IMAGE_BYTES if self._expects_image() else MAX_FRAME_BYTES):
                raise ValueError(f"a frame of {length} bytes")
            end = LENGTH.size + length
            if len(received) < end:
                return None
            request = bytes(received[LENGTH.size : end])
            del received[:end]
            return request
        return None

    def answer(self, request: bytes, *, credentials_rejected: bool) -> Reply | None:
        """The device's reply; the connection stays open."""
        return self._answer(request, credentials_rejected)

    def frame(self, document: bytes) -> bytes:
        """The document behind its length."""
        return frame(document)


def reply_document(code: int, when: int, msg: object, desc: object) -> bytes:
    """`code`, `when` (Unix seconds), `msg`, and in `desc` the command echoed (PROTOCOLS.md 1.2)."""
    document: Mapping[str, object] = {"code": code, "when": when, "msg": msg, "desc": desc}
    return json.dumps(document, separators=(",", ":")).encode()
