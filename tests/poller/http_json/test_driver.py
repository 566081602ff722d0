"""The http_json driver on real HTTP servers: an emulated Bitaxe that it knows nothing of, and servers of its own."""

import base64
from collections.abc import AsyncIterator, Mapping
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from pydantic import ValidationError

from hashbus.clock import SYSTEM_CLOCK
from hashbus.messages import MeterReading, SensorReading
from hashbus_poller.drivers.contract import DeviceError, Garbled, Refused, Unreachable, Wiring
from hashbus_poller.drivers.http_json.driver import DRIVER, HttpJson
from hashbus_poller.drivers.http_json.options import HttpJsonOptions
from hashbus_poller.testing.driver_promises import DriverCase, DriverPromises, Fault, MemoryTape
from hashbus_simulator.fleet import Fleet
from hashbus_simulator.settings import SimulatorSettings
from tests.poller.emulated import emulated_case

HOST = "127.85.4.1"
SECRET = "http-secret-1"
PLUG: Mapping[str, Any] = {
    "kind": "sensor",
    "url": "http://{host}/api/system/info",
    "fields": {"power_w": {"path": "power", "unit": "W"}, "temperature_c": {"path": "vrTemp", "unit": "°C"}},
}


class TestHttpJsonPromises(DriverPromises):
    @pytest.fixture
    async def case(self) -> AsyncIterator[DriverCase]:
        block = {"family": "bitaxe", "host": HOST}
        # There is no comma between elements to lose in this answer, and a Bitaxe has no password.
        lacks = frozenset({Fault.WRONG_PASSWORD, Fault.MISSING_COMMA})
        async with emulated_case(DRIVER, block, PLUG, lacks=lacks) as case:
            yield case


class Bench:
    """A server that answers as a test wants, and what was asked of it."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self.tape = MemoryTape()
        self.asked: list[web.BaseRequest] = []
        self.answer: tuple[str, int, Mapping[str, str]] = ("{}", 200, {})
        self._wiring = Wiring(clock=SYSTEM_CLOCK, http=lambda: session, tape=self.tape)

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        self.asked.append(request)
        text, status, headers = self.answer
        return web.Response(text=text, status=status, headers=headers)

    def says(self, text: str, status: int = 200, **headers: str) -> None:
        self.answer = (text, status, headers)

    def driver(self, fields: Mapping[str, Any], **options: Any) -> HttpJson:
        values = {"kind": "sensor", "url": "http://{host}:8085/status", "host": HOST, "fields": fields, **options}
        return HttpJson(HttpJsonOptions.model_validate(values), self._wiring)


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
        here = Bench(session)
        server = web.Server(here.handle)
        runner = web.ServerRunner(server)
        await runner.setup()
        await web.TCPSite(runner, HOST, 8085).start()
        yield here
        await runner.cleanup()


POWER = {"power_w": {"path": "meters[0].power", "unit": "kW"}}


async def test_a_value_comes_in_the_unit_of_its_field(bench: Bench) -> None:
    bench.says('{"meters": [{"power": "1.25"}]}')
    assert await bench.driver(POWER).read() == SensorReading(power_w=1250)
    assert await bench.driver(POWER, kind="meter").read() == MeterReading(power_w=1250)
    assert [request.path for request in bench.asked] == ["/status", "/status"]


async def test_a_bare_number_is_an_answer_too(bench: Bench) -> None:
    bench.says("21.5")
    assert await bench.driver({"temperature_c": {"unit": "°C"}}).read() == SensorReading(temperature_c=21.5)


async def test_values_are_added_up(bench: Bench) -> None:
    bench.says('{"a": 10, "b": 30}')
    both = {"power_w": [{"path": "a", "unit": "W"}, {"path": "b", "unit": "W", "scale": -1}]}
    assert await bench.driver(both).read() == SensorReading(power_w=-20)


async def test_a_password_is_sent_and_never_shown(bench: Bench) -> None:
    bench.says('{"meters": [{"power": 1}]}')
    driver = bench.driver(POWER, username="me", password=SECRET)
    await driver.read()
    assert bench.asked[0].headers["Authorization"] == "Basic " + base64.b64encode(f"me:{SECRET}".encode()).decode()
    await bench.driver(POWER, token=SECRET).read()
    assert bench.asked[1].headers["Authorization"] == f"Bearer {SECRET}"
    assert SECRET not in repr(bench.tape.exchanges) + repr(driver._options)


async def test_digest_login_works() -> None:
    block = {"family": "antminer", "host": HOST, "password": SECRET}
    fields = {"is_on": {"path": "SUMMARY[0].elapsed"}}
    url = "http://{host}/cgi-bin/summary.cgi"
    settings = SimulatorSettings.model_validate({"control_port": None, "speed": 1000, "devices": [block]})
    async with Fleet(settings), aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
        here = Bench(session)
        for password, error in ((SECRET, None), ("wrong", Refused)):
            driver = here.driver(fields, url=url, auth="digest", username="root", password=password)
            if error is None:
                assert await driver.read() != SensorReading()
            else:
                with pytest.raises(Refused, match="check username and password"):
                    await driver.read()


@pytest.mark.parametrize(
    ("status", "error", "hint"),
    [
        (401, Refused, "wants a password or a token"),
        (403, Refused, "wants a password or a token"),
        (404, Garbled, "is the url right"),
        (302, Garbled, "is the url right"),
        (429, Unreachable, "too busy"),
        (503, Unreachable, "out of order"),
    ],
)
async def test_a_status_that_is_not_good_is_told(
    bench: Bench, status: int, error: type[DeviceError], hint: str
) -> None:
    bench.says("{}", status, Location="/")
    with pytest.raises(error, match=hint):
        await bench.driver(POWER).read()


@pytest.mark.parametrize(
    ("text", "error", "problem"),
    [
        ('{"meters": []}', Garbled, "has no 0"),
        ('{"meters": [{"power": null}]}', Unreachable, "no value of power_w"),
        ('{"meters": [{"power": "much"}]}', Garbled, "not a number"),
        ('{"meters": [{"power": 1e12}]}', Garbled, "power_w"),
        ("<html>", Garbled, "meters"),
    ],
)
async def test_an_answer_without_the_value_is_no_reading(
    bench: Bench, text: str, error: type[DeviceError], problem: str
) -> None:
    bench.says(text)
    with pytest.raises(error, match=problem):
        await bench.driver(POWER).read()


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"url": "http://{host}/x"}, "host is missing"),
        ({"url": "ftp://192.0.2.1/x"}, "must look like"),
        ({"url": "status"}, "must look like"),
        ({"url": "http://me:secret@192.0.2.1/"}, "must not hold a user"),
        ({"url": "http://192.0.2.1/", "password": "a", "token": "b"}, "exclude each other"),
        ({"url": "http://192.0.2.1/", "fields": {"power_w": {"path": "x", "unit": "V"}}}, "unit of power_w"),
    ],
)
def test_a_mistake_is_found_at_the_start(options: Mapping[str, Any], problem: str) -> None:
    with pytest.raises(ValidationError, match=problem):
        HttpJsonOptions.model_validate({"kind": "sensor", "fields": POWER, **options})
