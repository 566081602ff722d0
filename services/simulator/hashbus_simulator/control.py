"""The control API: what is emulated, what it really does, and what shall go wrong; for tests and the demo."""

import json
from dataclasses import asdict
from typing import Self

from aiohttp import web
from aiohttp.typedefs import Handler
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from hashbus_simulator.devices.contract import EmulatedDevice, Warmable, World
from hashbus_simulator.devices.symptoms import Symptomatic
from hashbus_simulator.faults import Fault, FaultKind
from hashbus_simulator.fleet import Fleet
from hashbus_simulator.serving import PortError


class FaultRequest(BaseModel):
    """Body of `POST /devices/{id}/fault`: a fault of the network (faults.py), or a symptom that the family has."""

    model_config = ConfigDict(extra="forbid")

    kind: str
    count: int | None = Field(default=None, ge=1)
    delay_s: float | None = Field(default=None, ge=0, le=3600)


class SurroundingsRequest(BaseModel):
    """Body of `POST /devices/{id}/surroundings`: the temperature around a miner."""

    model_config = ConfigDict(extra="forbid")

    ambient_c: float = Field(ge=-40, le=90)


class HouseRequest(BaseModel):
    """Body of `POST /house`: fill or empty the battery, open or close windows, let house time pass; in this order."""

    model_config = ConfigDict(extra="forbid")

    soc_pct: float | None = Field(default=None, ge=0, le=100)
    windows_open: dict[str, bool] = Field(default_factory=dict)
    advance_s: float | None = Field(default=None, ge=0, le=366 * 86_400)


class ControlApi:
    """Serves the fleet's control API; meant for loopback only, it knows no users."""

    def __init__(self, fleet: Fleet, *, host: str, port: int) -> None:
        self._fleet = fleet
        self._host = host
        self._port = port
        app = web.Application(middlewares=[_explain])
        app.add_routes(
            [
                web.get("/devices", self._list),
                web.get("/devices/{id}/state", self._state),
                web.post("/devices/{id}/fault", self._put_fault),
                web.delete("/devices/{id}/fault", self._clear_fault),
                web.post("/devices/{id}/surroundings", self._put_surroundings),
                web.get("/house", self._house),
                web.post("/house", self._put_house),
            ]
        )
        self._runner = web.AppRunner(app, access_log=None)

    @property
    def url(self) -> str:
        """Where it listens, once started."""
        return f"http://{self._host}:{self._port}"

    async def __aenter__(self) -> Self:
        await self._runner.setup()
        site = web.TCPSite(self._runner, self._host, self._port)
        try:
            await site.start()
        except OSError as error:
            await self._runner.cleanup()
            where = f"the control API cannot listen on {self._host}:{self._port}"
            raise PortError(f"{where}: {error.strerror}; set simulator.control_port") from error
        self._port = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    async def _list(self, _request: web.Request) -> web.Response:
        return web.json_response([self._entry(device) for device in self._fleet.devices.values()])

    async def _state(self, request: web.Request) -> web.Response:
        device = self._device(request)
        return web.json_response({**self._entry(device), **device.truth()})

    async def _put_fault(self, request: web.Request) -> web.Response:
        device = self._device(request)
        asked = FaultRequest.model_validate_json(await request.read())
        if asked.kind in set(FaultKind):
            fault = Fault(kind=FaultKind(asked.kind), count=asked.count, delay_s=asked.delay_s)
            await self._fleet.presences[device.place.id].put_fault(fault)
        elif isinstance(device, Symptomatic) and asked.kind in device.symptom_names:
            device.show_symptom(asked.kind, asked.count)
        else:
            own = device.symptom_names if isinstance(device, Symptomatic) else ()
            known = ", ".join(sorted({*FaultKind, *own}))
            return _refused(f"{device.place.id} has no fault {asked.kind!r}; it has {known}")
        return web.json_response(self._entry(device))

    async def _clear_fault(self, request: web.Request) -> web.Response:
        device = self._device(request)
        await self._fleet.presences[device.place.id].clear_fault()
        if isinstance(device, Symptomatic):
            device.clear_symptoms()
        return web.json_response(self._entry(device))

    async def _put_surroundings(self, request: web.Request) -> web.Response:
        device = self._device(request)
        if not isinstance(device, Warmable):
            return _refused(f"{device.place.id} does not mind how warm it is")
        device.physics.ambient_c = SurroundingsRequest.model_validate_json(await request.read()).ambient_c
        return web.json_response(self._entry(device))

    async def _house(self, _request: web.Request) -> web.Response:
        return _house_response(self._fleet.world)

    async def _put_house(self, request: web.Request) -> web.Response:
        house, asked = self._fleet.world.house, HouseRequest.model_validate_json(await request.read())
        if asked.soc_pct is not None:
            house.set_soc(asked.soc_pct)
        unknown = [room for room in asked.windows_open if room not in self._fleet.world.rooms]
        if unknown:
            return _refused(f"the house has no room {unknown[0]!r}")
        for room, is_open in asked.windows_open.items():
            self._fleet.world.rooms.turn_window(room, is_open=is_open)
        if asked.advance_s is not None:
            house.advance(asked.advance_s)
        return _house_response(self._fleet.world)

    def _device(self, request: web.Request) -> EmulatedDevice:
        device = self._fleet.devices.get(request.match_info["id"])
        if device is None:
            raise web.HTTPNotFound(text=f"no device {request.match_info['id']!r}; GET /devices lists them")
        return device

    def _entry(self, device: EmulatedDevice) -> dict[str, object]:
        fault = self._fleet.presences[device.place.id].faults.current
        return {
            "id": device.place.id,
            "family": device.family,
            "model": device.model_name,
            "host": device.place.host,
            "ports": {port.name: port.number for port in device.ports},
            "mac": device.place.mac,
            "serial": device.place.serial,
            "state": self._reachability(device),
            "fault": fault.kind if fault is not None else None,
        }

    def _reachability(self, device: EmulatedDevice) -> str:
        if self._fleet.presences[device.place.id].is_reachable:
            return "online"
        return "booting" if device.offline_left_s > 0 else "refusing"


@web.middleware
async def _explain(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Mistakes of the asker come back as one line of text."""
    try:
        return await handler(request)
    except ValidationError as error:
        return _refused("; ".join(f"{_path(one['loc'])}: {one['msg']}" for one in error.errors(include_url=False)))
    except PortError as error:
        return web.Response(status=503, text=str(error))


def _path(location: tuple[int | str, ...]) -> str:
    return ".".join(str(step) for step in location) or "body"


def _refused(text: str) -> web.Response:
    return web.Response(status=422, text=text)


def _house_response(world: World) -> web.Response:
    """The house now: charge in %, flows in W, energy in Wh, temperatures in °C, its own time."""
    house = world.house
    state = asdict(house.state) | {"outdoor_c": house.outdoor_c, "rooms_c": world.rooms.temperatures_c}
    return web.Response(text=json.dumps(state, default=str), content_type="application/json")
