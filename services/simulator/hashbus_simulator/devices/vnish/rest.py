"""The REST interface of VNish: what everybody may see, what needs a token or a key (PROTOCOLS.md 3.10)."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace

from aiohttp import web

from hashbus_simulator.devices.pools import Pool
from hashbus_simulator.devices.requests import json_object
from hashbus_simulator.devices.vnish import views
from hashbus_simulator.devices.vnish.state import Settings, VnishState

BASE = "/api/v1/"
PAGE = "<!doctype html><html><head><title>AnthillOS</title></head><body><div id=app></div></body></html>"
LOWEST_THROTTLE_PCT = 20
POOLS = 3

Body = dict[str, object]


class RefusalError(ValueError):
    """What was sent is not taken; the text says why."""


async def answer(miner: VnishState, request: web.BaseRequest, credentials_rejected: bool) -> web.Response:
    """The answer to one request."""
    miner.physics.catch_up()
    if not request.path.startswith(BASE):
        return web.Response(text=PAGE, content_type="text/html")
    path = request.path.removeprefix(BASE).rstrip("/")
    body = json_object(await request.read() or b"{}")
    if (request.method, path) == ("POST", "unlock"):
        return _unlock(miner, body, credentials_rejected)
    headers = request.headers
    opens = miner.locksmith.knows(headers.get("Authorization", ""), headers.get("x-api-key", ""))
    is_unlocked = opens and not credentials_rejected
    if (request.method, path) == ("GET", "status"):
        return _json(views.status(miner, is_unlocked=is_unlocked))
    if request.method == "GET" and path in OPEN:
        return _json(OPEN[path](miner))
    return _behind_the_lock(miner, (request.method, path), body, is_unlocked=is_unlocked)


def _behind_the_lock(
    miner: VnishState, question: tuple[str, str], body: Body | None, *, is_unlocked: bool
) -> web.Response:
    method, path = question
    if (question not in WRITES and not (method == "GET" and path in READS)) or (path in MODERN and not miner.is_modern):
        return web.Response(status=404, text="Not Found")
    if not is_unlocked:
        return web.Response(status=401, text="")
    if method == "GET":
        return _json(READS[path](miner))
    if body is None:
        return _error(500, "invalid json")
    try:
        return _json(WRITES[question](miner, body))
    except RefusalError as refusal:
        return _error(500, str(refusal))


def _unlock(miner: VnishState, body: Body | None, credentials_rejected: bool) -> web.Response:
    locksmith = miner.locksmith
    if locksmith.locked_s is not None:
        return _json({"unlock_timeout": locksmith.locked_s}, status=429)
    token = locksmith.unlock((body or {}).get("pw")) if not credentials_rejected else None
    if token is None:
        return _json({"unlock_timeout": locksmith.locked_s}, status=403)
    return _json({"token": token})


def save(miner: VnishState, body: Body) -> object:
    """`settings`: a part of the configuration; what is not sent stays."""
    part = body.get("miner")
    wanted = miner.settings
    if isinstance(part, dict):
        wanted = _with_overclock(miner, part.get("overclock"))
        wanted = _with_cooling(wanted, part.get("cooling"))
        pools = part.get("pools")
        if pools is not None:
            wanted = replace(wanted, pools=_pools(pools))
    return {"restart_required": miner.save(wanted), "reboot_required": False}


def switch_pool(miner: VnishState, body: Body) -> object:
    """`mining/switch-pool`: at once, until the next start."""
    number = body.get("pool_id")
    if not isinstance(number, int) or not 0 <= number < len(miner.running.pools):
        raise RefusalError("no such pool")
    miner.active_pool = number
    return None


def throttle(miner: VnishState, body: Body) -> object:
    """`mining/throttle` (1.3.3 and newer)."""
    percent = body.get("percent")
    if not isinstance(percent, int) or not LOWEST_THROTTLE_PCT <= percent <= 100:
        raise RefusalError("percent is out of range")
    miner.throttle(percent)
    return {"restart_required": False, "reboot_required": False}


def find_miner(miner: VnishState, body: Body) -> object:
    """`find-miner`."""
    miner.is_blinking = body.get("on") is True
    return {"on": miner.is_blinking}


def locate_miner(miner: VnishState, body: Body) -> object:
    """`locate-miner` (1.3)."""
    find_miner(miner, body)
    return {"is_enabled": miner.is_blinking}


def reboot(miner: VnishState, _body: Body) -> object:
    """`system/reboot`."""
    miner.reboot()
    return {"after": 3}


def _plainly(act: Callable[[VnishState], None]) -> Callable[[VnishState, Body], object]:
    def do(miner: VnishState, _body: Body) -> object:
        act(miner)
        return None

    return do


OPEN: Mapping[str, Callable[[VnishState], object]] = {
    "info": views.info,
    "model": views.model,
    "summary": views.summary,
    "perf-summary": views.perf_summary,
    "chains/factory-info": views.factory_info,
}
READS: Mapping[str, Callable[[VnishState], object]] = {"settings": views.settings, "autotune/presets": views.presets}
WRITES: Mapping[tuple[str, str], Callable[[VnishState, Body], object]] = {
    ("POST", "settings"): save,
    ("POST", "mining/start"): _plainly(VnishState.start),
    ("POST", "mining/stop"): _plainly(VnishState.stop),
    ("POST", "mining/pause"): _plainly(VnishState.stop),
    ("POST", "mining/resume"): _plainly(VnishState.start),
    ("POST", "mining/restart"): _plainly(VnishState.restart),
    ("POST", "mining/throttle"): throttle,
    ("POST", "mining/switch-pool"): switch_pool,
    ("POST", "system/reboot"): reboot,
    ("POST", "find-miner"): find_miner,
    ("POST", "locate-miner"): locate_miner,
}
MODERN = frozenset({"mining/throttle", "locate-miner"})


def _with_overclock(miner: VnishState, sent: object) -> Settings:
    saved = miner.settings
    if not isinstance(sent, dict) or "preset" not in sent:
        return saved
    name = sent["preset"]
    preset = miner.preset(name) if isinstance(name, str) else None
    if preset is None:
        raise RefusalError("unknown preset")
    switcher = sent.get("preset_switcher")
    top = switcher.get("top_preset") if isinstance(switcher, dict) else None
    return replace(saved, preset=preset.name, top_preset=top if isinstance(top, str) else saved.top_preset)


def _with_cooling(saved: Settings, sent: object) -> Settings:
    mode = sent.get("mode") if isinstance(sent, dict) else None
    if mode is None:
        return saved
    name, param = (mode.get("name"), mode.get("param")) if isinstance(mode, dict) else (None, None)
    if name not in {"auto", "manual"} or not isinstance(param, int) or not 0 <= param <= 100:
        raise RefusalError("cooling: wrong mode or param")
    return replace(saved, fan_pct=param) if name == "manual" else replace(saved, fan_pct=None, target_c=param)


def _pools(sent: object) -> tuple[Pool, ...]:
    if not isinstance(sent, list) or not 0 < len(sent) <= POOLS:
        raise RefusalError(f"one to {POOLS} pools")
    return tuple(_pool(one if isinstance(one, dict) else {}) for one in sent)


def _pool(sent: Body) -> Pool:
    url, user, password = (sent.get(key) for key in ("url", "user", "pass"))
    if not isinstance(url, str) or not isinstance(user, str) or not isinstance(password, str):
        raise RefusalError("a pool needs url, user and pass")
    return Pool(url, user, password)


def _json(value: object, status: int = 200) -> web.Response:
    return web.Response(status=status, text=json.dumps(value), content_type="application/json")


def _error(status: int, why: str) -> web.Response:
    return _json({"err": why}, status)
