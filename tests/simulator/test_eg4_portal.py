"""The emulated EG4 portal, asked over HTTP as a battery driver would ask it."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest

from hashbus_simulator.devices.eg4_portal.device import Eg4Portal
from hashbus_simulator.faults import Fault, FaultKind
from hashbus_simulator.fleet import Fleet
from tests.simulator.hand_clock import HandClock, web_url

HOST = "127.77.42.1"
SERIAL = "4512345678"
PASSWORD = "secret-word"
RUNTIME = "inverter/getInverterRuntime"
ENERGY = "inverter/getInverterEnergyInfo"
INFO = "inverter/getInverterInfo"
BATTERY = "battery/getBatteryInfo"
READS = (RUNTIME, ENERGY, INFO, BATTERY)

# The example of PROTOCOLS.md 5.1.
RUNTIME_EXAMPLE = """
{"success":true,"serialNum":"4512345678","fwCode":"FAAB-2122","powerRatingText":"12kW","lost":false,
"hasRuntimeData":true,"statusText":"normal","serverTime":"2025-10-09 08:53:20","deviceTime":"2025-10-09 02:53:18",
"status":12,"vpv1":3512,"vpv2":3475,"vpv3":0,"ppv1":2310,"ppv2":2254,"ppv3":0,"ppv":4564,"vacr":2412,"vacs":0,
"vact":0,"fac":5998,"pf":"1","vepsr":2411,"feps":5998,"peps":1480,"seps":1512,"pToGrid":0,"pToUser":120,
"pinv":1985,"prec":0,"tinner":46,"tradiator1":48,"tradiator2":45,"tBat":24,"vBus1":3740,"vBus2":3120,
"pCharge":2430,"pDisCharge":0,"batPower":2430,"batStatus":"Charging","soc":76,"vBat":538,"maxChgCurr":20000,
"maxDischgCurr":20000,"consumptionPower":2034,"acCouplePower":0,"genPower":0,"bmsCharge":true,"bmsDischarge":true}
"""
SUNNY_NOON = {
    "starts_at": "2025-06-21T10:00:00Z",
    "place": {"cloudiness": 0, "utc_offset_h": 2},
    "battery": {"initial_soc_pct": 40, "capacity_kwh": 28.6},
}
EVENING = SUNNY_NOON | {"starts_at": "2025-06-21T20:30:00Z"}


class Owner:
    """Somebody with the portal's password, and the portal."""

    def __init__(self, fleet: Fleet, hand: HandClock, client: aiohttp.ClientSession) -> None:
        self.fleet = fleet
        self.hand = hand
        self.client = client
        self.url = web_url(fleet, "portal")
        device = fleet.devices["portal"]
        assert isinstance(device, Eg4Portal)
        self.portal = device

    async def log_in(self, *, account: str = "owner", password: str = PASSWORD) -> dict[str, Any]:
        form = {"account": account, "password": password, "language": "ENGLISH"}
        async with self.client.post(f"{self.url}/WManage/api/login", data=form) as response:
            assert response.status == 200
            return await response.json()

    async def post(self, path: str, serial: str = SERIAL) -> tuple[int, str]:
        async with self.client.post(f"{self.url}/WManage/api/{path}", data={"serialNum": serial}) as response:
            return response.status, await response.text()

    async def read(self, path: str) -> dict[str, Any]:
        status, text = await self.post(path)
        assert status == 200
        reply = json.loads(text)
        assert reply["success"] is True
        return reply


@asynccontextmanager
async def owner(
    house: dict[str, object] | None = None, *, others: tuple[dict[str, object], ...] = (), **block: object
) -> AsyncIterator[Owner]:
    hand = HandClock()
    portal = {"family": "eg4_portal", "id": "portal", "host": HOST, "ports": {"web": 0}, "password": PASSWORD}
    # The portal is asked by address: only an unsafe jar keeps cookies for those.
    jar = aiohttp.CookieJar(unsafe=True)
    fleet = hand.fleet({**portal, **block}, *others, house=house or SUNNY_NOON)
    async with fleet, aiohttp.ClientSession(cookie_jar=jar) as client:
        hand.passes(1)
        yield Owner(fleet, hand, client)


def kind(value: object) -> str:
    return "number" if isinstance(value, int | float) and not isinstance(value, bool) else type(value).__name__


# --- logging in --------------------------------------------------------------------------------------------


async def test_a_login_names_the_plants_and_their_inverters_and_leaves_a_cookie() -> None:
    async with owner() as somebody:
        reply = await somebody.log_in()
        cookies = list(somebody.client.cookie_jar)
    assert reply["success"] is True
    assert reply["plants"][0]["inverters"][0]["serialNum"] == SERIAL
    assert [(cookie.key, cookie["path"], bool(cookie["httponly"])) for cookie in cookies] == [
        ("JSESSIONID", "/WManage", True)
    ]


@pytest.mark.parametrize("wrong", [{"password": "owner"}, {"account": "admin"}, {"password": ""}])
async def test_a_wrong_password_is_answered_200_with_success_false(wrong: dict[str, str]) -> None:
    async with owner() as somebody:
        reply = await somebody.log_in(**wrong)
        assert reply["success"] is False
        assert isinstance(reply["msg"], str)
        assert len(somebody.client.cookie_jar) == 0


async def test_when_no_credentials_are_good_enough_the_right_ones_fail_too() -> None:
    async with owner() as somebody:
        await somebody.log_in()
        await somebody.fleet.presences["portal"].put_fault(Fault(kind=FaultKind.WRONG_PASSWORD))
        assert "<form" in (await somebody.post(RUNTIME))[1]
        assert (await somebody.log_in())["success"] is False


@pytest.mark.parametrize("path", READS)
async def test_a_stranger_is_shown_the_login_page(path: str) -> None:
    async with owner() as somebody:
        status, text = await somebody.post(path)
    assert status == 200
    assert text.startswith("<!DOCTYPE html>")


async def test_the_plant_list_has_one_row_per_plant() -> None:
    async with owner() as somebody:
        await somebody.log_in()
        async with somebody.client.post(f"{somebody.url}/WManage/web/config/plant/list/viewer") as response:
            reply = await response.json()
    assert reply["total"] == len(reply["rows"]) == 1
    assert {"plantId", "name"} <= reply["rows"][0].keys()


# --- figures -----------------------------------------------------------------------------------------------


async def test_runtime_has_the_keys_and_types_of_the_documented_example() -> None:
    documented = json.loads(RUNTIME_EXAMPLE)
    async with owner() as somebody:
        await somebody.log_in()
        said = await somebody.read(RUNTIME)
    assert documented.keys() == said.keys()
    assert {key: kind(said[key]) for key in documented} == {key: kind(value) for key, value in documented.items()}


async def test_figures_are_whole_numbers_in_the_portals_own_scales() -> None:
    async with owner() as somebody:
        await somebody.log_in()
        said = await somebody.read(RUNTIME)
        truth = somebody.portal.truth()
    assert said["soc"] == round(float(str(truth["soc_pct"])))
    assert said["ppv"] == said["ppv1"] + said["ppv2"] + said["ppv3"] == pytest.approx(truth["pv_w"], abs=1)
    assert said["batPower"] == said["pCharge"] - said["pDisCharge"] == pytest.approx(truth["battery_w"], abs=1)
    assert 3000 < said["vpv1"] < 4000  # tenths of a volt
    assert 480 < said["vBat"] < 570
    assert 5900 < said["fac"] < 6100  # hundredths of a hertz
    assert not [key for key, value in said.items() if isinstance(value, float)]


async def test_the_figures_of_the_portal_balance() -> None:
    async with owner() as somebody:
        await somebody.log_in()
        said = await somebody.read(RUNTIME)
    sources_w = said["ppv"] + said["pToUser"] + said["pDisCharge"]
    sinks_w = said["consumptionPower"] + said["pToGrid"] + said["pCharge"]
    assert sources_w == pytest.approx(sinks_w, abs=3)


@pytest.mark.parametrize(
    ("house", "status", "bat_status"), [(SUNNY_NOON, 12, "Charging"), (EVENING, 16, "Discharging")]
)
async def test_the_battery_charges_at_noon_and_discharges_in_the_evening(
    house: dict[str, object], status: int, bat_status: str
) -> None:
    async with owner(house) as somebody:
        await somebody.log_in()
        said = await somebody.read(RUNTIME)
    assert (said["status"], said["batStatus"]) == (status, bat_status)
    assert (said["batPower"] > 0) == (bat_status == "Charging")


async def test_the_emulated_miners_are_part_of_the_houses_consumption() -> None:
    miner: dict[str, object] = {"family": "bitaxe", "id": "hex", "model": "Bitaxe Hex", "host": "127.77.42.2"}
    async with owner(EVENING) as alone, owner(EVENING, others=({**miner, "ports": {"web": 0}},)) as mining:
        usage_w = []
        for somebody in (alone, mining):
            await somebody.log_in()
            usage_w.append((await somebody.read(RUNTIME))["consumptionPower"])
    assert usage_w[1] - usage_w[0] == pytest.approx(66, abs=2)


async def test_energy_is_counted_in_tenths_of_a_kilowatt_hour_and_said_again_as_text() -> None:
    async with owner() as somebody:
        somebody.hand.passes(3 * 3600)
        await somebody.log_in()
        said = await somebody.read(ENERGY)
    assert 200 < said["todayYielding"] < 400  # 20 to 40 kWh in three hours at midsummer
    assert said["todayYielding"] == said["totalYielding"]
    for key in ("Yielding", "Charging", "Discharging", "Import", "Export", "Usage"):
        assert float(said[f"today{key}Text"]) == said[f"today{key}"] / 10
    came = said["todayYielding"] + said["todayImport"] + said["todayDischarging"]
    went = said["todayUsage"] + said["todayExport"] + said["todayCharging"]
    assert came == pytest.approx(went, abs=4)


async def test_the_battery_modules_share_the_bank() -> None:
    async with owner() as somebody:
        await somebody.log_in()
        said = await somebody.read(BATTERY)
    modules = said["batteryArray"]
    assert said["totalNumber"] == len(modules) == 2
    assert sum(module["currentFullCapacity"] for module in modules) == pytest.approx(said["fullCapacity"], abs=2)
    for module in modules:
        assert module["totalVoltage"] / 100 == pytest.approx(said["vBat"] / 10, abs=0.1)
        assert 2000 < module["batMinCellVoltage"] < module["batMaxCellVoltage"] < 3700
        assert 50 < module["batMinCellTemp"] <= module["batMaxCellTemp"] < 500
    power_w = sum(module["current"] / 10 for module in modules) * said["vBat"] / 10
    assert power_w == pytest.approx(said["batPower"], rel=0.02)


async def test_the_cloud_is_as_slow_as_its_refresh() -> None:
    async with owner(EVENING, refresh_s=120) as somebody:
        await somebody.log_in()
        first = await somebody.read(RUNTIME)
        somebody.hand.passes(100)
        assert (await somebody.read(RUNTIME))["peps"] == first["peps"]
        somebody.hand.passes(600)
        assert (await somebody.read(RUNTIME))["peps"] != first["peps"]


# --- sessions ----------------------------------------------------------------------------------------------

EXPIRIES = ("unauthorized", "login_page", "zombie")


def assert_zombie(text: str) -> None:
    reply = json.loads(text)
    assert reply.pop("success") is True
    assert not [key for key, value in reply.items() if value]
    assert "soc" in reply


async def assert_expired(somebody: Owner, how: str) -> None:
    status, text = await somebody.post(RUNTIME)
    match how:
        case "unauthorized":
            assert status == 401
        case "login_page":
            assert status == 200
            assert "<html>" in text
        case "zombie":
            assert status == 200
            assert_zombie(text)


@pytest.mark.parametrize("how", EXPIRIES)
async def test_a_session_lasts_two_hours_however_busy_it_is(how: str) -> None:
    async with owner(expires_as=how) as somebody:
        await somebody.log_in()
        for _ in range(119):
            somebody.hand.passes(60)
            assert (await somebody.read(RUNTIME))["soc"] > 0
        somebody.hand.passes(61)
        await assert_expired(somebody, how)
        await somebody.log_in()
        assert (await somebody.read(RUNTIME))["soc"] > 0


async def test_left_to_itself_each_session_ends_in_another_way() -> None:
    async with owner(session_s=600) as somebody:
        for how in EXPIRIES * 2:
            await somebody.log_in()
            somebody.hand.passes(601)
            await assert_expired(somebody, how)


@pytest.mark.parametrize(
    ("symptom", "how"),
    [("session_expired_401", "unauthorized"), ("session_html", "login_page"), ("session_zombie", "zombie")],
)
async def test_a_session_can_be_ended_at_will_and_the_next_login_is_good(symptom: str, how: str) -> None:
    async with owner() as somebody:
        await somebody.log_in()
        somebody.portal.show_symptom(symptom, None)
        await assert_expired(somebody, how)
        await somebody.log_in()
        assert (await somebody.read(RUNTIME))["soc"] > 0


async def test_ended_sessions_go_on_when_the_fault_is_cleared() -> None:
    async with owner() as somebody:
        await somebody.log_in()
        somebody.portal.show_symptom("session_expired_401", None)
        somebody.portal.clear_symptoms()
        assert (await somebody.read(RUNTIME))["soc"] > 0


@pytest.mark.parametrize("path", READS)
async def test_every_reply_of_a_zombie_session_is_success_and_nothing_else(path: str) -> None:
    async with owner() as somebody:
        await somebody.log_in()
        somebody.portal.show_symptom("session_zombie", None)
        _, text = await somebody.post(path)
    reply = json.loads(text)
    assert reply.pop("success") is True
    assert not any(reply.values())


# --- the inverter and its cloud ----------------------------------------------------------------------------


async def test_a_dataframe_timeout_lasts_as_many_replies_as_asked() -> None:
    async with owner() as somebody:
        await somebody.log_in()
        somebody.portal.show_symptom("dataframe_timeout", 2)
        for _ in range(2):
            assert await somebody.post(RUNTIME) == (200, '{"success":false,"msg":"DATAFRAME_TIMEOUT"}')
        assert (await somebody.read(RUNTIME))["soc"] > 0


async def test_a_lost_inverter_misses_its_battery_and_keeps_its_old_time() -> None:
    async with owner() as somebody:
        await somebody.log_in()
        before = await somebody.read(RUNTIME)
        somebody.portal.show_symptom("inverter_lost", None)
        somebody.hand.passes(3600)
        lost = await somebody.read(RUNTIME)
        battery = await somebody.read(BATTERY)
        energy = await somebody.read(ENERGY)
        somebody.portal.clear_symptoms()
        assert (await somebody.read(RUNTIME))["lost"] is False
    assert (lost["lost"], lost["statusText"]) == (True, "offline")
    assert lost["deviceTime"] == before["deviceTime"]
    assert not {"soc", "vBat", "batPower", "pCharge", "pDisCharge", "ppv", "status"} & lost.keys()
    assert (battery["lost"], battery["totalNumber"]) == (True, 0)
    assert "soc" not in battery.keys() | energy.keys()


async def test_an_inverter_of_somebody_else_is_not_found() -> None:
    async with owner() as somebody:
        await somebody.log_in()
        status, text = await somebody.post(RUNTIME, serial="1111111111")
    assert (status, json.loads(text)["success"]) == (200, False)


async def test_the_house_is_the_same_for_the_same_seed() -> None:
    said = []
    for _ in range(2):
        async with owner() as somebody:
            somebody.hand.passes(7200)
            await somebody.log_in()
            reply = await somebody.read(RUNTIME)
            said.append({key: value for key, value in reply.items() if not key.endswith("Time")})
    assert said[0] == said[1]
