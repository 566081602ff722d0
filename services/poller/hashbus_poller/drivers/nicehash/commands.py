"""What is asked of NiceHash, and how a request is signed: pure (REST API v2 and the vendor's own example clients)."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from pydantic import SecretStr

BASE = "/main/api/v2/mining"


@dataclass(frozen=True, slots=True)
class Command:
    """One request."""

    method: str
    path: str
    body: Mapping[str, object] | None = None

    @property
    def text(self) -> str | None:
        """The body as it is signed, which is as it is sent."""
        return None if self.body is None else json.dumps(dict(self.body))


@dataclass(frozen=True, slots=True)
class Key:
    """A key of the account: whose it is, its name, and what signs with it."""

    organization: str
    name: SecretStr
    secret: SecretStr


def rig(rig_id: str) -> Command:
    """Ask for all about a rig."""
    return Command("GET", f"{BASE}/rig2/{rig_id}")


def order(rig_id: str, action: str) -> Command:
    """Have a rig START or STOP all its devices."""
    return Command("POST", f"{BASE}/rigs/status2", MappingProxyType({"rigId": rig_id, "action": action}))


def signed(command: Command, key: Key, *, time_ms: int, nonce: str) -> dict[str, str]:
    """Return the headers of a request: HMAC-SHA256 over the parts of it, with a zero byte between each two."""
    name = key.name.get_secret_value()
    parts = [name, str(time_ms), nonce, "", key.organization, "", command.method, command.path, ""]
    if command.text is not None:
        parts.append(command.text)
    digest = hmac.new(key.secret.get_secret_value().encode(), "\0".join(parts).encode(), hashlib.sha256).hexdigest()
    return {
        "X-Time": str(time_ms),
        "X-Nonce": nonce,
        "X-Organization-Id": key.organization,
        "X-Request-Id": nonce,
        "X-Auth": f"{name}:{digest}",
    }
