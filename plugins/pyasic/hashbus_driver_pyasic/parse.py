"""What pyasic-rs says of a miner: from its data as JSON to a reading and an identity; pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

from hashbus.messages import (
    BoardTelemetry,
    MinerError,
    MinerIdentity,
    MinerReading,
    MinerState,
    PoolTelemetry,
    PowerChange,
)
from hashbus.models import RatedModel
from hashbus_poller.drivers.contract import Garbled
from hashbus_poller.readings import (
    count_or_none,
    efficiency_j_per_th,
    json_object,
    number_or_none,
    sensor_c,
    shown,
    text_or_none,
    understanding,
)

Told = dict[str, Any]
"""A `MinerData` of pyasic-rs, as JSON."""

ALGORITHM = "SHA256"
LONGEST_CODE = 200
PER_TERAHASH: Mapping[str, float] = MappingProxyType(
    {"H/s": 1e-12, "KH/s": 1e-9, "MH/s": 1e-6, "GH/s": 1e-3, "TH/s": 1.0, "PH/s": 1e3, "EH/s": 1e6}
)

STATES: Mapping[str, MinerState] = MappingProxyType(
    {
        "Mining": MinerState.MINING,
        "Stable": MinerState.MINING,
        "DegradedMining": MinerState.MINING,
        "Initializing": MinerState.TUNING,
        "Starting": MinerState.TUNING,
        "Restarting": MinerState.TUNING,
        "Tuning": MinerState.TUNING,
        "AdjustingFrequency": MinerState.TUNING,
        "AdjustingVoltage": MinerState.TUNING,
        "AdjustingClockVoltage": MinerState.TUNING,
        "Idling": MinerState.IDLE,
        "CoolingDown": MinerState.IDLE,
        "Restricted": MinerState.IDLE,
        "Paused": MinerState.SLEEPING,
        "Suspended": MinerState.SLEEPING,
        "Stopping": MinerState.SLEEPING,
        "Stopped": MinerState.SLEEPING,
        "Error": MinerState.FAULT,
    }
)

HEARD = ("mac", "serial_number", "hostname", "api_version", "firmware_version", "hashrate", "wattage", "uptime")
"""What a miner tells of itself; the library fills in all else from the model, whether the miner answers or not."""


def told(raw: bytes) -> Told:
    """Return what the library said."""
    return json_object(raw)


def is_silent(said: Told) -> bool:
    """Say whether nothing in it comes from the miner."""
    return all(said.get(key) is None for key in HEARD)


def identity(said: Told, raw: bytes, sheet: RatedModel | None) -> MinerIdentity:
    """Tell who the miner is; what can be done with it is the driver's to add."""
    device, hardware = _device(said), _device(said).get("hardware") or {}
    rated_w = sheet.rated_power_w if sheet else None
    with understanding(raw):
        least_w, most_w = _power_range_w(said)
        rated_ths = _ths(said, "expected_hashrate")
        return MinerIdentity(
            make=text_or_none(device, "make"),
            model=text_or_none(device, "model"),
            serial=text_or_none(said, "serial_number"),
            mac=(text_or_none(said, "mac") or "").lower() or None,
            firmware=text_or_none(device, "firmware"),
            firmware_version=text_or_none(said, "firmware_version"),
            api_version=text_or_none(said, "api_version"),
            control_board=text_or_none(said.get("control_board_version") or {}, "name"),
            is_liquid_cooled=True if hardware.get("fans") == 0 else None,
            boards_total=count_or_none(said, "expected_hashboards"),
            rated_hashrate_ths=rated_ths or (sheet.rated_hashrate_ths if sheet else None),
            rated_power_w=rated_w,
            min_power_w=least_w,
            max_power_w=most_w or rated_w,
            power_change=PowerChange(),
        )


def _power_range_w(said: Told) -> tuple[float | None, float | None]:
    """Return the least and the most power that the firmware takes, where it says so."""
    powers = (said.get("tuning_capabilities") or {}).get("power") or {}
    return _target_w(powers.get("minimum")), _target_w(powers.get("maximum"))


def model(said: Told) -> tuple[str | None, str]:
    """Return make and model."""
    device = _device(said)
    return text_or_none(device, "make"), text_or_none(device, "model") or ""


def reading(said: Told, raw: bytes) -> MinerReading:
    """Turn what was told into a reading; Garbled names what is not as the library promises."""
    with understanding(raw):
        hashrate_ths, power_w = _ths(said, "hashrate"), number_or_none(said, "wattage")
        boards = tuple(_board(board) for board in _rows(said, "hashboards"))
        pools = _pools(said)
        active = next((pool for pool in pools if pool.is_active), None)
        liquid_c = sensor_c(number_or_none(said, "fluid_temperature"))
        outlet_c = sensor_c(number_or_none(said, "outlet_fluid_temperature"))
        errors = tuple(_error(message) for message in _rows(said, "messages") if message.get("severity") != "Info")
        return MinerReading(
            state=_state(said, hashrate_ths),
            is_partial=said.get("hashrate") is None,
            hashrate_ths=hashrate_ths,
            hashrate_expected_ths=_ths(said, "expected_hashrate"),
            power_w=power_w,
            power_limit_w=_target_w(said.get("tuning_target")),
            efficiency_j_per_th=efficiency_j_per_th(power_w, hashrate_ths),
            chip_max_c=_highest(board.chip_max_c for board in boards),
            board_max_c=_highest(board.board_c for board in boards),
            # One sensor is "the liquid"; only with a second one is it known which end it sits at.
            liquid_c=liquid_c if outlet_c is None else None,
            inlet_c=liquid_c if outlet_c is not None else None,
            outlet_c=outlet_c,
            fans_rpm=tuple(_rpms(said, "fans")),
            psu_fan_rpm=next(iter(_rpms(said, "psu_fans")), None),
            frequency_mhz=_mean(board.frequency_mhz for board in boards),
            accepted_shares=_sum(pool.accepted_shares for pool in pools),
            rejected_shares=_sum(pool.rejected_shares for pool in pools),
            uptime_s=number_or_none(said, "uptime"),
            pool_url=active.url if active else None,
            worker=active.worker if active else None,
            pools=pools,
            boards=boards,
            boards_total=count_or_none(said, "expected_hashboards"),
            boards_healthy=_healthy(boards),
            errors=errors,
        )


def _state(said: Told, hashrate_ths: float | None) -> MinerState:
    """Return what it does. `is_mining` is true also when nothing is known, so only a false one says something."""
    operating = said.get("operating_state")
    if isinstance(operating, Mapping):
        return STATES.get(str(operating.get("type")), MinerState.UNKNOWN)
    if said.get("is_mining") is False:
        return MinerState.SLEEPING
    if hashrate_ths is None:
        return MinerState.UNKNOWN
    return MinerState.MINING if hashrate_ths > 0 else MinerState.IDLE


def _board(said: Told) -> BoardTelemetry:
    is_active = said.get("active")
    chips = [sensor_c(number_or_none(chip, "temperature")) for chip in _rows(said, "chips")]
    return BoardTelemetry(
        slot=count_or_none(said, "position") or 0,
        hashrate_ths=_ths(said, "hashrate"),
        expected_ths=_ths(said, "expected_hashrate"),
        board_c=sensor_c(number_or_none(said, "board_temperature")),
        chip_max_c=_highest(chips),
        frequency_mhz=number_or_none(said, "frequency"),
        voltage_v=number_or_none(said, "voltage"),
        chips_ok=count_or_none(said, "working_chips"),
        chips_total=count_or_none(said, "expected_chips"),
        serial=text_or_none(said, "serial_number"),
        is_healthy=is_active if isinstance(is_active, bool) else None,
    )


def _healthy(boards: Iterable[BoardTelemetry]) -> int | None:
    known = [board.is_healthy for board in boards if board.is_healthy is not None]
    return sum(known) if known else None


def _pools(said: Told) -> tuple[PoolTelemetry, ...]:
    rows = [pool for group in _rows(said, "pools") for pool in _rows(group, "pools")]
    return tuple(_pool(row, text_or_none(row, "url") or "") for row in rows if row.get("url"))


def _pool(said: Told, url: str) -> PoolTelemetry:
    is_alive, is_active = said.get("alive"), said.get("active")
    return PoolTelemetry(
        url=url,
        worker=text_or_none(said, "user"),
        status={True: "alive", False: "dead"}.get(is_alive) if isinstance(is_alive, bool) else None,
        is_active=is_active if isinstance(is_active, bool) else None,
        accepted_shares=count_or_none(said, "accepted_shares"),
        rejected_shares=count_or_none(said, "rejected_shares"),
    )


def _error(message: Told) -> MinerError:
    code = str(message.get("code") or "unknown")[:LONGEST_CODE]
    return MinerError(code=code, text=text_or_none(message, "message") or f"fault {code}; the miner's log says more")


def _device(said: Told) -> Told:
    device = said.get("device_info")
    if not isinstance(device, dict):
        raise Garbled(f"device_info is {shown(device)}")
    return device


def _rows(said: Told, key: str) -> list[Told]:
    rows = said.get(key) or []
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise Garbled(f"{key} is {shown(rows)}, which is no list of objects")
    return rows


def _ths(said: Told, key: str) -> float | None:
    """Return a hashrate in TH/s; None of another algorithm, which would be added to what it is no part of."""
    rate = said.get(key)
    if rate is None:
        return None
    if not isinstance(rate, dict) or rate.get("unit") not in PER_TERAHASH:
        raise Garbled(f"{key} is {shown(rate)}")
    value = number_or_none(rate, "value")
    if value is None or rate.get("algo") != ALGORITHM:
        return None
    return round(value * PER_TERAHASH[rate["unit"]], 6)


def _target_w(target: object) -> float | None:
    """Return the watts of a tuning target that is one of power."""
    return number_or_none(target, "value") if isinstance(target, dict) and target.get("type") == "power" else None


def _rpms(said: Told, key: str) -> Iterable[float]:
    """Return the speeds of the fans that turn; a liquid-cooled miner lists fans that it does not have."""
    speeds = [number_or_none(fan, "rpm") for fan in _rows(said, key)]
    return [speed for speed in speeds if speed is not None] if any(speeds) else []


def _highest(values: Iterable[float | None]) -> float | None:
    return max((value for value in values if value is not None), default=None)


def _mean(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return round(sum(known) / len(known), 1) if known else None


def _sum(values: Iterable[int | None]) -> int | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None
