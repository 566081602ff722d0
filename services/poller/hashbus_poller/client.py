"""The one HTTP client that drivers share."""

from __future__ import annotations

import aiohttp


def http_client() -> aiohttp.ClientSession:
    """Return a client that keeps no cookies between devices, has no limit of its own, and takes no proxy by accident.

    To be closed by whoever asked for it; it needs a running event loop.
    """
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, ttl_dns_cache=60),
        cookie_jar=aiohttp.DummyCookieJar(),
        trust_env=False,
    )
