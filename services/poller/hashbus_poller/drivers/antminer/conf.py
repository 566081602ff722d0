"""The configuration of a stock Antminer as its web page shows it, and how a change of it is written (PROTOCOLS.md 3.6).

Pure. The page takes the configuration as a whole: pools that are left out are wiped, so every change carries them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from enum import IntEnum
from typing import Any

from hashbus_poller.drivers.cgminer.answer import Answer, Section

POOL_SLOTS = 3
_MODE_KEYS = ("bitmain-work-mode", "miner-mode")
_LEVEL_KEYS = ("bitmain-freq-level", "freq-level")
FREQUENCY_KEY = "bitmain-freq"
_NAMED_HERE = frozenset({"bitmain-fan-ctrl", "bitmain-fan-pwm", "bitmain-work-mode"})


class WorkMode(IntEnum):
    """What the miner is told to do; 2 (more than normal) is rare and never set from here."""

    NORMAL = 0
    SLEEP = 1
    HIGH = 2
    LOW = 3
    OLD_SLEEP = 254
    """Sleep of the S17 generation."""


@dataclass(frozen=True, slots=True)
class PoolAccount:
    """One of the three pools; an empty url is an empty slot."""

    url: str = ""
    user: str = ""
    password: str = field(default="", repr=False)

    def as_json(self) -> dict[str, str]:
        """Return the pool as the page spells it."""
        return {"url": self.url, "user": self.user, "pass": self.password}


@dataclass(frozen=True, slots=True)
class MinerConf:
    """What can be set. Mode and level are None on firmware that has none; the fan is None where firmware rules it."""

    pools: tuple[PoolAccount, ...]
    work_mode: int | None = None
    level_pct: float | None = None
    fan_pct: float | None = None
    can_set_fan: bool = True
    others: tuple[tuple[str, str], ...] = ()
    """Everything else that the page shows, to the letter: older firmware wants it back with every change."""

    @property
    def is_asleep(self) -> bool:
        """Whether it is told to sleep."""
        return self.work_mode in {WorkMode.SLEEP, WorkMode.OLD_SLEEP}

    @property
    def frequency_mhz(self) -> float | None:
        """The chips' frequency as it is set; None where the page shows none that is a number."""
        text = dict(self.others).get(FREQUENCY_KEY, "")
        try:
            value = float(text)
        except ValueError:
            return None
        return value if math.isfinite(value) and value > 0 else None

    def with_frequency(self, frequency_mhz: float) -> MinerConf:
        """Return the configuration with another frequency."""
        others = dict(self.others) | {FREQUENCY_KEY: f"{frequency_mhz:g}"}
        return replace(self, others=tuple(others.items()))

    def with_first_pool(self, pool: PoolAccount) -> MinerConf:
        """Return the configuration with that pool in use and the former ones behind it, as far as there is room."""
        others = [one for one in self.pools if one.url and (one.url, one.user) != (pool.url, pool.user)]
        return replace(self, pools=tuple([pool, *others][:POOL_SLOTS]))


def parse_conf(answer: Answer) -> MinerConf:
    """Return the configuration; Garbled when it does not name its pools, because writing it would wipe them."""
    page = answer.whole()
    listed = page.fields.get("pools")
    if not isinstance(listed, list) or not all(isinstance(pool, dict) for pool in listed):
        answer.reject('lacks its list of "pools"')  # not shown: it may hold passwords
    if answer.is_partial:
        answer.reject("is not whole; writing it back would lose the rest")
    pools = [_pool(Section(answer, "pools", pool)) for pool in listed]
    is_fan_set = page.flag("bitmain-fan-ctrl")
    return MinerConf(
        pools=tuple(pool for pool in pools if pool.url),
        work_mode=_first_count(page, _MODE_KEYS),
        level_pct=_first_count(page, _LEVEL_KEYS),
        fan_pct=page.number("bitmain-fan-pwm") if is_fan_set else None,
        can_set_fan=is_fan_set is not None,
        others=tuple(_others(page)),
    )


def conf_body(conf: MinerConf, *, modes_as_text: bool) -> dict[str, Any]:
    """Return the whole configuration as `set_miner_conf.cgi` wants it; some of its keys have other names there.

    Some firmware reads `miner-mode` and some `bitmain-work-mode`, some wants a number and some a text: both names are
    written, and who writes tries the other spelling when one is not taken.
    """
    body: dict[str, Any] = {
        "bitmain-fan-ctrl": conf.fan_pct is not None,
        "bitmain-fan-pwm": "100" if conf.fan_pct is None else f"{conf.fan_pct:.0f}",
    }
    if conf.work_mode is not None:
        mode: int | str = str(int(conf.work_mode)) if modes_as_text else int(conf.work_mode)
        body |= {"miner-mode": mode, "bitmain-work-mode": mode}
    if conf.level_pct is not None:
        body["freq-level"] = f"{conf.level_pct:.0f}"
    body["pools"] = [pool.as_json() for pool in three(conf.pools)]
    return body


def three(pools: Sequence[PoolAccount]) -> Sequence[PoolAccount]:
    """Return the pools with empty places up to three."""
    return [*pools, *[PoolAccount()] * POOL_SLOTS][: max(POOL_SLOTS, len(pools))]


def _others(page: Section) -> Iterator[tuple[str, str]]:
    for key, value in page.fields.items():
        if key.startswith("bitmain-") and key not in _NAMED_HERE and isinstance(value, str | int | float):
            yield key, str(value).lower() if isinstance(value, bool) else str(value)


def _pool(row: Section) -> PoolAccount:
    """Return one pool to the letter: it is written back."""
    spelled = [row.fields.get(key, "") for key in ("url", "user", "pass")]
    if not all(isinstance(text, str) for text in spelled):
        row.reject("url", "address, user and password as text")
    return PoolAccount(*spelled)


def _first_count(page: Section, keys: tuple[str, ...]) -> int | None:
    return next((count for key in keys if (count := page.count(key)) is not None), None)
