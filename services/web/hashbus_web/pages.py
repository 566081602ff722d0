"""The page itself: files that were built into this package, small ones held in memory, ready zipped."""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from starlette.datastructures import Headers
from starlette.responses import JSONResponse, Response

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

STATIC = Path(__file__).parent / "static"
INDEX = "index.html"
FOR_EVER = "public, max-age=31536000, immutable"
ASK_EACH_TIME = "no-cache"
LARGEST_HELD = 4 * 1024 * 1024
ZIPPABLE = ("text/", "application/javascript", "application/json", "image/svg+xml", "application/manifest+json")

NOT_BUILT = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>hashbus</title></head><body>
<h1>hashbus</h1>
<p>The service runs; its page was not built here. In a clone, <code>make setup</code> builds it
(or <code>npm ci &amp;&amp; npm run build</code> in <code>services/web/page</code>).</p>
<p>The API is there: <a href="/api/openapi.json">/api/openapi.json</a> describes it.</p>
</body></html>
"""


@dataclass(frozen=True, slots=True)
class Asset:
    """One file, in every form in which it can be sent."""

    kind: str
    tag: str
    forms: dict[str, bytes]
    is_for_ever: bool


class Pages:
    """Serves the built page. A path that is no file is a place within the page."""

    def __init__(self, folder: Path) -> None:
        """Read what was built into `folder`; nothing was, where it is not there."""
        self._assets = _read(folder)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        await self._answer(scope)(scope, receive, send)

    def _answer(self, scope: Scope) -> Response:
        path = scope["path"].lstrip("/")
        if path.startswith("api/") or path == "api":
            problem = {"code": "not_found", "error": f"there is no /{path[:200]}", "field": None, "hint": None}
            return JSONResponse(problem, 404)
        if scope["method"] not in ("GET", "HEAD"):
            return JSONResponse({"code": "not_found", "error": "only GET", "field": None, "hint": None}, 405)
        asset = self._assets.get(path)
        if asset is None and path.startswith("assets/"):
            return Response("not found", 404, media_type="text/plain")
        asset = asset or self._assets.get(INDEX)
        if asset is None:
            return Response(NOT_BUILT, media_type="text/html", headers={"Cache-Control": ASK_EACH_TIME})
        return _sent(asset, Headers(scope=scope))


def _sent(asset: Asset, headers: Headers) -> Response:
    cache = FOR_EVER if asset.is_for_ever else ASK_EACH_TIME
    told = {"ETag": asset.tag, "Cache-Control": cache, "Vary": "Accept-Encoding"}
    if headers.get("if-none-match") == asset.tag:
        return Response(status_code=304, headers=told)
    accepted = headers.get("accept-encoding", "")
    form = next((one for one in ("br", "gzip") if one in asset.forms and one in accepted), "")
    if form:
        told["Content-Encoding"] = form
    return Response(asset.forms[form], media_type=asset.kind, headers=told)


def _read(folder: Path) -> dict[str, Asset]:
    if not folder.is_dir():
        return {}
    files = [path for path in sorted(folder.rglob("*")) if path.is_file() and path.suffix not in (".br", ".gz")]
    return {path.relative_to(folder).as_posix(): _asset(path, folder) for path in files}


def _asset(path: Path, folder: Path) -> Asset:
    body = path.read_bytes()
    kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    forms = {"": body}
    for suffix, name in ((".br", "br"), (".gz", "gzip")):
        packed = path.with_name(path.name + suffix)
        if packed.is_file():
            forms[name] = packed.read_bytes()
    if "gzip" not in forms and kind.startswith(ZIPPABLE) and len(body) <= LARGEST_HELD:
        forms["gzip"] = gzip.compress(body, mtime=0)
    # Names in assets/ carry a fingerprint of their content: under one name there is one content for ever.
    is_for_ever = path.relative_to(folder).parts[0] == "assets"
    return Asset(kind, f'"{hashlib.sha256(body).hexdigest()[:32]}"', forms, is_for_ever)
