"""The calls to the collector: upload, pending commands, results. The key goes in a header and nowhere else."""

from __future__ import annotations

import asyncio
import json
import ssl
from typing import TYPE_CHECKING, Any

import aiohttp

from hashbus.collector_record import COMMANDS_ONCE
from hashbus.config_errors import ConfigError

if TYPE_CHECKING:
    from hashbus_bridge.settings import BridgeSection

LARGEST_ANSWER = 4 * 1024 * 1024
DENIED = (401, 403)


class CloudAway(Exception):
    """The collector does not answer, or asks to come later: what was meant for it waits."""


class CloudRefuses(Exception):
    """The collector answers no: a wrong key, or a body it will never take. Trying the same again does not help."""

    def __init__(self, message: str, *, is_key: bool) -> None:
        """`is_key` says that the key is not accepted: then everything waits for a person."""
        super().__init__(message)
        self.is_key = is_key


class Uplink:
    """One site's line to its collector."""

    def __init__(self, settings: BridgeSection, http: aiohttp.ClientSession, site: str) -> None:
        """Prepare the calls; nothing is connected yet."""
        self._settings = settings
        self._http = http
        key = settings.api_key.get_secret_value() if settings.api_key else ""
        self._headers = {"X-Collector-Key": key, "X-Site-ID": site, COMMANDS_ONCE: "1"}
        self._tls = _tls(settings) if settings.url.startswith("https") else False
        password = settings.proxy_password.get_secret_value() if settings.proxy_password else ""
        self._proxy_auth = aiohttp.BasicAuth(settings.proxy_user, password) if settings.proxy_user else None

    async def upload(self, body: bytes) -> dict[str, Any]:
        """Send a gzipped JSON array of records (S1.7); returns the collector's count of them."""
        headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
        found = await self._call("POST", "upload", data=body, headers=headers)
        return found if isinstance(found, dict) else {}

    async def pending(self) -> list[Any]:
        """Return the commands that wait for this site (S1.14); the collector marks them as sent."""
        found = await self._call("GET", "commands/pending")
        commands = found.get("commands") if isinstance(found, dict) else found
        if not isinstance(commands, list):
            raise CloudAway("commands/pending gave no list of commands")
        return commands

    async def tell(self, command_id: str, result: dict[str, Any]) -> None:
        """Tell how a command ended (S1.18)."""
        await self._call("POST", f"commands/{command_id}/result", json=result)

    async def _call(self, method: str, path: str, **more: Any) -> Any:
        url = f"{self._settings.url}/api/collector/{path}"
        headers = {**self._headers, **more.pop("headers", {})}
        try:
            async with (
                asyncio.timeout(self._settings.timeout_s),
                self._http.request(
                    method,
                    url,
                    headers=headers,
                    ssl=self._tls,
                    proxy=self._settings.proxy,
                    proxy_auth=self._proxy_auth,
                    allow_redirects=False,
                    **more,
                ) as answer,
            ):
                return await self._understood(answer, path)
        except TimeoutError:
            raise CloudAway(f"no answer to {path} in {self._settings.timeout_s:g} s") from None
        except aiohttp.ClientError as error:
            raise CloudAway(f"{path}: {error}") from None

    async def _understood(self, answer: aiohttp.ClientResponse, path: str) -> Any:
        body = await _whole(answer, path)
        if answer.status in DENIED:
            why = _said(body) if answer.status == 403 else ""
            raise CloudRefuses(f"the collector does not accept this site's key{why}", is_key=True)
        if answer.status == 429 or answer.status >= 500:
            raise CloudAway(f"{path}: the collector answers {answer.status}")
        if answer.status >= 300:
            text = body[:200].decode("utf-8", "replace")
            raise CloudRefuses(f"{path}: the collector answers {answer.status}: {text}", is_key=False)
        try:
            return json.loads(body) if body else {}
        except ValueError:
            raise CloudAway(f"{path}: the answer is not JSON") from None


def _tls(settings: BridgeSection) -> ssl.SSLContext:
    """Trust the collector's own authority where one is given, the system's otherwise; ConfigError when it is none."""
    try:
        return ssl.create_default_context(cafile=str(settings.ca_file) if settings.ca_file else None)
    except (OSError, ssl.SSLError) as error:
        why = f"is no certificate authority in PEM form: {error.strerror or error}"
        raise ConfigError([f"bridge.ca_file: {settings.ca_file} {why}"]) from None


def _said(body: bytes) -> str:
    """Return what a collector says against a key that it knows: that it is of another site, for example."""
    try:
        error = json.loads(body)["error"]
    except (ValueError, KeyError, TypeError):
        return ""
    return f": {error[:300]}" if isinstance(error, str) else ""


async def _whole(answer: aiohttp.ClientResponse, path: str) -> bytes:
    body = bytearray()
    async for chunk in answer.content.iter_chunked(65_536):
        body += chunk
        if len(body) > LARGEST_ANSWER:
            raise CloudAway(f"{path}: the answer is longer than {LARGEST_ANSWER} bytes")
    return bytes(body)
