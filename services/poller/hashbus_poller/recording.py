"""A device's answers as a fixture: one file a question, raw and masked, beside what a driver made of them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address
from pathlib import Path

from pydantic import BaseModel

from hashbus.messages import MinerReading
from hashbus_poller.drivers.contract import DeviceOptions, DriverSpec, Garbled
from hashbus_poller.examination import Examination
from hashbus_poller.masking import Masker
from hashbus_poller.sightings import secret_options
from hashbus_poller.standins import Secret

UNKNOWN = "unknown"
LONGEST_NAME = 80
SUFFIXES = (".json", ".bin", ".txt")
"""Of what a recording consists of."""

_UNFIT = re.compile(r"[^A-Za-z0-9.+_-]+")
"""Letters that do not belong into the name of a file."""


class AlreadyThere(Exception):
    """There is a recording in the folder; the message says where."""


class RecordingTape:
    """A tape that keeps everything. Of a question asked twice the last answer counts: the reading was made of it."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.answers: dict[str, bytes] = {}

    def keep(self, question: str, answer: bytes) -> None:
        """Remember one exchange; see `Tape`."""
        self.answers[question] = answer


@dataclass(frozen=True, slots=True)
class Fixture:
    """What is written, and what was done to it."""

    files: Mapping[str, bytes]
    masked: Mapping[Secret, tuple[int, int]]
    """By kind: how many different things, in how many places."""
    pools: tuple[str, ...]
    """Addresses of pools, which are public as a rule and stay; a person decides whether these may."""


def fixture(spec: DriverSpec, options: DeviceOptions, answers: Mapping[str, bytes], seen: Examination) -> Fixture:
    """Make the files of a recording: every answer, the identity and the reading, without what is its owner's."""
    masker = Masker()
    for option in secret_options(spec.options):
        secret = getattr(options, option)
        masker.know(Secret.PASSWORD, secret.get_secret_value() if secret else None)
    host = getattr(options, "host", "")
    masker.know(Secret.IP if _is_ipv4(host) else Secret.NAME, host)
    results = _results(seen)
    for content in (*answers.values(), *results.values()):
        masker.learn(content)
    files: dict[str, bytes] = {}
    for question, answer in {**answers, **_garbled(answers, seen)}.items():
        content = masker.masked(answer)
        files[_file_name(_text(masker, question), content, {*files, *results})] = content
    files |= {name: masker.masked(content) for name, content in results.items()}
    pools = seen.reading.pools if isinstance(seen.reading, MinerReading) else ()
    return Fixture(
        files=files,
        masked={secret: (masker.values[secret], masker.places[secret]) for secret in masker.places},
        pools=tuple(dict.fromkeys(_text(masker, pool.url) for pool in pools)),
    )


def folder_of(into: Path, spec: DriverSpec, seen: Examination, *, model: str | None, firmware: str | None) -> Path:
    """Return where a recording belongs: DIR/driver/model/firmware; what the device does not tell is `unknown`."""
    identity = seen.identity
    model = model or (identity.model if identity else None) or UNKNOWN
    firmware = firmware or (identity.firmware_version or identity.firmware if identity else None) or UNKNOWN
    return into / spec.name / _fit(model) / _fit(firmware)


def write(folder: Path, files: Mapping[str, bytes], *, force: bool) -> None:
    """Write a recording; AlreadyThere when there is one, unless `force` replaces it. OSError as the disk says."""
    before = [path for path in folder.glob("*") if path.suffix in SUFFIXES] if folder.is_dir() else []
    if before and not force:
        raise AlreadyThere(f"{folder} has a recording already; --force replaces it")
    folder.mkdir(parents=True, exist_ok=True)
    for path in before:
        path.unlink()
    for name, content in files.items():
        (folder / name).write_bytes(content)


def _results(seen: Examination) -> dict[str, bytes]:
    files = {}
    if seen.identity is not None:
        files["identity.json"] = _json(seen.identity)
    if isinstance(seen.reading, MinerReading):
        # How long it took on the wire is a figure of the network, not of the device.
        files["reading.json"] = _json(seen.reading.model_copy(update={"latency_ms": None}))
    elif seen.reading is not None:
        files["reading.json"] = _json(seen.reading)
    if seen.error is not None:
        files["error.txt"] = f"{type(seen.error).__name__}: {seen.error}\n".encode()
    return files


def _garbled(answers: Mapping[str, bytes], seen: Examination) -> dict[str, bytes]:
    """Return what was not understood, where it has not come on the tape."""
    error = seen.error
    is_new = isinstance(error, Garbled) and error.payload and error.payload not in answers.values()
    return {"not understood": error.payload} if isinstance(error, Garbled) and is_new else {}


def _json(value: BaseModel) -> bytes:
    fields = value.model_dump(mode="json", exclude_none=True)
    return json.dumps(fields, indent=1, ensure_ascii=False).encode() + b"\n"


def _file_name(question: str, answer: bytes, taken: set[str]) -> str:
    """Return a name for an answer: `.json` where it is that, byte for byte; `.bin` otherwise."""
    try:
        json.loads(answer)
        suffix = ".json"
    except (ValueError, RecursionError):
        suffix = ".bin"
    stem = _fit(question)
    numbers = iter(range(2, len(taken) + 3))
    name = f"{stem}{suffix}"
    while name in taken:
        name = f"{stem}-{next(numbers)}{suffix}"
    return name


def _fit(text: str) -> str:
    return _UNFIT.sub("_", text).strip("._")[:LONGEST_NAME] or UNKNOWN


def _text(masker: Masker, text: str) -> str:
    return masker.masked(text.encode()).decode("utf-8", "replace")


def _is_ipv4(host: str) -> bool:
    try:
        IPv4Address(host)
    except AddressValueError:
        return False
    return True
