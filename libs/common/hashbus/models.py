"""What the vendors say of each miner model, for what a miner does not say of itself (models.csv).

A model that was sold at several hashrates has a row for each, the usual one first. Where a vendor's figure is not known
for certain the cell is empty.
"""

from __future__ import annotations

import csv
import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType


@dataclass(frozen=True, slots=True, kw_only=True)
class RatedModel:
    """A miner model by its vendor's data sheet; None where we do not know the figure for certain."""

    make: str
    model: str
    rated_hashrate_ths: float | None = None
    rated_power_w: float | None = None
    chips_per_board: int | None = None
    boards: int | None = None
    is_liquid_cooled: bool = False
    year: int | None = None

    @property
    def chips(self) -> int | None:
        """All chips of the machine."""
        if self.chips_per_board is None or self.boards is None:
            return None
        return self.chips_per_board * self.boards


def rated(make: str | None, model: str, hashrate_ths: float | None = None) -> RatedModel | None:
    """Return the data sheet of a model, however the device or a person spells it; None when we do not know it.

    "Antminer S19 Pro (110TH)", "s19pro", `M30S++_VH70` and "Bitaxe Gamma" are all understood. Among the versions of a
    model the one nearest to the hashrate in its name is taken, else the one nearest to `hashrate_ths` (the rate that
    the miner calls its ideal), else the usual one.
    """
    brand = _brand(make or "") or _brand(model)
    versions = _catalogue().get((brand, _spelling(model)), ())
    if not versions:
        return None
    wanted_ths = _hashrate_in_name(model) or hashrate_ths
    if wanted_ths is None:
        return versions[0]
    # A tie, and a version without a figure, go to the usual one, which stands first.
    return min(versions, key=lambda version: abs((version.rated_hashrate_ths or 0.0) - wanted_ths))


def look_up(text: str) -> RatedModel | None:
    """Return the data sheet of a model as a person types it, with or without its maker: "s19pro", "M30S++ 112T"."""
    known = rated(None, text)
    if known is not None:
        return known
    spelled = _spelling(text)
    makers = (versions[0].make for (_, spelling), versions in _catalogue().items() if spelling == spelled)
    maker = next(makers, None)
    return rated(maker, text) if spelled and maker else None


def similar(text: str, most: int = 3) -> tuple[str, ...]:
    """Return the models that are spelled most like it, maker first."""
    names = {_spelling(one.model): f"{one.make} {one.model}" for one in all_models()}
    return tuple(names[close] for close in difflib.get_close_matches(_spelling(text), names, n=most, cutoff=0.5))


def all_models() -> tuple[RatedModel, ...]:
    """Return every row of the catalogue, in its order."""
    return tuple(version for versions in _catalogue().values() for version in versions)


_BRANDS: Mapping[str, str] = MappingProxyType(
    {
        "antminer": "antminer",
        "bitmain": "antminer",
        "whatsminer": "whatsminer",
        "microbt": "whatsminer",
        "avalonminer": "avalon",
        "avalon": "avalon",
        "canaan": "avalon",
        "sealminer": "sealminer",
        "bitdeer": "sealminer",
        "innosilicon": "innosilicon",
        "braiins": "braiins",
        "bitaxe": "bitaxe",
        "nerdaxe": "nerdaxe",
        "luckyminer": "luckyminer",
        "lucky miner": "luckyminer",
    }
)
"""What stands in front of a model name, and whose it is. Longer names first where one begins another."""

_VERSION = re.compile(r"\(.*|\b\d+(?:\.\d+)?\s*th?(?:/s)?\b.*")
_HASHRATE = re.compile(r"\b(\d+(?:\.\d+)?)\s*th?(?:/s)?\b")
_NOISE = re.compile(r"[^a-z0-9+]")
_WHATSMINER = re.compile(r"(m\d+[a-z]*?\+*)v[0-9a-z]{2,4}")


def _brand(text: str) -> str:
    """Return whose miner it is by the first brand name in the text; empty when there is none."""
    lowered = text.lower()
    return next((brand for word, brand in _BRANDS.items() if word in lowered), "")


def _hashrate_in_name(model: str) -> float | None:
    """Return the hashrate in "S19 Pro (110TH)" or "S21 XP Hyd 473T", in TH/s."""
    found = _HASHRATE.search(model.lower())
    return float(found[1]) if found else None


def _spelling(model: str) -> str:
    """Return the one spelling of a model name: no brand, no version, no blanks, `hyd` and `imm` for the cooling.

    A WhatsMiner's hardware revision (`_VH70`) goes too: the vendor rates the model, not the revision.
    """
    text = _VERSION.sub("", model.lower(), count=1)
    for word in _BRANDS:
        text = text.replace(word, "")
    text = _NOISE.sub("", text.replace("plus", "+"))
    text = text.replace("hydro", "hyd").replace("immersion", "imm")
    revision = _WHATSMINER.fullmatch(text)
    if revision:
        return revision[1]
    # Canaan writes "Avalon 1366" and "A1366" for one machine.
    return text[1:] if re.match(r"a\d", text) else text


@cache
def _catalogue() -> Mapping[tuple[str, str], tuple[RatedModel, ...]]:
    versions: dict[tuple[str, str], tuple[RatedModel, ...]] = {}
    with files("hashbus").joinpath("models.csv").open(encoding="utf-8") as table:
        for row in csv.DictReader(table):
            model = _model(row)
            key = (_brand(model.make), _spelling(model.model))
            versions[key] = (*versions.get(key, ()), model)
    return MappingProxyType(versions)


def _model(row: Mapping[str, str]) -> RatedModel:
    return RatedModel(
        make=row["make"],
        model=row["model"],
        rated_hashrate_ths=_number(row["rated_hashrate_ths"]),
        rated_power_w=_number(row["rated_power_w"]),
        chips_per_board=_count(row["chips_per_board"]),
        boards=_count(row["boards"]),
        is_liquid_cooled=row["is_liquid_cooled"] == "yes",
        year=_count(row["year"]),
    )


def _number(cell: str) -> float | None:
    return float(cell) if cell else None


def _count(cell: str) -> int | None:
    return int(cell) if cell else None
