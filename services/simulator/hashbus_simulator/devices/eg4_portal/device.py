"""The portal on the network: login, sessions, and the replies of one inverter."""

import hmac
import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from enum import StrEnum

from aiohttp import web

from hashbus_simulator.devices.contract import Place, World
from hashbus_simulator.devices.eg4_portal import payloads
from hashbus_simulator.devices.eg4_portal.battery import battery_info
from hashbus_simulator.devices.eg4_portal.sessions import Expiry, Sessions
from hashbus_simulator.devices.eg4_portal.snapshot import Reply, Snapshot
from hashbus_simulator.serving import HttpPort
from hashbus_simulator.settings import Eg4PortalBlock

COOKIE = "JSESSIONID"
COOKIE_PATH = "/WManage"
LOGIN_PATH = "/WManage/api/login"
PLANTS_PATH = "/WManage/web/config/plant/list/viewer"
REPLIES: Mapping[str, Callable[[Snapshot], Reply]] = {
    "/WManage/api/inverter/getInverterRuntime": payloads.runtime,
    "/WManage/api/inverter/getInverterEnergyInfo": payloads.energy,
    "/WManage/api/inverter/getInverterInfo": payloads.inverter_info,
    "/WManage/api/battery/getBatteryInfo": battery_info,
}
LOGIN_PAGES = ("/", "/WManage", "/WManage/web/login")
LOGIN_PAGE = (
    "<!DOCTYPE html><html><head><title>Login</title></head><body>"
    '<form action="/WManage/web/login" method="post"><input name="account"><input name="password" type="password">'
    "</form></body></html>"
)


class Symptom(StrEnum):
    """The faults that only the portal has; further values of `kind` in the control API."""

    SESSION_EXPIRED_401 = "session_expired_401"
    SESSION_HTML = "session_html"
    SESSION_ZOMBIE = "session_zombie"
    DATAFRAME_TIMEOUT = "dataframe_timeout"
    INVERTER_LOST = "inverter_lost"


EXPIRY_OF = {
    Symptom.SESSION_EXPIRED_401: Expiry.UNAUTHORIZED,
    Symptom.SESSION_HTML: Expiry.LOGIN_PAGE,
    Symptom.SESSION_ZOMBIE: Expiry.ZOMBIE,
}


class Eg4Portal:
    """The cloud portal with one plant and one inverter: the house of this simulator.

    A `session_*` symptom ends every session that is open, in that way; the next login is good again. The other
    symptoms last for `count` replies about the inverter, or until cleared.
    """

    family = "eg4_portal"
    model_name = "12KPV"
    power_w = 0.0
    offline_left_s = 0.0

    def __init__(self, block: Eg4PortalBlock, place: Place, world: World) -> None:
        self.place = place
        self.ports = (HttpPort("web", place.host, block.ports.get("web", 8080), self._answer),)
        self.sessions = Sessions(
            clock=world.clock,
            lasts_s=block.session_s,
            seed=place.seed,
            expires_as=None if block.expires_as == "in_turn" else Expiry(block.expires_as),
        )
        self._account = block.account
        self._password = block.password
        self._refresh_s = block.refresh_s
        self._clock = world.clock
        self._house = world.house
        self._serial = block.serial
        self._symptom: Symptom | None = None
        self._symptom_left: int | None = None
        self._snapshot: Snapshot | None = None
        self._snapshot_at_s = 0.0

    @property
    def symptom_names(self) -> Collection[str]:
        """The faults of its own."""
        return tuple(Symptom)

    def show_symptom(self, name: str, count: int | None) -> None:
        """Fall ill, for `count` replies about the inverter or until cleared."""
        symptom = Symptom(name)
        if symptom in EXPIRY_OF:
            self.sessions.end_all(EXPIRY_OF[symptom])
            return
        self._symptom, self._symptom_left = symptom, count

    def clear_symptoms(self) -> None:
        """Be well again; sessions that were ended go on, if they are young enough."""
        self._symptom = self._symptom_left = None
        self.sessions.revive_all()

    def truth(self) -> Mapping[str, object]:
        """What really is: the house now, not when the portal last heard of it; powers in W."""
        state = self._house.state
        flows = state.flows
        return {
            "power_w": 0.0,
            "at": state.at.isoformat(),
            "soc_pct": round(state.soc_pct, 3),
            "pv_w": round(flows.pv_w, 1),
            "load_w": round(flows.load_w, 1),
            "miners_w": round(flows.miners_w, 1),
            "battery_w": round(flows.charge_w - flows.discharge_w, 1),
            "import_w": round(flows.import_w, 1),
            "export_w": round(flows.export_w, 1),
            "logins": self.sessions.logins,
            "symptom": self._symptom,
        }

    # --- HTTP ------------------------------------------------------------------------------------------

    async def _answer(self, request: web.BaseRequest, credentials_rejected: bool) -> web.Response:
        path = request.path
        if path == LOGIN_PATH and request.method == "POST":
            return await self._log_in(request, credentials_rejected)
        if path not in REPLIES and path != PLANTS_PATH:
            return _login_page() if path in LOGIN_PAGES else web.Response(status=404)
        if request.method != "POST":
            return web.Response(status=405)
        trouble = self.sessions.trouble_with(request.cookies.get(COOKIE))
        if trouble is Expiry.UNAUTHORIZED:
            return web.Response(status=401, text="Unauthorized")
        if trouble is Expiry.LOGIN_PAGE or credentials_rejected:
            return _login_page()
        reply = payloads.plants(self._recent()) if path == PLANTS_PATH else await self._about_inverter(request)
        return _json(payloads.zombie(reply) if trouble is Expiry.ZOMBIE else reply)

    async def _log_in(self, request: web.BaseRequest, credentials_rejected: bool) -> web.Response:
        form = await request.post()
        sent = "\n".join(str(form.get(field)) for field in ("account", "password"))
        right = f"{self._account}\n{self._password.get_secret_value()}"
        if credentials_rejected or not hmac.compare_digest(sent.encode(), right.encode()):
            return _json({"success": False, "msg": "Account or password is incorrect"})
        response = _json(payloads.login(self._recent(), account=self._account))
        response.set_cookie(COOKIE, self.sessions.open(), path=COOKIE_PATH, httponly=True)
        return response

    async def _about_inverter(self, request: web.BaseRequest) -> Reply:
        """One reply about the inverter, after the symptom that may be in force."""
        form = await request.post()
        if form.get("serialNum") != self._serial:
            return {"success": False, "msg": "Inverter not found"}
        symptom = self._take_symptom()
        if symptom is Symptom.DATAFRAME_TIMEOUT:
            return {"success": False, "msg": "DATAFRAME_TIMEOUT"}
        return REPLIES[request.path](self._recent(is_lost=symptom is Symptom.INVERTER_LOST))

    def _take_symptom(self) -> Symptom | None:
        symptom = self._symptom
        if self._symptom_left is not None:
            self._symptom_left -= 1
            if self._symptom_left <= 0:
                self._symptom = self._symptom_left = None
        return symptom

    def _recent(self, *, is_lost: bool = False) -> Snapshot:
        """What the cloud knows: the house as it was at most `refresh_s` ago, or when the inverter was lost."""
        now_s, now = self._clock(), datetime.fromtimestamp(self._clock.unix_s(), UTC)
        last = self._snapshot
        if last is None or (now_s - self._snapshot_at_s >= self._refresh_s and not is_lost):
            last = Snapshot(
                house=self._house.state,
                settings=self._house.settings,
                serial=self._serial,
                taken_at=now,
                served_at=now,
                outdoor_c=self._house.outdoor_c,
            )
            self._snapshot, self._snapshot_at_s = last, now_s
        return replace(last, served_at=now, is_lost=is_lost)


def _json(reply: Reply) -> web.Response:
    return web.Response(text=json.dumps(reply, separators=(",", ":")), content_type="application/json")


def _login_page() -> web.Response:
    return web.Response(text=LOGIN_PAGE, content_type="text/html")
