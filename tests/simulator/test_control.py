"""The control API of the simulator."""

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from hashbus_simulator.control import ControlApi
from hashbus_simulator.fleet import Fleet
from hashbus_simulator.serving import PortError
from hashbus_simulator.settings import SimulatorSettings
from tests.simulator.wire import ask, exchange

SITE = {
    "devices": [
        {"family": "whatsminer_v3", "id": "attic", "host": "127.0.0.1", "ports": {"api": 0, "cgminer": 0}},
        {"family": "cgminer", "id": "cellar", "host": "127.0.0.1", "ports": {"cgminer": 0}},
    ],
}


class Control:
    """A client of the control API, and the fleet behind it."""

    def __init__(self, fleet: Fleet, session: aiohttp.ClientSession, url: str) -> None:
        self.fleet = fleet
        self._session = session
        self._url = url

    async def call(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """Status, and the answer as JSON or text."""
        async with self._session.request(method, self._url + path, json=body) as response:
            is_json = response.content_type == "application/json"
            return response.status, await response.json() if is_json else await response.text()


@pytest.fixture
async def control() -> AsyncIterator[Control]:
    async with (
        Fleet(SimulatorSettings.model_validate(SITE)) as fleet,
        ControlApi(fleet, host="127.0.0.1", port=0) as api,
        aiohttp.ClientSession() as session,
    ):
        yield Control(fleet, session, api.url)


async def test_devices_are_listed_with_where_to_find_them(control: Control) -> None:
    status, devices = await control.call("GET", "/devices")
    assert status == 200
    assert [(one["id"], one["family"], one["model"], one["state"], one["fault"]) for one in devices] == [
        ("attic", "whatsminer_v3", "M64_VL40", "online", None),
        ("cellar", "cgminer", "Generic SHA-256", "online", None),
    ]
    assert set(devices[0]["ports"]) == {"api", "cgminer"}
    assert (await ask(devices[1]["host"], devices[1]["ports"]["cgminer"], "version"))["VERSION"]


async def test_the_truth_of_a_device_is_told(control: Control) -> None:
    _, truth = await control.call("GET", "/devices/attic/state")
    assert truth["power_w"] == pytest.approx(3600)
    assert (truth["asleep"], truth["reboots"], len(truth["pools"])) == (False, 0, 2)


async def test_a_fault_is_put_and_cleared(control: Control) -> None:
    status, entry = await control.call("POST", "/devices/cellar/fault", {"kind": "not_json_text"})
    assert (status, entry["fault"]) == (200, "not_json_text")
    address = (entry["host"], entry["ports"]["cgminer"])
    assert (await exchange(*address, b'{"command":"version"}')).startswith(b"Socket connect failed")
    status, entry = await control.call("DELETE", "/devices/cellar/fault")
    assert (status, entry["fault"]) == (200, None)
    assert (await ask(*address, "version"))["VERSION"]


async def test_a_device_that_refuses_says_so_here(control: Control) -> None:
    _, entry = await control.call("POST", "/devices/cellar/fault", {"kind": "refuse"})
    assert entry["state"] == "refusing"
    _, entry = await control.call("DELETE", "/devices/cellar/fault")
    assert entry["state"] == "online"


@pytest.mark.parametrize(
    ("path", "body", "status", "text"),
    [
        ("/devices/roof/fault", {"kind": "hang"}, 404, "no device 'roof'"),
        ("/devices/attic/fault", {"kind": "melt"}, 422, "has no fault 'melt'; it has cut, garbage"),
        ("/devices/attic/fault", {"kind": "hang", "count": 0}, 422, "count"),
        ("/devices/attic/fault", {"kind": "refuse", "count": 2}, 422, "no replies to count"),
        ("/devices/attic/fault", {}, 422, "kind"),
        ("/devices/attic/fault", [1], 422, "body"),
        ("/devices/attic/surroundings", {"ambient_c": 400}, 422, "ambient_c"),
        ("/house", {"soc_pct": 101}, 422, "soc_pct"),
        ("/house", {"colour": "red"}, 422, "colour"),
    ],
)
async def test_mistakes_come_back_as_one_line(control: Control, path: str, body: Any, status: int, text: str) -> None:
    answered, message = await control.call("POST", path, body)
    assert answered == status
    assert text in message
    assert "\n" not in message


async def test_the_surroundings_of_a_miner_can_be_warmed(control: Control) -> None:
    assert (await control.call("POST", "/devices/attic/surroundings", {"ambient_c": 41.5}))[0] == 200
    assert (await control.call("GET", "/devices/attic/state"))[1]["ambient_c"] == 41.5


async def test_the_house_is_shown_and_moved(control: Control) -> None:
    _, before = await control.call("GET", "/house")
    _, after = await control.call("POST", "/house", {"soc_pct": 30, "advance_s": 3600})
    assert after["at"] > before["at"]
    assert (await control.call("POST", "/house", {"soc_pct": 42}))[1]["soc_pct"] == pytest.approx(42, abs=0.1)


async def test_a_taken_control_port_is_named(control: Control) -> None:
    port = int(control._url.rpartition(":")[2])
    with pytest.raises(PortError, match=r"simulator\.control_port"):
        async with ControlApi(control.fleet, host="127.0.0.1", port=port):
            pass
