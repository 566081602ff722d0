"""What went wrong with a device, in plain words, and what a person can do about it."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from hashbus_poller.cli.console import plain
from hashbus_poller.drivers.contract import DeviceError, Garbled, Refused, Unreachable, Unsupported

SHOWN_BYTES = 200


def complaint(error: DeviceError, driver: str | None) -> RenderableType:
    """Return an error with a hint."""
    lines: list[RenderableType] = [Text(f"✖ {plain(str(error))}", style="red")]
    lines += [_indented(Text(line)) for line in _hints(error, driver)]
    if isinstance(error, Garbled) and error.payload:
        beginning = error.payload[:SHOWN_BYTES].decode("utf-8", "backslashreplace")
        more = "..." if len(error.payload) > SHOWN_BYTES else ""
        said = f"It said ({len(error.payload):,} bytes): {plain(beginning)}{more}"
        lines.append(_indented(Text(said, style="dim", overflow="fold")))
    return Group(*lines)


def _indented(text: Text) -> Padding:
    return Padding(text, (0, 0, 0, 2), expand=False)


def kind_of(error: DeviceError) -> str:
    """Return the kind of an error in one word, as the metrics name it."""
    return type(error).__name__.lower()


def _hints(error: DeviceError, driver: str | None) -> list[str]:
    match error:
        case Unreachable(is_refused=True):
            return [
                "The address answers, but not on this port. Is the right device there, and is its API turned on?",
                "Another port is given with --port.",
            ]
        case Unreachable():
            return [
                "Is it powered and connected, is the address right, and can this machine reach its network?",
                "`hashbus scan` shows who is there; --timeout gives a slow device more time.",
            ]
        case Refused():
            return ["Asking again will not help: check the password, the account and what the device allows."]
        case Garbled():
            return [
                "Either this is not such a device, or its firmware says something that the driver does not know yet.",
                f"`hashbus record HOST --driver {driver or 'NAME'} --into DIR` keeps its answers for a bug report.",
            ]
        case Unsupported() if driver is None:
            return ["`hashbus drivers` lists the drivers; --driver takes one as given."]
        case Unsupported():
            return ["This firmware does not do that; a newer one, or another driver, may."]
    return []
