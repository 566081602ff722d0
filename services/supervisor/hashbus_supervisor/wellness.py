"""How a process of the site is, asked from outside."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException

TIMEOUT_S = 2.0
LARGEST_ANSWER = 65_536


@dataclass(frozen=True, slots=True)
class Wellness:
    """Whether a process does its work, and what does not work, in words."""

    is_ready: bool
    problems: tuple[str, ...] = ()


async def of_health_page(host: str, port: int) -> Wellness:
    """Ask the /healthz of a service: ready is who is connected to the broker."""
    try:
        status, body = await asyncio.to_thread(_get, host, port, "/healthz")
        problems = [str(problem) for problem in json.loads(body).get("problems", [])]
    except (OSError, HTTPException, ValueError, AttributeError, TypeError) as error:
        return Wellness(is_ready=False, problems=(f"its health page http://{host}:{port}/healthz: {_reason(error)}",))
    if status != HTTPStatus.OK:
        return Wellness(is_ready=False, problems=("it is not connected to the broker", *problems))
    return Wellness(is_ready=True, problems=tuple(problems))


async def of_port(host: str, port: int) -> Wellness:
    """Ask a process that has no health page whether it lets somebody in."""
    try:
        async with asyncio.timeout(TIMEOUT_S):
            _, writer = await asyncio.open_connection(host, port)
    except OSError as error:
        return Wellness(is_ready=False, problems=(f"its port {port}: {_reason(error)}",))
    writer.close()
    return Wellness(is_ready=True)


async def of_life() -> Wellness:
    """Say of a process that can be asked nothing: it runs, so it is well."""
    return Wellness(is_ready=True)


def _get(host: str, port: int, path: str) -> tuple[int, bytes]:
    connection = HTTPConnection(host, port, timeout=TIMEOUT_S)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read(LARGEST_ANSWER)
    finally:
        connection.close()


def _reason(error: Exception) -> str:
    return (getattr(error, "strerror", None) or str(error) or type(error).__name__).lower()
