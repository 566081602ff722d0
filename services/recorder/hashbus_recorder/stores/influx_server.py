"""The connection to one database of an InfluxDB: where it is, who we are there, how it is written and asked."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import aiohttp

from hashbus_recorder.repository import StoreUnavailable
from hashbus_recorder.stores import influxql
from hashbus_recorder.stores.influx_write import LineWriter, V1Writer, V2Writer, exchanged, is_elsewhere, verdict

_TIMEOUT = aiohttp.ClientTimeout(total=60, connect=5)

_LARGE = 250_000
"""From this many characters on, reading an answer would hold up the bus: it is read in a thread."""

Table = dict[str, Any]


class InfluxServer:
    """One bucket, or one `database/retention_policy` as InfluxDB 1 writes it."""

    def __init__(self, url: str, *, bucket: str, org: str, token: str, api: str) -> None:
        """`api` is `v1` or `v2`, the call that writes; an InfluxDB 1 token is `user:password`."""
        self._url = url.rstrip("/")
        self._bucket, self._org, self._api = bucket, org, api
        headers = {"Authorization": f"Token {token}"} if token else {}
        self._session = aiohttp.ClientSession(timeout=_TIMEOUT, headers=headers)
        database, _, policy = bucket.partition("/")
        self._place = {"db": database, **({"rp": policy} if policy else {})}
        compress = is_elsewhere(self._url)
        self.writer: LineWriter = (
            V1Writer(self._url, self._session, self._place, compress=compress)
            if api == "v1"
            else V2Writer(self._url, org=org, bucket=bucket, token=token, compress=compress)
        )

    async def query(self, text: str) -> list[Table]:
        """Return the tables of an InfluxQL answer, times in milliseconds."""
        url = f"{self._url}/query"
        status, answer = await exchanged(
            self._session, "POST", url, params={**self._place, "epoch": "ms"}, data={"q": text}
        )
        if status != 200:
            raise StoreUnavailable(str(verdict(url, status, answer)))
        try:
            body = await asyncio.to_thread(json.loads, answer) if len(answer) > _LARGE else json.loads(answer)
        except ValueError:
            raise StoreUnavailable(f"{url} answers no JSON: {answer[:80]!r}") from None
        results = body.get("results", [])
        problems = [result["error"] for result in results if "error" in result]
        if problems:
            raise StoreUnavailable(f"{url} does not answer {text[:80]!r}: {problems[0]}")
        return [table for result in results for table in result.get("series", [])]

    async def keep_days(self, days: int) -> None:
        """Have the database delete what is older. StoreUnavailable where it is away or the token may not."""
        if self._api == "v1":
            policy = self._place.get("rp", "autogen")
            await self.query(influxql.keep_days(self._place["db"], policy, days))
            return
        url = f"{self._url}/api/v2/buckets"
        status, answer = await exchanged(
            self._session, "GET", url, params={"name": self._bucket, "org": self._org}, data=None
        )
        found = json.loads(answer).get("buckets", []) if status == 200 else []
        if not found:
            raise StoreUnavailable(str(verdict(url, 404 if status == 200 else status, answer)))
        rules = {"retentionRules": [{"type": "expire", "everySeconds": days * 86_400}]}
        status, answer = await exchanged(
            self._session, "PATCH", f"{url}/{found[0]['id']}", params={}, data=json.dumps(rules)
        )
        if status != 200:
            raise StoreUnavailable(str(verdict(url, status, answer)))

    async def close(self) -> None:
        """Let go of the connections."""
        await self.writer.close()
        await self._session.close()
