"""An emulated WhatsMiner with API v2: two envelopes, two processes, tokens and their lock-out (PROTOCOLS.md 2)."""

import base64
import hashlib
import json
from typing import Any

import pytest
from Crypto.Cipher import AES
from passlib.hash import md5_crypt  # type: ignore[import-untyped]

from tests.simulator.conftest import Emulate, Emulated, HandClock
from tests.simulator.wire import exchange

PASSWORD = "miner-p1"
SALTS = {"salt": "kV2mXp9R", "newsalt": "Zt4cW8nE"}
SHEET_UNIX_S = 1_760_004_821
TOKEN = "baF8zLRQjg4Pwwu/RKGIC1"
SHEET_DATA = (
    "D2vp4Je9FHo6/tqfr/NeVnYe/7/vRG+9QpaVXGCLyLmRYFCXB0Pf9p3DpaK5J+HC"
    "cmDL0YrEhahXjyxI2PQ4Twn8XeoRD7aMS/jQUQBhEI/QTw9T8kpNObbh3dlCSkTn"
)
KEY = bytes.fromhex("0df2d93f996e17212ffed9da4e400df0d4e1a46950e308a635bb00f7b58790f1")


async def say(device: Emulated, request: dict[str, Any]) -> dict[str, Any]:
    raw = await exchange(device.host, device.port("cgminer"), json.dumps(request).encode())
    loaded: dict[str, Any] = json.loads(raw.rstrip(b"\0"))
    return loaded


async def get(device: Emulated, cmd: str) -> Any:
    return (await say(device, {"cmd": cmd}))["Msg"]


async def token_of(device: Emulated, password: str = PASSWORD) -> tuple[str, bytes]:
    """The token and the key that a client makes of an answer to `get_token`."""
    told = await get(device, "get_token")
    key = md5_crypt.using(salt=told["salt"]).hash(password).split("$")[3]
    sign = md5_crypt.using(salt=told["newsalt"]).hash(key + told["time"]).split("$")[3]
    return sign, hashlib.sha256(key.encode()).digest()


async def write(device: Emulated, token: tuple[str, bytes], cmd: str, **fields: str) -> dict[str, Any]:
    """Send an enciphered command; what comes back is the plain error or the deciphered reply."""
    sign, key = token
    text = json.dumps({"cmd": cmd, **fields, "token": sign}).encode()
    cipher = AES.new(key, AES.MODE_ECB)
    data = base64.b64encode(cipher.encrypt(text + b"\0" * (-len(text) % 16))).decode()
    reply = await say(device, {"enc": 1, "data": data})
    if "enc" not in reply:
        return reply
    loaded: dict[str, Any] = json.loads(cipher.decrypt(base64.b64decode(reply["enc"])).rstrip(b"\0"))
    return loaded


async def test_the_write_of_the_protocol_sheet_is_accepted_to_the_byte(emulate: Emulate, clock: HandClock) -> None:
    clock.unix_s = SHEET_UNIX_S
    device = await emulate("whatsminer_v2", password=PASSWORD, **SALTS)
    assert await get(device, "get_token") == {"time": "4821", **SALTS}
    reply = await say(device, {"enc": 1, "data": SHEET_DATA})
    text = AES.new(KEY, AES.MODE_ECB).decrypt(base64.b64decode(reply["enc"])).rstrip(b"\0")
    assert text == b'{"STATUS":"S","When":1760004821,"Code":131,"Msg":"API command OK","Description":""}'
    assert device.truth["power_limit_w"] == 3000


async def test_classic_firmware_joins_reports_and_counts_in_megahashes(emulate: Emulate) -> None:
    device = await emulate("whatsminer_v2", model="M30S+_VE40")
    joined = await say(device, {"command": "summary+edevs+pools"})
    summary, board = joined["summary"][0]["SUMMARY"][0], joined["edevs"][0]["DEVS"][0]
    assert summary["MHS 1m"] == pytest.approx(100e6, rel=0.05)
    assert board["MHS av"] == pytest.approx(100e6 / 3, rel=0.05)
    assert joined["pools"][0]["POOLS"][0]["POOL"] == 1
    assert joined["edevs"][0]["STATUS"][0]["Code"] == 9


async def test_newer_firmware_puts_the_fields_under_msg_and_boards_in_terahashes(emulate: Emulate) -> None:
    device = await emulate("whatsminer_v2", shape="newer")
    summary, edevs = await say(device, {"cmd": "summary"}), await say(device, {"command": "edevs"})
    assert (summary["STATUS"], summary["Code"]) == ("S", 131)
    assert summary["Msg"]["MHS 1m"] == pytest.approx(118e6, rel=0.05)
    assert edevs["Msg"]["DEVS"][0]["MHS av"] == pytest.approx(118 / 3, rel=0.05)
    assert (await say(device, {"command": "devdetails"}))["Msg"] == "This command is deprecated."
    assert (await say(device, {"command": "summary+pools"}))["Code"] == 14


async def test_old_firmware_serves_the_two_spellings_from_two_processes(emulate: Emulate) -> None:
    device = await emulate("whatsminer_v2", split_processes=True, old_status=True)
    assert (await say(device, {"cmd": "summary+pools"}))["Code"] == 24
    assert (await say(device, {"command": "status"}))["Code"] == 14
    assert (await get(device, "status"))["btmineroff"] == "false"
    assert "SUMMARY" in (await say(device, {"command": "summary"}))


@pytest.mark.parametrize("summary_asleep", ["idle", "error"])
async def test_asleep_status_says_so_and_summary_shows_no_limit_or_nothing(
    emulate: Emulate, summary_asleep: str
) -> None:
    device = await emulate("whatsminer_v2", password=PASSWORD, summary_asleep=summary_asleep)
    assert (await write(device, await token_of(device), "power_off", respbefore="true"))["Code"] == 131
    assert (await get(device, "status"))["mineroff"] == "true"
    summary = await say(device, {"command": "summary"})
    if summary_asleep == "error":
        assert summary["Code"] == 132
    else:
        assert (summary["SUMMARY"][0]["Power Limit"], summary["SUMMARY"][0]["MHS 5s"]) == (0, 0)


async def test_who_asks_for_too_many_tokens_is_locked_out_and_every_question_begins_that_anew(
    emulate: Emulate, clock: HandClock
) -> None:
    device = await emulate("whatsminer_v2", password=PASSWORD, most_tokens=1)
    token = await token_of(device)
    clock.wait(1795)
    assert (await say(device, {"cmd": "get_token"}))["Code"] == 136
    clock.wait(170)
    assert (await say(device, {"cmd": "get_token"}))["Msg"] == "over max connect"
    clock.wait(170)
    assert (await write(device, token, "power_on"))["Code"] == 135, "after 30 minutes a token is void"
    clock.wait(11)
    assert (await say(device, {"cmd": "get_token"}))["Code"] == 134


async def test_a_wrong_password_a_wrong_token_and_rubbish_are_told_in_plain_text(emulate: Emulate) -> None:
    device = await emulate("whatsminer_v2", password=PASSWORD)
    right, wrong = await token_of(device), await token_of(device, "another")
    assert (await write(device, wrong, "power_off"))["Msg"] == "enc json load err"
    assert (await write(device, ("not-a-token", right[1]), "power_off"))["Msg"] == "check token err"
    assert (await say(device, {"enc": 1, "data": "***"}))["Code"] == 137
    assert (await write(device, right, "no_such_command"))["Code"] == 14
    assert (await write(device, right, "adjust_power_limit", power_limit="a lot"))["Code"] == 14
    assert not device.truth["asleep"]


@pytest.mark.parametrize("block", [{"api_switch": False, "password": PASSWORD}, {"password": "admin"}])
async def test_without_the_switch_or_with_the_factory_password_nobody_writes(
    emulate: Emulate, block: dict[str, Any]
) -> None:
    device = await emulate("whatsminer_v2", **block)
    assert (await say(device, {"cmd": "get_token"}))["Code"] == 45
    assert (await say(device, {"enc": 1, "data": SHEET_DATA}))["Msg"] == "can't access write cmd"


async def test_firmware_of_2024_does_not_know_respbefore(emulate: Emulate) -> None:
    device = await emulate("whatsminer_v2", password=PASSWORD, knows_respbefore=False)
    token = await token_of(device)
    assert (await write(device, token, "power_off", respbefore="true"))["Code"] == 14
    assert (await write(device, token, "power_off"))["Code"] == 131
    assert device.truth["asleep"]


async def test_the_writes_do_what_they_say(emulate: Emulate) -> None:
    device = await emulate("whatsminer_v2", password=PASSWORD)
    token = await token_of(device)
    assert (await write(device, token, "set_power_pct", percent="75"))["Code"] == 131
    assert device.truth["power_percent"] == 75
    pools = {"pool1": "stratum+tcp://a.example:1", "worker1": "w", "passwd1": "x", "pool2": "", "pool3": ""}
    assert (await write(device, token, "update_pools", **pools))["Code"] == 131
    assert [pool["url"] for pool in device.truth["pools"]] == ["stratum+tcp://a.example:1"]
    assert (await write(device, token, "set_power_pct", percent="50"))["Code"] == 132, "tuning"
    assert (await write(device, token, "adjust_power_limit", power_limit="99000"))["Code"] == 132
    assert (await write(device, token, "set_low_power"))["Code"] == 131
    led = {"color": "red", "period": "60", "duration": "20", "start": "0"}
    assert (await write(device, token, "set_led", **led))["Code"] == 131
    assert device.truth["led"] != "auto"
    assert (await write(device, token, "set_led", param="auto"))["Code"] == 131
    assert (await write(device, token, "set_target_freq", percent="-10"))["Code"] == 131
    assert device.truth["frequency_share"] == pytest.approx(0.9)
    assert (await write(device, token, "update_pwd", old=PASSWORD, new="another8"))["Code"] == 131
    assert (await write(device, token, "power_off"))["Msg"] == "enc json load err"


async def test_before_2_0_5_there_is_no_limit_and_before_2_0_4_faults_stand_in_the_summary(emulate: Emulate) -> None:
    device = await emulate("whatsminer_v2", password=PASSWORD, api="2.0.3", error_codes=[218, 531])
    row = (await say(device, {"command": "summary"}))["SUMMARY"][0]
    assert (row["Error Code Count"], row["Error Code 0"], row["Error Code 1"]) == (2, 218, 531)
    token = await token_of(device)
    assert (await write(device, token, "adjust_power_limit", power_limit="3000"))["Code"] == 14


async def test_broken_firmware_writes_what_is_no_json(emulate: Emulate) -> None:
    device = await emulate("whatsminer_v2", malformed=True, error_codes=[218, 531])
    for cmd, sign in (("get_error_code", b'["218":"'), ("get_psu", b'""temp0"')):
        raw = await exchange(device.host, device.port("cgminer"), json.dumps({"cmd": cmd}).encode())
        assert sign in raw
        with pytest.raises(ValueError, match="delimiter"):
            json.loads(raw.rstrip(b"\0"))


async def test_a_reboot_takes_it_off_the_network_and_it_mines_again(emulate: Emulate) -> None:
    device = await emulate("whatsminer_v2", password=PASSWORD, speed=500)
    token = await token_of(device)
    assert (await write(device, token, "power_off"))["Code"] == 131
    assert (await write(device, token, "reboot"))["Code"] == 131
    await device.back()
    assert not device.truth["asleep"]
