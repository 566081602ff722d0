"""What a WhatsMiner says of its work: pure functions from replies to a reading (PROTOCOLS.md 1.5 to 1.7).

On the wire hash rates are TH/s, power is W and temperatures are degrees Celsius already. Numbers may come as strings.
"""

from __future__ import annotations

from hashbus.messages import BoardTelemetry, MinerReading, MinerState, PoolTelemetry
from hashbus_poller.drivers.contract import Garbled
from hashbus_poller.drivers.whatsminer.faults import LONGEST_SENTENCE, errors_of
from hashbus_poller.drivers.whatsminer.replies import (
    Object,
    Reply,
    failure,
    is_liquid_cooled,
    is_working,
    object_of,
    objects,
    positive,
    section,
    whole_number,
)
from hashbus_poller.readings import efficiency_j_per_th, number_or_none, text_or_none, understanding

NO_FAN_RPM = 200
"""The supply of a liquid-cooled miner has no fan; some show the liquid's temperature in its place (PROTOCOLS.md 0)."""


def modulation_pct(said: Reply) -> float | None:
    """Return the fast modulation that `get.miner.setting` shows; None without one, which it writes as 0 or 100."""
    if failure(said) is not None:
        return None
    with understanding(said.raw):
        percent = number_or_none(object_of(said), "power-percent")
    return percent if percent not in (0, 100) else None


def power_limit_set_w(info: Reply) -> float | None:
    """Return the power limit that is set, asleep or not."""
    with understanding(info.raw):
        return positive(section(object_of(info), "miner"), "power-limit-set")


def is_tuned(status: Reply) -> bool:
    """Return whether the boards have found their frequency; what does not say so is tuned."""
    with understanding(status.raw):
        return number_or_none(section(object_of(status), "summary"), "up-freq-finish") != 0


def status_of(said: Reply) -> Object | None:
    """Return what `get.miner.status` holds; None when the miner is up and its mining process is not.

    Stopped, some firmware answers with code -1, some with a sentence in place of the object.
    """
    if said.code == -1 or (said.code == 0 and isinstance(said.msg, str)):
        return None
    return object_of(said)


def reading(info: Reply, status: Reply, *, power_pct: float | None, latency_ms: float | None) -> MinerReading:
    """Put a reading together from `get.device.info` and `get.miner.status`."""
    with understanding(info.raw + b"\n" + status.raw):
        whole, mining = object_of(info), status_of(status)
        if "miner" not in whole:
            raise Garbled("get.device.info lacks miner")
        if mining is not None and "summary" not in mining:
            raise Garbled("get.miner.status lacks summary")
        how = _reading(whole, mining, power_pct=power_pct, latency_ms=latency_ms)
        if how.state is MinerState.IDLE and isinstance(status.msg, str):
            return how.model_copy(update={"error_message": status.msg[:LONGEST_SENTENCE]})
        return how


def _reading(info: Object, status: Object | None, *, power_pct: float | None, latency_ms: float | None) -> MinerReading:
    miner, power, summary = section(info, "miner"), section(info, "power"), section(status or {}, "summary")
    is_liquid = is_liquid_cooled(miner, power)
    errors = errors_of(info.get("error-code"))
    now_ths = number_or_none(summary, "hash-realtime")
    state = _state(miner, summary, now_ths, has_errors=bool(errors))
    # Without its mining process it makes no hashes: that is known, not missing.
    hashrate_ths = _first(summary, "hash-1min", "hash-15min", "hash-average") if status is not None else 0.0
    power_w = positive(summary, "power-realtime") or number_or_none(power, "pin")
    boards = _boards(status or {}, summary, miner, is_mining=state is MinerState.MINING)
    pools = _pools(status or {})
    active = next((pool for pool in pools if pool.is_active), pools[0] if pools else None)
    return MinerReading(
        state=state,
        hashrate_ths=hashrate_ths,
        hashrate_5s_ths=now_ths,
        hashrate_expected_ths=positive(summary, "factory-hash"),
        power_w=power_w,
        power_limit_w=positive(summary, "power-limit") or positive(miner, "power-limit-set"),
        power_percent_pct=power_pct,
        efficiency_j_per_th=efficiency_j_per_th(power_w, hashrate_ths) if state is MinerState.MINING else None,
        energy_wh=_energy_wh(summary, status or {}),
        chip_min_c=_sensor_c(summary, "chip-temp-min"),
        chip_avg_c=_sensor_c(summary, "chip-temp-avg"),
        chip_max_c=_sensor_c(summary, "chip-temp-max"),
        board_max_c=max((board.board_c for board in boards if board.board_c is not None), default=None),
        ambient_c=_sensor_c(summary, "environment-temperature"),
        liquid_c=_sensor_c(power, "liquid-temperature"),
        psu_c=_sensor_c(power, "temp0"),
        fans_rpm=() if is_liquid else _fans_rpm(summary),
        psu_fan_rpm=_psu_fan_rpm(power, is_liquid=is_liquid),
        frequency_mhz=positive(summary, "freq-avg"),
        input_v=positive(power, "vin"),
        uptime_s=number_or_none(summary, "bootup-time"),
        mining_s=number_or_none(summary, "elapsed"),
        heat_mode=text_or_none(miner, "heatmode"),
        pool_url=active.url if active else None,
        worker=active.worker if active else None,
        pools=pools,
        boards=boards,
        boards_total=whole_number(miner, "board-num") or len(boards) or None,
        boards_healthy=sum(board.is_healthy is True for board in boards) if state is MinerState.MINING else None,
        errors=errors,
        error_message="; ".join(f"{error.code}: {error.text}" for error in errors)[:LONGEST_SENTENCE] or None,
        latency_ms=latency_ms,
    )


def _state(miner: Object, summary: Object, now_ths: float | None, *, has_errors: bool) -> MinerState:
    if is_working(miner) is False:
        return MinerState.SLEEPING
    if not summary:
        return MinerState.IDLE
    if number_or_none(summary, "up-freq-finish") == 0:
        return MinerState.TUNING
    if now_ths is None:
        return MinerState.UNKNOWN
    if now_ths > 0:
        return MinerState.MINING
    return MinerState.FAULT if has_errors else MinerState.IDLE


def _boards(status: Object, summary: Object, miner: Object, *, is_mining: bool) -> tuple[BoardTelemetry, ...]:
    boards_c = summary.get("board-temperature")
    by_slot = {str(slot): value for slot, value in enumerate(boards_c)} if isinstance(boards_c, list) else {}
    boards = []
    for number, board in enumerate(objects(status, "edevs")):
        slot = whole_number(board, "slot")
        slot = number if slot is None else slot
        hashrate_ths, chips = number_or_none(board, "hash-average"), whole_number(board, "effective-chips")
        boards.append(
            BoardTelemetry(
                slot=slot,
                hashrate_ths=hashrate_ths,
                expected_ths=positive(board, "factory-hash"),
                board_c=_sensor_c(by_slot, str(slot)),
                chip_min_c=_sensor_c(board, "chip-temp-min"),
                chip_avg_c=_sensor_c(board, "chip-temp-avg"),
                chip_max_c=_sensor_c(board, "chip-temp-max"),
                frequency_mhz=positive(board, "freq"),
                chips_ok=chips,
                serial=text_or_none(miner, f"pcbsn{slot}"),
                is_healthy=bool(hashrate_ths) and chips != 0 if is_mining else None,
            )
        )
    return tuple(boards)


def _pools(status: Object) -> tuple[PoolTelemetry, ...]:
    return tuple(
        PoolTelemetry(
            url=url,
            worker=text_or_none(pool, "account"),
            status=text_or_none(pool, "status"),
            is_active=str(pool.get("stratum-active")).lower() in ("true", "1"),
        )
        for pool in objects(status, "pools")
        if (url := text_or_none(pool, "url"))
    )


def _first(summary: Object, *keys: str) -> float | None:
    """Return the first of several figures that the firmware gives."""
    return next((value for key in keys if (value := number_or_none(summary, key)) is not None), None)


def _sensor_c(whole: Object, key: str) -> float | None:
    """Return a temperature; None for 0, which means no sensor. Below 0 is frost."""
    return number_or_none(whole, key) or None


def _fans_rpm(summary: Object) -> tuple[float, ...]:
    """Return the speeds of intake and exhaust; 0 is a fan that stands still."""
    speeds = (number_or_none(summary, key) for key in ("fan-speed-in", "fan-speed-out"))
    return tuple(rpm for rpm in speeds if rpm is not None)


def _psu_fan_rpm(power: Object, *, is_liquid: bool) -> float | None:
    rpm = number_or_none(power, "fanspeed")
    return None if rpm is None or (is_liquid and rpm < NO_FAN_RPM) else rpm


def _energy_wh(summary: Object, status: Object) -> float | None:
    """Return the energy since power-on, from API 3.0.3 on; the miner counts watt-seconds."""
    stats = section(summary, "power-on-stats") or section(status, "power-on-stats")
    energy_ws = number_or_none(stats, "energy-ws")
    return None if energy_ws is None else energy_ws / 3600
