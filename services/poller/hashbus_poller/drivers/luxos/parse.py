"""What LuxOS says, from its reports to a reading (PROTOCOLS.md 3.8); pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hashbus.messages import MinerError, MinerReading, MinerState
from hashbus_poller.drivers.cgminer.answer import Answer, Section
from hashbus_poller.drivers.cgminer.parse import healthy_boards, parse_pools
from hashbus_poller.drivers.contract import Garbled
from hashbus_poller.drivers.luxos import commands
from hashbus_poller.drivers.luxos.boards import boards_of
from hashbus_poller.drivers.luxos.faults import errors_of, is_starting
from hashbus_poller.drivers.luxos.profiles import Profile, named
from hashbus_poller.readings import efficiency_j_per_th, mean, understanding

PER_TERAHASH = 1e3
NOT_HERE = (10, 14, 45)
"""Codes of a report that this version does not have, or has nothing in."""

AWAKE = "none"
IDLE = "idle"
START_S = 300.0
LONGEST_TEXT = 1000


@dataclass(frozen=True, slots=True)
class Reports:
    """The answers that make a reading; None where this version has no such report, or where a cut took it away."""

    summary: Answer
    config: Answer | None = None
    devs: Answer | None = None
    power: Answer | None = None
    temps: Answer | None = None
    fans: Answer | None = None
    pools: Answer | None = None
    events: Answer | None = None

    @property
    def is_partial(self) -> bool:
        """Whether one of them was cut short."""
        answers = (self.summary, self.config, self.devs, self.power, self.temps, self.fans, self.pools, self.events)
        return any(answer is not None and answer.is_partial for answer in answers)


@dataclass(frozen=True, slots=True)
class Standing:
    """How the miner is set, from `config`; a field is None where this version does not say."""

    curtailed: str | None = None
    profile: str | None = None
    has_atm: bool = False
    red_led: str | None = None

    @property
    def is_asleep(self) -> bool:
        """Whether it is curtailed; a miner that does not say is awake."""
        return self.curtailed is not None and self.curtailed != AWAKE


def standing(config: Answer) -> Standing:
    """Return how the miner is set."""
    return _standing(config.require_success().section("CONFIG"))


def reports_in(joined: Answer) -> Reports:
    """Return the reports in an answer to all of them at once; Garbled when the summary is not among them."""
    return reports_of({name: joined.part(name) for name in commands.REPORTS}, joined)


def reports_of(answers: Mapping[str, Answer | None], whole: Answer | None = None) -> Reports:
    """Return the reports by their commands; `whole` is what they came in, for complaints."""
    summary = answers["summary"]
    if summary is None:
        raise Garbled("the answer has no summary in it", whole.raw if whole else b"")
    others = {name: None if answer is None else usable(answer) for name, answer in answers.items() if name != "summary"}
    return Reports(summary.require_success(), **others)


def usable(answer: Answer) -> Answer | None:
    """Return a report, or None where this version has none of that name; a DeviceError for every other no."""
    if answer.failed_with(*NOT_HERE):
        return None
    # "No pools" is left to the reader of pools.
    return answer if answer.question == "pools" else answer.require_success()


def reading(reports: Reports, profiles: Sequence[Profile]) -> MinerReading:
    """Return the reading; Garbled when a field is of the wrong kind."""
    top = reports.summary.section("SUMMARY")
    with understanding(reports.summary.raw):
        return _reading(top, reports, profiles)


def _reading(top: Section, reports: Reports, profiles: Sequence[Profile]) -> MinerReading:
    config, power, fans = reports.config, reports.power, reports.fans
    now = _standing(config.section("CONFIG")) if config else Standing()
    latest_ths = top.rate_ths("GHS 5s", PER_TERAHASH)
    if latest_ths is None:
        top.reject("GHS 5s", "a hashrate in GH/s")
    steady_ths = next(
        (rate for key in ("GHS 5m", "GHS av") if (rate := top.rate_ths(key, PER_TERAHASH)) is not None), None
    )
    boards = boards_of(reports.devs, reports.temps, is_mining=bool(latest_ths) and not now.is_asleep)
    pools = parse_pools(reports.pools)
    active = next((pool for pool in pools if pool.is_active), None)
    errors, profile = errors_of(reports.events), named(profiles, now.profile)
    state = _state(now, latest_ths, reports, errors, top)
    power_w = power.section("POWER").number("Watts") if power else None
    expected = [board.expected_ths for board in boards if board.expected_ths is not None]
    return MinerReading(
        **_fans(fans),
        state=state,
        is_partial=reports.is_partial,
        hashrate_ths=steady_ths,
        hashrate_5s_ths=latest_ths,
        hashrate_expected_ths=round(sum(expected), 6) if expected and not now.is_asleep else None,
        power_w=power_w,
        power_limit_w=profile.power_w if profile else None,
        efficiency_j_per_th=efficiency_j_per_th(power_w, steady_ths) if state is MinerState.MINING else None,
        board_max_c=_highest(board.board_c for board in boards),
        frequency_mhz=profile.frequency_mhz if profile else None,
        accepted_shares=top.count("Accepted"),
        rejected_shares=top.count("Rejected"),
        stale_shares=top.count("Stale"),
        hardware_errors=top.count("Hardware Errors"),
        mining_s=top.number("Elapsed"),
        pool_url=active.url if active else None,
        worker=active.worker if active else None,
        pools=pools,
        boards=boards,
        boards_total=len(boards) or None,
        boards_healthy=healthy_boards(boards),
        errors=errors,
        error_message="; ".join(error.text or error.code for error in errors)[:LONGEST_TEXT] or None,
    )


def _standing(row: Section) -> Standing:
    curtailed, red_led = row.text("CurtailMode"), row.text("RedLed")
    return Standing(
        curtailed=curtailed.lower() if curtailed else None,
        profile=row.text("Profile"),
        has_atm=row.flag("IsAtmEnabled") is True,
        red_led=red_led.lower() if red_led else None,
    )


def _state(
    now: Standing, latest_ths: float, reports: Reports, errors: Sequence[MinerError], top: Section
) -> MinerState:
    if now.is_asleep:
        return MinerState.IDLE if now.curtailed == IDLE else MinerState.SLEEPING
    if latest_ths:
        return MinerState.TUNING if _is_ramping(reports.devs) else MinerState.MINING
    elapsed_s = top.number("Elapsed")
    if is_starting(reports.events) or (elapsed_s is not None and elapsed_s < START_S):
        return MinerState.TUNING
    return MinerState.FAULT if errors else MinerState.IDLE


def _is_ramping(devs: Answer | None) -> bool:
    return devs is not None and any(row.flag("IsRamping") for row in devs.sections("DEVS"))


def _fans(fans: Answer | None) -> dict[str, Any]:
    """Return speed and power of the fans; hydro and immersion models list none."""
    rows = fans.sections("FANS") if fans else []
    speeds = [speed for row in rows if (speed := row.number("Speed")) is not None]
    rpms = [rpm for row in rows if (rpm := row.number("RPM")) is not None]
    return {"fans_rpm": tuple(rpms), "fan_pct": mean(speeds)}


def _highest(values: Iterable[float | None]) -> float | None:
    return max((value for value in values if value is not None), default=None)
