"""What an Avalon says of its work: `summary`, `pools` and the MM string into one reading (PROTOCOLS.md 3.7). Pure."""

from __future__ import annotations

from hashbus.messages import MinerReading, MinerState, PoolTelemetry
from hashbus_poller.drivers.avalon import steps
from hashbus_poller.drivers.avalon.boards import boards, chip_lists, errors, ths
from hashbus_poller.drivers.avalon.mm import Fields, Machine, machine, silent, when_s
from hashbus_poller.drivers.cgminer.answer import Answer, Section
from hashbus_poller.drivers.cgminer.parse import hashrate_ths, parse_pools
from hashbus_poller.readings import efficiency_j_per_th, understanding

MOST_FANS = 8
SPANS_NOW = ("5s", "30s")
SPANS = ("1m", "5m", "15m", "av")
"""The shortest first, so that the rate fits the power of the same moment."""

LATEST_UPTIME_S = 1e9
"""Above this `When` is the time of day, below it the seconds since the miner was powered up."""


def reading(summary: Answer, pools: Answer | None, stats: Answer | None, *, latency_ms: float | None) -> MinerReading:
    """Put a reading together; Garbled when a field is of the wrong kind. What a cut took away is null."""
    told = [answer for answer in (summary, pools, stats) if answer is not None]
    with understanding(b"\n".join(answer.raw for answer in told)):
        return _reading(
            summary,
            parse_pools(pools),
            machine(stats) or silent(summary),
            is_partial=any(answer.is_partial for answer in told),
            latency_ms=latency_ms,
        )


def is_off(told: Machine) -> bool:
    """Return whether mining was switched off: put to sleep, or the boards have no power."""
    unit = told.first
    if unit.number("SoftOFF"):
        return "in work" not in _work(unit)  # it takes some seconds to come to rest
    return _rate_now_ths(told) in (None, 0.0) and _is_unpowered(told)


def _reading(
    summary: Answer, pools: tuple[PoolTelemetry, ...], told: Machine, *, is_partial: bool, latency_ms: float | None
) -> MinerReading:
    top, unit = summary.require_success().section("SUMMARY"), told.first
    now_ths, average_ths = _rate_now_ths(told), _rate_ths(top, SPANS)
    if now_ths is None:
        now_ths = _rate_ths(top, SPANS_NOW)
    if now_ths is None and average_ths is None:
        top.reject("MHS av", "a hashrate")
    faulty = errors(told)
    state = _state(told, now_ths if now_ths is not None else average_ths, has_errors=bool(faulty))
    is_mining = state is MinerState.MINING
    active = next((pool for pool in pools if pool.is_active), None)
    power_w, hashboards = _power_w(unit), boards(told, is_mining=is_mining)
    chips_c = [at_c for board in chip_lists(told) for at_c in board]
    return MinerReading(
        state=state,
        is_partial=is_partial,
        hashrate_ths=average_ths if average_ths is not None else now_ths,
        hashrate_5s_ths=now_ths,
        hashrate_expected_ths=_sum([ths(one.number("GHSmm")) for one in told.units]) or None,
        power_w=power_w,
        power_limit_w=steps.limit_w(told),
        efficiency_j_per_th=efficiency_j_per_th(power_w, average_ths) if is_mining else None,
        chip_min_c=min(chips_c, default=None),
        chip_avg_c=unit.celsius("TAvg"),
        chip_max_c=max((at_c for one in told.units if (at_c := one.celsius("TMax")) is not None), default=None),
        chips_c=tuple(chips_c),
        ambient_c=unit.celsius("ITemp") if unit.has("ITemp") else unit.celsius("Temp"),
        fans_rpm=tuple(rpm for one in told.units for rpm in _fans_rpm(one)),
        fan_pct=unit.number("FanR"),
        frequency_mhz=unit.number("Freq") or None,
        accepted_shares=top.count("Accepted"),
        rejected_shares=top.count("Rejected"),
        stale_shares=top.count("Stale"),
        hardware_errors=top.count("Hardware Errors"),
        mining_s=top.number("Elapsed"),
        uptime_s=_uptime_s(summary),
        heat_mode=_heat_mode(unit),
        pool_url=active.url if active else None,
        worker=active.worker if active else None,
        pool_latency_ms=_positive(unit.number("PING")),
        pools=pools,
        boards=hashboards,
        boards_total=len(hashboards) or None,
        boards_healthy=sum(board.is_healthy is True for board in hashboards) if hashboards else None,
        errors=faulty,
        latency_ms=latency_ms,
    )


def _state(told: Machine, rate_ths: float | None, *, has_errors: bool) -> MinerState:
    if is_off(told):
        return MinerState.SLEEPING
    if "in init" in _work(told.first):
        return MinerState.TUNING
    if rate_ths:
        return MinerState.MINING
    return MinerState.FAULT if has_errors else MinerState.IDLE


def _work(unit: Fields) -> str:
    return (unit.text("SYSTEMSTATU") or "").lower()


def _is_unpowered(told: Machine) -> bool:
    """Return whether the supply gives the boards nothing, and nothing is wrong with it."""
    supply = told.first.numbers("PS")
    if len(supply) >= 5:
        return not supply[0] and not supply[2] and not supply[4]
    volts = [volt for unit in told.units for volt in unit.numbers("Vo")]
    return bool(volts) and not any(volts)


def _power_w(unit: Fields) -> float | None:
    """Return the watts at the wall, or those of the boards where the supply measures no others."""
    supply = unit.numbers("PS")
    at_wall_w = unit.number("WALLPOWER") or (supply[6] if len(supply) > 6 else None)
    return at_wall_w or (supply[4] if len(supply) > 4 else None)


def _rate_now_ths(told: Machine) -> float | None:
    """Return the rate of this moment; generations before the 11xx do not tell it."""
    return _sum([ths(unit.number("GHSspd")) for unit in told.units])


def _rate_ths(top: Section, spans: tuple[str, ...]) -> float | None:
    return next((rate for span in spans if (rate := hashrate_ths(top, span)) is not None), None)


def _fans_rpm(unit: Fields) -> list[float]:
    names = ("Fan", *(f"Fan{number}" for number in range(1, MOST_FANS + 1)))
    return [rpm for name in names if (rpm := unit.number(name)) is not None]


def _heat_mode(unit: Fields) -> str | None:
    mode = unit.number("WORKMODE")
    is_heater = steps.key_of(steps.model_of(unit)) == "mini3"
    return steps.HEAT_MODES.get(mode) if is_heater and mode is not None else None


def _uptime_s(summary: Answer) -> float | None:
    """Return the seconds since the miner was powered up, which old generations give for the time of a reply."""
    when = when_s(summary)
    return when if when is not None and when < LATEST_UPTIME_S else None


def _positive(value: float | None) -> float | None:
    return value if value is not None and value > 0 else None


def _sum(values: list[float | None]) -> float | None:
    told = [value for value in values if value is not None]
    return sum(told) if told else None
