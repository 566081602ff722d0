"""What the REST interface of VNish shows (PROTOCOLS.md 3.10), in two generations."""

from hashbus_simulator.devices.vnish.state import FULL_PCT, Preset, VnishState

Json = dict[str, object]
CHIPS_PER_DOMAIN = 6
FAILURE_CODE = 7
FAILURE = "Chain 3: voltage is out of range"


def info(miner: VnishState) -> Json:
    """`info`: who it is."""
    place = miner.place
    return {
        "miner": miner.block.model,
        "model": miner.block.model.removeprefix("Antminer ").lower().replace(" ", ""),
        "fw_name": "Vnish",
        "fw_version": miner.block.version,
        "platform": "aml",
        "install_type": "nand",
        "build_time": "2025-05-29 19:22:26+00:00",
        "algorithm": "sha256d",
        "hr_measure": "GH/s",
        "serial": place.serial,
        "system": {
            "os": "GNU/Linux",
            "miner_name": place.id,
            "file_system_version": "Thu May 29 19:22:26 2025",
            "network_status": {
                "mac": place.mac,
                "dhcp": True,
                "ip": place.host,
                "netmask": "255.0.0.0",
                "gateway": "192.0.2.1",
                "dns": ["192.0.2.1"],
                "hostname": place.id,
            },
            "uptime": f"{miner.physics.uptime_s // 60 // 60}:{miner.physics.uptime_s // 60 % 60:02d}",
        },
    }


def model(miner: VnishState) -> Json:
    """`model`: what the hardware can do."""
    kind = miner.physics.model
    return {
        "full_name": miner.block.model,
        "model": str(info(miner)["model"]),
        "algorithm": "sha256d",
        "hr_measure": "GH/s",
        "platform": "aml",
        "install_type": "nand",
        "serial": miner.place.serial,
        "chain": {
            "chips_per_chain": kind.chips_per_board,
            "chips_per_domain": CHIPS_PER_DOMAIN,
            "num_chains": kind.boards,
        },
        "cooling": {"min_fan_pwm": 10, "min_target_temp": 40, "max_target_temp": 75},
        "overclock": {"default_freq": kind.freq_mhz, "min_freq": 50, "max_freq": 1000},
    }


def factory_info(miner: VnishState) -> Json:
    """`chains/factory-info`: what the factory wrote into the boards."""
    return {
        "hr_stock": miner.physics.model.hashrate_ths * 1e3,
        "psu_model": "APW12",
        "psu_serial": f"{miner.place.serial}P",
        "has_pics": True,
        "chains": [
            {"id": board + 1, "serial": f"{miner.place.serial}B{board + 1}", "board_model": "BHB42601"}
            for board in range(miner.physics.model.boards)
        ],
    }


def status(miner: VnishState, *, is_unlocked: bool) -> Json:
    """`status`: what it does, and what it needs."""
    return _miner_status(miner) | {
        "find_miner": miner.is_blinking,
        "restart_required": miner.needs_restart,
        "reboot_required": False,
        "unlocked": is_unlocked,
        "unlock_timeout": miner.locksmith.locked_s,
    }


def perf_summary(miner: VnishState) -> Json:
    """`perf-summary`: the preset in force."""
    preset = miner.preset(miner.running.preset)
    off: Json = {"name": "disabled", "pretty": "Disabled", "status": "untuned", "modded_psu_required": False}
    return {
        "current_preset": off if preset is None else preset_of(preset),
        "preset_switcher": _switcher(miner),
    }


def presets(miner: VnishState) -> list[Json]:
    """`autotune/presets`."""
    return [preset_of(preset) for preset in miner.presets]


def preset_of(preset: Preset) -> Json:
    """One preset."""
    return {
        "name": preset.name,
        "pretty": preset.pretty,
        "status": "tuned" if preset.is_tuned else "untuned",
        "modded_psu_required": preset.needs_modded_psu,
    }


def settings(miner: VnishState) -> Json:
    """`settings`: what is saved, with the passwords of pools."""
    saved = miner.settings
    return {
        "miner": {
            "overclock": {
                "modded_psu": False,
                "preset": saved.preset,
                "preset_switcher": _switcher(miner),
                "globals": {"freq": round(miner.physics.model.freq_mhz), "volt": 1380},
            },
            "cooling": {"mode": cooling_mode(miner, immersion="immers"), "fan_min_count": 4, "fan_max_duty": 100},
            "misc": {"quiet_mode": False, "restart_temp": 90},
            "pools": [{"url": pool.url, "user": pool.user, "pass": pool.password} for pool in saved.pools],
        },
        "network": {"dhcp": True, "hostname": miner.place.id},
        "regional": {"timezone": {"current": "UTC"}},
        "ui": {"dark_side_pane": True},
    }


def summary(miner: VnishState) -> Json:
    """`summary`: everything about mining; null while its daemon is down."""
    if not miner.daemon_is_up:
        return {"miner": None}
    physics = miner.physics
    power_w = round(physics.measured(physics.power_w, 2, spread=0.01))
    rate_ghs = physics.measured(physics.hashrate_ths, 1, spread=0.02) * 1e3
    per_th = round(power_w / (rate_ghs / 1e3), 1) if rate_ghs > 1 else 0.0
    shown: Json = {
        "miner_status": _miner_status(miner),
        "miner_type": f"{miner.block.model} (Vnish {miner.block.version})",
        "hr_stock": physics.model.hashrate_ths * 1e3,
        "hr_realtime": round(rate_ghs, 2),
        "hr_nominal": round(physics.demand.hashrate_ths(physics.demand.power_w(0.0)) * 1e3, 2),
        "hr_average": round(physics.hash_15min_ths * 1e3, 2),
        "instant_hashrate": round(rate_ghs / 1e3, 3),
        "average_hashrate": round(physics.hash_15min_ths, 3),
        "pcb_temp": _span(physics.heat.board_c),
        "chip_temp": _span(physics.heat.chip_c),
        "power_consumption": power_w,
        # The trap: the same key, watts in 1.2 and joules per terahash in 1.3; the other is a thousandth in 1.2.
        "power_usage": round(per_th) if miner.is_modern else power_w,
        "power_efficiency": per_th if miner.is_modern else round(per_th / 1e3, 4),
        "hw_errors": physics.hw_errors,
        "hw_errors_percent": 0.01,
        "hr_error": 0.01,
        "devfee": 1.0,
        "devfee_percent": 2.0,
        "pools": _pools(miner),
        "cooling": _cooling(miner),
        "chains": [_chain(miner, board) for board in range(physics.model.boards)],
        "psu": {
            "psu_power_metering": True,
            "temps": {"pfc_temp": round(physics.psu_c), "llc1_temp": round(physics.psu_c) - 2},
        },
        "found_blocks": 0,
        "best_share": 776_342_690,
    }
    return {"miner": shown | ({"restart_count": physics.restarts} if miner.is_modern else {})}


def cooling_mode(miner: VnishState, *, immersion: str) -> Json:
    """How the fans are ruled; `immersion` has another name in the settings than elsewhere."""
    if miner.block.immersion:
        return {"name": immersion}
    if miner.settings.fan_pct is not None:
        return {"name": "manual", "param": miner.settings.fan_pct}
    return {"name": "auto", "param": miner.settings.target_c}


def _switcher(miner: VnishState) -> Json:
    return {
        "enabled": miner.block.preset_switcher,
        "top_preset": miner.settings.top_preset if miner.block.preset_switcher else None,
        "min_preset": None,
        "rise_temp": 55,
        "decrease_temp": 75,
        "check_time": 300,
    }


def _miner_status(miner: VnishState) -> Json:
    is_mining = miner.miner_state == "mining"
    shown: Json = {
        "miner_state": miner.miner_state,
        "miner_state_time": miner.physics.elapsed_s if is_mining else 0,
    }
    if miner.has_failed:
        shown |= {"failure_code": FAILURE_CODE, "description": FAILURE}
    return shown | {"throttled": miner.throttled_pct} if miner.is_modern else shown


def _chain(miner: VnishState, board: int) -> Json:
    physics, kind = miner.physics, miner.physics.model
    is_mining = miner.miner_state in {"mining", "auto-tuning"}
    pace = (physics.demand.power_w(0.0) / kind.power_w) ** kind.hash_exponent
    ideal_ghs = kind.hashrate_ths / kind.boards * pace * 1e3
    rate_ghs = physics.measured(physics.hashrate_ths / kind.boards, 10 + board, spread=0.02) * 1e3
    return {
        "id": board + 1,
        "frequency": round(kind.freq_mhz * pace, 1) if is_mining else 0.0,
        "voltage": 13_800 if is_mining else 0,
        "power_consumption": round(physics.power_w / kind.boards),
        "hashrate_ideal": round(ideal_ghs, 2),
        "hashrate_rt": round(rate_ghs, 2),
        "hashrate_percentage": round(100 * rate_ghs / ideal_ghs, 1),
        "hr_error": 0.01,
        "hw_errors": physics.hw_errors // kind.boards,
        "pcb_temp": _span(physics.measured(physics.heat.board_c, 13 + board, spread=0.02)),
        "chip_temp": _span(physics.measured(physics.heat.chip_c, 16 + board, spread=0.02)),
        "chip_statuses": {"red": 0, "orange": 1, "grey": 0},
        "status": {"state": "mining" if is_mining else "stopped"},
    }


def _cooling(miner: VnishState) -> Json:
    physics, kind = miner.physics, miner.physics.model
    is_dry = not miner.block.immersion
    duty = physics.fan_pct if physics.fan_pct is not None else FULL_PCT * physics.fan_rpm(0) / kind.max_fan_rpm
    return {
        "fan_num": kind.fans if is_dry else 0,
        "fans": [
            {"id": fan, "rpm": physics.fan_rpm(fan), "status": "ok", "max_rpm": kind.max_fan_rpm}
            for fan in range(kind.fans if is_dry else 0)
        ],
        "fan_duty": round(min(100.0, duty)) if is_dry else 0,
        "settings": {"mode": cooling_mode(miner, immersion="immersion")},
    }


def _pools(miner: VnishState) -> list[Json]:
    physics = miner.physics
    is_mining = miner.miner_state == "mining"
    rows = []
    for number, pool in enumerate(miner.running.pools):
        is_used = number == miner.active_pool
        rows.append(
            _pool(number, pool.url, pool.user, "UserPool", "working" if is_used and is_mining else "active")
            | ({"accepted": physics.accepted, "rejected": physics.rejected} if is_used else {})
        )
    fee = _pool(len(rows), "devfee.example:3333", "fee", "DevFee", "working" if is_mining else "active")
    return [*rows, fee | {"accepted": physics.accepted // 50}]


def _pool(number: int, url: str, user: str, kind: str, word: str) -> Json:
    return {
        "id": number,
        "url": url.partition("://")[2] or url,
        "pool_type": kind,
        "user": user,
        "status": word,
        "asic_boost": True,
        "diff": "524K",
        "accepted": 0,
        "rejected": 0,
        "stale": 0,
        "ls_diff": 524_288.0,
        "ls_time": "0:00:03",
        "diffa": 0.0,
        "ping": 38 if kind == "UserPool" else 60,
    }


def _span(value_c: float) -> Json:
    return {"min": round(value_c) - 8, "max": round(value_c)}
