"""The page as it is served: each file in the form a browser takes, kept as long as its name allows."""

import gzip
from pathlib import Path
from typing import Any

import pytest

from hashbus_web.pages import Pages

SCRIPT = b"console.log('hashbus');" * 50


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """What a build leaves behind."""
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_text("<title>hashbus</title>")
    (tmp_path / "assets" / "app-1a2b.js").write_bytes(SCRIPT)
    (tmp_path / "assets" / "app-1a2b.js.br").write_bytes(b"brotli")
    (tmp_path / "assets" / "style-3c4d.css").write_bytes(b"a{}" * 500)
    return tmp_path


async def got(folder: Path, path: str, method: str = "GET", **headers: str) -> tuple[int, dict[str, str], bytes]:
    """What a browser gets."""
    told: list[dict[str, Any]] = []

    async def send(message: Any) -> None:
        told.append(dict(message))

    async def receive() -> Any:
        return {"type": "http.request", "body": b""}

    pairs = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    await Pages(folder)({"type": "http", "method": method, "path": path, "headers": pairs}, receive, send)
    names = {name.decode(): value.decode() for name, value in told[0]["headers"]}
    return told[0]["status"], names, told[1]["body"]


async def test_a_file_comes_packed_as_the_browser_takes_it(folder: Path) -> None:
    _, headers, body = await got(folder, "/assets/app-1a2b.js", accept_encoding="gzip, br")
    assert (headers["content-encoding"], body) == ("br", b"brotli")
    _, headers, body = await got(folder, "/assets/app-1a2b.js", accept_encoding="gzip")
    assert headers["content-encoding"] == "gzip"
    assert gzip.decompress(body) == SCRIPT
    _, headers, body = await got(folder, "/assets/app-1a2b.js")
    assert "content-encoding" not in headers
    assert body == SCRIPT


async def test_a_name_with_a_fingerprint_is_kept_for_ever_and_the_page_is_asked_for_each_time(folder: Path) -> None:
    _, headers, _ = await got(folder, "/assets/style-3c4d.css")
    assert "immutable" in headers["cache-control"]
    _, headers, _ = await got(folder, "/")
    assert headers["cache-control"] == "no-cache"


async def test_what_the_browser_has_already_is_not_sent_again(folder: Path) -> None:
    _, headers, _ = await got(folder, "/")
    status, _, body = await got(folder, "/", if_none_match=headers["etag"])
    assert (status, body) == (304, b"")


@pytest.mark.parametrize("path", ["/miners/attic", "/heat", "/users", "/index.html"])
async def test_a_place_within_the_page_is_the_page(folder: Path, path: str) -> None:
    status, _, body = await got(folder, path)
    assert (status, body) == (200, b"<title>hashbus</title>")


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/assets/gone.js", 404), ("GET", "/api/nothing", 404), ("POST", "/", 405)],
)
async def test_what_is_not_there_is_not_the_page(folder: Path, method: str, path: str, status: int) -> None:
    assert (await got(folder, path, method))[0] == status


async def test_a_page_that_was_not_built_says_how_to_build_it(tmp_path: Path) -> None:
    _, _, body = await got(tmp_path / "nowhere", "/")
    assert b"make setup" in body
