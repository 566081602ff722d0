"""The fleet's page: files that were built into this package (services/web/page), held in memory, ready zipped."""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from fastapi import Request
from fastapi.responses import Response

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fastapi import FastAPI

STATIC = Path(__file__).parent / "static"
INDEX = "fleet.html"
ROOMS = ("/", "/miners", "/alerts", "/commands")
"""Places within the page: each is the same file, which finds out by itself where it is."""

FOR_EVER = "public, max-age=31536000, immutable"
ASK_EACH_TIME = "no-cache"
CSP = (
    "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; frame-ancestors 'none'; "
    "form-action 'self'"
)
"""Scripts and styles from files of our own only: nothing inline, nothing from elsewhere."""

NOT_BUILT = b"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>hashbus fleet</title></head><body>
<h1>hashbus fleet</h1>
<p>The collector runs; its page was not built here. In a clone, <code>make setup</code> builds it
(or <code>npm ci &amp;&amp; npm run build</code> in <code>services/web/page</code>).</p>
<p>The interface is there: <a href="/api/collector/openapi.json">/api/collector/openapi.json</a> describes it.</p>
</body></html>
"""


@dataclass(frozen=True, slots=True)
class Asset:
    """One file as it is and zipped; `tag` is the same as long as its content is."""

    kind: str
    tag: str
    body: bytes
    zipped: bytes


def add_pages(app: FastAPI, folder: Path = STATIC) -> None:
    """Serve the page that was built into `folder`, or say how to build it."""
    assets = _read(folder)
    index = assets.get(INDEX) or _asset("index.html", NOT_BUILT)

    async def room(request: Request) -> Response:
        return _sent(request, index, ASK_EACH_TIME)

    async def file(request: Request) -> Response:
        path = request.url.path.lstrip("/")
        found = assets.get(path)
        if found is None:
            return Response("not found", 404, media_type="text/plain")
        # Names in assets/ carry a fingerprint of their content: under one name there is one content for ever.
        return _sent(request, found, FOR_EVER if path.startswith("assets/") else ASK_EACH_TIME)

    for path in ROOMS:
        app.add_api_route(path, room, methods=["GET", "HEAD"], include_in_schema=False)
    for path in ("/icon.svg", "/assets/{name}"):
        app.add_api_route(path, file, methods=["GET", "HEAD"], include_in_schema=False)


def _sent(request: Request, asset: Asset, cache: str) -> Response:
    headers = {"ETag": asset.tag, "Cache-Control": cache, "Vary": "Accept-Encoding", "Content-Security-Policy": CSP}
    if request.headers.get("if-none-match") == asset.tag:
        return Response(status_code=304, headers=headers)
    if "gzip" not in request.headers.get("accept-encoding", ""):
        return Response(asset.body, media_type=asset.kind, headers=headers)
    return Response(asset.zipped, media_type=asset.kind, headers={**headers, "Content-Encoding": "gzip"})


def _read(folder: Path) -> Mapping[str, Asset]:
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    return {(name := path.relative_to(folder).as_posix()): _asset(name, path.read_bytes()) for path in files}


def _asset(name: str, body: bytes) -> Asset:
    kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
    return Asset(kind, f'"{hashlib.sha256(body).hexdigest()[:32]}"', body, gzip.compress(body, mtime=0))
