"""The other `get.` commands of API v3 (PROTOCOLS.md 1.6, 1.7)."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from hashbus_simulator.devices.pools import Pool
from hashbus_simulator.devices.whatsminer_v3.info import Section, device_info
from hashbus_simulator.devices.whatsminer_v3.state import WhatsminerState

PROCESS_DOWN = "btminer process is down"


class Answer(NamedTuple):
    """Code and `msg` of a reply (PROTOCOLS.md 1.2); `tail` are raw bytes behind the frame."""

    code: int
    msg: object
    tail: bytes = b""


NO_PARAM = Answer(-3, "param is null")
UNKNOWN_COMMAND = Answer(-2, "unknown command")


def get_device_info(miner: WhatsminerState, param: object) -> Answer:
    """`get.device.info`: everything, or one section."""
    info = device_info(miner, param if isinstance(param, str) and param else None)
    return Answer(-2, "unknown section") if info is None else Answer(0, info)


def get_miner_status(miner: WhatsminerState, param: object) -> Answer:
    """`get.miner.status`: the sections asked for, joined with `+`; stopped, the shapes of 1.6."""
    if not isinstance(param, str) or not param:
        return NO_PARAM
    names = param.split("+")
    if any(name not in STATUS_SECTIONS for name in names):
        return Answer(-2, "unknown section")
    if miner.physics.asleep and miner.block.idle_shape == "process_down":
        return Answer(0, PROCESS_DOWN)
    if miner.physics.asleep:
        if names == ["pools"]:
            return Answer(-1, "no data")
        names = [name for name in names if name != "pools"]
    return Answer(0, {name: STATUS_SECTIONS[name](miner) for name in names})


def summary(miner: WhatsminerState) -> Section:
    """Hashrates in TH/s, power in W, temperatures in degrees Celsius, fans in RPM."""
    physics, model = miner.physics, miner.physics.model
    power_w = physics.measured(physics.power_w, 20, spread=0.004)
    hash_ths = physics.measured(physics.hashrate_ths, 1, spread=0.02)
    freq = model.freq_mhz * physics.demand.freq_share * (physics.hashrate_ths / model.hashrate_ths)
    boards_c = [
        round(physics.measured(physics.heat.board_c, 10 + board, spread=0.015), 1) for board in range(model.boards)
    ]
    return {
        "elapsed": physics.elapsed_s,
        "bootup-time": physics.uptime_s,
        "freq-avg": round(freq, 1),
        "target-freq": round(model.freq_mhz * physics.demand.freq_share),
        "factory-hash": model.hashrate_ths,
        "hash-average": round(physics.hash_average_ths, 2),
        "hash-1min": round(physics.hash_1min_ths, 2),
        "hash-15min": round(physics.hash_15min_ths, 2),
        "hash-realtime": round(hash_ths, 2),
        "power-rate": round(power_w / hash_ths, 2) if hash_ths > 1 else 0,
        "power-5min": round(physics.power_5min_w, 1),
        "power-realtime": round(power_w),
        "environment-temperature": round(physics.measured(physics.ambient_c, 24, spread=0.01), 1),
        "board-temperature": boards_c,
        "chip-temp-min": round(physics.heat.chip_c - 8, 1),
        "chip-temp-avg": round(physics.heat.chip_c, 1),
        "chip-temp-max": round(physics.heat.chip_c + 9, 1),
        "power-limit": 0 if physics.asleep else int(physics.demand.limit_w),
        "up-freq-finish": int(physics.is_tuned),
        "fan-speed-in": physics.fan_rpm(0),
        "fan-speed-out": physics.fan_rpm(1),
    }


def pools(miner: WhatsminerState) -> list[Section]:
    """Numbered from 1; the first one that is set is mined at."""
    return [_pool(miner, number, pool) for number, pool in enumerate(miner.pools, start=1)]


def edevs(miner: WhatsminerState) -> list[Section]:
    """One entry for each board."""
    physics, model = miner.physics, miner.physics.model
    return [
        {
            "id": board,
            "slot": board,
            "hash-average": round(
                physics.measured(physics.hash_average_ths / model.boards, 30 + board, spread=0.01), 2
            ),
            "factory-hash": round(model.hashrate_ths / model.boards, 1),
            "freq": round(model.freq_mhz * physics.demand.freq_share),
            "effective-chips": model.chips_per_board,
            "chip-temp-min": round(physics.measured(physics.heat.chip_c - 8, 50 + board, spread=0.01), 1),
            "chip-temp-avg": round(physics.measured(physics.heat.chip_c, 60 + board, spread=0.01), 1),
            "chip-temp-max": round(physics.measured(physics.heat.chip_c + 9, 70 + board, spread=0.01), 1),
        }
        for board in range(model.boards)
    ]


STATUS_SECTIONS: Mapping[str, Callable[[WhatsminerState], object]] = {
    "summary": summary,
    "pools": pools,
    "edevs": edevs,
}


def get_miner_setting(miner: WhatsminerState, _param: object) -> Answer:
    """`get.miner.setting`: what was asked of it."""
    physics = miner.physics
    return Answer(
        0,
        {
            "power-mode": miner.power_mode,
            "power-limit": int(physics.demand.limit_w),
            "upfreq-speed": miner.upfreq_speed,
            "target-freq": miner.target_freq_pct,
            "power": miner.user_power_w,
            "power-percent": 0 if physics.demand.percent == 100.0 else int(physics.demand.percent),
            "fast-boot": miner.fast_boot,
            "fast-hash": miner.fast_hash,
        },
    )


def get_system_setting(miner: WhatsminerState, _param: object) -> Answer:
    """`get.system.setting`."""
    start, stop = miner.time_randomized
    return Answer(
        0,
        {
            "web-pool": int(miner.web_pools),
            "timezone": miner.timezone,
            "zonename": miner.zonename,
            "hostname": miner.hostname,
            "log-upload": {"ip": "", "port": "", "proto": ""},
            "time-randomized": {"start": start, "stop": stop},
            "ntp-server": miner.ntp_servers.split(","),
        },
    )


def get_fan_setting(miner: WhatsminerState, _param: object) -> Answer:
    """`get.fan.setting`."""
    poweroff_cool, zero_speed, temp_offset = miner.fans
    return Answer(0, {"fan-poweroff-cool": poweroff_cool, "fan-zero-speed": zero_speed, "fan-temp-offset": temp_offset})


def get_log_download(miner: WhatsminerState, _param: object) -> Answer:
    """`get.log.download`: the size as a string, then that many raw bytes."""
    log = b"\x1f\x8b" + f"log of {miner.place.serial}\n".encode() * 1000
    return Answer(0, {"logsize": str(len(log))}, tail=log)


def get_custom_data(miner: WhatsminerState, _param: object) -> Answer:
    """`get.device.custom_data`."""
    lines = {f"msg{number}": text for number, text in enumerate((*miner.custom, *[""] * 10)[:10])}
    return Answer(0, {"CustomerSn": miner.place.serial, **lines})


READS: Mapping[str, Callable[[WhatsminerState, object], Answer]] = {
    "get.device.info": get_device_info,
    "get.miner.status": get_miner_status,
    "get.miner.setting": get_miner_setting,
    "get.system.setting": get_system_setting,
    "get.fan.setting": get_fan_setting,
    "get.log.download": get_log_download,
    "get.device.custom_data": get_custom_data,
}


def _pool(miner: WhatsminerState, number: int, pool: Pool) -> Section:
    is_active = number == 1 and miner.physics.is_hashing
    return {
        "id": number,
        "url": pool.url,
        "status": "alive",
        "account": pool.user,
        "stratum-active": is_active,
        "reject-rate": 0.2 if is_active else 0.0,
        "last-share-time": miner.unix_s() - 9 if is_active else 0,
    }
