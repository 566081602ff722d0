"""What a reply of the cgminer family says: decoded once, its status checked, its fields read by name and kind.

The reply is kept beside what was read from it, so that every complaint can name the command, the field and the value,
and so that an answer nobody understands becomes a fixture.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, NoReturn

from pydantic_core import from_json

from hashbus_poller.drivers.cgminer.repair import repair
from hashbus_poller.drivers.contract import DeviceError, Garbled, Refused, Unreachable, Unsupported

LONGEST_WORD = 200
"""Characters of a name in a message (`hashbus.messages.Word`); what is longer is cut."""

LARGEST_NUMBER = 1e18
"""No figure of a miner is larger; `1e999` and numbers of a thousand digits are not figures."""

RATE_DECIMALS = 9
"""A rate in TH/s is kept to 1 kH/s; what a division adds behind that says nothing."""

COLDEST_C, HOTTEST_C = -80.0, 250.0
"""Outside this a sensor is missing or broken: -273, 255 and 65535 are what firmware puts there."""

_DAEMON_DOWN = ("socket connect failed", "connection refused")
_ABSENT = frozenset({"", "-", "nan", "-nan", "inf", "-inf", "null", "none", "n/a"})
_YES_OR_NO = {"y": True, "yes": True, "true": True, "1": True, "n": False, "no": False, "false": False, "0": False}
_DECODER = json.JSONDecoder(strict=False, parse_constant=lambda _: None)  # raw control characters; NaN, Infinity


class MinerDown(Exception):
    """The control board answers, but the mining process behind its API does not run; the text is the board's own."""


class CgminerError(Exception):
    """The miner's own words when it says no: the command, the code (PROTOCOLS.md 3.2) and the message.

    It never leaves a driver by itself; it is the `__cause__` of the DeviceError that does.
    """

    def __init__(self, command: str, code: int | None, msg: str) -> None:
        """Keep the three beside the text."""
        super().__init__(f"{command}: code {code}: {msg}")
        self.command = command
        self.code = code
        self.msg = msg


class Section:
    """The fields of one object in a reply, such as one board or one pool; `name` is for complaints."""

    __slots__ = ("_answer", "fields", "name")

    def __init__(self, answer: Answer, name: str, fields: dict[str, Any]) -> None:
        self._answer = answer
        self.name = name
        self.fields = fields

    def has(self, key: str) -> bool:
        """Say whether the firmware knows this field at all."""
        return key in self.fields

    def number(self, key: str) -> float | None:
        """Return a number, also where the firmware spells it as text; None where it is missing or empty."""
        value = self.fields.get(key)
        if value is None:
            return None
        kind = type(value)
        if kind is str:
            value = self._spelled(key, value)
        elif kind is not float and kind is not int:
            self.reject(key, "a number")
        if value is not None and not -LARGEST_NUMBER <= value <= LARGEST_NUMBER:
            self.reject(key, "a figure a miner can have")
        return value

    def count(self, key: str) -> int | None:
        """Return a whole number; firmware that writes counts as floats is forgiven."""
        value = self.number(key)
        return None if value is None else int(value)

    def rate_ths(self, key: str, per_terahash: float) -> float | None:
        """Return a hashrate in TH/s, of whose unit that many are one TH/s."""
        value = self.number(key)
        return None if value is None else round(value / per_terahash, RATE_DECIMALS)

    def celsius(self, key: str) -> float | None:
        """Return a temperature; None for 0 and for what no sensor can mean: there is none, or it is broken."""
        return sensed_c(self.number(key))

    def text(self, key: str) -> str | None:
        """Return a text without surrounding blanks; None where it is missing or empty."""
        value = self.fields.get(key)
        if value is None:
            return None
        if isinstance(value, int | float):
            value = str(value)
        if not isinstance(value, str):
            self.reject(key, "text")
        return value.strip()[:LONGEST_WORD] or None

    def flag(self, key: str) -> bool | None:
        """Return a yes or no, however it is spelled: true, "true", "Y", 1."""
        value = self.fields.get(key)
        if value is None or isinstance(value, bool):
            return value
        word = str(value).strip().lower()
        if word not in _YES_OR_NO:
            self.reject(key, "yes or no")
        return _YES_OR_NO[word]

    def listed(self, key: str) -> list[Any]:
        """Return a list; empty where it is missing."""
        value = self.fields.get(key)
        if value is None:
            return []
        if not isinstance(value, list):
            self.reject(key, "a list")
        return value

    def numbers(self, key: str) -> list[float | None]:
        """Return a list of numbers, each as `number` does; empty where it is missing."""
        return [Section(self._answer, f"{self.name} {key}", {key: one}).number(key) for one in self.listed(key)]

    def nested(self, key: str) -> list[Section]:
        """Return a list of objects; empty where it is missing."""
        found = self.listed(key)
        if not all(isinstance(one, dict) for one in found):
            self.reject(key, "a list of objects")
        return [Section(self._answer, f"{self.name} {key}", one) for one in found]

    def reject(self, key: str, wanted: str) -> NoReturn:
        """Complain that the field is missing or of the wrong kind."""
        found = f'has "{key}" = {str(self.fields[key])[:60]!r}' if key in self.fields else f'lacks "{key}"'
        self._answer.reject(f"{self.name} {found}; expected {wanted}")

    def _spelled(self, key: str, text: str) -> float | None:
        word = text.strip()
        if word.lower() in _ABSENT:
            return None
        try:
            return float(word)
        except ValueError:
            self.reject(key, "a number")


@dataclass(frozen=True, slots=True)
class Answer:
    """One decoded reply. `is_partial` says that it was cut short and what is missing may be missing for that."""

    question: str
    raw: bytes
    fields: dict[str, Any]
    is_partial: bool = False

    def whole(self) -> Section:
        """Return the outermost object itself."""
        return Section(self, self.question, self.fields)

    def section(self, name: str) -> Section:
        """Return the only or first object under that name; Garbled when there is none."""
        found = self.sections(name)
        if not found:
            self.reject(f'lacks "{name}"')
        return found[0]

    def sections(self, name: str) -> list[Section]:
        """Return the objects under that name, in either of the two shapes (PROTOCOLS.md 2.3); none where it is missing.

        The classic shape lists them under the section's name; the newer WhatsMiner one puts them, or the only one,
        under `Msg`.
        """
        found = self.fields.get(name)
        if found is None:
            found = self._in_message(name)
        rows = [found] if isinstance(found, dict) else found
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            self.reject(f'has "{name}" = {str(found)[:60]!r}; expected a list of objects')
        return [Section(self, name, row) for row in rows]

    def part(self, command: str) -> Answer | None:
        """Return the full reply to one command of a joined question; None when the cut took it away."""
        found = self.fields.get(command)
        if isinstance(found, list) and found and isinstance(found[0], dict):
            return Answer(command, self.raw, found[0], self.is_partial)
        if found is None and self.is_partial:
            return None
        return self.reject(f'has no reply to "{command}" in it')

    def status(self) -> tuple[str, int | None, str]:
        """Return letter, code and text of the STATUS; ("S", None, "") where there is none.

        It is a list of one object, the object itself (web and new API), or a letter beside `Code` and `Msg`.
        """
        status = self.fields.get("STATUS")
        head = status[0] if isinstance(status, list) and status else status
        if isinstance(head, str):
            head = {**self.fields, "STATUS": head}
        if not isinstance(head, dict):
            return "S", None, ""
        code = head.get("Code")
        return str(head.get("STATUS", "S")), code if isinstance(code, int) else None, str(head.get("Msg", ""))

    def require_success(self) -> Answer:
        """Return the answer itself unless the miner says that it will not or cannot: then raise what that means."""
        letter, code, msg = self.status()
        if letter in {"E", "F"}:
            error = CgminerError(self.question, code, msg)
            raise _meaning(error) from error
        return self

    def failed_with(self, *codes: int) -> bool:
        """Say whether the miner answered no with one of these codes."""
        letter, code, _ = self.status()
        return letter in {"E", "F"} and code in codes

    def reject(self, complaint: str) -> NoReturn:
        """Raise Garbled with the reply kept."""
        cut = " (the reply was cut short)" if self.is_partial else ""
        raise Garbled(f"{self.question}: the reply {complaint}{cut}", self.raw)

    def _in_message(self, name: str) -> Any:
        message = self.fields.get("Msg")
        if isinstance(message, dict):
            return message.get(name, message)
        return message if isinstance(message, list) else []


def decode(question: str, raw: bytes) -> Answer:
    """Return what a reply says; MinerDown when only the control board is up, Garbled when it is no JSON object."""
    try:
        fields = from_json(raw.strip(b"\0 \t\r\n"), allow_inf_nan=False)
    except ValueError:
        return _decode_odd(question, raw)
    if not isinstance(fields, dict):
        raise Garbled(f"{question}: answered {raw[:60]!r} instead of a JSON object", raw)
    return Answer(question, raw, fields)


def _decode_odd(question: str, raw: bytes) -> Answer:
    """Read what is not quite JSON: raw control characters, NaN, bytes that are no UTF-8, the faults of repair.py."""
    text = raw.decode("utf-8", "replace").strip("\0 \t\r\n")
    is_partial = False
    try:
        fields = _DECODER.decode(text)
    except (ValueError, RecursionError):
        fields, is_partial = _decode_broken(question, text, raw)
    if not isinstance(fields, dict):
        raise Garbled(f"{question}: answered {text[:60]!r} instead of a JSON object", raw)
    return Answer(question, raw, fields, is_partial)


def sensed_c(value: float | None) -> float | None:
    """Return a temperature in degrees Celsius; None for 0 ("no sensor") and for what no sensor can mean."""
    return value if value and COLDEST_C < value < HOTTEST_C else None


def _decode_broken(question: str, text: str, raw: bytes) -> tuple[Any, bool]:
    if text[:1] not in {"{", "[", '"', ","}:
        _complain_of_text(question, text, raw)
    repaired, is_partial = repair(text)
    try:
        return _DECODER.decode(repaired), is_partial
    except (ValueError, RecursionError):
        raise Garbled(f"{question}: the reply is broken beyond repair: {text[:60]!r}", raw) from None


def _complain_of_text(question: str, text: str, raw: bytes) -> NoReturn:
    line = text.partition("\n")[0].strip()[:200]
    if any(words in line.lower() for words in _DAEMON_DOWN):
        raise MinerDown(line)
    raise Garbled(f"{question}: answered {line[:60]!r} instead of JSON", raw)


def _meaning(error: CgminerError) -> DeviceError:
    """Return what a no means for the operator (PROTOCOLS.md 2.2 and 3.2)."""
    said = f"{error.command}: the miner answers {error.msg[:200]!r} (code {error.code})"
    if error.code == 45:
        return Refused(f"{said}; its api-allow gives this computer no right to it (`W:` allows writing)")
    if "over max connect" in error.msg.lower():
        return Unreachable(f"{said}; too many clients are connected")
    if error.code in {14, 127}:
        return Unsupported(f"{said}; this firmware has no such command")
    return Refused(said)
