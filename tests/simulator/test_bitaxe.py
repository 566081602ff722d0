"""The emulated Bitaxe, asked over HTTP as a driver or a swarm page would ask it."""

import asyncio
import json
import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pyasic_rs
import pytest

from hashbus_simulator.devices.bitaxe.boards import BOARDS
from hashbus_simulator.devices.bitaxe.device import Bitaxe
from hashbus_simulator.devices.bitaxe.info import with_suffix
from hashbus_simulator.faults import Fault, FaultKind
from hashbus_simulator.fleet import Fleet
from hashbus_simulator.models import MODELS
from tests.simulator.hand_clock import HandClock, web_url

HOST = "127.77.41.1"
VERSIONS = ("v2.4.5", "v2.5.1", "v2.9.0", "v2.12.0", "v2.14.2", "v2.15.0")
SINCE_2_9 = VERSIONS[2:]
SINCE_2_12 = VERSIONS[3:]

# The examples of PROTOCOLS.md 4.2: an old one (2.5) and a newer one (2.12, shortened).
OLD_STYLE = """
{"power":13.1,"voltage":5090.6,"current":2570.3,"temp":56.4,"vrTemp":47,"hashRate":511.8,"bestDiff":"4.29G",
"bestSessionDiff":"12.1M","stratumDiff":512,"isUsingFallbackStratum":0,"freeHeap":201300,"coreVoltage":1200,
"coreVoltageActual":1184,"frequency":485,"ssid":"lab","macAddr":"AA:BB:CC:00:11:22","hostname":"bitaxe1",
"wifiStatus":"Connected!","sharesAccepted":1043,"sharesRejected":2,"uptimeSeconds":90213,"asicCount":1,
"smallCoreCount":894,"ASICModel":"BM1366","stratumURL":"pool.example","fallbackStratumURL":"backup.example",
"stratumPort":3333,"fallbackStratumPort":3333,"stratumUser":"farm.b1","fallbackStratumUser":"farm.b1",
"version":"v2.5.1","boardVersion":"204","runningPartition":"ota_0","flipscreen":1,"overheat_mode":0,
"invertscreen":0,"invertfanpolarity":1,"autofanspeed":1,"fanspeed":42,"fanrpm":3890}
"""
NEW_STYLE = """
{"power":18.4,"voltage":5053.1,"current":3640.6,"temp":58.1,"temp2":-1,"vrTemp":61,"maxPower":40,
"nominalVoltage":5,"hashRate":1211.6,"hashRate_1m":1204.1,"hashRate_10m":1198.7,"hashRate_1h":1201.0,
"expectedHashrate":1224.0,"errorPercentage":0.42,"bestDiff":4294967296,"bestSessionDiff":12100321,
"poolDifficulty":2048,"isUsingFallbackStratum":0,"isPSRAMAvailable":1,"freeHeap":8200112,"coreVoltage":1150,
"coreVoltageActual":1139,"frequency":600,"ssid":"lab","macAddr":"AA:BB:CC:00:11:23","hostname":"gamma1",
"ipv4":"192.0.2.61","wifiStatus":"Connected!","wifiRSSI":-54,"apEnabled":0,"sharesAccepted":5120,
"sharesRejected":6,"sharesRejectedReasons":[{"message":"Stale","count":6}],"uptimeSeconds":172800,
"smallCoreCount":2040,"ASICModel":"BM1370","stratumURL":"pool.example","stratumPort":3333,
"stratumUser":"farm.b2","fallbackStratumURL":"backup.example","fallbackStratumPort":3333,
"fallbackStratumUser":"farm.b2","responseTime":31.2,"version":"v2.12.0","axeOSVersion":"v2.12.0",
"boardVersion":"601","runningPartition":"ota_1","overheat_mode":0,"overclockEnabled":0,"autofanspeed":1,
"fanspeed":38,"manualFanSpeed":100,"minFanSpeed":25,"temptarget":60,"fanrpm":4210,"fan2rpm":0,
"statsFrequency":30,"blockFound":0}
"""


class Bench:
    """One Bitaxe on its clock, and a client."""

    def __init__(self, fleet: Fleet, hand: HandClock, client: aiohttp.ClientSession) -> None:
        self.fleet = fleet
        self.hand = hand
        self.client = client
        self.url = web_url(fleet, "bitaxe")
        device = fleet.devices["bitaxe"]
        assert isinstance(device, Bitaxe)
        self.device = device

    async def info(self) -> dict[str, Any]:
        async with self.client.get(f"{self.url}/api/system/info") as response:
            assert response.status == 200
            return await response.json()

    async def info_once_back(self) -> dict[str, Any]:
        async with asyncio.timeout(10):
            while True:
                try:
                    return await self.info()
                except aiohttp.ClientError:
                    await asyncio.sleep(0.005)

    async def ask(self, method: str, path: str, body: object = None, **headers: str) -> tuple[int, str]:
        data = None if body is None else json.dumps(body)
        async with self.client.request(
            method, self.url + path, data=data, headers=headers, allow_redirects=False
        ) as response:
            return response.status, await response.text()

    async def patch(self, **change: object) -> tuple[int, str]:
        return await self.ask("PATCH", "/api/system", change)


@asynccontextmanager
async def bench(version: str, model: str = "Bitaxe Gamma", **block: object) -> AsyncIterator[Bench]:
    hand = HandClock()
    device = {"family": "bitaxe", "host": HOST, "id": "bitaxe", "version": version, "model": model, "ports": {"web": 0}}
    async with hand.fleet({**device, **block}) as fleet, aiohttp.ClientSession() as client:
        yield Bench(fleet, hand, client)


def kind(value: object) -> str:
    return "number" if isinstance(value, int | float) and not isinstance(value, bool) else type(value).__name__


# --- what it says ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("version", "example"), [("v2.4.5", OLD_STYLE), ("v2.5.1", OLD_STYLE), ("v2.12.0", NEW_STYLE)])
async def test_info_has_the_keys_and_types_of_the_documented_example(version: str, example: str) -> None:
    documented = json.loads(example)
    async with bench(version) as bitaxe:
        said = await bitaxe.info()
    assert documented.keys() <= said.keys()
    assert {key: kind(said[key]) for key in documented} == {key: kind(value) for key, value in documented.items()}


@pytest.mark.parametrize(
    ("key", "versions"),
    [
        ("stratumDiff", ("v2.4.5", "v2.5.1")),
        ("poolDifficulty", SINCE_2_9),
        ("flipscreen", ("v2.4.5", "v2.5.1")),
        ("asicCount", ("v2.4.5", "v2.5.1")),
        ("wifiRSSI", SINCE_2_9),
        ("sharesRejectedReasons", SINCE_2_9),
        ("expectedHashrate", SINCE_2_9),
        ("axeOSVersion", SINCE_2_9),
        ("responseTime", SINCE_2_9),
        ("temp2", SINCE_2_12),
        ("minFanSpeed", SINCE_2_12),
        ("errorPercentage", SINCE_2_12),
        ("hashrateMonitor", SINCE_2_12),
        ("hashRate_1m", SINCE_2_12),
        ("resetReason", SINCE_2_12),
        ("miningPaused", ("v2.14.2", "v2.15.0")),
        ("actualFrequency", ("v2.14.2", "v2.15.0")),
        ("pools", ("v2.15.0",)),
        ("primaryPoolIndex", ("v2.15.0",)),
        ("totalHashes", ("v2.15.0",)),
    ],
)
async def test_a_key_is_there_from_the_version_that_brought_it(key: str, versions: tuple[str, ...]) -> None:
    having = []
    for version in VERSIONS:
        async with bench(version) as bitaxe:
            if key in await bitaxe.info():
                having.append(version)
    assert tuple(having) == versions


async def test_the_best_difficulty_is_text_up_to_2_10_and_a_number_after() -> None:
    async with bench("v2.9.0") as old, bench("v2.12.0", host="127.77.41.2") as new:
        assert (await old.info())["bestDiff"] == "4.29G"
        assert isinstance((await new.info())["bestDiff"], int)


@pytest.mark.parametrize(
    ("difficulty", "text"), [(512, "512"), (4_294_967_296, "4.29G"), (12_100_321, "12.1M"), (999_000, "999k")]
)
def test_difficulties_are_written_with_three_digits_and_a_suffix(difficulty: float, text: str) -> None:
    assert with_suffix(difficulty) == text


@pytest.mark.parametrize("version", VERSIONS)
async def test_json_comes_in_chunks_and_without_a_password(version: str) -> None:
    async with bench(version) as bitaxe:
        await bitaxe.patch(wifiPass="secret-wifi", stratumPassword="secret-pool")
        async with bitaxe.client.get(f"{bitaxe.url}/api/system/info") as response:
            assert response.headers["Transfer-Encoding"] == "chunked"
            assert "secret" not in await response.text()


@pytest.mark.parametrize("name", sorted(BOARDS))
async def test_every_board_hashes_what_its_chips_make_at_their_frequency(name: str) -> None:
    board = BOARDS[name]
    async with bench("v2.12.0", name) as bitaxe:
        said = await bitaxe.info()
    assert said["ASICModel"] == board.chip.name
    assert said["expectedHashrate"] == pytest.approx(MODELS[name].hashrate_ths * 1000)
    assert said["expectedHashrate"] == pytest.approx(said["frequency"] * said["smallCoreCount"] * board.chips / 1000)
    assert said["hashRate"] == pytest.approx(said["expectedHashrate"], rel=0.05)
    assert said["power"] == pytest.approx(said["voltage"] * said["current"] / 1e6, rel=1e-4)
    assert said["nominalVoltage"] == (12 if name == "Bitaxe Hex" else 5)


async def test_a_lost_sensor_reads_minus_one() -> None:
    async with bench("v2.5.1") as bitaxe:
        bitaxe.device.show_symptom("sensor_lost", None)
        assert (await bitaxe.info())["temp"] == -1
        bitaxe.device.clear_symptoms()
        assert (await bitaxe.info())["temp"] > 40


# --- routes ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", VERSIONS)
async def test_the_front_page_says_axeos_and_other_pages_lead_there(version: str) -> None:
    async with bench(version) as bitaxe:
        status, page = await bitaxe.ask("GET", "/")
        assert (status, "AxeOS" in page) == (200, True)
        async with bitaxe.client.get(f"{bitaxe.url}/settings", allow_redirects=False) as response:
            assert (response.status, response.headers["Location"]) == (302, "/")


@pytest.mark.parametrize("version", VERSIONS)
async def test_an_unknown_route_is_a_json_404_from_2_9_and_a_redirect_before(version: str) -> None:
    async with bench(version) as bitaxe:
        status, text = await bitaxe.ask("GET", "/api/system/nonsense")
    if version in SINCE_2_9:
        assert (status, json.loads(text)) == (404, {"error": "unknown route"})
    else:
        assert status == 302


@pytest.mark.parametrize(
    ("method", "path", "versions"),
    [
        ("GET", "/api/system/asic", SINCE_2_9),
        ("GET", "/api/system/statistics", SINCE_2_9),
        ("POST", "/api/system/identify", SINCE_2_12),
        ("POST", "/api/system/pause", ("v2.14.2", "v2.15.0")),
        ("POST", "/api/system/resume", ("v2.14.2", "v2.15.0")),
        ("DELETE", "/api/system/pools/5", ("v2.15.0",)),
    ],
)
async def test_a_route_answers_from_the_version_that_brought_it(
    method: str, path: str, versions: tuple[str, ...]
) -> None:
    answering = []
    for version in VERSIONS:
        async with bench(version) as bitaxe:
            if (await bitaxe.ask(method, path))[0] == 200:
                answering.append(version)
    assert tuple(answering) == versions


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_page_from_a_public_address_is_refused_from_2_5_on(version: str) -> None:
    async with bench(version) as bitaxe:
        status, text = await bitaxe.ask("GET", "/api/system/info", Origin="http://8.8.8.8")
        private, _ = await bitaxe.ask("GET", "/api/system/info", Origin="http://192.168.1.7")
    assert (status, text) == (401, "Unauthorized") or version == "v2.4.5"
    assert private == 200


async def test_who_is_taken_for_a_stranger_may_see_the_page_but_not_the_api() -> None:
    async with bench("v2.12.0") as bitaxe:
        await bitaxe.fleet.presences["bitaxe"].put_fault(Fault(kind=FaultKind.WRONG_PASSWORD))
        assert await bitaxe.ask("GET", "/api/system/info") == (401, "Unauthorized")
        assert await bitaxe.patch(frequency=400) == (401, "Unauthorized")
        assert (await bitaxe.ask("GET", "/"))[0] == 200


async def test_the_asic_page_lists_what_may_be_set() -> None:
    async with bench("v2.12.0", "Bitaxe Hex") as bitaxe:
        _, text = await bitaxe.ask("GET", "/api/system/asic")
    said = json.loads(text)
    assert (said["deviceModel"], said["asicCount"], said["ASICModel"]) == ("Hex", 6, "BM1366")
    assert said["defaultFrequency"] in said["frequencyOptions"]
    assert said["defaultVoltage"] in said["voltageOptions"]


async def test_statistics_keep_a_row_every_so_often_and_can_be_cut_to_columns() -> None:
    async with bench("v2.12.0") as bitaxe:
        await bitaxe.patch(statsFrequency=30)
        for _ in range(3):
            bitaxe.hand.passes(30)
            await bitaxe.info()
        _, whole = await bitaxe.ask("GET", "/api/system/statistics")
        _, part = await bitaxe.ask("GET", "/api/system/statistics?columns=power,asicTemp")
    assert len(json.loads(whole)["statistics"]) == 3
    assert json.loads(part)["labels"] == ["asicTemp", "power", "timestamp"]
    assert all(len(row) == 3 for row in json.loads(part)["statistics"])


async def test_identify_says_hello_for_half_a_minute() -> None:
    async with bench("v2.12.0") as bitaxe:
        assert await bitaxe.ask("POST", "/api/system/identify") == (200, 'The device says "Hi!" for 30 seconds.')
        assert bitaxe.device.truth()["identifying"] is True
        bitaxe.hand.passes(31)
        assert bitaxe.device.truth()["identifying"] is False


# --- settings ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", VERSIONS)
async def test_frequency_and_core_voltage_act_at_once(version: str) -> None:
    async with bench(version) as bitaxe:
        before = await bitaxe.info()
        assert await bitaxe.patch(frequency=400, coreVoltage=1060) == (200, "")
        bitaxe.hand.passes(5)
        after = await bitaxe.info()
    assert (after["frequency"], after["coreVoltage"]) == (400, 1060)
    assert after["hashRate"] == pytest.approx(before["hashRate"] * 400 / 525, rel=0.1)
    assert after["power"] < before["power"] * 0.8
    assert after["uptimeSeconds"] >= before["uptimeSeconds"]


@pytest.mark.parametrize("version", VERSIONS[:-1])
async def test_a_new_pool_is_shown_at_once_but_mined_at_only_after_a_restart(version: str) -> None:
    async with bench(version) as bitaxe:
        await bitaxe.patch(stratumURL="other.example", stratumPort=4444, stratumUser="me.b9")
        assert (await bitaxe.info())["stratumURL"] == "other.example"
        assert "pool.example" in str(bitaxe.device.truth()["pools"])
        await bitaxe.ask("POST", "/api/system/restart")
        assert "other.example:4444" in str(bitaxe.device.truth()["pools"])


async def test_2_15_takes_pools_by_slot_and_passes_over_the_flat_keys() -> None:
    slot = {"stratumURL": "third.example", "stratumPort": 3334, "stratumUser": "me.b9", "stratumPassword": "p"}
    async with bench("v2.15.0") as bitaxe:
        assert await bitaxe.patch(stratumURL="ignored.example") == (200, "")
        assert (await bitaxe.info())["stratumURL"] == "pool.example"
        status, text = await bitaxe.ask("PUT", "/api/system/pools/2", slot)
        assert (status, json.loads(text)) == (200, {"message": "Pool updated successfully"})
        await bitaxe.patch(primaryPoolIndex=2)
        said = await bitaxe.info()
        assert said["stratumURL"] == "third.example"
        assert said["pools"][2]["stratumPassword"] == "*****"
        assert (await bitaxe.ask("DELETE", "/api/system/pools/2"))[0] == 400
        assert (await bitaxe.ask("DELETE", "/api/system/pools/0"))[0] == 200
        assert [pool["id"] for pool in (await bitaxe.info())["pools"]] == [1, 2]


@pytest.mark.parametrize(
    "slot",
    [
        {},
        {"stratumURL": "", "stratumPort": 1, "stratumUser": "u"},
        {"stratumURL": "h", "stratumPort": 70000, "stratumUser": "u"},
    ],
)
async def test_2_15_refuses_a_pool_that_is_not_whole(slot: dict[str, object]) -> None:
    async with bench("v2.15.0") as bitaxe:
        assert await bitaxe.ask("PUT", "/api/system/pools/1", slot) == (400, "Invalid pool configuration payload")
        assert await bitaxe.ask("PUT", "/api/system/pools/8", slot) == (400, "Invalid pool index")


OUT_OF_BOUNDS: tuple[dict[str, object], ...] = (
    {"frequency": 0},
    {"coreVoltage": "1150"},
    {"hostname": ""},
    {"hostname": "x" * 33},
    {"autofanspeed": 2},
    {"overheat_mode": 1},
    {"stratumPort": 70_000},
)


@pytest.mark.parametrize("change", OUT_OF_BOUNDS, ids=str)
async def test_a_bad_value_refuses_the_whole_request_on_new_firmware(change: dict[str, object]) -> None:
    async with bench("v2.12.0") as bitaxe:
        before = bitaxe.device.miner.settings.copy()
        assert await bitaxe.patch(**{"invertscreen": 1, **change}) == (400, "Wrong API input")
        assert bitaxe.device.miner.settings == before


@pytest.mark.parametrize("change", OUT_OF_BOUNDS, ids=str)
@pytest.mark.parametrize("version", ["v2.5.1", "v2.9.0"])
async def test_a_bad_value_is_passed_over_in_silence_on_old_firmware(version: str, change: dict[str, object]) -> None:
    async with bench(version) as bitaxe:
        before = bitaxe.device.miner.settings.copy()
        assert await bitaxe.patch(**{"invertscreen": 1, **change}) == (200, "")
        assert bitaxe.device.miner.settings == before | {"invertscreen": 1}


@pytest.mark.parametrize("version", VERSIONS)
async def test_unknown_keys_are_passed_over_and_broken_json_is_not(version: str) -> None:
    async with bench(version) as bitaxe:
        assert await bitaxe.patch(nonsense=1) == (200, "")
        for body, answer in ((b"{", (400, "Invalid JSON")), (b" " * 10_240, (500, "content too long"))):
            async with bitaxe.client.patch(f"{bitaxe.url}/api/system", data=body) as response:
                assert (response.status, await response.text()) == answer


@pytest.mark.parametrize(("version", "key"), [("v2.9.0", "fanspeed"), ("v2.12.0", "manualFanSpeed")])
async def test_the_fan_turns_as_fast_as_it_is_told(version: str, key: str) -> None:
    async with bench(version) as bitaxe:
        await bitaxe.patch(**{"autofanspeed": 0, key: 80})
        said = await bitaxe.info()
    assert said["fanspeed"] == 80
    assert said["fanrpm"] == pytest.approx(0.8 * 7000, rel=0.02)


# --- restart, pause, protection ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("version", "is_json"), [("v2.5.1", False), ("v2.12.0", False), ("v2.14.2", True), ("v2.15.0", True)]
)
async def test_a_restart_answers_leaves_the_network_and_comes_back(version: str, is_json: bool) -> None:
    text = "System will restart shortly."
    async with bench(version) as bitaxe:
        status, said = await bitaxe.ask("POST", "/api/system/restart")
        assert status == 200
        assert (json.loads(said) == {"message": text}) if is_json else (said == text)
        with pytest.raises(aiohttp.ClientError):
            await bitaxe.info()
        bitaxe.hand.passes(13)
        back = await bitaxe.info_once_back()
    assert back["uptimeSeconds"] <= 13
    assert back["hashRate"] < 100


async def test_the_connection_may_die_before_the_reply_to_a_restart() -> None:
    async with bench("v2.12.0") as bitaxe:
        await bitaxe.fleet.presences["bitaxe"].put_fault(Fault(kind=FaultKind.CUT, count=1))
        with pytest.raises(aiohttp.ClientError):
            await bitaxe.ask("POST", "/api/system/restart")
        assert bitaxe.device.truth()["reboots"] == 1


@pytest.mark.parametrize("version", ["v2.14.2", "v2.15.0"])
async def test_a_paused_bitaxe_rests_until_it_is_resumed(version: str) -> None:
    async with bench(version) as bitaxe:
        assert await bitaxe.ask("POST", "/api/system/pause") == (200, '{"message":"Mining paused"}')
        bitaxe.hand.passes(600)
        paused = await bitaxe.info()
        assert await bitaxe.ask("POST", "/api/system/resume") == (200, '{"message":"Mining resumed"}')
        bitaxe.hand.passes(600)
        resumed = await bitaxe.info()
    assert (paused["miningPaused"], paused["temp"], paused["fanspeed"]) == (True, -1, 30)
    assert paused["power"] < 3
    assert paused["hashRate"] == pytest.approx(0, abs=1)
    assert resumed["miningPaused"] is False
    assert resumed["hashRate"] == pytest.approx(1071, rel=0.05)


@pytest.mark.parametrize("version", VERSIONS)
async def test_overheating_stops_mining_until_the_latch_is_cleared(version: str) -> None:
    async with bench(version) as bitaxe:
        bitaxe.device.show_symptom("overheat", None)
        bitaxe.hand.passes(60)
        hot = await bitaxe.info()
        assert (hot["overheat_mode"], hot["fanspeed"]) == (1, 100)
        assert hot["power"] < 3
        await bitaxe.patch(overheat_mode=0)
        if version not in SINCE_2_12:  # the old firmware has left its main loop
            assert (await bitaxe.info())["frequency"] == 50
            bitaxe.device.miner.restart()
        bitaxe.hand.passes(600)
    assert bitaxe.device.truth()["halts"] == []
    assert bitaxe.device.power_w > 3


async def test_it_protects_itself_where_it_is_too_warm() -> None:
    async with bench("v2.12.0") as bitaxe:
        bitaxe.device.physics.ambient_c = 45
        bitaxe.hand.passes(3600)
        assert (await bitaxe.info())["overheat_mode"] == 1


@pytest.mark.parametrize("version", SINCE_2_9)
async def test_a_power_fault_is_named_while_it_lasts(version: str) -> None:
    async with bench(version) as bitaxe:
        assert "power_fault" not in await bitaxe.info()
        bitaxe.device.show_symptom("power_fault", None)
        assert isinstance((await bitaxe.info())["power_fault"], str)
        bitaxe.device.clear_symptoms()
        assert "power_fault" not in await bitaxe.info()


def test_power_follows_frequency_and_the_square_of_the_core_voltage() -> None:
    hand = HandClock()
    fleet = hand.fleet({"family": "bitaxe", "host": HOST, "id": "bitaxe"})
    device = fleet.devices["bitaxe"]
    assert isinstance(device, Bitaxe)
    own_w, full_w = MODELS["Bitaxe Gamma"].sleep_w, device.power_w
    device.miner.change({"frequency": 262.5, "coreVoltage": 575})
    hand.passes(60)
    assert math.isclose(device.power_w - own_w, (full_w - own_w) / 8, rel_tol=0.01)


# --- an independent client ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("version", "model", "read_as"),
    [
        ("v2.4.5", "Bitaxe Max", "Max"),
        ("v2.5.1", "Bitaxe Ultra", "Ultra"),
        ("v2.9.0", "Bitaxe Supra", "Supra"),
        ("v2.12.0", "Bitaxe Gamma", "Gamma"),
        ("v2.14.2", "Bitaxe Gamma", "Gamma"),
        ("v2.15.0", "Bitaxe Hex", "Ultra"),  # pyasic-rs tells boards apart by their chip
    ],
)
async def test_pyasic_rs_recognises_and_reads_every_generation(version: str, model: str, read_as: str) -> None:
    hand = HandClock()
    host = f"127.77.41.{100 + VERSIONS.index(version)}"
    async with hand.fleet(
        {"family": "bitaxe", "host": host, "id": "bitaxe", "version": version, "model": model}
    ) as fleet:
        device = fleet.devices["bitaxe"]
        miner = await pyasic_rs.MinerFactory().get_miner(host)
        assert miner is not None
        data = await miner.get_data()
        assert (data.device_info.make, data.device_info.model) == ("Bitaxe", read_as)
        assert data.mac == device.place.mac
        assert data.firmware_version == version
        assert data.wattage == pytest.approx(device.power_w, rel=0.02)
        assert data.hashrate.value == pytest.approx(MODELS[model].hashrate_ths, rel=0.05)
        assert data.is_mining is True
