"""`ascset 0,OPTION,VALUE`: everything that can be set on an Avalon (PROTOCOLS.md 3.7; vendor's A10 API manual)."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from hashbus_simulator.devices.avalon import mm
from hashbus_simulator.devices.avalon.generation import Shape, Step
from hashbus_simulator.devices.avalon.state import AvalonState
from hashbus_simulator.devices.pools import Pool

INFO, OK, FAILED = 118, 119, 120
SLOWEST_FAN_PCT = 15
SLOTS = 3
QUERY = "255"


class Said(NamedTuple):
    """Code and text of a reply; `is_silent`: the miner hangs up instead."""

    code: int
    text: str = ""
    is_silent: bool = False


DONE = Said(OK)


def help_text(miner: AvalonState, _value: str) -> Said:
    """`help`: the options, as far as the firmware tells them."""
    return Said(INFO, "|".join(miner.generation.options) + "|")


def softoff(miner: AvalonState, value: str) -> Said:
    """`softoff,1:UNIX`: sleep at that time."""
    return _soft(miner, value, is_off=True)


def softon(miner: AvalonState, value: str) -> Said:
    """`softon,1:UNIX`: wake at that time."""
    return _soft(miner, value, is_off=False)


def hashpower(miner: AvalonState, value: str) -> Said:
    """`hashpower,0` cuts the boards' power; without a value it tells the supply's numbers."""
    if value == "":
        return Said(INFO, f"PS[{mm.supply(miner) or '0 0 0 0 0 0'}]")
    if value != "0":
        return Said(FAILED, "invalid value")
    miner.cut_power()
    return Said(INFO, "Power off hash now ...")


def work_step(miner: AvalonState, value: str) -> Said:
    """`workmode,N` (255 asks) on industrial models, `set,N` and `get` on home models, which refuse it while tuning."""
    numbers = {step.number: step for step in miner.generation.steps}
    if not miner.generation.has_set_word:
        if value == QUERY:
            return Said(INFO, f"WORKMODE[{miner.waiting_step.number}]")
        step = numbers.get(_integer(value))
        if step is None:
            return Said(FAILED, "invalid mode")
        miner.take_step(step)
        return Said(INFO, f"WORKMODE[{step.number}]")
    word, _, number = value.partition(",")
    if word == "get":
        return Said(INFO, f"{miner.generation.step_option} {miner.step.number}")
    step = numbers.get(_integer(number)) if word == "set" else None
    return _set_at_once(miner, step)


def fan_spd(miner: AvalonState, value: str) -> Said:
    """`fan-spd,N`: per cent, -1 for automatic."""
    percent = _integer(value)
    if percent == -1:
        miner.physics.fan_pct = None
        return DONE
    if not SLOWEST_FAN_PCT <= percent <= 100:
        return Said(FAILED, f"invalid fan value, valid range {SLOWEST_FAN_PCT}-100")
    miner.physics.fan_pct = float(percent)
    return DONE


def led(miner: AvalonState, value: str) -> Said:
    """`led,1-1`, `led,1-0`; 1-255 asks."""
    _, _, state = value.partition("-")
    if state == QUERY:
        return Said(INFO, f"LED[{int(miner.is_lit)}]")
    if state not in {"0", "1"}:
        return Said(FAILED, f"invalid LED status: {state}, valid value 0|1")
    miner.is_lit = state == "1"
    return DONE


def reboot(miner: AvalonState, _value: str) -> Said:
    """`reboot,0`: the miner is gone before it has answered."""
    miner.reboot()
    return DONE._replace(is_silent=True)


def setpool(miner: AvalonState, value: str) -> Said:
    """`setpool,USER,PASSWORD,N,URL,WORKER,PASSWORD`: in force after a reboot; it repeats the worker's password."""
    parts = value.split(",")
    if len(parts) != 6 or _integer(parts[2]) not in range(SLOTS):
        return Said(FAILED, "invalid setpool details")
    if parts[0] not in {"root", "admin"} or parts[1] != miner.block.password.get_secret_value():
        return Said(FAILED, "Auth Failed! password invalid!")
    _, _, number, url, worker, password = parts
    miner.waiting_pools[int(number)] = Pool(url, worker, password)
    told = f"pool success set to {url}, worker is {worker}, workerpassword is {password}"
    return Said(INFO, f"{told}. Please reboot miner to make config work.")


OPTIONS: Mapping[str, Callable[[AvalonState, str], Said]] = {
    "help": help_text,
    "softoff": softoff,
    "softon": softon,
    "hashpower": hashpower,
    "workmode": work_step,
    "worklevel": work_step,
    "fan-spd": fan_spd,
    "led": led,
    "reboot": reboot,
    "setpool": setpool,
}


def carry_out(miner: AvalonState, parameter: str) -> Said:
    """One `ascset`; options that this generation lacks are unknown to it."""
    number, _, rest = parameter.partition(",")
    option, _, value = rest.partition(",")
    if number.strip() != "0":
        return Said(107, number)
    is_other_step = option in {"workmode", "worklevel"} and option != miner.generation.step_option
    if not miner.generation.knows(option) or option not in OPTIONS or is_other_step:
        return Said(FAILED, f"Unknown option: {option}")
    return OPTIONS[option](miner, value)


def _soft(miner: AvalonState, value: str, *, is_off: bool) -> Said:
    mode, _, at = value.partition(":")
    if mode not in {"0", "1"} or not at.isdecimal():
        return Said(FAILED, "invalid value")
    miner.order(int(at), is_off=is_off)
    silent = miner.block.closes_without_reply
    word = "softoff" if is_off else "softon"
    is_silent = silent == "both" or (silent == "softon" and not is_off)
    if miner.generation.shape is Shape.SUMMARY:
        return Said(INFO, f"success {word}:{at}", is_silent)
    return Said(OK, "", is_silent)


def _set_at_once(miner: AvalonState, step: Step | None) -> Said:
    if step is None:
        return Said(FAILED, "invalid mode")
    if not miner.physics.asleep and not miner.physics.is_tuned:
        return Said(FAILED, f"current mode {miner.step.number} is caling Don't permit switch mode")
    miner.take_step(step)
    return DONE


def _integer(text: str) -> int:
    """A whole number; -1000 for what is none."""
    try:
        return int(text)
    except ValueError:
        return -1000
