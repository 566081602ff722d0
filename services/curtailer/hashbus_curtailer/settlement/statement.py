"""The document that proves a settlement: what was asked, what was recorded, what follows from it, and a signature.

The signature is Ed25519 over the document without it, as JSON with sorted keys and no spaces. Whoever has the document
can compute its result again from the record in it.
"""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import json
from collections.abc import Iterable
from datetime import datetime
from typing import Any, Literal

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from pydantic import ValidationError

from hashbus.messages import Moment
from hashbus.messages.base import describe
from hashbus_curtailer.settlement.baseline import Event, Part, Result, Rules, settled

KIND: Literal["hashbus curtailment settlement"] = "hashbus curtailment settlement"


class NotGenuine(ValueError):
    """A document that does not hold what it claims; says what does not fit."""


class Signature(Part):
    """Who vouches for it."""

    algorithm: Literal["Ed25519"] = "Ed25519"
    public_key: str
    value: str


class Statement(Part):
    """A settlement with everything that it follows from."""

    kind: Literal["hashbus curtailment settlement"] = KIND
    version: Literal[1] = 1
    site: str
    plan: str
    source: str | None
    why: str
    event: Event
    others: tuple[tuple[Moment, Moment], ...]
    rules: Rules
    measured: str
    record: dict[str, float]
    result: Result
    made_at: Moment
    signature: Signature | None = None

    def energy(self) -> dict[datetime, float]:
        """Return the recorded watt-hours by the beginning of their interval."""
        return {datetime.fromisoformat(at): wh for at, wh in self.record.items()}

    def again(self) -> Result:
        """Compute the result anew from the record."""
        return settled(self.event, self.others, self.rules, self.energy())


def signed(statement: Statement, key: Ed25519PrivateKey) -> Statement:
    """Return the document with a signature."""
    value = base64.b64encode(key.sign(_canonical(statement.model_dump(mode="json")))).decode()
    public_key = base64.b64encode(_raw(key.public_key())).decode()
    return statement.model_copy(update={"signature": Signature(public_key=public_key, value=value)})


def verified(text: str, expected: Ed25519PublicKey | None = None) -> Statement:
    """Return a genuine document; NotGenuine says why it is none.

    With `expected` the signature must be of that key; without, of the key that the document names.
    """
    try:
        raw = json.loads(text)
        statement = Statement.model_validate(raw)
    except ValidationError as error:
        raise NotGenuine(f"is no settlement: {describe(error)}") from None
    except ValueError as error:
        raise NotGenuine(f"is not JSON: {error}") from None
    if statement.signature is None:
        raise NotGenuine("is not signed")
    _check_signature(raw, statement.signature, expected)
    if statement.again() != statement.result:
        raise NotGenuine("its result does not follow from its record")
    return statement


def _check_signature(raw: dict[str, Any], signature: Signature, expected: Ed25519PublicKey | None) -> None:
    try:
        public_key = base64.b64decode(signature.public_key, validate=True)
        value = base64.b64decode(signature.value, validate=True)
        named = Ed25519PublicKey.from_public_bytes(public_key)
    except ValueError as error:
        raise NotGenuine(f"its signature cannot be read: {error}") from None
    if expected is not None and _raw(expected) != public_key:
        raise NotGenuine(f"is signed by {fingerprint(named)}, not by {fingerprint(expected)}")
    try:
        named.verify(value, _canonical(raw))
    except InvalidSignature:
        raise NotGenuine("its signature does not fit: it was changed after it was signed") from None


def _canonical(document: dict[str, Any]) -> bytes:
    content = {name: value for name, value in document.items() if name != "signature"}
    return json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def _raw(key: Ed25519PublicKey) -> bytes:
    return key.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)


def fingerprint(key: Ed25519PublicKey) -> str:
    """Return a short name of a key: the beginning of its SHA-256."""
    return f"sha256:{hashlib.sha256(_raw(key)).hexdigest()[:32]}"


def signer(statement: Statement) -> str:
    """Return the short name of the key that a document names."""
    if statement.signature is None:
        return "nobody"
    return fingerprint(Ed25519PublicKey.from_public_bytes(base64.b64decode(statement.signature.public_key)))


def as_json(statement: Statement) -> str:
    """Return the document as a file for people and programs."""
    return json.dumps(statement.model_dump(mode="json"), indent=1, ensure_ascii=False) + "\n"


def as_csv(statement: Statement) -> str:
    """Return the intervals as a CSV file."""
    out = io.StringIO()
    rows = csv.writer(out, lineterminator="\n")
    rows.writerow(["starts_at", "duration_s", "baseline_wh", "metered_wh", "delivered_wh", "promised_wh"])
    rows.writerows(_rows(statement))
    return out.getvalue()


def _rows(statement: Statement) -> Iterable[tuple[Any, ...]]:
    for one in statement.result.intervals:
        figures = (one.baseline_wh, one.metered_wh, one.delivered_wh, one.promised_wh)
        yield (one.starts_at.isoformat(), statement.rules.interval_s, *figures)
