"""What the health lamps of an Antminer's web page are about, where the firmware lights one without a word."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

LAMPS: Mapping[str, str] = MappingProxyType(
    {
        "rate": "the hashrate is too low; look at boards, temperature and pools",
        "network": "no pool is reached; check network and pools",
        "fans": "a fan is missing or does not turn; check plugs and fans",
        "temp": "the chips are too hot, or a sensor is lost; check the cooling",
    }
)
OTHER_LAMP = "a health lamp is lit without a word; the miner's log says more"


def lamp_text(kind: str | None, said: str | None) -> str:
    """Return what a lamp means: the firmware's own words, else ours; never nothing."""
    return said or LAMPS.get(kind or "", OTHER_LAMP)
