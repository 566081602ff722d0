"""What the cgminer driver asks of which miner, and how it carries out orders: against scripted answers."""

import json
from pathlib import Path

import aiohttp
import pytest

from hashbus.clock import SYSTEM_CLOCK
from hashbus.messages import Capability, MinerState, OrderParams
from hashbus_poller.drivers.cgminer.driver import CgminerMiner
from hashbus_poller.drivers.cgminer.recognise import look
from hashbus_poller.drivers.contract import DeviceError, Garbled, Refused, Unreachable, Unsupported, Wiring
from hashbus_poller.testing.driver_promises import MemoryTape
from tests.poller.cgminer.fixtures import FIXTURES, raw
from tests.poller.cgminer.scripted import ScriptedMiner, refusal, reply

HOST = "127.82.2.2"
STICK = FIXTURES / "GekkoScience_R909" / "cgminer-4.12.1" / "mining_joined"
M50 = FIXTURES / "M50_VH40" / "20230911.12.Rel" / "mining_classic_shape"
M64 = FIXTURES / "M64_VL40" / "20250415.11.REL" / "mining_newer_shape"
AVALON = FIXTURES / "AvalonMiner_1366" / "24100900" / "mining"
LUXOS = FIXTURES / "Antminer_S19_on_LuxOS" / "2025.4.1" / "mining"
ZEUS = FIXTURES / "Zeus_scrypt" / "sgminer-5.1.0" / "every_quirk_at_once"
JOINED = "summary+devs+pools"
TEXT = b"Socket connect failed: Connection refused\n\0"


def scripted(scene: Path, **more: object) -> ScriptedMiner:
    """A miner that answers what stands in a scene; who joins reports gives each of them alone too."""
    answers = {path.stem: path.read_bytes() for path in scene.iterdir() if path.stem != "reading"}
    joined = json.loads(answers.get(JOINED, b"{}"))
    answers |= {name: json.dumps(part[0]).encode() for name, part in joined.items() if isinstance(part, list)}
    return ScriptedMiner(HOST, {**answers, **more})  # type: ignore[arg-type]


def wiring(tape: MemoryTape | None = None) -> Wiring:
    def no_http() -> aiohttp.ClientSession:
        raise AssertionError("nothing here is asked over HTTP")

    return Wiring(clock=SYSTEM_CLOCK, http=no_http, tape=tape or MemoryTape())


def driver_of(miner: ScriptedMiner, tape: MemoryTape | None = None) -> CgminerMiner:
    return CgminerMiner(miner.options(), wiring(tape))


def rights(*allowed: str) -> dict[str, object]:
    def check(command: str) -> bytes:
        return reply(72, CHECK=[{"Exists": "Y", "Access": "Y" if command in allowed else "N"}])

    return {"check": check}


async def test_a_miner_that_joins_reports_is_read_in_one_connection() -> None:
    async with scripted(STICK) as miner:
        driver = driver_of(miner)
        await driver.identify()
        miner.asked.clear()
        for _ in range(3):
            await driver.read()
    assert miner.commands == ["summary+devs+pools"] * 3


@pytest.mark.parametrize("scene", [M50, M64, ZEUS], ids=["old WhatsMiner", "new WhatsMiner", "API 3.0"])
async def test_a_miner_that_does_not_join_is_asked_one_by_one(scene: Path) -> None:
    async with scripted(scene) as miner:
        driver = driver_of(miner)
        await driver.identify()
        miner.asked.clear()
        await driver.read()
    assert miner.commands == ["summary", "devs", "pools"]
    assert miner.at_once == 1


async def test_a_firmware_that_claims_to_join_and_refuses_is_asked_one_by_one_from_then_on() -> None:
    said = {"summary+devs+pools": refusal(14, "Invalid command"), "summary": reply(SUMMARY=[{"MHS av": 1.0}])}
    async with scripted(STICK, **said, devs=refusal(10, "No devs"), pools=refusal(8, "No pools")) as miner:
        driver = driver_of(miner)
        await driver.read()
        await driver.read()
    assert miner.commands.count("summary+devs+pools") == 1
    assert miner.commands.count("summary") == 2


@pytest.mark.parametrize(
    ("scene", "make", "model", "firmware", "mac"),
    [
        (STICK, "GekkoScience", "R909", "cgminer", None),
        (M50, "WhatsMiner", "M50_VH40", "stock", None),
        (M64, "WhatsMiner", "M64_VL40", "stock", None),
        (AVALON, "Avalon", "1366", "cgminer", "02:00:00:00:00:01"),
        (LUXOS, "Antminer", "S19", "LuxOS", None),
        (ZEUS, "unknown", "ZEU", "sgminer", None),
    ],
)
async def test_whoever_answers_is_named(scene: Path, make: str, model: str, firmware: str, mac: str | None) -> None:
    async with scripted(scene) as miner:
        who = await driver_of(miner).identify()
    assert (who.make, who.model, who.firmware, who.mac) == (make, model, firmware, mac)


async def test_rated_figures_come_from_the_data_sheet_where_there_is_one() -> None:
    async with scripted(LUXOS) as miner:
        who = await driver_of(miner).identify()
    assert (who.rated_hashrate_ths, who.rated_power_w, who.boards_total) == (95, 3250, 3)


async def test_nothing_can_be_done_where_check_is_refused_and_nothing_is_tried() -> None:
    async with scripted(STICK, check=refusal(45, "Access denied to 'check' command")) as miner:
        who = await driver_of(miner).identify()
    assert who.capabilities == ()
    assert set(miner.commands) == {"version", "devdetails", "devs", "check"}


@pytest.mark.parametrize(
    ("allowed", "capabilities"),
    [
        ((), set()),
        (("restart",), {Capability.RESTART}),
        (("addpool",), set()),
        (("addpool", "switchpool"), {Capability.POOL}),
        (("ascdisable",), set()),
        (("ascdisable", "ascenable"), {Capability.SLEEP}),
    ],
)
async def test_only_what_this_computer_may_do_is_listed(
    allowed: tuple[str, ...], capabilities: set[Capability]
) -> None:
    async with scripted(STICK, **rights(*allowed)) as miner:
        who = await driver_of(miner).identify()
    assert set(who.capabilities) == capabilities


async def test_boards_are_switched_by_the_name_that_the_miner_gives_them() -> None:
    done = {"pgadisable": reply(111), "pgaenable": reply(110)}
    async with scripted(ZEUS, **done, **rights("pgadisable", "pgaenable")) as miner:
        driver = driver_of(miner)
        assert (await driver.identify()).capabilities == (Capability.SLEEP,)
        miner.asked.clear()
        await driver.sleep()
        await driver.wake()
    orders = [(each["command"], each["parameter"]) for each in miner.asked if "parameter" in each]
    assert orders == [("pgadisable", "0"), ("pgadisable", "1"), ("pgaenable", "0"), ("pgaenable", "1")]


async def test_without_boards_there_is_nothing_to_switch() -> None:
    async with scripted(STICK, devs=refusal(10, "No devs")) as miner:
        with pytest.raises(Unsupported):
            await driver_of(miner).sleep()


async def test_a_new_pool_is_added_once_and_then_switched_to() -> None:
    known = [{"POOL": 0, "URL": "stratum+tcp://old:1", "User": "w"}]

    def add(parameter: str) -> bytes:
        url, user, _ = parameter.split(",")
        known.append({"POOL": len(known), "URL": url, "User": user})
        return reply(55)

    def pools(_: str) -> bytes:
        return reply(7, POOLS=known)

    tape = MemoryTape()
    async with scripted(STICK, addpool=add, switchpool=reply(27), pools=pools) as miner:
        driver = driver_of(miner, tape)
        order = OrderParams(url="stratum+tcp://new:1", worker="home.w1", password="pool-secret")
        await driver.set_pool(order)
        await driver.set_pool(order)
    sent = [(each["command"], each.get("parameter")) for each in miner.asked if each["command"] != "pools"]
    assert sent == [
        ("addpool", "stratum+tcp://new:1,home.w1,pool-secret"),
        ("switchpool", "1"),
        ("switchpool", "1"),
    ]
    assert not [question for question, _ in tape.exchanges if "pool-secret" in question]


async def test_commas_in_a_pool_account_are_escaped_and_no_password_is_the_customary_one() -> None:
    listed = reply(7, POOLS=[{"POOL": 4, "URL": "a,b", "User": "back\\slash"}])
    answers = iter([refusal(8, "No pools"), listed])
    async with scripted(STICK, addpool=reply(55), switchpool=reply(27), pools=lambda _: next(answers)) as miner:
        await driver_of(miner).set_pool(OrderParams(url="a,b", worker="back\\slash"))
    assert miner.asked[1]["parameter"] == "a\\,b,back\\\\slash,x"
    assert miner.asked[-1] == {"command": "switchpool", "parameter": "4"}


async def test_a_pool_that_was_accepted_and_is_not_listed_is_an_error() -> None:
    async with scripted(STICK, addpool=reply(55)) as miner:
        with pytest.raises(DeviceError, match="does not list it"):
            await driver_of(miner).set_pool(OrderParams(url="stratum+tcp://new:1", worker="w"))


@pytest.mark.parametrize("half", [OrderParams(url="stratum+tcp://new:1"), OrderParams(worker="w")])
async def test_half_a_pool_is_refused_before_anything_is_asked(half: OrderParams) -> None:
    async with scripted(STICK) as miner:
        with pytest.raises(Refused):
            await driver_of(miner).set_pool(half)
    assert miner.asked == []


async def test_a_denied_restart_says_what_the_owner_must_change() -> None:
    async with scripted(STICK, restart=refusal(45, "Access denied to 'restart' command")) as miner:
        with pytest.raises(Refused, match="api-allow"):
            await driver_of(miner).restart_mining()


async def test_a_miner_whose_process_is_down_is_a_fault_and_not_offline() -> None:
    down = dict.fromkeys(["summary+devs+pools", "summary", "devs", "pools", "version", "restart"], TEXT)
    async with scripted(STICK, **down) as miner:
        driver = driver_of(miner)
        reading = await driver.read()
        assert reading.state is MinerState.FAULT
        assert reading.error_message == "the mining process is down: Socket connect failed: Connection refused"
        for ask in (driver.identify, driver.sleep, driver.restart_mining):
            with pytest.raises(Unreachable, match="the mining process is down"):
                await ask()  # what it cannot tell now it may tell later


async def test_a_cut_answer_to_version_is_not_remembered_as_no() -> None:
    version = raw(STICK, "version") or b""
    answers = iter([version[: len(version) // 2], version])
    async with scripted(STICK, version=lambda _: next(answers)) as miner:
        driver = driver_of(miner)
        await driver.identify()
        await driver.identify()
        miner.asked.clear()
        await driver.read()
    assert miner.commands == ["summary+devs+pools"]


@pytest.mark.parametrize(
    ("scene", "make", "power_w"), [(STICK, "GekkoScience", None), (M50, "WhatsMiner", 3312), (M64, "WhatsMiner", 3590)]
)
async def test_a_scan_names_the_miner_its_rate_and_its_power(scene: Path, make: str, power_w: float | None) -> None:
    async with scripted(scene) as miner:
        sighting = await look(HOST, miner.port, wiring())
    assert sighting is not None
    assert (sighting.driver, sighting.make, sighting.power_w) == ("cgminer", make, power_w)
    assert sighting.hashrate_ths


@pytest.mark.parametrize("said", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\xff\xfe", b"", TEXT, refusal(45, "no")])
async def test_a_scan_is_told_nothing_by_whoever_is_no_miner(said: bytes) -> None:
    everything = ["version", "devdetails", "get_version", "summary"]
    async with ScriptedMiner(HOST, dict.fromkeys(everything, said)) as stranger:
        assert await look(HOST, stranger.port, wiring()) is None


async def test_plain_text_that_says_nothing_is_garbled_and_kept() -> None:
    async with ScriptedMiner(HOST, dict.fromkeys(["version", "summary"], b"ERR: no\n")) as miner:
        with pytest.raises(Garbled) as caught:
            await driver_of(miner).read()
    assert caught.value.payload == b"ERR: no\n"
