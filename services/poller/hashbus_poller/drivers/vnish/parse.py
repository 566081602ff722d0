"""What VNish says, from its REST answers to a reading, in two generations of its interface (PROTOCOLS.md 3.10); pure.

Watts stand in `power_consumption`; `power_usage` is watts up to 1.2 and joules per terahash in 1.3, so it only counts
where the first is missing. J/TH is worked out here. The shares of the firmware's own fee are not the owner's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from hashbus.messages import MinerError, MinerReading, MinerState, PoolTelemetry
from hashbus_poller.drivers.contract import Garbled
from hashbus_poller.drivers.vnish.boards import boards_of, is_broken
from hashbus_poller.nested import inner, objects
from hashbus_poller.readings import (
    count_or_none,
    efficiency_j_per_th,
    json_object,
    mean,
    number_or_none,
    sensor_c,
    text_or_none,
    understanding,
)

PER_TERAHASH: Mapping[str, float] = MappingProxyType({"GH/s": 1e3, "MH/s": 1e6})
"""How many of `hr_measure` are one TH/s."""

CUSTOMARY_MEASURE = "GH/s"
OWNERS_POOL = "UserPool"
FULL_PCT = 100
LONGEST_WORD = 200
LONGEST_TEXT = 1000

STATES: Mapping[str, MinerState] = MappingProxyType(
    {
        "mining": MinerState.MINING,
        "initializing": MinerState.TUNING,
        "starting": MinerState.TUNING,
        "auto-tuning": MinerState.TUNING,
        "restarting": MinerState.TUNING,
        "shutting-down": MinerState.IDLE,
        "stopped": MinerState.SLEEPING,
        "failure": MinerState.FAULT,
    }
)
ASLEEP = frozenset({"stopped", "shutting-down"})


@dataclass(frozen=True, slots=True)
class Facts:
    """What does not change from reading to reading: the unit of hashrates, and how many chips a board has."""

    per_terahash: float = PER_TERAHASH[CUSTOMARY_MEASURE]
    chips: int | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """What the miner does now, as far as an order must know it."""

    state: str
    throttled_pct: float | None
    needs_restart: bool

    @property
    def is_asleep(self) -> bool:
        """Whether it is stopped, or about to be."""
        return self.state in ASLEEP


def per_terahash(info: Mapping[str, Any]) -> float:
    """Return how many of the miner's unit are one TH/s; a measure that it does not know is the customary one."""
    return PER_TERAHASH.get(str(info.get("hr_measure")), PER_TERAHASH[CUSTOMARY_MEASURE])


def miner_of(summary: bytes) -> Mapping[str, Any] | None:
    """Return what the mining daemon says; None while it is down, Garbled when the answer is no summary."""
    said = json_object(summary)
    if "miner" not in said:
        raise Garbled("miner is missing", summary)
    with understanding(summary):
        return inner(said, "miner") or None


def standing(status: bytes) -> Standing:
    """Return what the miner does, from `status`."""
    said = json_object(status)
    with understanding(status):
        return Standing(_state_word(said), _throttled_pct(said), said.get("restart_required") is True)


def down_reading(status: bytes, power_limit_w: float | None) -> MinerReading:
    """Return the reading of a miner whose mining daemon is down: stopped, starting, or broken."""
    said = json_object(status)
    with understanding(status):
        errors = _own_errors(said)
        return MinerReading(
            state=STATES.get(_state_word(said), MinerState.UNKNOWN),
            power_limit_w=power_limit_w,
            power_percent_pct=_throttled_pct(said),
            errors=errors,
            error_message=_sentence(errors),
        )


def reading(miner: Mapping[str, Any], answer: bytes, facts: Facts, power_limit_w: float | None) -> MinerReading:
    """Return the reading of a miner whose daemon is up; `answer` is for complaints."""
    with understanding(answer):
        return _reading(miner, facts, power_limit_w)


def _reading(miner: Mapping[str, Any], facts: Facts, power_limit_w: float | None) -> MinerReading:
    status = inner(miner, "miner_status")
    state = STATES.get(_state_word(status), MinerState.UNKNOWN)
    chains = objects(miner, "chains")
    boards = boards_of(chains, per_terahash=facts.per_terahash, chips=facts.chips)
    pools = _pools(objects(miner, "pools"))
    active = next((pool for pool in pools if pool.is_active), None)
    power_w, rate_ths = _power_w(miner), _rate_ths(miner, facts, "hr_average", "average_hashrate")
    errors = (*_own_errors(status), *_board_errors(chains), *_fan_errors(miner))
    healthy = [board.is_healthy for board in boards if board.is_healthy is not None]
    return MinerReading(
        **_temperatures(miner),
        **_cooling(inner(miner, "cooling")),
        state=state,
        hashrate_ths=rate_ths,
        hashrate_5s_ths=_required_rate_ths(miner, facts),
        hashrate_expected_ths=_rate_ths(miner, facts, "hr_nominal") or None,
        power_w=power_w,
        power_limit_w=power_limit_w,
        power_percent_pct=_throttled_pct(status),
        efficiency_j_per_th=efficiency_j_per_th(power_w, rate_ths) if state is MinerState.MINING else None,
        inlet_c=min((board.inlet_c for board in boards if board.inlet_c is not None), default=None),
        outlet_c=_highest(board.outlet_c for board in boards),
        frequency_mhz=_round(mean([board.frequency_mhz for board in boards if board.frequency_mhz is not None])),
        accepted_shares=_total(pool.accepted_shares for pool in pools),
        rejected_shares=_total(pool.rejected_shares for pool in pools),
        stale_shares=_total(pool.stale_shares for pool in pools),
        hardware_errors=count_or_none(miner, "hw_errors"),
        mining_s=number_or_none(status, "miner_state_time") if state is MinerState.MINING else None,
        pool_url=active.url if active else None,
        worker=active.worker if active else None,
        pool_latency_ms=active.latency_ms if active else None,
        pools=pools,
        boards=boards,
        boards_total=len(boards) or None,
        boards_healthy=sum(healthy) if healthy else None,
        errors=errors,
        error_message=_sentence(errors),
    )


def _state_word(status: Mapping[str, Any]) -> str:
    word = text_or_none(status, "miner_state")
    if word is None:
        raise Garbled("miner_state is missing")
    return word


def _throttled_pct(status: Mapping[str, Any]) -> float | None:
    """Return the modulation in force; None at full power, and before 1.3.3, which has none."""
    percent = number_or_none(status, "throttled")
    return percent if percent and percent < FULL_PCT else None


def _power_w(miner: Mapping[str, Any]) -> float | None:
    key = "power_consumption" if "power_consumption" in miner else "power_usage"
    return number_or_none(miner, key)


def _required_rate_ths(miner: Mapping[str, Any], facts: Facts) -> float:
    rate_ths = _rate_ths(miner, facts, "hr_realtime", "instant_hashrate")
    if rate_ths is None:
        raise Garbled("hr_realtime is missing")
    return rate_ths


def _rate_ths(miner: Mapping[str, Any], facts: Facts, key: str, old_key: str | None = None) -> float | None:
    """Return a hashrate; what stood under the old key was a thousand times as coarse."""
    if key in miner or old_key is None:
        value, unit = number_or_none(miner, key), facts.per_terahash
    else:
        value, unit = number_or_none(miner, old_key), facts.per_terahash / 1e3
    return None if value is None else round(value / unit, 6)


def _temperatures(miner: Mapping[str, Any]) -> dict[str, Any]:
    supply = inner(miner, "psu", "temps")
    return {
        "chip_min_c": sensor_c(number_or_none(inner(miner, "chip_temp"), "min")),
        "chip_max_c": sensor_c(number_or_none(inner(miner, "chip_temp"), "max")),
        "board_max_c": sensor_c(number_or_none(inner(miner, "pcb_temp"), "max")),
        "psu_c": _highest(sensor_c(number_or_none(supply, key)) for key in ("pfc_temp", "llc1_temp", "llc2_temp")),
    }


def _cooling(cooling: Mapping[str, Any]) -> dict[str, Any]:
    fans = objects(cooling, "fans")
    speeds = (number_or_none(fan, "rpm") for fan in fans)
    return {
        "fans_rpm": tuple(speed for speed in speeds if speed is not None and speed >= 0),
        "fan_pct": number_or_none(cooling, "fan_duty") if fans else None,
    }


def _pools(listed: list[dict[str, Any]]) -> tuple[PoolTelemetry, ...]:
    """Return the owner's pools. The one that works is in use; where none does, the first that stands by is the next."""
    own = [pool for pool in listed if pool.get("pool_type", OWNERS_POOL) == OWNERS_POOL and pool.get("url")]
    in_use = next((pool for word in ("working", "active") for pool in own if pool.get("status") == word), None)
    return tuple(_pool(pool, is_active=pool is in_use) for pool in own)


def _pool(pool: Mapping[str, Any], *, is_active: bool) -> PoolTelemetry:
    worker, ping_ms = text_or_none(pool, "user"), number_or_none(pool, "ping")
    return PoolTelemetry(
        url=(text_or_none(pool, "url") or "")[:LONGEST_WORD],
        worker=worker[:LONGEST_WORD] if worker else None,
        status=text_or_none(pool, "status"),
        is_active=is_active,
        accepted_shares=count_or_none(pool, "accepted"),
        rejected_shares=count_or_none(pool, "rejected"),
        stale_shares=count_or_none(pool, "stale"),
        latency_ms=ping_ms if ping_ms and ping_ms > 0 else None,
    )


def _own_errors(status: Mapping[str, Any]) -> tuple[MinerError, ...]:
    """Return the failure that has ended mining, in the firmware's own words: it does not publish its codes."""
    code, text = count_or_none(status, "failure_code"), text_or_none(status, "description")
    if code is None and (text is None or status.get("miner_state") != "failure"):
        return ()
    said = text or f"mining has failed with code {code}; the miner's log says more"
    return (MinerError(code="failure" if code is None else str(code), text=said[:LONGEST_TEXT]),)


def _board_errors(chains: list[dict[str, Any]]) -> list[MinerError]:
    errors = []
    for chain in chains:
        if is_broken(chain):
            number = count_or_none(chain, "id")
            why = text_or_none(inner(chain, "status"), "description") or "it does not work"
            errors.append(MinerError(code=f"chain_{number}", text=f"board {number}: {why}"[:LONGEST_TEXT]))
    return errors


def _fan_errors(miner: Mapping[str, Any]) -> list[MinerError]:
    fans = objects(inner(miner, "cooling"), "fans")
    numbers = [count_or_none(fan, "id") for fan in fans if fan.get("status") == "lost"]
    return [
        MinerError(code=f"fan_{number}", text=f"fan {number} does not turn, or is not plugged in") for number in numbers
    ]


def _sentence(errors: Iterable[MinerError]) -> str | None:
    return "; ".join(error.text or error.code for error in errors)[:LONGEST_TEXT] or None


def _total(counts: Iterable[int | None]) -> int | None:
    known = [count for count in counts if count is not None]
    return sum(known) if known else None


def _highest(values: Iterable[float | None]) -> float | None:
    return max((value for value in values if value is not None), default=None)


def _round(value: float | None) -> float | None:
    return None if value is None else round(value, 3)
