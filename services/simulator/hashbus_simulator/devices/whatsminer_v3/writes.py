"""The `set.` commands of API v3 that change how the miner mines (PROTOCOLS.md 1.8, 1.9)."""

from collections.abc import Callable, Mapping

from hashbus_simulator.devices.pools import Pool
from hashbus_simulator.devices.whatsminer_v3.params import BadParam, members, one_of, parsed, whole_number
from hashbus_simulator.devices.whatsminer_v3.reads import Answer
from hashbus_simulator.devices.whatsminer_v3.state import MODE_SHARES, MODES, WhatsminerState
from hashbus_simulator.models import Cooling

OK = Answer(0, "ok")
FACTORY_LIMIT_W = 99_999
NORMAL_PERCENT_S = 120.0  # `mode: normal` takes minutes
FAST_BOOT_FACTOR = 0.3  # no frequency search
MAX_POOLS = 3


def service(miner: WhatsminerState, param: object) -> Answer:
    """`set.miner.service`: stop is sleep; enable and disable survive a reboot."""
    word = one_of(param, "start", "stop", "restart", "enable", "disable")
    if word in {"enable", "disable"}:
        miner.is_enabled = word == "enable"
    if word in {"stop", "disable"}:
        miner.physics.sleep()
    elif word == "restart" and not miner.physics.asleep:
        miner.physics.restart_mining()
    else:
        miner.physics.wake()
    return OK


def power_limit(miner: WhatsminerState, param: object) -> Answer:
    """`set.miner.power_limit`: watts up to the model's rated power; 99999 is the factory setting; restarts mining."""
    asked_w = whole_number(param, 0, FACTORY_LIMIT_W)
    rated_w = miner.physics.model.power_w
    if asked_w != FACTORY_LIMIT_W and asked_w > rated_w:
        return Answer(-1, f"power limit must not exceed {rated_w:.0f}")
    miner.physics.set_limit(rated_w if asked_w == FACTORY_LIMIT_W else float(asked_w))
    return OK


def power_mode(miner: WhatsminerState, param: object) -> Answer:
    """`set.miner.power_mode`: restarts mining."""
    miner.power_mode = one_of(param, *MODES)
    miner.physics.set_mode(MODE_SHARES[miner.power_mode])
    return OK


def power_percent(miner: WhatsminerState, param: object) -> Answer:
    """`set.miner.power_percent`: only once tuned; fast within a second, normal in minutes; 0 clears."""
    percent, mode = members(param, "percent", "mode")
    takes_s = 0.0 if one_of(mode, "fast", "normal") == "fast" else NORMAL_PERCENT_S
    wanted = whole_number(percent, 0, round(100 * max(1.0, miner.physics.model.max_power_share)))
    if not miner.physics.is_tuned:
        return Answer(-1, "not tuned yet")
    miner.physics.set_percent(float(wanted or 100), takes_s=takes_s)
    return OK


def power(miner: WhatsminerState, param: object) -> Answer:
    """`set.miner.power`: a target in watts, taken at once when tuned, else after the next boot; 0 clears."""
    miner.user_power_w = whole_number(param, 0, FACTORY_LIMIT_W)
    if miner.physics.is_tuned:
        miner.physics.set_target(float(miner.user_power_w) if miner.user_power_w else None)
    return OK


def target_freq(miner: WhatsminerState, param: object) -> Answer:
    """`set.miner.target_freq`: per cent around the usual frequency; restarts; air-cooled takes no more than 0."""
    highest = 100 if miner.physics.model.cooling is Cooling.LIQUID else 0
    percent = whole_number(param, -100, 100)
    if percent > highest:
        return Answer(-1, "air-cooled miners cannot go above their frequency")
    miner.target_freq_pct = percent
    miner.physics.set_frequency(max(0.05, 1.0 + percent / 100.0))
    return OK


def upfreq_speed(miner: WhatsminerState, param: object) -> Answer:
    """`set.miner.upfreq_speed`: 0 normal, 10 fastest."""
    miner.upfreq_speed = whole_number(param, 0, 10)
    _tune_accordingly(miner)
    return OK


def fastboot(miner: WhatsminerState, param: object) -> Answer:
    """`set.miner.fastboot`: skip the frequency search."""
    miner.fast_boot = one_of(param, "enable", "disable")
    _tune_accordingly(miner)
    return OK


def fast_hash(miner: WhatsminerState, param: object) -> Answer:
    """`set.miner.fast_hash`."""
    miner.fast_hash = "enable" if whole_number(param, 0, 1) else "disable"
    return OK


def heat_mode(miner: WhatsminerState, param: object) -> Answer:
    """`set.miner.heat_mode`; older documents call the last one anti-icing."""
    word = one_of(param, "heating", "normal", "anti-freezing", "anti-icing")
    miner.heat_mode = "anti-freezing" if word == "anti-icing" else word
    return OK


def pools(miner: WhatsminerState, param: object) -> Answer:
    """`set.miner.pools`: at most three; the parameter arrives decrypted; restarts mining."""
    entries = parsed(param) if isinstance(param, str) else param
    if not isinstance(entries, list) or not 1 <= len(entries) <= MAX_POOLS:
        raise BadParam
    rows = [members(entry, "pool", "worker", "passwd") for entry in entries]
    miner.pools = tuple(Pool(url, user, password) for url, user, password in rows)
    miner.physics.restart_mining()
    return OK


def cointype(miner: WhatsminerState, param: object) -> Answer:
    """`set.miner.cointype`."""
    (miner.cointype,) = members(param, "cointype")
    return OK


def restore_setting(miner: WhatsminerState, _param: object) -> Answer:
    """`set.miner.restore_setting`: mining settings of the factory."""
    miner.restore_settings()
    physics = miner.physics
    physics.demand.restore()
    physics.demand.forget_percent()
    physics.tuning_factor = 1.0
    physics.restart_mining()
    return OK


WRITES: Mapping[str, Callable[[WhatsminerState, object], Answer]] = {
    "set.miner.service": service,
    "set.miner.power_limit": power_limit,
    "set.miner.power_mode": power_mode,
    "set.miner.power_percent": power_percent,
    "set.miner.power": power,
    "set.miner.target_freq": target_freq,
    "set.miner.upfreq_speed": upfreq_speed,
    "set.miner.fastboot": fastboot,
    "set.miner.fast_hash": fast_hash,
    "set.miner.heat_mode": heat_mode,
    "set.miner.pools": pools,
    "set.miner.cointype": cointype,
    "set.miner.restore_setting": restore_setting,
}


def _tune_accordingly(miner: WhatsminerState) -> None:
    """How long the next tuning takes."""
    by_speed = 1.0 - 0.07 * miner.upfreq_speed
    miner.physics.tuning_factor = by_speed * (FAST_BOOT_FACTOR if miner.fast_boot == "enable" else 1.0)
