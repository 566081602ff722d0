"""What a scan can name though no driver of ours speaks it, or not without what only its owner knows.

A table of signs, and one polite question for each port: no password is tried and nothing is changed. Whatever a
driver recognises is never asked here. The signs are those of PROTOCOLS.md section 7.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from hashbus_poller.dongle_and_gateway import look_for_dongle, look_for_gateway
from hashbus_poller.drivers.contract import DeviceError, Look, Sighting, Wiring
from hashbus_poller.http import HttpAnswer, HttpQuestion, fetch
from hashbus_poller.readings import json_object, text_or_none
from hashbus_poller.start_page import LOOK_TIMEOUT_S, start_answer

ORDER = 95
"""After every driver: whoever speaks with the device knows it better."""

WEB_PORT, MINER_PORT, DONGLE_PORT, GATEWAY_PORT = 80, 4028, 8000, 502

MARATHON_PAGE = "/kaonsu/v1/brief"

_PLUGIN = "recognised, not spoken: no driver of hashbus; the plugin pyasic reads it"
_NO_DRIVER = "recognised, not spoken: there is no driver for it"
_TRY_BITAXE = "recognised by its page only: driver bitaxe speaks with it where its firmware is a copy of AxeOS"


class Where(Enum):
    """In which part of an answer a sign stands."""

    PAGE = "page"
    TITLE = "title"
    REALM = "realm"


@dataclass(frozen=True, slots=True)
class Sign:
    """Words by which a maker of miners or of firmware is recognised, and what to tell about it."""

    words: str
    where: Where
    make: str | None = None
    firmware: str | None = None
    note: str = _NO_DRIVER

    def is_in(self, places: Mapping[Where, str]) -> bool:
        """Say whether the words stand where they belong."""
        return self.words in places[self.where]


SIGNS = (
    Sign("blackMiner", Where.REALM, make="VolcMiner", note=_PLUGIN),  # sold as Hammer too
    Sign("Daoge", Where.REALM, make="Elphapex", note=_PLUGIN),
    Sign("MaraFW", Where.REALM, firmware="MARA", note=_PLUGIN),
    Sign("Miner Web Dashboard", Where.PAGE, firmware="ePIC", note=_PLUGIN),
    Sign("cloud-box", Where.PAGE, make="Goldshell", note=_PLUGIN),
    Sign("DragonMint", Where.PAGE, make="Innosilicon"),
    Sign("Miner UI", Where.PAGE, make="Auradine", note=_PLUGIN),
    # "User interface" in Chinese: too common a word to look for it outside of the title.
    Sign("用户界面", Where.TITLE, make="IceRiver"),
    Sign("Fluminer", Where.PAGE, make="Fluminer"),
    Sign("Lucky miner", Where.PAGE, make="LuckyMiner", note=_TRY_BITAXE),
    Sign("Nerd", Where.PAGE, make="NerdAxe", note=_TRY_BITAXE),
)
"""The first that fits counts; what asks for a password shows nothing but its realm."""


def sign_of(answer: HttpAnswer) -> Sign | None:
    """Return by which sign the answer of a web server is recognised."""
    page = answer.body.decode("utf-8", "replace")
    title = page.partition("<title")[2].partition(">")[2].partition("</title")[0]
    # Only of a page that everybody gets: that somebody's router says `Nerd` in a complaint means nothing.
    places = {Where.PAGE: "", Where.TITLE: "", Where.REALM: challenge_of(answer)}
    if answer.is_ok:
        places |= {Where.PAGE: page, Where.TITLE: title}
    return next((sign for sign in SIGNS if sign.is_in(places)), None)


def challenge_of(answer: HttpAnswer) -> str:
    """Return what a web server says when it wants a password, or nothing when it wants none."""
    return answer.headers.get("WWW-Authenticate", "") if answer.status == 401 else ""


async def look_at_page(host: str, port: int, wiring: Wiring) -> Sighting | None:
    """Read the start page; where it says nothing, ask for the one page of which only Marathon's firmware knows."""
    answer = await start_answer(host, port, wiring)
    sign = sign_of(answer)
    if sign is not None:
        return Sighting(driver=None, host=host, make=sign.make, firmware=sign.firmware, note=sign.note)
    if answer.status == 401:
        return None  # it wants a password for every page, so that one page more would tell nothing
    brief = await _get(host, port, MARATHON_PAGE, wiring)
    if not challenge_of(brief).startswith("Digest"):
        return None
    return Sighting(driver=None, host=host, firmware="MARA", note=_PLUGIN)


async def look_for_epic(host: str, port: int, wiring: Wiring) -> Sighting | None:
    """Ask by HTTP on the port on which all others speak bare JSON: whoever answers like a web server is ePIC."""
    answer = await _get(host, port, "/summary", wiring)
    try:
        software = text_or_none(json_object(answer.body), "Software")
    except DeviceError:
        software = None
    firmware = f"ePIC {software}" if software else "ePIC"
    return Sighting(driver=None, host=host, firmware=firmware, note=_PLUGIN)


async def _get(host: str, port: int, path: str, wiring: Wiring) -> HttpAnswer:
    question = HttpQuestion(method="GET", url=f"http://{host}:{port}{path}")
    return await fetch(question, wiring, timeout_s=LOOK_TIMEOUT_S)


LOOKS = (
    Look(port=WEB_PORT, ask=look_at_page, order=ORDER),
    Look(port=MINER_PORT, ask=look_for_epic, order=ORDER + 1),
    Look(port=DONGLE_PORT, ask=look_for_dongle, order=ORDER + 2),
    Look(port=GATEWAY_PORT, ask=look_for_gateway, order=ORDER + 3),
)
