"""What a WhatsMiner of API v2 says of its work: pure functions from replies to a reading (PROTOCOLS.md 2.3).

The summary counts in MH/s; boards do so too, or in TH/s (cgminer/btminer.py). Numbers may be strings.
"""

from __future__ import annotations

from dataclasses import dataclass

from hashbus.messages import MinerError, MinerReading, MinerState
from hashbus_poller.drivers.cgminer import btminer
from hashbus_poller.drivers.cgminer.answer import Answer, Section
from hashbus_poller.drivers.cgminer.btminer import MHS_PER_THS, SLOWEST_FAN_RPM
from hashbus_poller.drivers.cgminer.parse import parse_pools
from hashbus_poller.drivers.whatsminer.faults import errors_of, family_of
from hashbus_poller.readings import efficiency_j_per_th, understanding

TOLD = "Msg"
"""Where the API's own process puts what it tells."""

CENTIVOLTS_PER_VOLT = 100.0
MOST_ERRORS = 64
RATES_NOW = ("HS RT", "MHS 5s")
RATES = ("MHS 1m", "MHS 5m", "MHS 15m", "MHS av")
"""The shortest first, so that the rate fits the power of the same moment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What the miner told for one reading; None where it told nothing. `down` is what it says of a dead process."""

    summary: Answer | None = None
    edevs: Answer | None = None
    pools: Answer | None = None
    status: Answer | None = None
    psu: Answer | None = None
    faults: Answer | None = None
    down: str | None = None

    @property
    def answers(self) -> list[Answer]:
        """All that was told."""
        told = (self.summary, self.edevs, self.pools, self.status, self.psu, self.faults)
        return [answer for answer in told if answer is not None]


def told_by(answer: Answer | None) -> Section | None:
    """Return what one of the API's own reports tells; None when there is none, or a cut took it away."""
    if answer is None or (answer.is_partial and TOLD not in answer.fields):
        return None
    return answer.section(TOLD)


def token_parts(said: Answer) -> dict[str, str]:
    """Return what a token is made of: time, salt and newsalt."""
    told = said.section(TOLD)
    return {name: _required(told, name) for name in ("time", "salt", "newsalt")}


def is_tuned(summary: Answer) -> bool:
    """Return whether the boards have found their frequency; what does not say so is tuned."""
    return summary.section("SUMMARY").flag("Upfreq Complete") is not False


def is_off(status: Answer | None) -> bool | None:
    """Return whether mining was switched off, under either name of the two forms of `status`; None when untold."""
    told = told_by(status)
    if told is None:
        return None
    first = told.flag("mineroff")
    return told.flag("btmineroff") if first is None else first


def power_percent_pct(status: Answer | None) -> float | None:
    """Return the modulation in force; None for none, which is written as 100, 0 or nothing."""
    told = told_by(status)
    percent = told.number("power_pct") if told else None
    return percent if percent not in (0, 100) else None


def tells_percent(status: Answer | None) -> bool:
    """Return whether a modulation could be read back."""
    told = told_by(status)
    return told is not None and told.number("power_pct") is not None


def power_limit_w(summary: Answer | None, status: Answer | None) -> float | None:
    """Return the power limit that is set; a sleeping miner's summary shows 0 for it."""
    shown = None if summary is None else summary.section("SUMMARY").number("Power Limit")
    told = told_by(status)
    return shown or (told.number("power_limit_set") if told else None) or None


def counts_faults(summary: Answer | None) -> bool:
    """Return whether the faults have to be asked for: there are some, and the summary does not list them."""
    if summary is None:
        return True
    row = summary.section("SUMMARY")
    return bool(row.count("Error Code Count")) and not row.has("Error Code 0")


def reading(heard: Heard, *, latency_ms: float | None) -> MinerReading:
    """Put a reading together; Garbled when a field is of the wrong kind."""
    with understanding(b"\n".join(answer.raw for answer in heard.answers)):
        if heard.summary is None:
            return _without_summary(heard, latency_ms)
        return _reading(heard, heard.summary.section("SUMMARY"), latency_ms)


def _without_summary(heard: Heard, latency_ms: float | None) -> MinerReading:
    """Read a miner that is up while its mining process is not: asleep, or down."""
    supply = told_by(heard.psu)
    is_asleep = is_off(heard.status) is True
    is_dead = heard.down is not None and not is_asleep
    dead = (MinerError(code="miner_down", text=heard.down or "the mining process does not run"),) if is_dead else ()
    return MinerReading(
        state=MinerState.SLEEPING if is_asleep else MinerState.FAULT if is_dead else MinerState.IDLE,
        is_partial=any(answer.is_partial for answer in heard.answers),
        hashrate_ths=0.0,  # without its mining process it makes no hashes: that is known, not missing
        power_w=supply.number("pin") if supply else None,
        power_limit_w=power_limit_w(None, heard.status),
        power_percent_pct=power_percent_pct(heard.status),
        liquid_c=_liquid_c(heard),
        psu_c=supply.celsius("temp0") if supply else None,
        psu_fan_rpm=_psu_fan_rpm(supply, None, is_liquid=_liquid_c(heard) is not None),
        input_v=_input_v(supply),
        errors=(*dead, *_faults(heard)),
        error_message=f"the mining process is down: {heard.down}" if is_dead else None,
        latency_ms=latency_ms,
    )


def _reading(heard: Heard, summary: Section, latency_ms: float | None) -> MinerReading:
    supply = told_by(heard.psu)
    is_liquid = summary.flag("Liquid Cooling") is True
    boards = tuple(
        btminer.parse_board(row, place) for place, row in enumerate(heard.edevs.sections("DEVS") if heard.edevs else ())
    )
    pools = parse_pools(heard.pools)
    active = next((pool for pool in pools if pool.is_active), pools[0] if pools else None)
    errors = _faults(heard) or _listed_faults(summary)
    now_ths, hashrate_ths = _rate_ths(summary, RATES_NOW), _rate_ths(summary, RATES)
    if now_ths is None and hashrate_ths is None:
        summary.reject("MHS av", "a hashrate")
    state = _state(heard, summary, now_ths if now_ths is not None else hashrate_ths, has_errors=bool(errors))
    power_w = summary.number("Power_RT") or summary.number("Power") or (supply.number("pin") if supply else None)
    is_mining = state is MinerState.MINING
    return MinerReading(
        state=state,
        is_partial=any(answer.is_partial for answer in heard.answers),
        hashrate_ths=hashrate_ths if hashrate_ths is not None else now_ths,
        hashrate_5s_ths=now_ths,
        hashrate_expected_ths=_positive(summary.rate_ths("Factory GHS", 1e3))
        or _positive(summary.rate_ths("Target MHS", MHS_PER_THS)),
        power_w=power_w,
        power_limit_w=power_limit_w(heard.summary, heard.status),
        power_percent_pct=power_percent_pct(heard.status),
        efficiency_j_per_th=efficiency_j_per_th(power_w, hashrate_ths) if is_mining else None,
        chip_min_c=summary.celsius("Chip Temp Min"),
        chip_avg_c=summary.celsius("Chip Temp Avg"),
        chip_max_c=summary.celsius("Chip Temp Max"),
        board_max_c=max((board.board_c for board in boards if board.board_c is not None), default=None),
        ambient_c=summary.celsius("Env Temp"),
        liquid_c=_liquid_c(heard) or summary.celsius("Liquid Temp"),
        psu_c=supply.celsius("temp0") if supply else None,
        fans_rpm=() if is_liquid else _fans_rpm(summary),
        psu_fan_rpm=_psu_fan_rpm(supply, summary, is_liquid=is_liquid),
        frequency_mhz=_positive(summary.number("freq_avg")),
        input_v=_input_v(supply),
        accepted_shares=summary.count("Accepted"),
        rejected_shares=summary.count("Rejected"),
        hardware_errors=summary.count("Hardware Errors"),
        uptime_s=summary.number("Uptime"),
        mining_s=summary.number("Elapsed"),
        pool_url=active.url if active else None,
        worker=active.worker if active else None,
        pools=pools,
        boards=boards,
        boards_total=len(boards) or None,
        boards_healthy=sum(board.is_healthy is True for board in boards) if boards else None,
        errors=errors,
        latency_ms=latency_ms,
    )


def _state(heard: Heard, summary: Section, rate_ths: float | None, *, has_errors: bool) -> MinerState:
    off = is_off(heard.status)
    # Firmware whose `status` says nothing shows a limit of 0 W.
    if off or (off is None and summary.number("Power Limit") == 0 and not rate_ths):
        return MinerState.SLEEPING
    if summary.flag("Upfreq Complete") is False:
        return MinerState.TUNING
    if rate_ths:
        return MinerState.MINING
    return MinerState.FAULT if has_errors else MinerState.IDLE


def _rate_ths(summary: Section, keys: tuple[str, ...]) -> float | None:
    """Return the first of several rates that the firmware gives."""
    return next((rate for key in keys if (rate := summary.rate_ths(key, MHS_PER_THS)) is not None), None)


def _faults(heard: Heard) -> tuple[MinerError, ...]:
    """Return what `get_error_code` lists; a miner without faults may answer with an empty text or list."""
    told = heard.faults.fields.get(TOLD) if heard.faults else None
    return errors_of(told.get("error_code") or None) if isinstance(told, dict) else ()


def _listed_faults(summary: Section) -> tuple[MinerError, ...]:
    """Return `Error Code 0` to `Error Code n`, by which firmware before API 2.0.4 tells its faults."""
    count = min(summary.count("Error Code Count") or 0, MOST_ERRORS)
    codes = (summary.text(f"Error Code {index}") for index in range(count))
    return tuple(MinerError(code=code, text=family_of(code)) for code in codes if code)


def _liquid_c(heard: Heard) -> float | None:
    status = told_by(heard.status)
    return status.celsius("liquid_temp") if status else None


def _input_v(supply: Section | None) -> float | None:
    """Return the mains voltage, which the supply gives in hundredths of a volt."""
    centivolts = supply.number("vin") if supply else None
    return centivolts / CENTIVOLTS_PER_VOLT if centivolts else None


def _psu_fan_rpm(supply: Section | None, summary: Section | None, *, is_liquid: bool) -> float | None:
    """Return the fan of the supply; on a liquid-cooled miner a small number there is a temperature."""
    rpm = supply.number("fan_speed") if supply else None
    if rpm is None and summary is not None:
        rpm = summary.number("Power Fanspeed")
    return None if rpm is None or (is_liquid and rpm < SLOWEST_FAN_RPM) else rpm


def _fans_rpm(summary: Section) -> tuple[float, ...]:
    fans = (summary.number("Fan Speed In"), summary.number("Fan Speed Out"))
    return tuple(rpm for rpm in fans if rpm is not None)


def _positive(value: float | None) -> float | None:
    """Return a figure; None for 0 and below, which the firmware writes for what it does not know."""
    return value if value is not None and value > 0 else None


def _required(section: Section, key: str) -> str:
    text = section.text(key)
    if text is None:
        section.reject(key, "text")
    return text
