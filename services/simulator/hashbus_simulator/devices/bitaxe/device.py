"""A Bitaxe on the network: its web server on port 80."""

import json
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Mapping
from ipaddress import AddressValueError, IPv4Address, IPv4Network
from urllib.parse import urlsplit

from aiohttp import web

from hashbus_simulator.devices.bitaxe import info
from hashbus_simulator.devices.bitaxe.firmware import FIRMWARES
from hashbus_simulator.devices.bitaxe.miner import BitaxeMiner, Halt
from hashbus_simulator.devices.bitaxe.rules import MAX_POOLS, WrongInputError, accepted_pool
from hashbus_simulator.devices.contract import Place, World
from hashbus_simulator.devices.pools import Pool
from hashbus_simulator.devices.truth import miner_truth
from hashbus_simulator.physics import Timing
from hashbus_simulator.serving import HttpPort
from hashbus_simulator.settings import BitaxeBlock

LONGEST_BODY_BYTES = 10_240
STATISTICS_ROWS = 720
POOLS_PATH = "/api/system/pools/"
SENSOR_LOST = "sensor_lost"
SYMPTOMS = (Halt.OVERHEAT.value, Halt.POWER_FAULT.value, SENSOR_LOST)
HELLO = 'The device says "Hi!" for 30 seconds.'
GOODBYE = 'The device no longer says "Hi!".'
PAGE = (
    "<!doctype html><html lang=en><head><meta charset=utf-8><title>AxeOS</title></head>"
    "<body><app-root></app-root></body></html>"
)
CORS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "GET, POST, PUT, PATCH, DELETE, OPTIONS",
    "Access-Control-Allow-Headers": "Content-Type",
}

LOCAL_NETWORKS = tuple(map(IPv4Network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "127.0.0.0/8")))

Answer = Callable[[web.BaseRequest], Awaitable[web.Response]]


class Bitaxe:
    """One emulated Bitaxe.

    Beside the faults of the network it knows three of its own: `overheat` (the latch `overheat_mode`; cleared
    over the API), `power_fault` and `sensor_lost` (`temp` is -1), the last two until cleared.
    """

    family = "bitaxe"

    def __init__(self, block: BitaxeBlock, place: Place, world: World) -> None:
        self.place = place
        self.model_name = block.model
        self.firmware = FIRMWARES[block.version]
        self.miner = BitaxeMiner(
            block.model,
            self.firmware,
            clock=world.clock,
            seed=place.seed,
            ambient_c=block.ambient_c,
            timing=Timing(tuning_s=block.tuning_s, boot_s=block.boot_s),
        )
        self.physics = self.miner.physics
        self.ports = (HttpPort("web", place.host, block.ports.get("web", 80), self._answer),)
        self._rows: deque[info.Facts] = deque(maxlen=STATISTICS_ROWS)
        self._row_at_s = world.clock()
        self._clock = world.clock
        self._routes: dict[tuple[str, str], tuple[tuple[int, int], Answer]] = {
            ("GET", "/api/system/info"): ((2, 0), self._info),
            ("GET", "/api/system/asic"): ((2, 8), self._asic),
            ("GET", "/api/system/statistics"): ((2, 8), self._statistics),
            ("PATCH", "/api/system"): ((2, 0), self._patch),
            ("POST", "/api/system/restart"): ((2, 0), self._restart),
            ("POST", "/api/system/identify"): ((2, 12), self._identify),
            ("POST", "/api/system/pause"): ((2, 14), self._pause),
            ("POST", "/api/system/resume"): ((2, 14), self._resume),
            ("PUT", POOLS_PATH): ((2, 15), self._put_pool),
            ("DELETE", POOLS_PATH): ((2, 15), self._delete_pool),
        }

    @property
    def power_w(self) -> float:
        """What it draws at this moment, in W."""
        return self.miner.power_w

    @property
    def offline_left_s(self) -> float:
        """Simulated seconds until it has booted."""
        return self.miner.physics.offline_left_s

    @property
    def symptom_names(self) -> Collection[str]:
        """The faults of its own."""
        return SYMPTOMS

    def show_symptom(self, name: str, count: int | None) -> None:  # noqa: ARG002  a state of the board, not of replies
        """Fall ill; `count` is of no use here."""
        if name == SENSOR_LOST:
            self.miner.has_lost_sensor = True
        else:
            self.miner.halt(Halt(name))

    def clear_symptoms(self) -> None:
        """Be well again; an overheat latch stays, as on the real one, until it is cleared over the API."""
        self.miner.has_lost_sensor = False
        self.miner.release(Halt.POWER_FAULT)

    def truth(self) -> Mapping[str, object]:
        """What really is; `pools` is where the hashes go, not what is set."""
        pool = self.miner.pool_in_use
        pools = (Pool(f"{pool['stratumURL']}:{pool['stratumPort']}", str(pool["stratumUser"])),)
        return miner_truth(self.miner.physics, pools) | {
            "power_w": round(self.miner.power_w, 2),
            "chip_c": round(self.miner.chip_c, 2),
            "frequency_mhz": self.miner.number("frequency"),
            "core_mv": self.miner.number("coreVoltage"),
            "halts": sorted(self.miner.halts),
            "identifying": self.miner.identify_until_s > self._clock(),
        }

    # --- HTTP ------------------------------------------------------------------------------------------

    async def _answer(self, request: web.BaseRequest, credentials_rejected: bool) -> web.Response:
        if not request.path.startswith("/api/"):
            return _page(request.path)
        if self.firmware.since(2, 5) and (credentials_rejected or not _is_local(request)):
            return web.Response(status=401, text="Unauthorized", content_type="text/html")
        if request.method == "OPTIONS":
            return web.Response(headers=CORS)
        path = POOLS_PATH if request.path.startswith(POOLS_PATH) else request.path
        since, answer = self._routes.get((request.method, path), ((99, 0), self._info))
        if self.firmware.since(*since):
            self.miner.protect()
            self._keep_statistics()
            return await answer(request)
        return _json({"error": "unknown route"}, status=404) if self.firmware.since(2, 9) else _to_root()

    async def _info(self, request: web.BaseRequest) -> web.Response:  # noqa: ARG002
        return _json(info.info(self.miner, mac=self.place.mac, host=self.place.host))

    async def _asic(self, request: web.BaseRequest) -> web.Response:  # noqa: ARG002
        return _json(info.asic(self.miner))

    async def _statistics(self, request: web.BaseRequest) -> web.Response:
        labels = list(info.statistics_row(self.miner))
        asked = request.query.get("columns", "") if self.firmware.since(2, 12) else ""
        chosen = [label for label in labels if label in asked.split(",") or label == "timestamp"]
        rows = list(self._rows)
        now_ms = int(self._clock() * 1000)
        return _json(info.statistics(rows, chosen if len(chosen) > 1 else labels, now_ms))

    async def _patch(self, request: web.BaseRequest) -> web.Response:
        if (request.content_length or 0) >= LONGEST_BODY_BYTES:
            return _refusal(500, "content too long")
        try:
            sent = json.loads(await request.read())
        except ValueError:
            return _refusal(400, "Invalid JSON")
        hostname = self.miner.settings["hostname"]
        try:
            changes = self.miner.change(sent if isinstance(sent, dict) else {})
        except WrongInputError:
            return _refusal(400, "Wrong API input")
        if self.firmware.since(2, 15) and changes.get("hostname", hostname) != hostname:
            return _json(_moved(str(changes["hostname"])))
        reply = web.Response(headers=CORS)
        reply.enable_chunked_encoding()
        return reply

    async def _restart(self, request: web.BaseRequest) -> web.Response:  # noqa: ARG002
        self.miner.restart()
        return self._message("System will restart shortly.")

    async def _identify(self, request: web.BaseRequest) -> web.Response:  # noqa: ARG002
        return self._message(HELLO if self.miner.identify() else GOODBYE)

    async def _pause(self, request: web.BaseRequest) -> web.Response:  # noqa: ARG002
        self.miner.halt(Halt.PAUSED)
        return _json({"message": "Mining paused"})

    async def _resume(self, request: web.BaseRequest) -> web.Response:  # noqa: ARG002
        self.miner.release(Halt.PAUSED)
        return _json({"message": "Mining resumed"})

    async def _put_pool(self, request: web.BaseRequest) -> web.Response:
        number = _pool_number(request.path)
        if number is None:
            return _refusal(400, "Invalid pool index")
        try:
            sent = json.loads(await request.read())
        except ValueError:
            return _refusal(400, "Invalid JSON")
        try:
            self.miner.pools[number] = accepted_pool(sent, self.miner.pools.get(number))
        except WrongInputError:
            return _refusal(400, "Invalid pool configuration payload")
        return _json({"message": "Pool updated successfully"})

    async def _delete_pool(self, request: web.BaseRequest) -> web.Response:
        number = _pool_number(request.path)
        if number is None:
            return _refusal(400, "Invalid pool index")
        if number in (self.miner.number("primaryPoolIndex"), self.miner.number("secondaryPoolIndex")):
            return _refusal(400, "Cannot delete a pool that is currently selected as primary or fallback")
        self.miner.pools.pop(number, None)
        return _json({"message": "Pool cleared successfully"})

    def _message(self, text: str) -> web.Response:
        """Plain text up to 2.12, JSON from 2.13 on."""
        return _json({"message": text}) if self.firmware.since(2, 13) else web.Response(text=text, headers=CORS)

    def _keep_statistics(self) -> None:
        """A row of the device's own history, when `statsFrequency` seconds have passed since the last one."""
        every_s = self.miner.number("statsFrequency")
        now_s = self._clock()
        if every_s > 0 and now_s - self._row_at_s >= every_s:
            self._rows.append(info.statistics_row(self.miner))
            self._row_at_s = now_s


def _json(reply: Mapping[str, object], status: int = 200) -> web.Response:
    text = json.dumps(reply, separators=(",", ":"))
    response = web.Response(text=text, status=status, headers=CORS, content_type="application/json")
    response.enable_chunked_encoding()
    return response


def _refusal(status: int, text: str) -> web.Response:
    return web.Response(status=status, text=text, content_type="text/html", headers=CORS)


def _page(path: str) -> web.Response:
    return web.Response(text=PAGE, content_type="text/html") if path == "/" else _to_root()


def _to_root() -> web.Response:
    return web.Response(status=302, text="Redirect to the captive portal", headers={"Location": "/"})


def _moved(hostname: str) -> dict[str, object]:
    return {
        "status": "success",
        "redirect": {
            "url": f"http://{hostname}.local",
            "delay": 2000,
            "message": "Hostname updated. Redirecting to new address...",
        },
    }


def _pool_number(path: str) -> int | None:
    digits = path.removeprefix(POOLS_PATH)
    return int(digits) if digits.isdecimal() and int(digits) < MAX_POOLS else None


def _is_local(request: web.BaseRequest) -> bool:
    """Whether the client, and the address in its `Origin` header if there is one, are in a private network.

    The firmware takes 10/8, 172.16/12 and 192.168/16; loopback is let in too, for that is where we live.
    """
    origin = urlsplit(request.headers.get("Origin", "")).hostname
    return all(_is_private(address) for address in (request.remote, origin) if address is not None)


def _is_private(address: str) -> bool:
    try:
        number = IPv4Address(address)
    except AddressValueError:
        return True  # a name: the firmware looks at numbers only
    return any(number in network for network in LOCAL_NETWORKS)
