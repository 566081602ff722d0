"""The settings of a miner with VNish, as far as an order changes them; pure.

An answer with settings holds the passwords of pools: an error keeps it without them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from hashbus_poller.drivers.contract import Garbled
from hashbus_poller.nested import inner, objects
from hashbus_poller.readings import json_object, number_or_none, text_or_none, understanding
from hashbus_poller.secret_tape import without_secrets

POOLS = 3
"""Its page has room for so many."""

CUSTOMARY_PASSWORD = "x"  # noqa: S105 - what pools are given that ask for none
AUTOMATIC = "auto"

Pool = dict[str, str]


@dataclass(frozen=True, slots=True)
class Saved:
    """What is saved, which need not be in force yet."""

    overclock: Mapping[str, Any]
    preset: str | None
    top_preset: str | None
    """The highest preset to which the firmware itself may go; None where it does not change presets."""
    cooling: str | None
    target_c: float | None
    pools: tuple[Pool, ...] = field(repr=False)

    def holds(self, preset: str) -> bool:
        """Say whether that preset is saved, and none above it can be taken by the firmware itself."""
        return self.preset == preset and self.top_preset in (None, preset)

    def with_pool_first(self, url: str, user: str, password: str | None) -> list[Pool]:
        """Return the pools with that one as the first; the others stay behind it as far as there is room."""
        known = [pool for pool in self.pools if _is_same(pool, url, user)]
        others = [pool for pool in self.pools if pool not in known]
        kept = known[0]["pass"] if known else CUSTOMARY_PASSWORD
        first = {"url": url, "user": user, "pass": kept if password is None else password}
        return [first, *others][: max(POOLS, len(self.pools))]

    def is_first(self, url: str, user: str) -> bool:
        """Say whether that pool is the first one."""
        return bool(self.pools) and _is_same(self.pools[0], url, user)


def saved_of(answer: bytes) -> Saved:
    """Return what is saved."""
    try:
        said = json_object(answer)
    except Garbled:
        raise Garbled("the settings are not the JSON that they should be", without_secrets(answer)) from None
    with understanding(without_secrets(answer)):
        overclock, mode = inner(said, "miner", "overclock"), inner(said, "miner", "cooling", "mode")
        switcher = inner(overclock, "preset_switcher")
        is_on = switcher.get("enabled") is True
        return Saved(
            overclock=overclock,
            preset=text_or_none(overclock, "preset"),
            top_preset=(text_or_none(switcher, "top_preset") or "") if is_on else None,
            cooling=text_or_none(mode, "name"),
            target_c=number_or_none(mode, "param") if mode.get("name") == AUTOMATIC else None,
            pools=tuple(_pool(pool) for pool in objects(inner(said, "miner"), "pools") if pool.get("url")),
        )


def pool_number(summary: bytes, url: str, user: str) -> int | None:
    """Return under which number the running daemon knows a pool of the owner's; None when it does not."""
    said = json_object(summary)
    with understanding(summary):
        for pool in objects(inner(said, "miner"), "pools"):
            number = pool.get("id")
            spelled = {"url": str(pool.get("url")), "user": str(pool.get("user"))}
            if pool.get("pool_type") == "UserPool" and isinstance(number, int) and _is_same(spelled, url, user):
                return number
    return None


def _pool(said: Mapping[str, Any]) -> Pool:
    return {key: text_or_none(said, key) or "" for key in ("url", "user", "pass")}


def _is_same(pool: Mapping[str, str], url: str, user: str) -> bool:
    """Compare accounts; the firmware shows some addresses without `stratum+tcp://`."""
    return (_bare(pool["url"]), pool["user"]) == (_bare(url), user)


def _bare(url: str) -> str:
    return url.rpartition("://")[2].rstrip("/")
