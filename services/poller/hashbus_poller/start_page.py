"""The start page of a device's web server, by whose words several makers of firmware are recognised."""

from __future__ import annotations

from hashbus_poller.drivers.contract import DeviceError, Wiring
from hashbus_poller.http import HttpQuestion, fetch

LOOK_TIMEOUT_S = 3.0


async def start_page(host: str, port: int, wiring: Wiring) -> str:
    """Return the text of the page that everybody gets; empty when there is none. No password is tried."""
    try:
        answer = await fetch(HttpQuestion(method="GET", url=f"http://{host}:{port}/"), wiring, timeout_s=LOOK_TIMEOUT_S)
    except DeviceError:
        return ""
    return answer.body.decode("utf-8", "replace") if answer.is_ok else ""
