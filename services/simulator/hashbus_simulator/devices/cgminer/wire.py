"""The cgminer API on the wire: one request, one document, one NUL, and the device hangs up (PROTOCOLS.md 3.1)."""

import json
from collections.abc import Callable, Mapping
from typing import NamedTuple

from hashbus_simulator.devices.requests import json_object
from hashbus_simulator.serving import Reply

MAX_REQUEST_BYTES = 4095
Document = Mapping[str, object]


class Request(NamedTuple):
    """A request as the miner understands it.

    `fields` are all members of the JSON object (newer Antminers look at `new_api` there). `problem` is the
    code to answer with when the request made no sense (23, 24). `is_denied`: no rights are good enough.
    """

    command: str
    parameter: str = ""
    fields: Mapping[str, object] = {}
    is_json: bool = True
    problem: int | None = None
    is_denied: bool = False


class CgminerDialect:
    """Cuts requests and frames replies; what is answered is the device's.

    `answer_request` returns the document, ready-made bytes where a firmware's output is not JSON, or None to
    hang up without a word. `command_keys` are the names under which the command may stand.
    """

    __slots__ = ("_answer", "_command_keys")
    max_clients: int | None = None
    idle_close_s: float | None = 10.0
    patience_s: float | None = 0.25

    def __init__(
        self,
        answer_request: Callable[[Request], Document | bytes | None],
        *,
        command_keys: tuple[str, ...] = ("command",),
    ) -> None:
        self._answer = answer_request
        self._command_keys = command_keys

    def take_request(self, received: bytearray, *, complete: bool) -> bytes | None:
        """Everything that has come, once it is a whole JSON object, is text, or has become too long."""
        text = received.lstrip()
        if not text and not complete:
            return None
        if not received:
            return None
        is_whole = complete or not text.startswith(b"{") or len(received) > MAX_REQUEST_BYTES
        if not is_whole and json_object(bytes(text)) is None:
            return None
        request = bytes(text[:MAX_REQUEST_BYTES])
        received.clear()
        return request

    def answer(self, request: bytes, *, credentials_rejected: bool) -> Reply | None:
        """One document, then the device hangs up."""
        parsed = parse_request(request, self._command_keys)._replace(is_denied=credentials_rejected)
        document = self._answer(parsed)
        if document is None:
            return None
        if isinstance(document, bytes):
            return Reply(document, hang_up=True)
        text = as_json(document) if parsed.is_json else as_text(document)
        return Reply(text, hang_up=True)

    def frame(self, document: bytes) -> bytes:
        """Exactly one NUL at the end."""
        return document + b"\0"


def parse_request(request: bytes, command_keys: tuple[str, ...] = ("command",)) -> Request:
    """JSON when it starts with a brace, else the text form `command|parameter`."""
    if not request.lstrip().startswith(b"{"):
        command, _, parameter = request.decode("utf-8", "replace").strip().partition("|")
        return Request(command, parameter, is_json=False)
    fields = json_object(request)
    if fields is None:
        return Request("", problem=23)
    command_key = next((key for key in command_keys if isinstance(fields.get(key), str)), None)
    if command_key is None:
        return Request("", fields=fields, problem=24)
    return Request(str(fields[command_key]), _as_parameter(fields.get("parameter")), fields=fields)


def as_json(document: Document) -> bytes:
    """Compact JSON, as the miners write it."""
    return json.dumps(document, separators=(",", ":")).encode()


def as_text(document: Document) -> bytes:
    """The pipe-delimited form that a client gets that did not ask in JSON."""
    text = b""
    for section, items in document.items():
        if isinstance(items, str):
            text += items.encode() + b"|"
        elif isinstance(items, list):
            text += b"".join(_row(section, item) for item in items)
    return text


def _row(section: str, item: Mapping[str, object]) -> bytes:
    """One element of a section: `SUMMARY,Elapsed=5|`, `POOL=0,URL=...|`, or a whole reply of a joined request."""
    if isinstance(item.get("STATUS"), list):
        return f"CMD={section}|".encode() + as_text(item)
    pairs = [f"{key}={value}" for key, value in item.items()]
    is_numbered = bool(item) and next(iter(item)) in {"STATUS", "STATS", "POOL", "ASC", "DEVDETAILS"}
    return (",".join(pairs if is_numbered else [section, *pairs]) + "|").encode()


def _as_parameter(parameter: object) -> str:
    if isinstance(parameter, str):
        return parameter
    return "" if parameter is None else json.dumps(parameter)
