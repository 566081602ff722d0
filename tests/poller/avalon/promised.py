"""What all Avalons of the promises have in common."""

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any

from hashbus.messages import MinerIdentity
from hashbus_poller.drivers.avalon.driver import DRIVER
from hashbus_poller.testing.driver_promises import HARMLESS, DriverCase, Ending, Fault
from tests.poller.emulated import emulated_case

ENDINGS: dict[Fault, Ending] = {
    Fault.CUT: HARMLESS,  # what came before the cut is read, and marked as partial
    Fault.TRUNCATED: HARMLESS,
    Fault.MISSING_COMMA: HARMLESS,
    Fault.NOT_JSON_TEXT: HARMLESS,  # the text says that the mining process is down: that is a reading
    Fault.WRONG_PASSWORD: HARMLESS,  # reading needs no rights
}


def names(identity: MinerIdentity) -> dict[str, float]:
    return {level.name: level.power_w for level in identity.power_levels}


def avalon(
    block: Mapping[str, object], options: Mapping[str, object] | None = None, **special: Any
) -> AbstractAsyncContextManager[DriverCase]:
    """A case of an emulated Avalon; `special` as in emulated_case."""
    return emulated_case(DRIVER, {"family": "avalon", **block}, options or {}, endings=ENDINGS, **special)
