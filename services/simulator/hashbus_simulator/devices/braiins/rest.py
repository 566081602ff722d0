"""The REST interface of Braiins OS: who may ask, what is taken, what is answered (PROTOCOLS.md 3.9)."""

import asyncio
import json
from collections.abc import Callable, Mapping

from aiohttp import web

from hashbus_simulator.devices.braiins import pool_views, views
from hashbus_simulator.devices.braiins.state import BraiinsState, Group, Status, Tuner
from hashbus_simulator.devices.pools import Pool
from hashbus_simulator.devices.requests import json_value

BASE = "/api/v1/"
ENDLESS = "miner/status"
PAGE = "<!doctype html><html><head><title>Braiins OS</title></head><body><div id=root></div></body></html>"
STRATEGIES = frozenset({"quota", "fixed_share_ratio", "fixedshareratio"})


class RefusalError(ValueError):
    """What was sent is not taken; the text says why."""


async def answer(miner: BraiinsState, request: web.BaseRequest, credentials_rejected: bool) -> web.Response:
    """The answer to one request: the start page to everybody, the rest to who has logged in."""
    miner.physics.catch_up()
    if request.path == "/graphql":
        return _json(graphql(miner, _object(await request.read()).get("query")))
    if not request.path.startswith(BASE):
        return web.Response(text=PAGE, content_type="text/html")
    path = request.path.removeprefix(BASE).rstrip("/")
    body = await request.read()
    if (request.method, path) == ("POST", "auth/login"):
        return _log_in(miner, body, credentials_rejected)
    if (request.method, path) == ("GET", "version"):
        return _json(views.version(miner))
    if credentials_rejected or not miner.knows(request.headers.get("Authorization", "")):
        return web.Response(status=401, text="Unauthorized")
    if path == ENDLESS:
        await asyncio.Event().wait()  # a stream of JSON values that never ends: who asks for it waits for ever
    return _routed(miner, request.method, path, body)


def graphql(miner: BraiinsState, query: object) -> object:
    """The older interface, as far as it tells everybody who the miner is: some clients recognise it by that."""
    asked = str(query)
    if "modelName" in asked:
        return {"data": {"bosminer": {"info": {"modelName": miner.block.model}}}}
    if "version" in asked:
        return {"data": {"bos": {"info": {"version": {"full": views.full_version(miner)}}}}}
    return {"data": None, "errors": [{"message": "unknown query"}]}


def _log_in(miner: BraiinsState, body: bytes, credentials_rejected: bool) -> web.Response:
    sent = _object(body)
    token = miner.log_in(sent.get("username"), sent.get("password")) if sent and not credentials_rejected else None
    if token is None:
        return web.Response(status=401, text="Unauthorized")
    return _json({"token": token, "timeout_s": int(miner.block.session_s)})


def _routed(miner: BraiinsState, method: str, path: str, body: bytes) -> web.Response:
    if method == "GET" and path in READS:
        if path in NEEDS_PROCESS and miner.status is Status.NOT_STARTED:
            return _refusal(500, "bosminer is not running")
        return _json(READS[path](miner))
    if method == "GET" and path == "actions/locate":
        return _json(miner.is_blinking)
    if method == "PUT" and path in ACTIONS:
        if path in {"actions/pause", "actions/resume"} and miner.is_stopped:
            return _refusal(500, "bosminer is not running")
        return _json(ACTIONS[path](miner))
    if method in {"PUT", "PATCH"} and (method, path) in WRITES:
        try:
            return _json(WRITES[method, path](miner, json_value(body)))
        except ValueError as error:
            return _refusal(400, str(error))
    return _refusal(404, "not found")


def set_target(miner: BraiinsState, sent: object) -> object:
    """`performance/power-target`."""
    return _tune(miner, _watts(sent))


def raise_target(miner: BraiinsState, sent: object) -> object:
    """`performance/power-target/increment`."""
    return _tune(miner, miner.target_w + _watts(sent))


def lower_target(miner: BraiinsState, sent: object) -> object:
    """`performance/power-target/decrement`."""
    return _tune(miner, miner.target_w - _watts(sent))


def set_mode(miner: BraiinsState, sent: object) -> object:
    """`performance/mode`: the tuner with a power target, which is what this emulator knows of it."""
    for key in ("tunermode", "target", "powertarget", "power_target"):
        sent = sent.get(key) if isinstance(sent, dict) else None
    _tune(miner, _watts(sent))
    return {"tunermode": {"target": {"powertarget": {"power_target": {"watt": miner.target_w}}}}}


def set_cooling(miner: BraiinsState, sent: object) -> object:
    """`cooling/mode` (25.01 and newer): automatic, or fans at a ratio from 0 to 1."""
    if miner.version < (25, 1):
        raise RefusalError("unknown path")
    mode = sent if isinstance(sent, dict) else {}
    if "auto" in mode:
        miner.physics.fan_pct = None
    elif isinstance(mode.get("manual"), dict):
        ratio = mode["manual"].get("fan_speed_ratio", 1.0)
        if not isinstance(ratio, int | float) or not 0 <= ratio <= 1:
            raise RefusalError("fan_speed_ratio out of range")
        miner.physics.fan_pct = float(ratio) * 100
    else:
        raise RefusalError("unknown cooling mode")
    return views.cooling_mode(miner)


def set_pools(miner: BraiinsState, sent: object) -> object:
    """`pools/batch`: all groups at once; what is not sent is gone."""
    if not isinstance(sent, list) or not sent:
        raise RefusalError("a list of groups is needed")
    miner.set_groups(tuple(_group(miner, group) for group in sent))
    return pool_views.pools(miner)


def set_light(miner: BraiinsState, sent: object) -> object:
    """`actions/locate`."""
    if not isinstance(sent, bool):
        raise RefusalError("a boolean is needed")
    miner.is_blinking = sent
    return sent


READS: Mapping[str, Callable[[BraiinsState], object]] = {
    "miner/details": views.details,
    "miner/stats": views.stats,
    "miner/errors": views.errors,
    "miner/hw/hashboards": views.hashboards,
    "cooling/state": views.cooling_state,
    "performance/tuner-state": views.tuner_state,
    "configuration/miner": views.configuration,
    "configuration/constraints": views.constraints,
    "network": views.network,
    "pools": pool_views.pools,
}
NEEDS_PROCESS = frozenset({"miner/stats", "miner/hw/hashboards", "cooling/state", "performance/tuner-state", "pools"})
ACTIONS: Mapping[str, Callable[[BraiinsState], bool]] = {
    f"actions/{name}": action
    for name, action in {
        "pause": BraiinsState.pause,
        "resume": BraiinsState.resume,
        "start": BraiinsState.start,
        "stop": BraiinsState.stop,
        "restart": BraiinsState.restart,
        "reboot": BraiinsState.reboot,
    }.items()
}
WRITES: Mapping[tuple[str, str], Callable[[BraiinsState, object], object]] = {
    ("PUT", "performance/power-target"): set_target,
    ("PATCH", "performance/power-target/increment"): raise_target,
    ("PATCH", "performance/power-target/decrement"): lower_target,
    ("PUT", "performance/mode"): set_mode,
    ("PUT", "cooling/mode"): set_cooling,
    ("PUT", "pools/batch"): set_pools,
    ("PUT", "actions/locate"): set_light,
}


def _tune(miner: BraiinsState, target_w: int) -> object:
    if not miner.lowest_w <= target_w <= miner.highest_w:
        raise RefusalError(f"power target must be between {miner.lowest_w} and {miner.highest_w} W")
    if miner.tuner is not Tuner.POWER or target_w != miner.target_w:
        miner.tune_to(target_w)
    return {"watt": miner.target_w}


def _watts(sent: object) -> int:
    watts = sent.get("watt") if isinstance(sent, dict) else None
    if not isinstance(watts, int) or isinstance(watts, bool):
        raise RefusalError("watt: a whole number is needed")
    return watts


def _group(miner: BraiinsState, sent: object) -> Group:
    fields = sent if isinstance(sent, dict) else {}
    strategy = fields.get("load_balance_strategy") or {}
    pools = fields.get("pools")
    if not isinstance(strategy, dict) or not STRATEGIES.issuperset(strategy):
        raise RefusalError("unknown load_balance_strategy")
    if not isinstance(fields.get("name"), str) or not isinstance(pools, list):
        raise RefusalError("a group needs its name and pools")
    quota = strategy.get("quota")
    value = quota.get("value", 1) if isinstance(quota, dict) else 1
    return Group(fields["name"], tuple(_pool(miner, pool) for pool in pools), int(value))


def _pool(miner: BraiinsState, sent: object) -> Pool:
    fields = sent if isinstance(sent, dict) else {}
    url, user = fields.get("url"), fields.get("user")
    if not isinstance(url, str) or not isinstance(user, str) or "://" not in url:
        raise RefusalError("a pool needs url and user")
    password = fields.get("password")
    if password is None:
        known = [pool for group in miner.groups for pool in group.pools if (pool.url, pool.user) == (url, user)]
        password = known[0].password if known else ""
    return Pool(url, user, str(password), fields.get("enabled") is not False)


def _object(body: bytes) -> dict[str, object]:
    try:
        sent = json_value(body)
    except ValueError:
        return {}
    return sent if isinstance(sent, dict) else {}


def _json(value: object) -> web.Response:
    return web.Response(text=json.dumps(value), content_type="application/json")


def _refusal(status: int, why: str) -> web.Response:
    return web.Response(status=status, text=json.dumps({"message": why}), content_type="application/json")
