"""What is asked of LuxOS on the cgminer port: reports for everybody, orders within a session (PROTOCOLS.md 3.8)."""

from __future__ import annotations

from hashbus_poller.drivers.cgminer.commands import Question, question

REPORTS = ("summary", "config", "devs", "power", "temps", "fans", "pools", "events")
"""What makes a reading, the most needed first: a reply may be cut short."""

READS = frozenset({*REPORTS, "version", "profiles", "atm"})
SESSION_WRITES = frozenset(
    {"logon", "logoff", "curtail", "profileset", "atmset", "fanset", "ledset", "resetminer", "rebootdevice"}
)
POOL_WRITES = frozenset({"addpool", "switchpool"})
ALLOWED = READS | SESSION_WRITES | POOL_WRITES

VERSION = question("version")
CONFIG = question("config")
PROFILES = question("profiles")
ATM = question("atm")
POOLS = question("pools")
ALL_REPORTS = question(*REPORTS)
LOGON = question("logon")

AUTOMATIC_FAN = -1


def report(name: str) -> Question:
    """Ask for one report."""
    return question(name)


def in_session(command: str, session_id: str, *arguments: str) -> Question:
    """Give an order within a session, whose id comes first and is never shown."""
    return question(command, parameter=",".join((session_id, *arguments)), is_secret=True)


def fan_speed(fan_pct: float | None) -> str:
    """Return what `fanset` wants: a whole percentage, or -1 for automatic."""
    return f"speed={AUTOMATIC_FAN if fan_pct is None else round(fan_pct)}"


def light(*, on: bool) -> tuple[str, str]:
    """Return what `ledset` wants: the red light blinks, or shows again what the firmware wants it to."""
    return "red", "blink" if on else "auto"
