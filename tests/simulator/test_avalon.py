"""Emulated Avalons of all generations: MM strings, `ascset`, orders without a reply, one client at a time."""

import asyncio
import json
from typing import Any

import pytest

from tests.simulator.conftest import Emulate, Emulated, HandClock, until
from tests.simulator.wire import ask, code_of, exchange


async def say(device: Emulated, command: str, parameter: str | None = None) -> dict[str, Any]:
    return await ask(device.host, device.port("cgminer"), command, parameter)


async def order(device: Emulated, parameter: str) -> bytes:
    """What comes back of an `ascset`, which may be nothing."""
    request = json.dumps({"command": "ascset", "parameter": parameter}).encode()
    return await exchange(device.host, device.port("cgminer"), request)


async def mm(device: Emulated, command: str = "estats", key: str = "MM ID0") -> dict[str, str]:
    """The fields of an MM string."""
    row = (await say(device, command))["STATS"][0]
    parts = [part.partition("[") for part in row[key].split("]") if "[" in part]
    return {before.split()[-1]: value for before, _, value in parts}


async def test_version_tells_product_and_a_mac_without_separators(emulate: Emulate) -> None:
    row = (await say(await emulate("avalon"), "version"))["VERSION"][0]
    assert (row["PROD"], row["MODEL"], len(row["MAC"])) == ("AvalonMiner 1366", "1366", 12)


async def test_the_mm_string_tells_nearly_everything(emulate: Emulate) -> None:
    fields = await mm(await emulate("avalon"))
    assert fields["SYSTEMSTATU"] == "Work: In Work, Hash Board: 3 "
    assert float(fields["GHSspd"]) == pytest.approx(130_000, rel=0.05)
    assert len(fields["PS"].split()) == 7
    assert float(fields["PS"].split()[6]) == pytest.approx(3250, rel=0.02)
    assert (fields["WORKMODE"], fields["MPO"], fields["SoftOFF"]) == ("1", "3250", "0")
    assert len(fields["PVT_T2"].split()) == 120


async def test_a_controller_of_the_7xx_to_9xx_numbers_its_units_from_1(emulate: Emulate) -> None:
    device = await emulate("avalon", model="Avalon 841", modules=3)
    row = (await say(device, "stats"))["STATS"][0]
    assert [key for key in row if key.startswith("MM ID")] == ["MM ID1", "MM ID2", "MM ID3"]
    fields = await mm(device, key="MM ID3")
    assert "GHSspd" not in fields
    assert float(fields["GHSmm"]) == pytest.approx(13_600)
    assert "PROD" not in (await say(device, "version"))["VERSION"][0]


async def test_a_home_model_packs_its_string_and_its_chips_apart(emulate: Emulate) -> None:
    device = await emulate("avalon", model="Avalon Q")
    row = (await say(device, "stats"))["STATS"][0]
    assert row["MM ID0:Summary"].startswith("'STATS':{Ver[Q-")
    assert row["HBinfo"].startswith("'HB0':{PVT_T0[ ")
    assert list((await say(device, "litestats"))["STATS"][0]) == ["MM ID0:Summary"]
    assert code_of(await say(await emulate("avalon"), "litestats")) == 14


async def test_a_lost_sensor_is_colder_than_anything(emulate: Emulate) -> None:
    device = await emulate("avalon", lost_sensor=True)
    assert (await mm(device))["Temp"] == "-273"
    assert (await say(device, "devs"))["DEVS"][0]["Temperature"] == -273.0


@pytest.mark.parametrize("word", ["softoff", "softon"])
async def test_an_order_with_a_time_is_done_then_and_costs_the_reply(
    emulate: Emulate, clock: HandClock, word: str
) -> None:
    device = await emulate("avalon")
    if word == "softon":
        await order(device, f"0,softoff,1:{int(clock.unix_s)}")
    assert await order(device, f"0,{word},1:{int(clock.unix_s) + 5}") == b""
    is_off = word == "softoff"
    assert device.truth["asleep"] is not is_off
    clock.wait(5)
    assert device.truth["asleep"] is is_off
    assert (await mm(device))["SoftOFF"] == ("5" if is_off else "0")


async def test_where_it_does_reply_it_says_what_it_will_do(emulate: Emulate, clock: HandClock) -> None:
    device = await emulate("avalon", model="Avalon Q", closes_without_reply="none")
    at = int(clock.unix_s) + 5
    reply = await say(device, "ascset", f"0,softoff,1:{at}")
    assert (code_of(reply), reply["STATUS"][0]["Msg"]) == (118, f"ASC 0 set info: success softoff:{at}")


async def test_an_old_model_stops_without_power_and_a_reboot_wakes_it(emulate: Emulate) -> None:
    device = await emulate("avalon", model="Avalon 1047", speed=500)
    assert code_of(await say(device, "ascset", "0,softoff,1:1")) == 120
    reply = await say(device, "ascset", "0,hashpower")
    assert reply["STATUS"][0]["Msg"].startswith("ASC 0 set info: PS[0 1216 1316 ")
    assert code_of(await say(device, "ascset", "0,hashpower,0")) == 118
    fields = await mm(device)
    assert (fields["PS"], fields["SoftOFF"]) == ("0 1216 0 0 0 1316", "0")
    assert await order(device, "0,reboot,0") == b""
    await device.back()
    assert not device.truth["asleep"]


async def test_a_work_mode_is_in_force_at_once_at_home_and_after_a_reboot_in_the_hall(emulate: Emulate) -> None:
    home = await emulate("avalon", model="Avalon Q", speed=500)
    assert code_of(await say(home, "ascset", "0,workmode,set,0")) == 119
    assert ((await mm(home, key="MM ID0:Summary"))["MPO"], home.truth["power_limit_w"]) == ("800", 800)
    reply = await say(home, "ascset", "0,workmode,set,1")
    assert "caling" in reply["STATUS"][0]["Msg"], "it tunes itself to the last one"
    hall = await emulate("avalon", model="Avalon 1246", speed=500, host="127.0.0.2")
    assert (await say(hall, "ascset", "0,workmode,0"))["STATUS"][0]["Msg"] == "ASC 0 set info: WORKMODE[0]"
    assert (await mm(hall))["WORKMODE"] == "1"
    await order(hall, "0,reboot,0")
    await hall.back()
    assert ((await mm(hall))["WORKMODE"], hall.truth["power_limit_w"]) == ("0", 2736)


async def test_fans_and_lights_do_as_they_are_told(emulate: Emulate) -> None:
    device = await emulate("avalon")
    assert code_of(await say(device, "ascset", "0,fan-spd,70")) == 119
    assert (await mm(device))["FanR"] == "70%"
    assert code_of(await say(device, "ascset", "0,fan-spd,5")) == 120
    assert code_of(await say(device, "ascset", "0,fan-spd,-1")) == 119
    assert code_of(await say(device, "ascset", "0,led,1-1")) == 119
    assert ((await mm(device))["Led"], device.truth["blinking"]) == ("1", True)


async def test_what_ascset_lists_differs_between_generations(emulate: Emulate) -> None:
    home = await say(await emulate("avalon", model="Avalon Nano 3S"), "ascset", "0,help")
    assert "|workmode|worklevel|" in home["STATUS"][0]["Msg"]
    assert code_of(await say(await emulate("avalon", model="Avalon 1047"), "ascset", "0,help")) == 120


async def test_pools_are_added_at_once_or_set_with_the_password_for_the_next_reboot(emulate: Emulate) -> None:
    hall = await emulate("avalon")
    assert code_of(await say(hall, "addpool", "stratum+tcp://new.example:1,me,x")) == 55
    assert code_of(await say(hall, "switchpool", "2")) == 27
    assert hall.truth["active_pool"] == 2
    home = await emulate("avalon", model="Avalon Q", password="page-pw", speed=500, host="127.0.0.2")
    assert code_of(await say(home, "addpool", "stratum+tcp://new.example:1,me,x")) == 14
    assert code_of(await say(home, "setpool", "admin,wrong,0,stratum+tcp://new.example:1,me,x")) == 120
    told = await say(home, "setpool", "admin,page-pw,0,stratum+tcp://new.example:1,me,pool-pw")
    assert "workerpassword is pool-pw" in told["STATUS"][0]["Msg"]
    assert home.truth["pools"][0]["url"] != "stratum+tcp://new.example:1"
    await order(home, "0,reboot,0")
    await home.back()
    assert home.truth["pools"][0]["url"] == "stratum+tcp://new.example:1"


async def test_without_the_right_to_it_nothing_is_set(emulate: Emulate) -> None:
    device = await emulate("avalon", privileged=False)
    assert code_of(await say(device, "ascset", "0,help")) == 45
    assert (await say(device, "check", "ascset"))["CHECK"][0] == {"Exists": "Y", "Access": "N"}


async def test_a_second_client_waits_until_the_first_has_gone(emulate: Emulate) -> None:
    device = await emulate("avalon")
    reader, first = await asyncio.open_connection(device.host, device.port("cgminer"))
    await until(lambda: device.presence.clients == 1)
    second = asyncio.create_task(say(device, "version"))
    await until(lambda: device.presence.clients == 2)
    first.write(b'{"command":"summary"}')
    assert b"SUMMARY" in await reader.readuntil(b"\0")
    assert not second.done()
    first.close()
    assert (await second)["VERSION"]


async def test_joined_reports_come_in_one_answer_unless_the_firmware_does_not_join(emulate: Emulate) -> None:
    joined = await say(await emulate("avalon"), "summary+pools+estats")
    assert joined["summary"][0]["SUMMARY"]
    assert joined["estats"][0]["STATS"]
    assert code_of(await say(await emulate("avalon", joins=False), "summary+pools")) == 14
