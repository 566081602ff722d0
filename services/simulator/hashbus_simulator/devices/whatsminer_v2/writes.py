"""The write commands of API v2 (PROTOCOLS.md 2.5)."""

from collections.abc import Callable, Mapping

from hashbus_simulator.devices.pools import Pool
from hashbus_simulator.devices.whatsminer_v2.reads import FAILED, INVALID_COMMAND, OK
from hashbus_simulator.devices.whatsminer_v2.state import POWER_LIMIT_SINCE, WhatsminerV2State
from hashbus_simulator.devices.whatsminer_v3.params import BadParam, one_of, whole_number
from hashbus_simulator.devices.whatsminer_v3.state import MODE_SHARES

Fields = Mapping[str, object]
Result = tuple[int, str]
"""Code and text of the reply."""

DONE: Result = (OK, "API command OK")
UNKNOWN: Result = (INVALID_COMMAND, "invalid cmd")
FACTORY_LIMIT_W = 99_999
SLOW_PERCENT_S = 120.0
POOLS = (1, 2, 3)


def power_off(miner: WhatsminerV2State, fields: Fields) -> Result:
    """Sleep; firmware of 2024 does not take `respbefore`."""
    if "respbefore" in fields:
        if not miner.block.knows_respbefore:
            return UNKNOWN
        one_of(fields["respbefore"], "true", "false")
    miner.physics.sleep()
    return DONE


def power_on(miner: WhatsminerV2State, _fields: Fields) -> Result:
    """Wake."""
    miner.physics.wake()
    return DONE


def restart_btminer(miner: WhatsminerV2State, _fields: Fields) -> Result:
    """Start mining anew; a sleeping miner sleeps on."""
    if not miner.physics.asleep:
        miner.physics.restart_mining()
    return DONE


def reboot(miner: WhatsminerV2State, _fields: Fields) -> Result:
    """Leave the network and come back mining."""
    miner.physics.asleep = False
    miner.physics.reboot()
    return DONE


def factory_reset(miner: WhatsminerV2State, fields: Fields) -> Result:
    """Settings of the factory, then a reboot."""
    miner.restore()
    miner.physics.demand.restore()
    return reboot(miner, fields)


def power_mode(word: str) -> Callable[[WhatsminerV2State, Fields], Result]:
    """`set_low_power`, `set_normal_power`, `set_high_power`: mining restarts."""

    def write(miner: WhatsminerV2State, _fields: Fields) -> Result:
        miner.power_mode = word
        miner.physics.set_mode(MODE_SHARES[word])
        return DONE

    return write


def adjust_power_limit(miner: WhatsminerV2State, fields: Fields) -> Result:
    """Watts as a string, up to the rated power; 99999 is the factory's setting; mining restarts."""
    if not miner.has_api(POWER_LIMIT_SINCE):
        return UNKNOWN
    asked_w, rated_w = whole_number(fields.get("power_limit"), 0, FACTORY_LIMIT_W), miner.physics.model.power_w
    if asked_w != FACTORY_LIMIT_W and asked_w > rated_w:
        return FAILED, f"power_limit must not exceed {rated_w:.0f}"
    miner.physics.set_limit(rated_w if asked_w == FACTORY_LIMIT_W else float(asked_w))
    return DONE


def set_power_pct(miner: WhatsminerV2State, fields: Fields) -> Result:
    """A percentage within a second, once the boards are tuned; a reboot forgets it."""
    percent = whole_number(fields.get("percent"), 0, 100)
    if not miner.physics.is_tuned:
        return FAILED, "not tuned yet"
    miner.physics.set_percent(float(percent))
    return DONE


def set_power_pct_v2(miner: WhatsminerV2State, fields: Fields) -> Result:
    """The same within minutes."""
    if not miner.has_api(POWER_LIMIT_SINCE):
        return UNKNOWN
    miner.physics.set_percent(float(whole_number(fields.get("percent"), 0, 100)), takes_s=SLOW_PERCENT_S)
    return DONE


def set_target_freq(miner: WhatsminerV2State, fields: Fields) -> Result:
    """Per cent around the usual frequency; mining restarts."""
    miner.target_freq_pct = whole_number(fields.get("percent"), -100, 100)
    miner.physics.set_frequency(max(0.05, 1.0 + miner.target_freq_pct / 100.0))
    return DONE


def adjust_upfreq_speed(miner: WhatsminerV2State, fields: Fields) -> Result:
    """0 is the usual speed of tuning, 10 the greatest."""
    miner.physics.tuning_factor = 1.0 - 0.07 * whole_number(fields.get("upfreq_speed"), 0, 10)
    return DONE


def update_pools(miner: WhatsminerV2State, fields: Fields) -> Result:
    """All three pools at once, empty ones as empty text; mining restarts."""
    texts = [tuple(str(fields.get(f"{key}{number}", "")) for key in ("pool", "worker", "passwd")) for number in POOLS]
    pools = tuple(Pool(url, worker, password) for url, worker, password in texts if url)
    if not pools:
        raise BadParam
    miner.pools = pools
    miner.physics.restart_mining()
    return DONE


def set_led(miner: WhatsminerV2State, fields: Fields) -> Result:
    """`auto`, or a colour with period, duration and start in ms."""
    if "param" in fields:
        miner.led = one_of(fields["param"], "auto")
        return DONE
    colour = one_of(fields.get("color"), "red", "green")
    times_ms = [whole_number(fields.get(name), 0, 10_000) for name in ("period", "duration", "start")]
    miner.led = [colour, *times_ms]
    return DONE


def set_hostname(miner: WhatsminerV2State, fields: Fields) -> Result:
    """The name on the network."""
    miner.hostname = str(fields.get("hostname", ""))
    return DONE


def update_pwd(miner: WhatsminerV2State, fields: Fields) -> Result:
    """Another password, at most eight characters; every token is void."""
    old, new = str(fields.get("old", "")), str(fields.get("new", ""))
    if old != miner.desk.password or not 1 <= len(new) <= 8:
        return FAILED, "wrong password"
    miner.desk.set_password(new)
    return DONE


def pre_power_on(_miner: WhatsminerV2State, fields: Fields) -> Result:
    """The handshake of a miner in a cold liquid: this one is never cold."""
    one_of(fields.get("complete"), "true", "false")
    one_of(fields.get("msg"), "wait for adjust temp", "adjust complete", "adjust continue")
    return OK, "adjust complete"


def switch(name: str, word: str) -> Callable[[WhatsminerV2State, Fields], Result]:
    """A setting that has a command for each of its values."""

    def write(miner: WhatsminerV2State, _fields: Fields) -> Result:
        setattr(miner, name, word)
        return DONE

    return write


def noted(_miner: WhatsminerV2State, _fields: Fields) -> Result:
    """What is accepted and shows nowhere: zone, network, fan curve, the web page."""
    return DONE


WRITES: Mapping[str, Callable[[WhatsminerV2State, Fields], Result]] = {
    "power_off": power_off,
    "power_on": power_on,
    "restart_btminer": restart_btminer,
    "reboot": reboot,
    "factory_reset": factory_reset,
    "set_low_power": power_mode("low"),
    "set_normal_power": power_mode("normal"),
    "set_high_power": power_mode("high"),
    "adjust_power_limit": adjust_power_limit,
    "set_power_pct": set_power_pct,
    "set_power_pct_v2": set_power_pct_v2,
    "set_target_freq": set_target_freq,
    "adjust_upfreq_speed": adjust_upfreq_speed,
    "update_pools": update_pools,
    "set_led": set_led,
    "set_hostname": set_hostname,
    "update_pwd": update_pwd,
    "pre_power_on": pre_power_on,
    "enable_btminer_fast_boot": switch("fast_boot", "enable"),
    "disable_btminer_fast_boot": switch("fast_boot", "disable"),
    "enable_web_pools": noted,
    "disable_web_pools": noted,
    "set_heat_mode": noted,
    "set_fast_hash": noted,
    "set_zone": noted,
    "net_config": noted,
    "set_temp_offset": noted,
    "set_poweroff_cool": noted,
    "set_fan_zero_speed": noted,
}
