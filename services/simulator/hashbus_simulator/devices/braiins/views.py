"""What the REST interface of Braiins OS shows (PROTOCOLS.md 3.9; keys and units of the vendor's API description)."""

from datetime import UTC, datetime

from hashbus_simulator.devices.braiins.pool_views import group_configuration, shares
from hashbus_simulator.devices.braiins.state import BraiinsState, Status, Tuner

Json = dict[str, object]

SPANS = ("last_5s", "last_15s", "last_30s", "last_1m", "last_5m", "last_15m", "last_30m", "last_1h", "last_24h")
TARGET_C, HOT_C, DANGEROUS_C = 65.0, 80.0, 95.0
MODES = {Tuner.POWER: 1, Tuner.HASHRATE: 2, Tuner.DISABLED: 1}
API_VERSIONS = {(24, 9): (1, 3), (25, 7): (1, 7), (26, 4): (1, 10)}
LOST_BOARD = "3"


def version(miner: BraiinsState) -> Json:
    """`version/`: that of the API."""
    major, minor = API_VERSIONS[miner.version]
    return {"major": major, "minor": minor, "patch": 0}


def details(miner: BraiinsState) -> Json:
    """`miner/details`."""
    name = miner.block.model
    shown: Json = {
        "bos_mode": 4,
        "bos_version": {
            "bos_plus": True,
            "current": full_version(miner),
            "major": "2022-09-13-0-0badcafe-22.08-plus",
        },
        "bosminer_uptime_s": miner.process_uptime_s,
        "hostname": miner.place.id,
        "kernel_version": "4.9.113",
        "mac_address": miner.place.mac.lower(),
        "miner_identity": {"brand": 1, "miner_model": name, "model": 0, "name": name},
        "platform": 4,
        "status": int(miner.status),
        "sticker_hashrate": _ghs(miner.physics.model.hashrate_ths),
        "system_uptime": miner.physics.uptime_s,
        "system_uptime_s": miner.physics.uptime_s,
        "uid": f"uid{miner.place.seed:010d}",
    }
    if miner.version >= (25, 3):
        shown |= {
            "control_board_soc_family": 3,
            "psu_info": {"model_name": "APW121215d", "serial_number": None, "version": 117},
            "serial_number": miner.place.serial,
        }
    return shown


def full_version(miner: BraiinsState) -> str:
    """The version as the firmware spells it: its day, its source and its release."""
    release = miner.block.version
    return f"20{release[:2]}-{release[3:]}-06-0-5ca1ab1e-{release}-plus"


def stats(miner: BraiinsState) -> Json:
    """`miner/stats`: hashrates in GH/s, power in whole watts."""
    physics = miner.physics
    power_w = round(physics.measured(physics.power_w, 2, spread=0.01))
    rate_ths = physics.hash_1min_ths
    return {
        "miner_stats": _solver(miner, 1.0),
        "pool_stats": shares(miner, is_active=True),
        "power_stats": {
            "approximated_consumption": {"watt": power_w},
            "efficiency": {"joule_per_terahash": power_w / rate_ths if rate_ths > 0 else 0.0},
        },
    }


def hashboards(miner: BraiinsState) -> Json:
    """`miner/hw/hashboards`: ids count from 1; no temperature before the first is measured."""
    return {"hashboards": [_board(miner, number) for number in range(1, miner.physics.model.boards + 1)]}


def cooling_state(miner: BraiinsState) -> Json:
    """`cooling/state`: the speed of fans as a ratio from 0 to 1."""
    physics = miner.physics
    fans = range(physics.model.fans)
    ratio = physics.fan_pct / 100 if physics.fan_pct is not None else physics.fan_rpm(0) / physics.model.max_fan_rpm
    return {
        "fans": [
            {"position": fan, "rpm": physics.fan_rpm(fan), "target_speed_ratio": round(min(1.0, ratio), 2)}
            for fan in fans
        ],
        "highest_temperature": {"id": None, "location": 1, "temperature": _celsius(physics.heat.chip_c + 2)},
    }


def tuner_state(miner: BraiinsState) -> Json:
    """`performance/tuner-state`."""
    physics = miner.physics
    settled = 5 if miner.version >= (26, 1) else 2
    overall = 1 if miner.tuner is Tuner.DISABLED else 3 if miner.is_tuning else settled
    expected = {
        "created": None,
        "estimated_power_consumption": {"watt": round(physics.demand.power_w(0.0))},
        "measured_hashrate": _ghs(nominal_ths(miner)),
    }
    power = {"current_target": {"watt": miner.target_w}, "profile": expected | {"target": {"watt": miner.target_w}}}
    target = {"terahash_per_second": round(nominal_ths(miner), 2)}
    modes: dict[Tuner, Json] = {
        Tuner.POWER: {"powertargetmodestate": power},
        Tuner.HASHRATE: {"hashratetargetmodestate": {"current_target": target, "profile": None}},
    }
    return {"mode_state": modes.get(miner.tuner), "overall_tuner_state": overall}


def configuration(miner: BraiinsState) -> Json:
    """`configuration/miner`: what is set, whether or not it is in force."""
    return {
        "pool_groups": [group_configuration(miner, number, group) for number, group in enumerate(miner.groups)],
        "temperature": {"mode": cooling_mode(miner)},
        "tuner": {
            "enabled": miner.tuner is not Tuner.DISABLED,
            "hashrate_target": None,
            "power_target": {"watt": miner.target_w},
            "tuner_mode": MODES[miner.tuner],
        },
    }


def cooling_mode(miner: BraiinsState) -> Json:
    """How the fans are ruled: the reply to `cooling/mode`, too."""
    limits = {"hot_temperature": _celsius(HOT_C), "dangerous_temperature": _celsius(DANGEROUS_C)}
    if miner.physics.fan_pct is not None:
        return {"manual": {"fan_speed_ratio": miner.physics.fan_pct / 100, **limits}}
    return {"auto": {"target_temperature": _celsius(TARGET_C), **limits}}


def constraints(miner: BraiinsState) -> Json:
    """`configuration/constraints`: what may be set."""
    rated_ths = miner.physics.model.hashrate_ths
    return {
        "cooling_constraints": {
            "default_cooling_mode": 1,
            "fan_speed_ratio": {"default": 1.0, "min": 0.0, "max": 1.0},
            "target_temperature": {name: _celsius(TARGET_C) for name in ("default", "min", "max")},
        },
        "hashboards_constraints": {"hashboard_ids": [str(n + 1) for n in range(miner.physics.model.boards)]},
        "tuner_constraints": {
            "default_mode": 1,
            "enabled": {"default": True},
            "hashrate_target": {
                "default": {"terahash_per_second": rated_ths},
                "max": {"terahash_per_second": rated_ths},
                "min": {"terahash_per_second": round(rated_ths * 0.5, 1)},
            },
            "power_target": {
                "default": {"watt": miner.highest_w},
                "max": {"watt": miner.highest_w},
                "min": {"watt": miner.lowest_w},
            },
        },
    }


def errors(miner: BraiinsState) -> Json:
    """`miner/errors`: a journal; what stands in it may be over for long."""
    old = {
        "timestamp": "2015-01-01T00:00:37.638808Z",
        "message": 'Failed to resolve ("pool.example", 3333)',
        "error_codes": [],
        "components": [],
    }
    if not miner.has_lost_board:
        return {"errors": [old]}
    now = datetime.fromtimestamp(miner.unix_s(), UTC).isoformat().replace("+00:00", "Z")
    code = {
        "code": "V2",
        "reason": "Low hashboard voltage",
        "hint": "The voltage that the hashboard measured was much lower than expected.",
    }
    lost = {
        "timestamp": now,
        "message": f"Hashboard {LOST_BOARD}: voltage out of range",
        "error_codes": [code],
        "components": [{"name": "hashboard", "index": int(LOST_BOARD)}],
    }
    return {"errors": [old, lost]}


def network(miner: BraiinsState) -> Json:
    """`network/`."""
    return {
        "default_gateway": "192.0.2.1",
        "dns_servers": ["192.0.2.1"],
        "hostname": miner.place.id,
        "mac_address": miner.place.mac.lower(),
        "name": "eth0",
        "networks": [{"address": miner.place.host, "netmask": "255.0.0.0"}],
        "protocol": 1,
    }


def nominal_ths(miner: BraiinsState) -> float:
    """The hashrate that the boards are tuned for."""
    if miner.status is not Status.NORMAL:
        return 0.0
    return miner.physics.demand.hashrate_ths(miner.physics.demand.power_w(0.0))


def _solver(miner: BraiinsState, share: float) -> Json:
    """Hashrates of the miner, or of the share of it that one board is."""
    physics = miner.physics
    rates = dict.fromkeys(SPANS, physics.hash_15min_ths) | {
        "last_5s": physics.measured(physics.hashrate_ths, 1, spread=0.02),
        "last_1m": physics.hash_1min_ths,
        "since_restart": physics.hash_average_ths,
    }
    return {
        "best_share": 776_342_690,
        "error_hashrate": {"megahash_per_second": 0.0},
        "found_blocks": 0,
        "nominal_hashrate": _ghs(nominal_ths(miner) * share),
        "real_hashrate": {span: _ghs(rate_ths * share) for span, rate_ths in rates.items()},
    }


def _board(miner: BraiinsState, number: int) -> Json:
    physics, model = miner.physics, miner.physics.model
    is_lost = miner.has_lost_board and str(number) == LOST_BOARD
    is_on = not is_lost and miner.status is Status.NORMAL
    board_c = physics.measured(physics.heat.board_c, 10 + number, spread=0.02)
    chip_c = physics.measured(physics.heat.chip_c, 13 + number, spread=0.02)
    pace = (miner.target_w / model.power_w) ** model.hash_exponent
    shown: Json = {
        "id": str(number),
        "enabled": not is_lost,
        "chips_count": None if is_lost else model.chips_per_board,
        "current_voltage": {"volt": 12.9 if is_on else 0.0},
        "current_frequency": {"hertz": round(model.freq_mhz * pace * 1e6) if is_on else 0.0},
        "board_temp": None if is_lost else _celsius(board_c),
        "highest_chip_temp": None if is_lost else {"id": 1, "location": 1, "temperature": _celsius(chip_c)},
        "stats": _solver(miner, (1.0 / model.boards) if is_on else 0.0),
        "model": "BHB56801",
    }
    if miner.version >= (25, 3):
        shown |= {
            "lowest_inlet_temp": None if is_lost else _celsius(physics.ambient_c + 8),
            "highest_outlet_temp": None if is_lost else _celsius(board_c),
            "serial_number": f"{miner.place.serial}B{number}",
            "board_name": "BHB56801",
            "chip_type": model.chip,
        }
    return shown


def _ghs(rate_ths: float) -> Json:
    return {"gigahash_per_second": rate_ths * 1e3}


def _celsius(value_c: float) -> Json:
    return {"degree_c": round(value_c * 2) / 2}
