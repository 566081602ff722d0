"""The log of uploads and the acts of people, as people see them."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from hashbus_collector.answers import Answer

if TYPE_CHECKING:
    from collections.abc import Mapping


class UploadLine(BaseModel):
    """One line of the upload log."""

    at: datetime
    site_id: str
    key_id: str
    address: str | None
    status: int
    bytes_travelled: int
    bytes_unpacked: int
    processed: int
    stored: int
    rejected: int
    online: int
    processing_ms: float
    problem: str | None


class UploadLog(Answer):
    """The newest uploads."""

    uploads: list[UploadLine]


class AuditLine(BaseModel):
    """One act."""

    no: int
    at: datetime
    who: str
    action: str
    site_id: str | None
    subject: str
    details: dict[str, Any]
    address: str | None


class Audit(Answer):
    """The newest acts."""

    entries: list[AuditLine]
    next_before: int | None


def upload_line(row: Mapping[str, Any]) -> UploadLine:
    """Return one line of the upload log."""
    same = {name: row[name] for name in UploadLine.model_fields if name not in ("site_id", "key_id", "rejected")}
    return UploadLine(**same, site_id=row["site"], key_id=row["key"], rejected=row["refused"])


def audit_line(row: Mapping[str, Any]) -> AuditLine:
    """Return one act."""
    same = {name: row[name] for name in AuditLine.model_fields if name not in ("site_id", "details")}
    return AuditLine(**same, site_id=row["site"], details=json.loads(row["details"]))
