"""What is asked of the cgminer API: every request this client can send, and no other (S1.37)."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from hashbus_poller.drivers.contract import Refused

LONGEST_REQUEST = 4095
"""Bytes; the miner's buffer ends there (PROTOCOLS.md 3.1)."""

READS = frozenset(
    {"check", "coin", "config", "devdetails", "devs", "edevs", "estats", "get_version", "pools", "stats", "summary"}
    | {"version"}
)
WRITES = frozenset(
    {"addpool", "ascdisable", "ascenable", "enablepool", "pgadisable", "pgaenable", "restart", "switchpool"}
)
ALLOWED = READS | WRITES
"""What the cgminer driver may send; other families lend the port a list of their own."""


@dataclass(frozen=True, slots=True)
class Question:
    """One request, ready to send. `name` is for the tape and for complaints and holds no parameter that is secret."""

    name: str
    words: tuple[str, ...]
    request: bytes = field(repr=False)


def question(*words: str, parameter: str | None = None, is_secret: bool = False, new_api: bool = False) -> Question:
    """Make a request; several words are joined into one (reports only, PROTOCOLS.md 3.1).

    `new_api` asks newer Antminers for the shape of their web pages; others ignore it. Refused when the request is
    longer than a miner takes.
    """
    command = "+".join(words)
    body: dict[str, str | bool] = {"command": command}
    if parameter is not None:
        body["parameter"] = parameter
    if new_api:
        body["new_api"] = True
    request = json.dumps(body, separators=(",", ":")).encode()
    if len(request) > LONGEST_REQUEST:
        raise Refused(f"{command}: the request has {len(request)} bytes, the miner takes {LONGEST_REQUEST}")
    shown = "" if parameter is None or is_secret else f" {parameter}"
    return Question(command + shown, words, request)


VERSION = question("version")
SUMMARY = question("summary")
DEVS = question("devs")
POOLS = question("pools")
ALL_AT_ONCE = question("summary", "devs", "pools")
DEVDETAILS = question("devdetails")
WHATSMINER_VERSION = question("get_version")
RESTART = question("restart")


def may(command: str) -> Question:
    """Ask whether this computer may use a command; it is not carried out."""
    return question("check", parameter=command)


def switch_board(kind: str, number: int, *, on: bool) -> Question:
    """Give a board work or none; `kind` is how the miner numbers its boards: `ASC` or `PGA`."""
    return question(f"{kind.lower()}{'enable' if on else 'disable'}", parameter=str(number))


def add_pool(url: str, worker: str, password: str) -> Question:
    """Add a pool after the others."""
    parameter = ",".join(_escaped(part) for part in (url, worker, password))
    return question("addpool", parameter=parameter, is_secret=True)


def switch_pool(number: int) -> Question:
    """Mine for the pool of that number from now on."""
    return question("switchpool", parameter=str(number))


def _escaped(part: str) -> str:
    """Return a part of a comma-separated parameter; a backslash takes the meaning from a comma or a backslash."""
    return part.replace("\\", "\\\\").replace(",", "\\,")
