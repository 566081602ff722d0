"""Who may write to an emulated WhatsMiner (PROTOCOLS.md 1.3, 1.4)."""

import base64
import json
from typing import Any

import pytest
from Crypto.Cipher import AES
from Crypto.Util.Padding import pad

from tests.simulator.conftest import Emulate, Emulated
from tests.simulator.wire import WhatsminerClient, digest, signed

TS = 1_760_000_000
PASSWORD = "miner-pass1"
SALT = "Qw3rTy7u"
POOLS = '[{"pool":"stratum+tcp://pool.example:3333","worker":"farm.w1","passwd":"x"}]'
PKCS7 = "oZdd6Sg81+wrHABqpRxvNyQxYbCy3ipSKXK7xb3t70Upa8+GxEHVbJVAdSz7e0eXxWoFudh4OsuKE97uky0amtKS2W7NbnrUTUw3byFTXoM="
ZEROS = "oZdd6Sg81+wrHABqpRxvNyQxYbCy3ipSKXK7xb3t70Upa8+GxEHVbJVAdSz7e0eXxWoFudh4OsuKE97uky0amuBVn1KgvbMEpKXh/EQqK4E="


async def ask(device: Emulated, request: dict[str, Any] | bytes) -> dict[str, Any]:
    async with WhatsminerClient(device.host, device.port("api")) as miner:
        return await miner.request(request)


async def salt_of(device: Emulated) -> str:
    reply = await ask(device, {"cmd": "get.device.info", "param": "salt"})
    return str(reply["msg"]["salt"])


def write(cmd: str, param: Any, *, password: str = PASSWORD, salt: str = SALT, ts: int = TS) -> dict[str, Any]:
    return signed(cmd, password, salt, ts, param=param)


async def test_the_request_of_the_protocol_sheet_is_accepted_to_the_byte(emulate: Emulate) -> None:
    device = await emulate("whatsminer_v3", password=PASSWORD, salt=SALT)
    request = b'{"cmd":"set.miner.power_limit","ts":1760000000,"token":"NM7BG/j3","account":"super","param":3000}'
    assert len(request) == 97
    reply = await ask(device, request)
    assert reply == {"code": 0, "when": TS, "msg": "ok", "desc": "set.miner.power_limit"}
    assert device.truth["power_limit_w"] == 3000


@pytest.mark.parametrize("param", [PKCS7, ZEROS], ids=["PKCS#7", "zero padding"])
async def test_encrypted_pools_of_the_protocol_sheet_are_understood(emulate: Emulate, param: str) -> None:
    device = await emulate("whatsminer_v3", password=PASSWORD, salt=SALT)
    fields = {"cmd": "set.miner.pools", "ts": TS, "token": "WndQeT6P", "account": "super", "param": param}
    assert (await ask(device, fields))["code"] == 0
    assert device.truth["pools"] == [
        {"url": "stratum+tcp://pool.example:3333", "user": "farm.w1", "enabled": True},
    ]


async def test_pools_that_are_not_encrypted_are_not_understood(emulate: Emulate) -> None:
    device = await emulate("whatsminer_v3", password=PASSWORD, salt=SALT)
    assert (await ask(device, write("set.miner.pools", json.loads(POOLS))))["code"] == -3


@pytest.mark.parametrize(
    "options",
    [{}, {"password": "super"}, {"password": PASSWORD, "api_switch": False}],
    ids=["factory", "default password", "API switch off"],
)
async def test_nobody_may_write_until_the_owner_allows_it(emulate: Emulate, options: dict[str, Any]) -> None:
    device = await emulate("whatsminer_v3", salt=SALT, **options)
    password = str(options.get("password", "super"))
    reply = await ask(device, write("set.miner.power_limit", 3000, password=password))
    assert (reply["code"], reply["msg"]) == (-4, "no permission")
    assert device.truth["power_limit_w"] == 3600


@pytest.mark.parametrize(
    "change",
    [
        {"token": "AAAAAAAA"},
        {"token": None},
        {"account": "admin"},
        {"account": "user1"},
        {"ts": TS + 1},
        {"ts": "yesterday"},
        {"cmd": "set.miner.power_mode"},
    ],
)
async def test_a_wrong_signature_is_no_permission(emulate: Emulate, change: dict[str, Any]) -> None:
    device = await emulate("whatsminer_v3", password=PASSWORD, salt=SALT)
    request = write("set.miner.power_limit", 3000) | change
    assert (await ask(device, request))["code"] == -4


@pytest.mark.parametrize(("age_s", "code"), [(0, 0), (300, 0), (-300, 0), (301, -4), (-301, -4)])
async def test_a_signature_holds_for_five_minutes(emulate: Emulate, age_s: int, code: int) -> None:
    device = await emulate("whatsminer_v3", password=PASSWORD, salt=SALT)
    assert (await ask(device, write("set.system.led", "auto", ts=TS - age_s)))["code"] == code


async def test_a_time_stamp_may_be_a_string(emulate: Emulate) -> None:
    device = await emulate("whatsminer_v3", password=PASSWORD, salt=SALT)
    request = write("set.system.led", "auto") | {"ts": str(TS)}
    assert (await ask(device, request))["code"] == 0


async def test_a_reboot_changes_the_salt(emulate: Emulate) -> None:
    device = await emulate("whatsminer_v3", speed=2000, password=PASSWORD, ts_window_s=10**10, salt=SALT)
    assert (await ask(device, write("set.system.reboot", None)))["code"] == 0
    await device.back()
    assert await salt_of(device) != SALT
    assert (await ask(device, write("set.system.led", "auto")))["code"] == -4


async def test_a_new_password_changes_the_salt_and_counts_from_now_on(emulate: Emulate) -> None:
    device = await emulate("whatsminer_v3", password=PASSWORD, salt=SALT)
    plain = json.dumps({"account": "super", "new": "miner-pass2", "old": PASSWORD}).encode()
    key = digest("set.user.change_passwd", PASSWORD, SALT, TS)
    param = base64.b64encode(AES.new(key, AES.MODE_ECB).encrypt(pad(plain, 16))).decode()
    assert (await ask(device, write("set.user.change_passwd", param)))["code"] == 0
    salt = await salt_of(device)
    assert salt != SALT
    assert (await ask(device, write("set.system.led", "auto", salt=salt)))["code"] == -4
    assert (await ask(device, write("set.system.led", "auto", password="miner-pass2", salt=salt)))["code"] == 0


async def test_another_account_may_do_what_it_was_given(emulate: Emulate) -> None:
    device = await emulate("whatsminer_v3", password=PASSWORD, salt=SALT)
    permission = {"user": "user1", "permission": "set.system.led,set.system.reboot"}
    assert (await ask(device, write("set.user.permission", permission)))["code"] == 0
    info = await ask(device, {"cmd": "get.device.info", "param": "miner"})
    assert info["msg"]["miner"]["permission"] == "super=255 user1=2 user2=0 user3=0"
    request = signed("set.system.led", "user1", SALT, TS, param="auto") | {"account": "user1"}
    assert (await ask(device, request))["code"] == -4, "its password is still its name"
