"""The start page of a device's web server, by whose words several makers of firmware are recognised."""

from __future__ import annotations

from hashbus_poller.drivers.contract import DeviceError, Wiring
from hashbus_poller.http import HttpAnswer, HttpQuestion, fetch

LOOK_TIMEOUT_S = 3.0


class Answers:
    """What a device's web server said, or its failure, so that one question serves all who want to know."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.taken: HttpAnswer | None = None
        self.failed: DeviceError | None = None


async def start_answer(host: str, port: int, wiring: Wiring) -> HttpAnswer:
    """Return the answer to `GET /`, also when it is no page; DeviceError when there is none. No password is tried.

    A scan lends everybody who looks at a device the same `wiring.shared`: the device is asked once.
    """
    kept = wiring.shared.get(("start page", (host, port)), Answers)
    if kept.failed is not None:
        raise kept.failed
    if kept.taken is None:
        question = HttpQuestion(method="GET", url=f"http://{host}:{port}/")
        try:
            kept.taken = await fetch(question, wiring, timeout_s=LOOK_TIMEOUT_S)
        except DeviceError as error:
            kept.failed = error
            raise
    return kept.taken


async def start_page(host: str, port: int, wiring: Wiring) -> str:
    """Return the text of the page that everybody gets; empty when there is none. No password is tried."""
    try:
        answer = await start_answer(host, port, wiring)
    except DeviceError:
        return ""
    return answer.body.decode("utf-8", "replace") if answer.is_ok else ""
