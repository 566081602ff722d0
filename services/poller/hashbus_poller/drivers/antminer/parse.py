"""One reading of an Antminer out of `stats`, `pools` and what its web page says is set. Pure.

Two questions on port 4028 are enough: shares are counted pool by pool, hardware errors board by board, so `summary`
adds nothing. What is set (sleep, level, fan) stands in `stats` on new firmware, else only on the web page.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from hashbus.messages import MinerError, MinerReading, MinerState, PoolTelemetry
from hashbus_poller.drivers.antminer.conf import MinerConf, WorkMode
from hashbus_poller.drivers.antminer.faults import lamp_text
from hashbus_poller.drivers.antminer.levels import Rating, limit_w
from hashbus_poller.drivers.antminer.stats import Stats
from hashbus_poller.drivers.cgminer.answer import Answer
from hashbus_poller.drivers.cgminer.parse import healthy_boards
from hashbus_poller.readings import efficiency_j_per_th

STARTING_S = 120.0
"""A rate of zero within this time after the start is no sign of sleep or of a fault (PROTOCOLS.md 3.5)."""

RAMP_S = 900.0
RAMP_SHARE = 0.8
"""Within this time below this share of its ideal rate the miner is still bringing up its chips."""

FINE = "s"
_KNOWN_AS_ASLEEP = frozenset({WorkMode.SLEEP, WorkMode.OLD_SLEEP})


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a reading needs beside the two reports.

    `conf` is None where it cannot be read, `rating` is that of identify(), `silent_s` says for how long `stats` has
    listed no device, `complaint` why the web page tells nothing, `lamps` are its health lamps that are not fine.
    """

    conf: MinerConf | None = None
    rating: Rating = field(default_factory=Rating)
    silent_s: float = 0.0
    complaint: str | None = None
    lamps: tuple[MinerError, ...] = ()


def parse_reading(
    stats: Stats, pools: Sequence[PoolTelemetry], around: Surroundings, *, is_partial: bool
) -> MinerReading:
    """Return the reading."""
    conf, sheet = around.conf, around.rating.sheet
    work_mode = conf.work_mode if stats.work_mode is None and conf else stats.work_mode
    level_pct = conf.level_pct if stats.level_pct is None and conf else stats.level_pct
    is_known = work_mode is not None or conf is not None
    boards = [board.telemetry for board in stats.boards]
    chips_c = tuple(value for board in stats.boards for value in board.chips_c)
    active = next((pool for pool in pools if pool.is_active), None)
    return MinerReading(
        state=state_of(stats, around, work_mode),
        is_partial=is_partial,
        hashrate_ths=stats.average_ths,
        hashrate_5s_ths=stats.latest_ths,
        hashrate_expected_ths=stats.ideal_ths,
        power_w=stats.power_w,
        power_limit_w=_limit_w(around, work_mode, level_pct) if is_known else None,
        efficiency_j_per_th=efficiency_j_per_th(stats.power_w, stats.average_ths),
        chip_min_c=min(chips_c, default=None),
        chip_avg_c=round(sum(chips_c) / len(chips_c), 1) if chips_c else None,
        chip_max_c=max(chips_c, default=None),
        chips_c=chips_c,
        board_max_c=_highest(board.board_c for board in boards),
        inlet_c=_highest(board.inlet_c for board in boards),
        outlet_c=_highest(board.outlet_c for board in boards),
        fans_rpm=stats.fans_rpm,
        fan_pct=conf.fan_pct if conf else None,
        frequency_mhz=stats.frequency_mhz,
        accepted_shares=_total(pool.accepted_shares for pool in pools),
        rejected_shares=_total(pool.rejected_shares for pool in pools),
        stale_shares=_total(pool.stale_shares for pool in pools),
        hardware_errors=_total(board.hardware_errors for board in boards),
        mining_s=stats.elapsed_s,
        pool_url=active.url if active else None,
        worker=active.worker if active else None,
        pools=tuple(pools),
        boards=tuple(boards),
        boards_total=max(len(boards), (sheet.boards if sheet else None) or 0) or None,
        boards_healthy=healthy_boards(boards),
        errors=around.lamps,
        error_message=around.complaint,
    )


def _limit_w(around: Surroundings, work_mode: int | None, level_pct: float | None) -> float | None:
    frequency_mhz = around.conf.frequency_mhz if around.conf else None
    return limit_w(around.rating.steps, work_mode, level_pct, frequency_mhz)


def state_of(stats: Stats, around: Surroundings, work_mode: int | None) -> MinerState:
    """Return what the miner does, as far as it shows.

    What hashes mines, whatever is set: a change takes half a minute. Without hashes, the setting decides; where it
    cannot be read, a list that has been empty for two minutes is sleep (PROTOCOLS.md 3.5).
    """
    if stats.is_hashing:
        is_ramp = stats.elapsed_s is not None and stats.elapsed_s < RAMP_S
        is_low = stats.ideal_ths is not None and (stats.latest_ths or 0.0) < RAMP_SHARE * stats.ideal_ths
        return MinerState.TUNING if is_ramp and is_low else MinerState.MINING
    if work_mode in _KNOWN_AS_ASLEEP:
        return MinerState.SLEEPING
    idle_s = around.silent_s if stats.is_empty else stats.elapsed_s
    if idle_s is not None and idle_s < STARTING_S:
        return MinerState.TUNING
    if work_mode is None and stats.is_empty:
        return MinerState.SLEEPING
    if around.lamps or (not stats.boards and not stats.is_partial):
        return MinerState.FAULT
    return MinerState.IDLE


def parse_lamps(summary: Answer) -> tuple[MinerError, ...]:
    """Return the health lamps of the web summary that are not fine: rate, network, fans, temperature."""
    lamps = [lamp for row in summary.sections("SUMMARY") for lamp in row.nested("status")]
    return tuple(
        MinerError(
            code=f"{lamp.text('type') or 'status'}_{lamp.text('code') or 0}",
            text=lamp_text(lamp.text("type"), lamp.text("msg")),
        )
        for lamp in lamps
        if (lamp.text("status") or FINE) != FINE
    )


def _highest(values: Iterable[float | None]) -> float | None:
    return max((value for value in values if value is not None), default=None)


def _total(values: Iterable[int | None]) -> int | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None
