"""What can go wrong with a device on the network, on request."""

import random
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field, model_validator

OVERSIZED_BYTES = 1_200_000  # clients must stop at 1 MiB = 1,048,576 bytes
DAEMON_DOWN_TEXT = b"Socket connect failed: Connection refused\n"


class FaultKind(StrEnum):
    """One way in which a device misbehaves; the same names in the control API, tests and demo."""

    REFUSE = "refuse"  # nobody listens: connection refused
    HANG = "hang"  # accepts, then stays silent
    CUT = "cut"  # hangs up in the middle of a reply
    TRICKLE = "trickle"  # sends one byte at a time
    GARBAGE = "garbage"  # random bytes in place of the reply
    MISSING_COMMA = "missing_comma"  # `}{` between array elements
    OVERSIZED = "oversized"  # a reply of more than 1 MiB
    SLOW = "slow"  # the right reply, late
    WRONG_PASSWORD = "wrong_password"  # no credentials are good enough  # noqa: S105
    TRUNCATED = "truncated"  # the text ends early, the connection ends cleanly
    NOT_JSON_TEXT = "not_json_text"  # a line of text in place of JSON


class Fault(BaseModel):
    """A fault as it is asked for: what, how often, how slowly.

    `count` is the number of replies that it spoils (None: until cleared; not for `refuse`, which has no
    replies). `delay_s` is real time: before the reply for `slow` (default 7 s), between bytes for `trickle`
    (default 0.05 s).
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: FaultKind
    count: int | None = Field(default=None, ge=1)
    delay_s: float | None = Field(default=None, ge=0, le=3600)

    @model_validator(mode="after")
    def _refuse_has_no_count(self) -> "Fault":
        if self.kind is FaultKind.REFUSE and self.count is not None:
            raise ValueError("a refused connection has no replies to count: clear the fault instead")
        return self

    @property
    def wait_s(self) -> float:
        """Real seconds to wait before the reply (`slow`) or between two bytes (`trickle`)."""
        if self.delay_s is not None:
            return self.delay_s
        return 7.0 if self.kind is FaultKind.SLOW else 0.05


class FaultSlot:
    """The fault of one device: none or one, until cleared or used up."""

    __slots__ = ("_fault", "_left")

    def __init__(self) -> None:
        self._fault: Fault | None = None
        self._left = 0

    @property
    def current(self) -> Fault | None:
        """The fault in force, without using it up."""
        return self._fault

    def put(self, fault: Fault) -> None:
        """Replace the fault in force."""
        self._fault = fault
        self._left = fault.count or 0

    def clear(self) -> None:
        """Behave well again."""
        self._fault = None

    def take(self) -> Fault | None:
        """The fault that the next reply suffers; counts it."""
        fault = self._fault
        if fault is None or fault.count is None:
            return fault
        self._left -= 1
        if self._left <= 0:
            self._fault = None
        return fault


def spoil_document(fault: Fault, document: bytes) -> bytes:
    """The document as the faulty device sends it; faults that act on the wire leave it as it is."""
    match fault.kind:
        case FaultKind.GARBAGE:
            return random.Random(len(document)).randbytes(max(64, len(document)))  # noqa: S311
        case FaultKind.TRUNCATED:
            return document[: len(document) * 2 // 3]
        case FaultKind.MISSING_COMMA:
            return document.replace(b"},{", b"}{").replace(b"}, {", b"}{")
        case FaultKind.OVERSIZED:
            return _padded(document)
        case FaultKind.NOT_JSON_TEXT:
            return DAEMON_DOWN_TEXT
    return document


def _padded(document: bytes) -> bytes:
    """A JSON object keeps its members and gets one more that is far too long."""
    padding = b'{"padding":"' + b"0" * OVERSIZED_BYTES + b'"'
    rest = document.lstrip()
    if not rest.startswith(b"{"):
        return padding + b"}"
    body = rest[1:].lstrip()
    return padding + (b"" if body.startswith(b"}") else b",") + body
