"""What is said to an Avalon: every request this driver can send, and no other (PROTOCOLS.md 3.7, S1.37).

The forms of `ascset` are those of the vendor's API manual for the A10 and of home models.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from hashbus_poller.drivers.cgminer.commands import Question, question
from hashbus_poller.drivers.contract import Refused

READS = frozenset({"check", "devdetails", "devs", "estats", "get_version", "litestats", "pools", "stats", "summary"})
WRITES = frozenset({"addpool", "ascset", "restart", "setpool", "switchpool"})
ALLOWED = READS | WRITES | {"version"}

SUMMARY = question("summary")
POOLS = question("pools")
ESTATS = question("estats")
STATS = question("stats")
LITESTATS = question("litestats")
ALL_AT_ONCE = question("summary", "pools", "estats")
RESTART = question("restart")


def ascset(option: str, value: str | None = None, *, is_secret: bool = False) -> Question:
    """Set something, or ask for it; the 0 is the only board controller there is."""
    parts = ("0", option) if value is None else ("0", option, value)
    return question("ascset", parameter=",".join(parts), is_secret=is_secret)


HELP = ascset("help")
HASHPOWER = ascset("hashpower")
"""Without a value it only tells the supply's numbers."""

HASHPOWER_OFF = ascset("hashpower", "0")
LED_STATE = ascset("led", "1-255")
WORKMODE_STATE = ascset("workmode", "255")
REBOOT = ascset("reboot", "0")


def soft_off(unix_s: int) -> Question:
    """Sleep at a time of the miner's clock."""
    return ascset("softoff", f"1:{unix_s}")


def soft_on(unix_s: int) -> Question:
    """Wake at a time of the miner's clock."""
    return ascset("softon", f"1:{unix_s}")


def led(unit: int, *, on: bool) -> Question:
    """Light the white lamp of a unit, or leave it to the firmware."""
    return ascset("led", f"{unit}-{int(on)}")


def fan(fan_pct: int | None) -> Question:
    """Hold the fans at a percentage; None gives them back to the firmware."""
    return ascset("fan-spd", str(-1 if fan_pct is None else fan_pct))


def step(option: str, number: int, *, at_once: bool) -> Question:
    """Take another work mode or level: at once on home models, with the next reboot on the others."""
    return ascset(option, f"set,{number}" if at_once else str(number))


def may(command: str) -> Question:
    """Ask whether this computer may use a command; it is not carried out."""
    return question("check", parameter=command)


@dataclass(frozen=True, slots=True)
class PoolLogin:
    """A pool, and the account of the miner's web page that may set it."""

    account: str
    password: str = field(repr=False)
    url: str
    worker: str
    worker_password: str = field(repr=False)

    @property
    def secrets(self) -> tuple[str, ...]:
        """What the miner's answer repeats and nobody else is to see."""
        return tuple(secret for secret in (self.password, self.worker_password) if secret)


def set_pool(login: PoolLogin, *, is_home: bool) -> Question:
    """Write the first pool slot; in force after a reboot. Home models have a command of their own for it."""
    parts = (login.account, login.password, "0", login.url, login.worker, login.worker_password)
    if any("," in part for part in parts):
        raise Refused("set_pool: an Avalon takes no commas in a pool's address, worker or passwords")
    parameter = ",".join(parts)
    if is_home:
        return question("setpool", parameter=parameter, is_secret=True)
    return ascset("setpool", parameter, is_secret=True)
