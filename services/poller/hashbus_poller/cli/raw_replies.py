"""`hashbus raw`: what a device really said last, as the running poller heard it."""

from __future__ import annotations

import argparse
import json
import os
import urllib.error
import urllib.parse
import urllib.request
from datetime import datetime
from pathlib import Path
from typing import Any

from rich.console import Group, RenderableType
from rich.json import JSON
from rich.padding import Padding
from rich.text import Text

from hashbus.clock import SYSTEM_CLOCK
from hashbus.settings import SiteSettings, load
from hashbus.topics import service_kind
from hashbus_poller.cli.console import Exit, WrongUsage, complain, out, plain, run
from hashbus_poller.cli.facts import duration

TIMEOUT_S = 10
EVERY_ADDRESS = ("0.0.0.0", "::")  # noqa: S104 (what a service listens on; nobody connects to it)


class NoReplies(Exception):
    """The poller does not run, or does not know the device; the message says which."""


def raw(argv: list[str]) -> int:
    """Show the last raw answers of a device, as the running poller heard them."""
    arguments = _parser().parse_args(argv)
    return run("raw", lambda: _raw(arguments))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="hashbus raw",
        description="Show the last raw answers of a device, as the running poller heard them.",
        epilog="exit codes: 0 shown, 1 there is nothing to show, 2 wrong usage",
    )
    parser.add_argument("device", help="id of the device in the site's file")
    config = os.environ.get("HASHBUS_CONFIG")
    parser.add_argument("--config", type=Path, default=Path(config) if config else None, help="the site's YAML file")
    parser.add_argument("--account", default="poller", help="which poller, where several run: poller-2")
    parser.add_argument("--url", help="address of the poller's health port, such as http://127.0.0.1:9780")
    parser.add_argument("--last", type=int, metavar="N", help="only the last N exchanges")
    parser.add_argument("--json", action="store_true", help="print it as the poller gives it")
    return parser


async def _raw(arguments: argparse.Namespace) -> int:
    url = arguments.url or _address(arguments.config, arguments.account)
    try:
        body = _get(url, arguments.device)
        exchanges = _understood(body, url)
    except NoReplies as error:
        complain("raw", [str(error)])
        return Exit.PROBLEM
    if arguments.json:
        out().print(body.decode(), soft_wrap=True)
        return Exit.OK
    if not exchanges:
        complain("raw", [f"nothing was heard of {arguments.device} yet, or `poller.raw_replies` is 0"])
        return Exit.PROBLEM
    for exchange in exchanges[-(arguments.last or len(exchanges)) :]:
        _show(exchange)
    return Exit.OK


def _address(config: Path | None, account: str) -> str:
    if service_kind(account) != "poller":
        raise WrongUsage(f"--account {account}: write poller, poller-2, ...")
    health = load(SiteSettings, config, account=account).health
    host = "127.0.0.1" if health.host in EVERY_ADDRESS else health.host
    return f"http://{host}:{health.port_of(account)}"


def _get(url: str, device: str) -> bytes:
    if not url.startswith(("http://", "https://")):
        raise WrongUsage(f"--url {url}: write http://HOST:PORT")
    address = f"{url.rstrip('/')}/raw/{urllib.parse.quote(device, safe='')}"
    try:
        with urllib.request.urlopen(address, timeout=TIMEOUT_S) as answer:  # noqa: S310 (checked above)
            body: bytes = answer.read()
    except urllib.error.HTTPError as error:
        with error:
            said = error.read().decode(errors="replace").strip()
        raise NoReplies(f"{said or error.reason} (asked the poller at {url})") from None
    except (urllib.error.URLError, OSError) as error:
        reason = getattr(error, "reason", error)
        raise NoReplies(
            f"the poller does not answer at {url} ({reason}): is the site up? `hashbus up` starts it; "
            "--config and --url say where to look"
        ) from None
    return body


def _understood(body: bytes, url: str) -> list[dict[str, Any]]:
    try:
        exchanges = json.loads(body)
        return [{**exchange, "at": datetime.fromisoformat(exchange["at"])} for exchange in exchanges]
    except (ValueError, TypeError, KeyError):
        raise NoReplies(f"whoever answers at {url} is no poller") from None


def _show(exchange: dict[str, Any]) -> None:
    paper = out()
    age_s = max(0.0, (SYSTEM_CLOCK.now() - exchange["at"]).total_seconds())
    heading = Text.assemble(("▸ ", "cyan"), (plain(exchange["question"]), "bold"))
    size = f"{exchange['bytes']:,} bytes"
    heading.append(f"  {exchange['at'].astimezone():%H:%M:%S}, {duration(age_s)} ago, {size}", style="dim")
    paper.print(heading)
    paper.print(Padding(_answer(exchange["answer"]), (0, 0, 1, 2), expand=False))


def _answer(answer: str) -> RenderableType:
    """Return an answer as a person reads it: JSON with one key a line, anything else with its odd bytes shown."""
    body = answer.rstrip("\0")
    end = Text("\\0" * (len(answer) - len(body)), style="dim")
    try:
        pretty = JSON(body, ensure_ascii=True)
    except (ValueError, RecursionError):
        return Text("\n".join(plain(line) for line in answer.split("\n")), overflow="fold")
    return Group(pretty, end) if end else pretty
