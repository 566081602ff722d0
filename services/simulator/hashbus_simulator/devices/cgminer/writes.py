"""The privileged commands of plain cgminer: pools, boards, frequency, restart."""

from collections.abc import Callable, Mapping
from dataclasses import replace

from hashbus_simulator.devices.cgminer.state import CgminerState
from hashbus_simulator.devices.pools import Pool

Result = tuple[int, tuple[object, ...]]
"""Code and details of its text."""

RESTART_S = 5.0  # cgminer starts itself again; the port is away in the meantime
ASC_HELP = "freq: value in MHz, reset: restart the board"


def switchpool(miner: CgminerState, parameter: str) -> Result:
    """`switchpool|N`: enable a pool and move to it."""
    return _with_pool(miner, parameter, _switch)


def enablepool(miner: CgminerState, parameter: str) -> Result:
    """`enablepool|N`."""
    return _with_pool(miner, parameter, _enable)


def disablepool(miner: CgminerState, parameter: str) -> Result:
    """`disablepool|N`; the last one cannot be disabled."""
    return _with_pool(miner, parameter, _disable)


def removepool(miner: CgminerState, parameter: str) -> Result:
    """`removepool|N`; neither the last one nor the one in use."""
    return _with_pool(miner, parameter, _remove)


def addpool(miner: CgminerState, parameter: str) -> Result:
    """`addpool|URL,USER,PASS`."""
    if not parameter:
        return 52, ()
    details = [part.strip() for part in parameter.split(",")]
    if len(details) != 3 or not details[0] or not details[1]:
        return 53, (parameter,)
    url, user, password = details
    miner.pools = (*miner.pools, Pool(url, user, password))
    return 55, (len(miner.pools) - 1, url)


def poolpriority(miner: CgminerState, parameter: str) -> Result:
    """`poolpriority|N,M,...`: the named pools first, in this order; the first is mined at."""
    wanted = [part.strip() for part in parameter.split(",") if part.strip()]
    if not wanted:
        return 25, ()
    numbers = [_number(part, len(miner.pools)) for part in wanted]
    order = [number for number in numbers if number is not None]
    if len(order) < len(wanted):
        return 26, (parameter, len(miner.pools) - 1)
    order += [number for number in range(len(miner.pools)) if number not in order]
    miner.pools = tuple(miner.pools[number] for number in order)
    miner.active_pool = 0
    return 73, ()


def ascenable(miner: CgminerState, parameter: str) -> Result:
    """`ascenable|N`."""
    board = _number(parameter, miner.physics.model.boards)
    if board is None:
        return _no_board(miner, parameter)
    if board not in miner.disabled_boards:
        return 108, (board,)
    miner.switch_boards(miner.disabled_boards - {board})
    return 110, (board,)


def ascdisable(miner: CgminerState, parameter: str) -> Result:
    """`ascdisable|N`."""
    board = _number(parameter, miner.physics.model.boards)
    if board is None:
        return _no_board(miner, parameter)
    if board in miner.disabled_boards:
        return 109, (board,)
    miner.switch_boards(miner.disabled_boards | {board})
    return 111, (board,)


def ascidentify(miner: CgminerState, parameter: str) -> Result:
    """`ascidentify|N`."""
    board = _number(parameter, miner.physics.model.boards)
    return _no_board(miner, parameter) if board is None else (113, (board,))


def ascset(miner: CgminerState, parameter: str) -> Result:
    """`ascset|N,option[,value]`: `help`, `freq` in MHz, `reset`."""
    name, _, rest = parameter.partition(",")
    board = _number(name, miner.physics.model.boards)
    if board is None:
        return _no_board(miner, name)
    option, _, value = rest.partition(",")
    match option.strip().lower():
        case "":
            return 115, ()
        case "help":
            return 118, (board, ASC_HELP)
        case "reset":
            miner.physics.restart_mining()
            return 119, (board,)
        case "freq":
            return _set_frequency(miner, board, value)
    return 120, (board, f"Unknown option: {option}")


def zero(miner: CgminerState, parameter: str) -> Result:
    """`zero|all,false`: start the counters again."""
    which = parameter.partition(",")[0]
    if not which:
        return 94, ()
    miner.physics.terahashes = 0.0
    return 96, (which,)


def save(_miner: CgminerState, parameter: str) -> Result:
    """`save|FILE`."""
    return 44, (parameter or "/root/.cgminer/cgminer.conf",)


COMMANDS: Mapping[str, Callable[[CgminerState, str], Result]] = {
    "switchpool": switchpool,
    "enablepool": enablepool,
    "disablepool": disablepool,
    "removepool": removepool,
    "addpool": addpool,
    "poolpriority": poolpriority,
    "ascenable": ascenable,
    "ascdisable": ascdisable,
    "ascidentify": ascidentify,
    "ascset": ascset,
    "zero": zero,
    "save": save,
}
PRIVILEGED = frozenset({*COMMANDS, "privileged", "quit", "restart"})


def restart(miner: CgminerState) -> None:
    """`restart` and `quit`: the process goes away and comes back (a service unit starts it again)."""
    miner.physics.restart_mining(silent_s=RESTART_S)


def _with_pool(miner: CgminerState, parameter: str, act: Callable[[CgminerState, int], Result]) -> Result:
    if not miner.pools:
        return 8, ()
    if not parameter.strip():
        return 25, ()
    number = _number(parameter, len(miner.pools))
    if number is None:
        return 26, (parameter, len(miner.pools) - 1)
    return act(miner, number)


def _switch(miner: CgminerState, number: int) -> Result:
    miner.set_pool(number, replace(miner.pools[number], is_enabled=True))
    miner.active_pool = number
    return 27, (number, miner.pools[number].url)


def _enable(miner: CgminerState, number: int) -> Result:
    pool = miner.pools[number]
    if pool.is_enabled:
        return 49, (number, pool.url)
    miner.set_pool(number, replace(pool, is_enabled=True))
    return 47, (number, pool.url)


def _disable(miner: CgminerState, number: int) -> Result:
    pool = miner.pools[number]
    if not pool.is_enabled:
        return 50, (number, pool.url)
    others = [other for other, one in enumerate(miner.pools) if one.is_enabled and other != number]
    if not others:
        return 51, (number, pool.url)
    miner.set_pool(number, replace(pool, is_enabled=False))
    if miner.active_pool == number:
        miner.active_pool = others[0]
    return 48, (number, pool.url)


def _remove(miner: CgminerState, number: int) -> Result:
    url = miner.pools[number].url
    if len(miner.pools) == 1:
        return 66, (number, url)
    if number == miner.active_pool:
        return 67, (number, url)
    miner.pools = (*miner.pools[:number], *miner.pools[number + 1 :])
    miner.active_pool -= number < miner.active_pool
    return 68, (number, url)


def _set_frequency(miner: CgminerState, board: int, value: str) -> Result:
    model = miner.physics.model
    try:
        share = float(value) / model.freq_mhz
    except ValueError:
        return 120, (board, f"Invalid frequency: {value}")
    highest = model.max_power_share**model.hash_exponent
    if not 0.1 <= share <= highest:
        return 120, (board, f"Frequency out of range: {value}")
    miner.physics.set_frequency(share, restart=False)
    return 119, (board,)


def _no_board(miner: CgminerState, parameter: str) -> Result:
    return (107, (parameter, miner.physics.model.boards - 1)) if parameter.strip() else (15, ())


def _number(text: str, count: int) -> int | None:
    """The number of a pool or board; None when there is none of that number."""
    text = text.strip()
    return int(text) if text.isdecimal() and int(text) < count else None
