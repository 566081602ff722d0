"""The miner configuration as the web pages show and take it (PROTOCOLS.md 3.6)."""

from collections.abc import Mapping

from hashbus_simulator.devices.antminer.state import POOL_SLOTS, AntminerState, Configuration
from hashbus_simulator.devices.pools import Pool

MODERN_MODES = ("0", "1", "2", "3")
SLOWEST_MHZ, FASTEST_SHARE = 100.0, 1.2
LEVELS = ("100", "95", "90", "85", "80", "75", "70", "65", "60", "55", "50")


class Rejected(Exception):
    """The page takes the configuration back: M001 with this text."""


def shown(miner: AntminerState) -> dict[str, object]:
    """`get_miner_conf.cgi`: keys with the prefix, three pools, mode and level as text."""
    conf = miner.shown_configuration
    slots = (*conf.pools, Pool(), Pool(), Pool())[:POOL_SLOTS]
    # S9 knows neither sleep nor levels.
    modes = {"bitmain-work-mode": conf.work_mode, "bitmain-freq-level": conf.freq_level}
    return {
        "pools": [{"url": pool.url, "user": pool.user, "pass": pool.password} for pool in slots],
        "api-listen": True,
        "api-network": True,
        "api-groups": "A:stats:pools:devs:summary:version",
        "api-allow": "A:0/0,W:*",
        "bitmain-fan-ctrl": conf.fan_ctrl,
        "bitmain-fan-pwm": conf.fan_pwm,
        "bitmain-use-vil": True,
        "bitmain-freq": conf.freq_mhz or str(round(miner.physics.model.freq_mhz)),
        "bitmain-voltage": "1380",
        "bitmain-ccdelay": "0",
        "bitmain-pwth": "0",
        **(modes if miner.generation.sleep_mode else {}),
    }


def from_json(miner: AntminerState, fields: Mapping[str, object]) -> Configuration:
    """S19 and later. Pools that are left out are wiped; what else is left out stays. Raises Rejected."""
    current = miner.configuration
    work_mode = fields.get(miner.block.mode_key, current.work_mode)
    if miner.block.mode_as_text and not isinstance(work_mode, str):
        raise Rejected(f"{miner.block.mode_key} must be a string")
    level = str(fields.get("freq-level", fields.get("bitmain-freq-level", current.freq_level)))
    if str(work_mode) not in MODERN_MODES:
        raise Rejected(f"{miner.block.mode_key} error")
    return Configuration(
        pools=_pools(fields.get("pools", [])),
        work_mode=str(work_mode),
        freq_level=_checked(level, LEVELS, "freq-level"),
        fan_ctrl=fields.get("bitmain-fan-ctrl", current.fan_ctrl) in (True, "true", "1"),
        fan_pwm=_pwm(fields.get("bitmain-fan-pwm", current.fan_pwm)),
    )


def from_form(miner: AntminerState, form: Mapping[str, str]) -> Configuration:
    """S17 and before: a form with every field; what is left out is written as empty. Raises Rejected."""
    pools = []
    for number in range(1, POOL_SLOTS + 1):
        url, user = form.get(f"_ant_pool{number}url", ""), form.get(f"_ant_pool{number}user", "")
        pools.append(Pool(url, user, form.get(f"_ant_pool{number}pw", "")))
    modes = ("0", miner.generation.sleep_mode or "0")
    return Configuration(
        pools=tuple(pool for pool in pools if pool.url),
        work_mode=_checked(form.get("_ant_work_mode", "0"), modes, "_ant_work_mode"),
        freq_level=miner.configuration.freq_level,
        fan_ctrl=form.get("_ant_fan_customize_switch", "false") == "true",
        fan_pwm=_pwm(form.get("_ant_fan_customize_value", "100")),
        freq_mhz=_frequency(miner, form.get("_ant_freq", "")),
    )


def _pools(entries: object) -> tuple[Pool, ...]:
    if not isinstance(entries, list) or len(entries) > POOL_SLOTS:
        raise Rejected("pools error")
    pools = []
    for entry in entries:
        if not isinstance(entry, dict):
            raise Rejected("pools error")
        url, user, password = (str(entry.get(key, "")) for key in ("url", "user", "pass"))
        pools.append(Pool(url, user, password))
    return tuple(pool for pool in pools if pool.url)


def _pwm(value: object) -> str:
    text = str(value)
    if not text.isdecimal() or not 0 <= int(text) <= 100:
        raise Rejected("bitmain-fan-pwm error")
    return text


def _frequency(miner: AntminerState, text: str) -> str:
    is_number = text.replace(".", "", 1).isdecimal()
    if not is_number or not SLOWEST_MHZ <= float(text) <= FASTEST_SHARE * miner.physics.model.freq_mhz:
        raise Rejected("_ant_freq error")
    return text


def _checked(value: str, allowed: tuple[str, ...], name: str) -> str:
    if value not in allowed:
        raise Rejected(f"{name} error")
    return value
