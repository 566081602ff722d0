"""What a Bitaxe lets be set: the keys of `PATCH /api/system`, their types and bounds, and the pool slots of 2.15.

Types and bounds: ESP-Miner main/nvs_config.c (`rest_name`, `.min`, `.max`) and, for versions up to 2.10,
`PATCH_update_settings`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from hashbus_simulator.devices.bitaxe.firmware import AxeOs

LONGEST_TEXT = 4000
MAX_POOLS = 8
HIDDEN_PASSWORD = "*****"  # noqa: S105  what 2.15 shows in place of a pool password


class WrongInputError(ValueError):
    """A key has a value that this firmware refuses."""


class Kind(Enum):
    """How a value is checked and kept."""

    TEXT = "text"
    WHOLE = "whole"
    FLOAT = "float"
    FLAG = "flag"


@dataclass(frozen=True, slots=True)
class Rule:
    """One key: type, bounds (of a text: its length), and the versions that know it (`until` no longer does)."""

    key: str
    kind: Kind
    low: float
    high: float
    since: tuple[int, int] = (2, 0)
    until: tuple[int, int] = (99, 0)

    def is_known_to(self, firmware: AxeOs) -> bool:
        """Whether this version has the key."""
        return firmware.since(*self.since) and not firmware.since(*self.until)

    def read(self, value: object) -> object:
        """The value as it is kept. Raises WrongInputError for another type or outside the bounds."""
        match self.kind, value:
            case Kind.TEXT, str() if self.low <= len(value.encode()) <= self.high:
                return value
            case Kind.FLAG, bool():
                return self._bounded(int(value))
            case Kind.WHOLE | Kind.FLAG, int() | float() if not isinstance(value, bool):
                return self._bounded(int(value))
            case Kind.FLOAT, int() | float() if not isinstance(value, bool):
                return self._bounded(value)
        raise WrongInputError(self.key)

    def _bounded(self, number: float) -> float:
        if self.low <= number <= self.high:
            return number
        raise WrongInputError(self.key)


def _pool_rules(prefix: str) -> tuple[Rule, ...]:
    """The flat pool keys: gone in 2.15, where a PATCH with them is answered 200 and changes nothing."""
    gone = (2, 15)
    stratum = "stratum" if not prefix else f"{prefix}Stratum"
    return (
        Rule(f"{stratum}URL", Kind.TEXT, 0, LONGEST_TEXT, until=gone),
        Rule(f"{stratum}Port", Kind.WHOLE, 0, 65535, until=gone),
        Rule(f"{stratum}User", Kind.TEXT, 0, LONGEST_TEXT, until=gone),
        Rule(f"{stratum}Password", Kind.TEXT, 0, LONGEST_TEXT, until=gone),
        Rule(f"{stratum}SuggestedDifficulty", Kind.WHOLE, 0, 65535, since=(2, 8), until=gone),
        Rule(f"{stratum}ExtranonceSubscribe", Kind.FLAG, 0, 1, since=(2, 8), until=gone),
        Rule(f"{stratum}TLS", Kind.WHOLE, 0, 3, since=(2, 13), until=gone),
        Rule(f"{stratum}Cert", Kind.TEXT, 0, LONGEST_TEXT, since=(2, 13), until=gone),
        Rule(f"{stratum}DecodeCoinbase", Kind.FLAG, 0, 1, since=(2, 13), until=gone),
        Rule(f"{stratum}Protocol", Kind.TEXT, 3, 3, since=(2, 14), until=gone),
    )


RULES: tuple[Rule, ...] = (
    Rule("ssid", Kind.TEXT, 1, 32),
    Rule("wifiPass", Kind.TEXT, 0, 63),
    Rule("hostname", Kind.TEXT, 1, 32),
    *_pool_rules(""),
    *_pool_rules("fallback"),
    Rule("useFallbackStratum", Kind.FLAG, 0, 1, since=(2, 11)),
    Rule("primaryPoolIndex", Kind.WHOLE, 0, MAX_POOLS - 1, since=(2, 15)),
    Rule("secondaryPoolIndex", Kind.WHOLE, 0, MAX_POOLS - 1, since=(2, 15)),
    Rule("frequency", Kind.FLOAT, 1, 65535),
    Rule("coreVoltage", Kind.WHOLE, 1, 65535),
    Rule("overclockEnabled", Kind.FLAG, 0, 1, since=(2, 6)),
    Rule("display", Kind.TEXT, 0, LONGEST_TEXT, since=(2, 8)),
    Rule("rotation", Kind.WHOLE, 0, 270, since=(2, 8)),
    Rule("flipscreen", Kind.FLAG, 0, 1, until=(2, 8)),
    Rule("invertscreen", Kind.FLAG, 0, 1),
    Rule("invertfanpolarity", Kind.FLAG, 0, 1, until=(2, 8)),
    Rule("displayTimeout", Kind.WHOLE, -1, 65535, since=(2, 8)),
    Rule("autofanspeed", Kind.FLAG, 0, 1),
    Rule("fanspeed", Kind.WHOLE, 0, 100, until=(2, 11)),
    Rule("manualFanSpeed", Kind.WHOLE, 0, 100, since=(2, 11)),
    Rule("minFanSpeed", Kind.WHOLE, 0, 99, since=(2, 10)),
    Rule("temptarget", Kind.WHOLE, 35, 66, since=(2, 8)),
    Rule("overheat_mode", Kind.FLAG, 0, 0),
    Rule("useCustomWWW", Kind.FLAG, 0, 1, since=(2, 15)),
    Rule("statsFrequency", Kind.WHOLE, 0, 65535, since=(2, 8)),
)

POOL_RULES: tuple[Rule, ...] = (
    Rule("stratumURL", Kind.TEXT, 1, 255),
    Rule("stratumPort", Kind.WHOLE, 1, 65535),
    Rule("stratumUser", Kind.TEXT, 1, 255),
    Rule("stratumPassword", Kind.TEXT, 0, 255),
    Rule("stratumProtocol", Kind.TEXT, 3, 3),
    Rule("stratumSuggestedDifficulty", Kind.FLOAT, 0, 1e18),
    Rule("stratumExtranonceSubscribe", Kind.FLAG, 0, 1),
    Rule("stratumTLS", Kind.WHOLE, 0, 2),
    Rule("stratumCert", Kind.TEXT, 0, 3000),
    Rule("stratumDecodeCoinbase", Kind.FLAG, 0, 1),
    Rule("stratumV2ChannelType", Kind.TEXT, 0, 255),
    Rule("stratumV2AuthorityPubkey", Kind.TEXT, 0, 128),
    Rule("stratumV2RequireAuth", Kind.FLAG, 0, 1),
)
POOL_DEFAULTS: dict[str, object] = {
    "stratumProtocol": "SV1",
    "stratumURL": "",
    "stratumPort": 3333,
    "stratumUser": "",
    "stratumPassword": "x",
    "stratumSuggestedDifficulty": 0,
    "stratumExtranonceSubscribe": False,
    "stratumTLS": 0,
    "stratumCert": "",
    "stratumDecodeCoinbase": True,
    "stratumV2ChannelType": "extended",
    "stratumV2AuthorityPubkey": "",
    "stratumV2RequireAuth": False,
}


def accepted_changes(firmware: AxeOs, change: Mapping[str, object]) -> dict[str, object]:
    """The settings that a PATCH changes.

    From 2.11 on one bad value refuses the whole request (WrongInputError); before, a bad value is passed over
    in silence. Unknown keys never matter. `overheat_mode` can only be cleared.
    """
    is_strict = firmware.since(2, 11)
    changes: dict[str, object] = {}
    for rule in RULES:
        if rule.key not in change or not rule.is_known_to(firmware):
            continue
        if rule.key == "overheat_mode" and not is_strict:
            changes[rule.key] = 0
            continue
        try:
            changes[rule.key] = rule.read(change[rule.key])
        except WrongInputError:
            if is_strict:
                raise
    return changes


def accepted_pool(pool: object, before: Mapping[str, object] | None) -> dict[str, object]:
    """A whole pool slot out of what was sent; a hidden password keeps the one before. Raises WrongInputError."""
    if not isinstance(pool, dict):
        raise WrongInputError("pool")
    for key in ("stratumURL", "stratumPort", "stratumUser"):
        if key not in pool:
            raise WrongInputError(key)
    slot = dict(POOL_DEFAULTS)
    for rule in POOL_RULES:
        if rule.key in pool:
            value = rule.read(pool[rule.key])
            slot[rule.key] = bool(value) if rule.kind is Kind.FLAG else value
    if pool.get("stratumPassword") == HIDDEN_PASSWORD and before is not None:
        slot["stratumPassword"] = before["stratumPassword"]
    return slot


def accepted_pools(pools: object, before: Mapping[int, Mapping[str, object]]) -> dict[int, dict[str, object]]:
    """The pool slots that a PATCH of 2.15 carries, by number. Raises WrongInputError."""
    if not isinstance(pools, list):
        raise WrongInputError("pools")
    slots = {}
    for pool in pools:
        number = pool.get("id") if isinstance(pool, dict) else None
        if not isinstance(number, int) or not 0 <= number < MAX_POOLS:
            raise WrongInputError("pools")
        slots[number] = accepted_pool(pool, before.get(number))
    return slots
