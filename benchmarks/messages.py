"""What a message costs to write and to read, against the standard library's json with the same content as a dict."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from statistics import median

from benchmarks.figures import Figure
from hashbus.messages import (
    AvailabilityState,
    BoardTelemetry,
    Message,
    MinerAvailability,
    MinerState,
    MinerTelemetry,
    PoolTelemetry,
    PowerSetpoint,
)

ROUNDS, A_ROUND = 15, 2000
QUICK_ROUNDS, QUICK_A_ROUND = 3, 50
AT = datetime(2026, 1, 1, tzinfo=UTC)


async def measure(*, quick: bool) -> list[Figure]:
    """Measure three kinds of message; a few seconds."""
    rounds, count = (QUICK_ROUNDS, QUICK_A_ROUND) if quick else (ROUNDS, A_ROUND)
    kinds = {"telemetry": full_telemetry(), "setpoint": _setpoint(), "availability": _availability()}
    return [figure for name, message in kinds.items() for figure in _figures(name, message, rounds, count)]


def full_telemetry(miner: str = "row1-001") -> MinerTelemetry:
    """Return a reading of an air-cooled miner with three boards and three pools, as full as firmware makes it."""
    boards = tuple(
        BoardTelemetry(
            slot=slot,
            hashrate_ths=36.7 + slot / 10,
            expected_ths=37.0,
            board_c=62.5,
            chip_min_c=60.5,
            chip_avg_c=66.1,
            chip_max_c=71.5,
            frequency_mhz=655,
            chips_ok=84,
            chips_total=84,
            hardware_errors=slot,
            is_healthy=True,
        )
        for slot in range(3)
    )
    pools = tuple(
        PoolTelemetry(url=f"stratum+tcp://pool{number}.example:3333", worker="farm.row1-001", status="Alive")
        for number in range(3)
    )
    return MinerTelemetry(
        site="farm",
        at=AT,
        miner=miner,
        driver="whatsminer",
        state=MinerState.MINING,
        hashrate_ths=110.2,
        hashrate_5s_ths=111.8,
        power_w=3245.5,
        power_limit_w=3300,
        efficiency_j_per_th=29.45,
        chip_min_c=60.5,
        chip_avg_c=66.1,
        chip_max_c=71.5,
        board_max_c=62.5,
        fans_rpm=(5400, 5460),
        frequency_mhz=655,
        accepted_shares=18_234,
        rejected_shares=12,
        uptime_s=86_400,
        mining_s=86_000,
        pool_url=pools[0].url,
        worker=pools[0].worker,
        pools=pools,
        boards=boards,
        boards_total=3,
        boards_healthy=3,
        latency_ms=38.2,
    )


def _setpoint() -> PowerSetpoint:
    until = AT + timedelta(minutes=5)
    reason = "battery at 58 %"
    return PowerSetpoint(
        site="home", at=AT, miner="attic", power_w=2160, valid_until=until, reason=reason, decision="d-1"
    )


def _availability() -> MinerAvailability:
    return MinerAvailability(site="home", at=AT, miner="attic", state=AvailabilityState.ONLINE, since=AT)


def _figures(name: str, message: Message, rounds: int, count: int) -> list[Figure]:
    payload, address, kind = message.encode(), message.address(), type(message)
    content = json.loads(payload)
    written, read = f"message_{name}_encode", f"message_{name}_decode"
    size = f"{len(payload)} B; json"
    ours_per_s, bare_per_s, ratio = _in_turns(message.encode, lambda: json.dumps(content).encode(), rounds, count)
    figures = [
        Figure(written, ours_per_s, "messages/s", "", f"{size} {bare_per_s:,.0f}/s"),
        Figure(f"{written}_ratio", ratio, "ratio", "", "to json.dumps of a dict"),
    ]
    ours_per_s, bare_per_s, ratio = _in_turns(
        lambda: kind.decode(payload, address), lambda: json.loads(payload), rounds, count
    )
    return [
        *figures,
        Figure(read, ours_per_s, "messages/s", "", f"{size} {bare_per_s:,.0f}/s"),
        Figure(f"{read}_ratio", ratio, "ratio", "", "to json.loads, which checks nothing"),
    ]


def _in_turns(
    ours: Callable[[], object], bare: Callable[[], object], rounds: int, count: int
) -> tuple[float, float, float]:
    """Return how often a second each can be done, and the ratio; medians of rounds in turns."""
    pairs = [(_per_s(ours, count), _per_s(bare, count)) for _ in range(rounds)]
    return (
        median(one for one, _ in pairs),
        median(other for _, other in pairs),
        median(one / other for one, other in pairs),
    )


def _per_s(work: Callable[[], object], count: int) -> float:
    began_s = time.perf_counter()
    for _ in range(count):
        work()
    return count / (time.perf_counter() - began_s)
