"""What changes a miner with LuxOS: with a session, but for the pools (PROTOCOLS.md 3.8)."""

from collections.abc import Callable, Mapping

from hashbus_simulator.devices.luxos.reads import Read
from hashbus_simulator.devices.luxos.state import LuxosState
from hashbus_simulator.devices.pools import Pool

LED_STATES = frozenset({"on", "off", "blink", "auto"})


def logon(miner: LuxosState) -> Read:
    """`logon`: one session at a time."""
    session_id = miner.session.begin()
    return (402, (), {}) if session_id is None else (316, (), {"SESSION": [{"SessionID": session_id}]})


def logoff(miner: LuxosState, _arguments: list[str]) -> Read:
    """`logoff`."""
    miner.session.end()
    return 317, (), {}


def curtail(miner: LuxosState, arguments: list[str]) -> Read:
    """`curtail`: sleep survives a restart, wakeup ramps the boards."""
    action = arguments[0] if arguments else ""
    if action == "sleep":
        miner.physics.sleep()
        return 335, (), {"CURTAIL": [{"Action": "sleep mode"}]}
    if action == "wakeup":
        miner.physics.wake()
        return 335, (), {"CURTAIL": [{"Action": "wake up"}]}
    return 403, (action,), {}


def profileset(miner: LuxosState, arguments: list[str]) -> Read:
    """`profileset`: a name; before 2024 a board and a name, which is still understood."""
    has_board = len(arguments) > 1 and arguments[0] in {"0", "1", "2", "3"}
    if miner.block.board_profiles and not has_board:
        return 403, ("board",), {}
    board, name = (int(arguments[0]), arguments[1]) if has_board else (0, arguments[0] if arguments else "")
    profile = miner.named(name)
    if profile is None:
        return 404, (name,), {}
    # The last board decides here: a miner with boards on different profiles is not played.
    if not miner.block.board_profiles or board == miner.physics.model.boards - 1:
        miner.take(profile)
    return 321, (), {"PROFILE": [{"Board": board, "Profile": name}]}


def atmset(miner: LuxosState, arguments: list[str]) -> Read:
    """`atmset`: of its keys only `max_profile`."""
    values = dict(argument.partition("=")[::2] for argument in arguments)
    name = values.get("max_profile", miner.max_profile)
    if miner.named(name) is None:
        return 404, (name,), {}
    miner.max_profile = name
    return 340, (), {"ATM": [{"Enabled": miner.block.atm, "MaxProfile": name}]}


def fanset(miner: LuxosState, arguments: list[str]) -> Read:
    """`fanset`: a speed from 0 to 100, or -1 for automatic."""
    if miner.block.cooling != "Air":
        return 405, (), {}
    values = dict(argument.partition("=")[::2] for argument in arguments)
    spelled = values.get("speed", arguments[0] if arguments else "")
    speed = int(spelled) if spelled.removeprefix("-").isdecimal() else -2
    if not -1 <= speed <= 100:
        return 403, ("speed",), {}
    miner.physics.fan_pct = None if speed == -1 else float(speed)
    return 203, (), {"FANCTRL": [{"Speed": speed}]}


def ledset(miner: LuxosState, arguments: list[str]) -> Read:
    """`ledset`: a colour and what it does."""
    if len(arguments) != 2 or arguments[0] not in {"red", "green"} or arguments[1] not in LED_STATES:
        return 403, (",".join(arguments),), {}
    if arguments[0] == "red":
        miner.red_led = arguments[1]
    return 325, (), {"LED": [{"Color": arguments[0], "Mode": arguments[1]}]}


def resetminer(miner: LuxosState, _arguments: list[str]) -> Read:
    """`resetminer`: the mining process starts again; the session is gone with it."""
    miner.session.end()
    if not miner.physics.asleep:
        miner.physics.restart_mining()
    return 326, (), {}


def rebootdevice(miner: LuxosState, _arguments: list[str]) -> Read:
    """`rebootdevice`."""
    miner.session.end()
    miner.physics.reboot()
    return 306, (), {}


def addpool(miner: LuxosState, parameter: str) -> Read:
    """`addpool`: address, user and password; a backslash takes the meaning from a comma."""
    parts = parameter.replace("\\\\", "\0").replace("\\,", "\1").split(",")
    if len(parts) < 3 or not parts[0]:
        return 53, (parameter,), {}
    url, user, password = (part.replace("\1", ",").replace("\0", "\\") for part in parts[:3])
    miner.pools = (*miner.pools, Pool(url, user, password))
    return 55, (len(miner.pools) - 1, url), {}


def switchpool(miner: LuxosState, parameter: str) -> Read:
    """`switchpool`: at once."""
    if not parameter.isdecimal() or int(parameter) >= len(miner.pools):
        return 26, (parameter, len(miner.pools) - 1), {}
    miner.active_pool = int(parameter)
    return 27, (parameter, miner.pools[miner.active_pool].url), {}


IN_SESSION: Mapping[str, Callable[[LuxosState, list[str]], Read]] = {
    "logoff": logoff,
    "curtail": curtail,
    "profileset": profileset,
    "atmset": atmset,
    "fanset": fanset,
    "ledset": ledset,
    "resetminer": resetminer,
    "rebootdevice": rebootdevice,
}
WITHOUT_SESSION: Mapping[str, Callable[[LuxosState, str], Read]] = {"addpool": addpool, "switchpool": switchpool}
