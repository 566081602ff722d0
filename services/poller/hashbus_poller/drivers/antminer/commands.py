"""What is asked of a stock Antminer: three reports on the cgminer port, and its web pages (PROTOCOLS.md 3.5, 3.6)."""

from __future__ import annotations

from hashbus_poller.drivers.cgminer.commands import question

ALLOWED = frozenset({"version", "stats", "summary", "pools", "devs"})
"""All that stock firmware answers; everything else is code 45 (PROTOCOLS.md 3.3)."""

VERSION = question("version")
POOLS = question("pools")
STATS = question("stats", new_api=True)
"""Newer firmware answers this in the shape of its web pages, older firmware does not see the flag."""

SYSTEM_INFO = "/cgi-bin/get_system_info.cgi"
SUMMARY_PAGE = "/cgi-bin/summary.cgi"
GET_CONF = "/cgi-bin/get_miner_conf.cgi"
SET_CONF = "/cgi-bin/set_miner_conf.cgi"
REBOOT = "/cgi-bin/reboot.cgi"
BLINK = "/cgi-bin/blink.cgi"


def blink_body(*, on: bool) -> dict[str, str]:
    """Return what the blink page wants."""
    return {"blink": "true" if on else "false"}


def blink_form(*, on: bool) -> dict[str, str]:
    """Return what the blink page of S17 and before wants."""
    return {"action": "startBlink" if on else "stopBlink"}


def blink_code(*, on: bool) -> str:
    """Return the code by which the blink page says that it did it."""
    return "B000" if on else "B100"
