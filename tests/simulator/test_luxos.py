"""The emulated LuxOS, judged by a client as small as can be."""

import asyncio
from typing import Any

import aiohttp
import pytest

from tests.simulator.conftest import Emulate, Emulated, HandClock
from tests.simulator.wire import ask, code_of


@pytest.fixture
async def miner(emulate: Emulate) -> Emulated:
    return await emulate("luxos")


async def call(miner: Emulated, command: str, parameter: str | None = None) -> dict[str, Any]:
    return await ask(miner.host, miner.port("cgminer"), command, parameter)


async def log_on(miner: Emulated) -> str:
    return str((await call(miner, "logon"))["SESSION"][0]["SessionID"])


async def test_it_keeps_the_name_of_stock_firmware_and_adds_its_own(miner: Emulated) -> None:
    version = (await call(miner, "version"))["VERSION"][0]
    assert version["Type"] == "Antminer S19j Pro"
    assert version["LUXminer"].startswith("2025.")
    async with aiohttp.ClientSession() as session, session.get(f"http://{miner.host}:{miner.port('web')}") as page:
        assert "Luxor Firmware" in await page.text()


async def test_there_is_one_session_at_a_time(miner: Emulated) -> None:
    session_id = await log_on(miner)
    refused = await call(miner, "logon")
    assert (code_of(refused), refused["STATUS"][0]["Msg"]) == (402, "Another session is active")
    assert (await call(miner, "session"))["SESSION"] == [{"SessionID": session_id}]
    assert code_of(await call(miner, "logoff", session_id)) == 317
    assert (await call(miner, "session"))["SESSION"] == [{"SessionID": ""}]
    assert await log_on(miner) != session_id


async def test_a_session_lapses_a_minute_after_its_last_use(miner: Emulated, clock: HandClock) -> None:
    session_id = await log_on(miner)
    for _ in range(3):
        clock.wait(50)
        assert code_of(await call(miner, "ledset", f"{session_id},red,blink")) == 325
    clock.wait(61)
    assert code_of(await call(miner, "ledset", f"{session_id},red,auto")) == 401
    assert await log_on(miner)


async def test_without_a_session_nothing_is_changed_but_the_pools(miner: Emulated) -> None:
    for command in ("curtail", "profileset", "fanset", "rebootdevice", "resetminer"):
        assert (await call(miner, command, "sleep"))["STATUS"][0]["STATUS"] == "E"
    assert code_of(await call(miner, "addpool", "stratum+tcp://new.example:1,w\\,1,p")) == 55
    assert code_of(await call(miner, "switchpool", "2")) == 27
    assert miner.truth["pools"][2]["user"] == "w,1"


async def test_curtailment(miner: Emulated, clock: HandClock) -> None:
    session_id = await log_on(miner)
    assert code_of(await call(miner, "curtail", f"{session_id},sleep")) == 335
    clock.wait(60)
    assert miner.truth["power_w"] < 100
    assert (await call(miner, "config"))["CONFIG"][0]["CurtailMode"] == "Sleep"
    assert (await call(miner, "events"))["EVENTS"][0]["Code"] == "SLEEP"
    await call(miner, "curtail", f"{await log_on(miner)},wakeup")
    assert (await call(miner, "devs"))["DEVS"][0]["IsRamping"]
    clock.wait(400)
    assert miner.truth["power_w"] == pytest.approx(3068, rel=0.01)


async def test_profiles_carry_their_watts_and_are_taken_by_name(miner: Emulated, clock: HandClock) -> None:
    profiles = (await call(miner, "profiles"))["PROFILES"]
    assert [profile["Profile Name"] for profile in profiles][15:18] == ["520MHz", "default", "570MHz"]
    session_id = await log_on(miner)
    assert (await call(miner, "profileset", f"{session_id},7MHz"))["STATUS"][0]["STATUS"] == "E"
    assert code_of(await call(miner, "profileset", f"{session_id},0,445MHz")) == 321, "the older form, with a board"
    clock.wait(400)
    watts = next(profile["Watts"] for profile in profiles if profile["Profile Name"] == "445MHz")
    assert miner.truth["power_w"] == pytest.approx(watts, rel=0.01)


async def test_reports_can_be_joined(miner: Emulated) -> None:
    joined = await call(miner, "summary+temps+nonsense")
    assert joined["summary"][0]["SUMMARY"][0]["GHS av"] == pytest.approx(104_000, rel=0.02)
    assert joined["temps"][0]["METADATA"][0]["TopRight"]["Label"] == "Board Intake (top)"
    assert code_of(joined["nonsense"][0]) == 14


async def test_hydro_models_have_no_fans(emulate: Emulate) -> None:
    miner = await emulate("luxos", cooling="Hydro")
    assert "FANS" not in await call(miner, "fans")
    assert (await call(miner, "fanset", f"{await log_on(miner)},speed=50"))["STATUS"][0]["STATUS"] == "E"


async def test_a_reboot_ends_the_session_and_not_the_sleep(emulate: Emulate) -> None:
    miner = await emulate("luxos", speed=1000.0)
    session_id = await log_on(miner)
    await call(miner, "curtail", f"{session_id},sleep")
    await call(miner, "rebootdevice", session_id)
    await miner.back()
    await asyncio.sleep(0)
    assert miner.truth["asleep"]
    assert (await call(miner, "session"))["SESSION"] == [{"SessionID": ""}]
