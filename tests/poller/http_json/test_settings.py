"""Settings over HTTP: what is sent for a value, what is read back, and which mistakes are found at the start."""

import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from hashbus.clock import SYSTEM_CLOCK
from hashbus.messages import SettingValue
from hashbus_poller.drivers.contract import Garbled, Refused, Unsupported, Wiring
from hashbus_poller.drivers.http_json.driver import HttpJson
from hashbus_poller.drivers.http_json.options import HttpJsonOptions
from hashbus_poller.drivers.http_json.settings import HttpSetting, set_address, value_in
from hashbus_poller.mapped import settable
from hashbus_poller.testing.driver_promises import MemoryTape

HOST, PORT = "127.85.4.2", 8086
SECRET = "http-secret-2"
Keys = dict[str, Any]

SPEED: Keys = {
    "title": "Speed",
    "set_url": "http://{host}:8086/set?speed={value}",
    "path": "pump.speed",
    "unit": "%",
    "lowest": 20,
    "highest": 100,
    "decimals": 1,
}
IS_ON: Keys = {
    "title": "Pump on",
    "set_url": "http://{host}:8086/set?on={value}",
    "method": "POST",
    "text_on": "on",
    "text_off": "off",
    "path": "pump.on",
    "shown_by": "is_on",
}


def options(**more: Any) -> HttpJsonOptions:
    device: Keys = {
        "kind": "sensor",
        "host": HOST,
        "url": "http://{host}:8086/status",
        "fields": {"is_on": {"path": "pump.on", "meanings": {"on": True, "off": False}}},
        "settings": {"speed_pct": SPEED, "is_on": IS_ON},
        "takes_orders": True,
    }
    return HttpJsonOptions.model_validate({**device, **more})


class Pump:
    """A pump that is set by its address, with a password, and shows what it was set to."""

    def __init__(self) -> None:
        self.state: dict[str, Any] = {"on": "on", "speed": "55.5"}
        self.asked: list[str] = []

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        self.asked.append(f"{request.method} {request.path_qs}")
        if request.headers.get("Authorization") != f"Bearer {SECRET}":
            return web.Response(status=401)
        self.state.update(request.query)
        return web.json_response({"pump": self.state})


@pytest.fixture
async def pump() -> AsyncIterator[Pump]:
    here = Pump()
    runner = web.ServerRunner(web.Server(here.handle))
    await runner.setup()
    await web.TCPSite(runner, HOST, PORT).start()
    yield here
    await runner.cleanup()


@pytest.fixture
async def wiring() -> AsyncIterator[Wiring]:
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
        yield Wiring(SYSTEM_CLOCK, lambda: session, MemoryTape())


@pytest.mark.parametrize(
    ("name", "value", "asked"),
    [
        ("is_on", False, "POST /set?on=off"),
        ("is_on", True, "POST /set?on=on"),
        ("speed_pct", 62.5, "GET /set?speed=62.5"),
        ("speed_pct", 100.0, "GET /set?speed=100.0"),
    ],
)
async def test_a_value_is_sent_once_and_read_back(
    pump: Pump, wiring: Wiring, name: str, value: SettingValue, asked: str
) -> None:
    driver = HttpJson(options(token=SECRET), wiring)
    await driver.write_setting(name, value)
    assert await driver.read_setting(name) == value
    assert pump.asked == [asked, "GET /status"]


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("speed_pct", 19.9, "a number from 20 to 100 %"),
        ("speed_pct", "50&on=off", "a number from 20 to 100 %"),
        ("speed_pct", float("nan"), "a number from 20 to 100 %"),
        ("is_on", "on", "true or false"),
        ("mode", True, "nothing that can be set"),
    ],
)
async def test_what_is_no_value_of_a_setting_is_never_sent(
    pump: Pump, wiring: Wiring, name: str, value: SettingValue, problem: str
) -> None:
    driver = HttpJson(options(token=SECRET), wiring)
    with pytest.raises(Unsupported, match=problem):
        await driver.write_setting(name, value)
    assert pump.asked == []


async def test_a_device_whose_owner_did_not_allow_it_is_only_read(pump: Pump, wiring: Wiring) -> None:
    driver = HttpJson(options(token=SECRET, takes_orders=False), wiring)
    assert driver.settings == ()
    for act in (driver.write_setting("is_on", False), driver.read_setting("is_on")):
        with pytest.raises(Unsupported):
            await act
    assert pump.asked == []


async def test_a_wrong_password_is_refused(pump: Pump, wiring: Wiring) -> None:
    with pytest.raises(Refused, match="HTTP 401"):
        await HttpJson(options(token="wrong"), wiring).write_setting("is_on", False)
    assert pump.state["on"] == "on"


@pytest.mark.parametrize(
    ("keys", "shown", "value"),
    [
        (IS_ON, {"on": True}, True),
        (IS_ON, {"on": 0}, False),
        (IS_ON, {"on": "ON"}, True),
        (IS_ON, {"on": "off"}, False),
        ({**IS_ON, "text_off": "sleep"}, {"on": "sleep"}, False),
        (SPEED, {"speed": 55.5}, 55.5),
        (SPEED, {"speed": "55.5"}, 55.5),
        ({**SPEED, "scale": 0.1, "decimals": 0}, {"speed": 555}, 55.5),
    ],
)
def test_what_the_device_shows_is_understood(keys: Keys, shown: Keys, value: SettingValue) -> None:
    assert value_in(HttpSetting.model_validate(keys), {"pump": shown}) == value


@pytest.mark.parametrize(
    ("keys", "shown"),
    [
        (IS_ON, {"on": "perhaps"}),
        (IS_ON, {}),
        (IS_ON, {"on": []}),
        (SPEED, {"speed": "fast"}),
        (SPEED, {"speed": True}),
    ],
)
async def test_what_the_device_shows_and_nobody_understands_is_told(
    pump: Pump, wiring: Wiring, keys: Keys, shown: Keys
) -> None:
    pump.state = shown
    name = "is_on" if keys is IS_ON else "speed_pct"
    with pytest.raises(Garbled, match=r"on|speed"):
        await HttpJson(options(token=SECRET), wiring).read_setting(name)


@given(st.floats(20, 100), st.sampled_from([(1, 0), (1, 3), (0.1, 0), (-0.5, 1)]))
def test_what_is_sent_is_what_is_read_back(value: float, how: tuple[float, int]) -> None:
    scale, decimals = how
    its = HttpSetting.model_validate({**SPEED, "scale": scale, "decimals": decimals})
    described = settable.described("speed_pct", its, finest=its.finest)
    sent = set_address(its, value, HOST).rpartition("=")[2]
    assert settable.is_same(described, value, value_in(its, json.loads(f'{{"pump": {{"speed": {sent}}}}}')))


def test_nothing_below_zero_is_no_minus() -> None:
    its = HttpSetting.model_validate({**SPEED, "lowest": -5, "decimals": 0})
    assert set_address(its, -0.2, HOST).endswith("speed=0")


@pytest.mark.parametrize(
    ("keys", "problem"),
    [
        pytest.param({**SPEED, "set_url": "http://{host}/set"}, r"no \{value\} in it", id="every value is sent alike"),
        pytest.param({**SPEED, "set_url": "ftp://{host}/{value}"}, "must look like", id="not HTTP"),
        pytest.param({**SPEED, "set_url": "http://{value}/set"}, "must look like", id="the value is the server"),
        pytest.param({**SPEED, "set_url": "http://{host}/#{value}"}, "must look like", id="the value is never sent"),
        pytest.param({**IS_ON, "words": {"a": 0, "b": 1}}, "a number, or a switch", id="words"),
        pytest.param({**IS_ON, "value_on": 3}, "a number, or a switch", id="a value of a register"),
        pytest.param({**IS_ON, "text_off": "on"}, "written alike", id="on and off are the same"),
        pytest.param({**IS_ON, "text_on": "on&off=1"}, "should match pattern", id="a text that is another request"),
        pytest.param({**SPEED, "lowest": 20.25}, "take another bound", id="a bound between two steps"),
        pytest.param({**SPEED, "highest": None}, "belong together", id="half a bound"),
        pytest.param({**SPEED, "path": "a[", "method": "GET"}, "path", id="no path"),
        pytest.param({**SPEED, "method": "DELETE"}, "method", id="no way to set"),
    ],
)
def test_an_unsafe_setting_is_refused_at_the_start(keys: Keys, problem: str) -> None:
    with pytest.raises(ValidationError, match=problem):
        HttpSetting.model_validate(keys)


@pytest.mark.parametrize(
    ("more", "problem"),
    [
        ({"settings": {}}, "nothing stands under settings"),
        ({"settings": {"speed": SPEED}}, r"settings\.speed: a number with a unit ends in it"),
        ({"settings": {"is_on": {**IS_ON, "shown_by": "power_w"}}}, "shown_by 'power_w' is no field"),
        ({"settings": {"is_on": {**IS_ON, "set_url": "http://192.0.2.9/{value}"}}}, "at another server than url"),
        ({"settings": {"is_on": {**IS_ON, "set_url": "https://{host}:8086/{value}"}}}, "at another server than url"),
        ({"url": "http://192.0.2.8/", "host": None}, "host is missing: set_url"),
    ],
)
def test_settings_that_do_not_fit_the_device_are_refused_at_the_start(more: Keys, problem: str) -> None:
    with pytest.raises(ValidationError, match=problem):
        options(**more)
