"""The web pages of a stock Antminer behind digest authentication (PROTOCOLS.md 3.6)."""

import json
from collections.abc import Callable, Mapping
from typing import NamedTuple
from urllib.parse import parse_qsl

from aiohttp import web

from hashbus_simulator.devices.antminer import api, conf, newer
from hashbus_simulator.devices.antminer.digest import challenge, is_authorized, nonce_is_fresh
from hashbus_simulator.devices.antminer.state import AntminerState
from hashbus_simulator.devices.cgminer.wire import Request
from hashbus_simulator.devices.requests import json_object
from hashbus_simulator.faults import DAEMON_DOWN_TEXT

USER = "root"
INDEX = "<html><head><title>Ant Miner</title></head><body></body></html>"


class Page(NamedTuple):
    """One page: which generations have it, which methods it takes, and what it answers to a body."""

    answer: Callable[[AntminerState, bytes], web.Response]
    methods: frozenset[str] = frozenset({"GET"})
    modern: bool = True
    classic: bool = True


async def answer(miner: AntminerState, request: web.BaseRequest, credentials_rejected: bool) -> web.Response:
    """The page asked for; 401 with a challenge to everybody who is not root."""
    now = miner.unix_s()
    header = request.headers.get("Authorization", "")
    knows = is_authorized(header, request.method, user=USER, password=miner.password)
    is_fresh = nonce_is_fresh(header, miner.place.serial, now)
    if not knows or not is_fresh or credentials_rejected:
        stale = knows and not is_fresh and not credentials_rejected
        headers = {"WWW-Authenticate": challenge(miner.place.serial, now, stale=stale)}
        return web.Response(status=401, text="401 - Unauthorized", headers=headers)
    page = PAGES.get(request.path)
    if page is None or not (page.modern if miner.generation.is_modern else page.classic):
        return web.Response(status=404, text="404 - Not Found")
    if request.method not in page.methods:
        return web.Response(status=405, text="405 - Method Not Allowed")
    miner.physics.catch_up()
    return page.answer(miner, await request.read())


def index(_miner: AntminerState, _body: bytes) -> web.Response:
    """The start page."""
    return web.Response(text=INDEX, content_type="text/html")


def system_info(miner: AntminerState, _body: bytes) -> web.Response:
    """`get_system_info.cgi`."""
    address, netmask, gateway, dns = _network(miner)
    modern: dict[str, object] = {"firmware_type": "Release", "serinum": miner.place.serial, "Algorithm": "sha256d"}
    return _json(
        {
            "minertype": miner.block.model,
            "nettype": "Static" if miner.network else "DHCP",
            "netdevice": "eth0",
            "macaddr": miner.place.mac,
            "hostname": miner.hostname,
            "ipaddress": address,
            "netmask": netmask,
            "gateway": gateway,
            "dnsservers": dns,
            "system_mode": "GNU/Linux",
            "system_kernel_version": "Linux 4.9.113 #1 SMP PREEMPT",
            "system_filesystem_version": miner.block.compile_time,
            **(modern if miner.generation.is_modern else {}),
        }
    )


def miner_type(miner: AntminerState, _body: bytes) -> web.Response:
    """`miner_type.cgi`; older generations do not have it."""
    version = miner.block.compile_time
    return _json({"miner_type": miner.block.model, "subtype": "AMLCtrl_BHB42601", "fw_version": version})


def network_info(miner: AntminerState, _body: bytes) -> web.Response:
    """`get_network_info.cgi`."""
    address, netmask, gateway, dns = _network(miner)
    kind = "Static" if miner.network else "DHCP"
    return _json(
        {
            "nettype": kind,
            "netdevice": "eth0",
            "macaddr": miner.place.mac,
            "ipaddress": address,
            "netmask": netmask,
            "conf_nettype": kind,
            "conf_hostname": miner.hostname,
            "conf_ipaddress": address if miner.network else "",
            "conf_netmask": netmask if miner.network else "",
            "conf_gateway": gateway if miner.network else "",
            "conf_dnsservers": dns if miner.network else "",
        }
    )


def set_network(miner: AntminerState, body: bytes) -> web.Response:
    """`set_network_conf.cgi`: shown from now on, not moved to."""
    fields = _object(body)
    name = str(fields.get("ipHost", ""))
    if not name.replace("-", "").isalnum():
        return _verdict("error", "N001", "Hostname error")
    miner.hostname = name
    keys = ("ipAddress", "ipSub", "ipGateway", "ipDns")
    ip, sub, gateway, dns = (str(fields.get(key, "")) for key in keys)
    miner.network = (ip, sub, gateway, dns) if str(fields.get("ipPro")) == "2" else None
    return _verdict("success", "N000", "OK!")


def get_conf(miner: AntminerState, _body: bytes) -> web.Response:
    """`get_miner_conf.cgi`."""
    return _json(conf.shown(miner))


def set_conf(miner: AntminerState, body: bytes) -> web.Response:
    """`set_miner_conf.cgi`: JSON on S19 and later, a form before."""
    try:
        if miner.generation.is_modern:
            miner.configure(conf.from_json(miner, _object(body)))
        else:
            miner.configure(conf.from_form(miner, dict(parse_qsl(body.decode("utf-8", "replace")))))
    except conf.Rejected as rejected:
        return _verdict("error", "M001", str(rejected))
    return _verdict("success", "M000", "OK!") if miner.generation.is_modern else web.Response(text="ok")


def reboot(miner: AntminerState, _body: bytes) -> web.Response:
    """`reboot.cgi`: the connection drops afterwards."""
    miner.physics.reboot()
    return web.Response(text="")


def blink(miner: AntminerState, body: bytes) -> web.Response:
    """`blink.cgi`: JSON on S19 and later, a form before."""
    if not miner.generation.is_modern:
        action = dict(parse_qsl(body.decode("utf-8", "replace"))).get("action")
        if action in {"startBlink", "stopBlink"}:
            miner.is_blinking = action == "startBlink"
        return _json({"isBlinking": miner.is_blinking})
    miner.is_blinking = _object(body).get("blink") in {"true", True}
    return _json({"code": "B000" if miner.is_blinking else "B100"})


def blink_status(miner: AntminerState, _body: bytes) -> web.Response:
    """`get_blink_status.cgi`."""
    return _json({"blink": miner.is_blinking})


def passwd(miner: AntminerState, body: bytes) -> web.Response:
    """`passwd.cgi`: P000, P001 for a wrong old password, P002 for a new one that was not repeated."""
    fields = _object(body)
    if fields.get("curPwd") != miner.password:
        return _verdict("error", "P001", "Current password error")
    if not fields.get("newPwd") or fields.get("newPwd") != fields.get("confirmPwd"):
        return _verdict("error", "P002", "Passwords differ")
    miner.password = str(fields["newPwd"])
    return _verdict("success", "P000", "OK!")


def log(miner: AntminerState, _body: bytes) -> web.Response:
    """`log.cgi`."""
    return web.Response(text=f"{miner.block.model} {miner.place.serial} up {miner.physics.uptime_s} s\n")


def upgrade(_miner: AntminerState, _body: bytes) -> web.Response:
    """`upgrade.cgi`: the emulated miner takes no image."""
    return _verdict("error", "U001", "Image is invalid")


def report(make: Callable[[AntminerState], Mapping[str, object]]) -> Callable[[AntminerState, bytes], web.Response]:
    """A page that the mining process fills; while that is down, the web server says so in plain text."""

    def page(miner: AntminerState, _body: bytes) -> web.Response:
        return _json(make(miner)) if miner.daemon_is_up else web.Response(body=DAEMON_DOWN_TEXT)

    return page


def miner_status(miner: AntminerState) -> Mapping[str, object]:
    """`get_miner_status.cgi` of S17 and before: summary, pools and boards in one."""
    parts = {name: api.reply(miner, Request(command)) for name, command in STATUS_PARTS.items()}
    return {name: part for name, part in parts.items() if isinstance(part, Mapping)}


STATUS_PARTS = {"summary": "summary", "pools": "pools", "devs": "stats"}
ANY = frozenset({"GET", "POST"})
POST = frozenset({"POST"})
PAGES: Mapping[str, Page] = {
    "/": Page(index),
    "/cgi-bin/get_system_info.cgi": Page(system_info),
    "/cgi-bin/miner_type.cgi": Page(miner_type, classic=False),
    "/cgi-bin/get_network_info.cgi": Page(network_info),
    "/cgi-bin/set_network_conf.cgi": Page(set_network, POST),
    "/cgi-bin/summary.cgi": Page(report(newer.summary), classic=False),
    "/cgi-bin/stats.cgi": Page(report(newer.stats), classic=False),
    "/cgi-bin/pools.cgi": Page(report(newer.pools), classic=False),
    "/cgi-bin/get_miner_status.cgi": Page(report(miner_status), modern=False),
    "/cgi-bin/get_miner_conf.cgi": Page(get_conf),
    "/cgi-bin/set_miner_conf.cgi": Page(set_conf, POST),
    "/cgi-bin/reboot.cgi": Page(reboot, ANY),
    "/cgi-bin/blink.cgi": Page(blink, POST),
    "/cgi-bin/get_blink_status.cgi": Page(blink_status, classic=False),
    "/cgi-bin/passwd.cgi": Page(passwd, POST),
    "/cgi-bin/log.cgi": Page(log),
    "/cgi-bin/upgrade.cgi": Page(upgrade, POST),
}


def _network(miner: AntminerState) -> tuple[str, str, str, str]:
    gateway = miner.place.host.rpartition(".")[0] + ".1"
    return miner.network or (miner.place.host, "255.255.255.0", gateway, gateway)


def _object(body: bytes) -> Mapping[str, object]:
    """A JSON object; anything else is as good as empty, as on the device."""
    return json_object(body) or {}


def _verdict(stats: str, code: str, message: str) -> web.Response:
    return _json({"stats": stats, "code": code, "msg": message})


def _json(document: Mapping[str, object]) -> web.Response:
    # The pages are CGI scripts that print JSON without saying so.
    return web.Response(text=json.dumps(document), content_type="text/html")
