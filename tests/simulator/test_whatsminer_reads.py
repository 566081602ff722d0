"""What an emulated WhatsMiner reports (PROTOCOLS.md 1.5 to 1.7, and 2.3 on port 4028)."""

from typing import Any

import pytest

from tests.simulator.conftest import Emulate, Emulated
from tests.simulator.wire import WhatsminerClient, ask, exchange, signed

TS = 1_760_000_000


async def get(device: Emulated, cmd: str, param: Any = None) -> dict[str, Any]:
    async with WhatsminerClient(device.host, device.port("api")) as miner:
        return await miner.get(cmd, param)


async def stop(device: Emulated) -> None:
    salt = (await get(device, "get.device.info", "salt"))["msg"]["salt"]
    async with WhatsminerClient(device.host, device.port("api")) as miner:
        assert (await miner.request(signed("set.miner.service", "secret", salt, TS, param="stop")))["code"] == 0


async def test_device_info_has_all_sections_of_a_liquid_cooled_miner(emulate: Emulate) -> None:
    info = (await get(await emulate("whatsminer_v3", error_codes=[531]), "get.device.info"))["msg"]
    assert list(info) == ["network", "miner", "system", "power", "salt", "error-code"]
    assert info["miner"]["working"] == "true"
    assert (info["miner"]["board-num"], info["miner"]["power-limit-set"]) == ("4", "3600")
    assert (info["power"]["model"], info["system"]["control-board-version"]) == ("P738B", "CB6V5")
    assert info["power"]["liquid-temperature"] == pytest.approx(47, abs=1)
    assert info["power"]["fanspeed"] == 0
    assert info["power"]["pin"] == pytest.approx(info["power"]["iin"] * info["power"]["vin"], rel=0.01)
    assert info["error-code"][0]["reason"] == "Slot1 not found."


async def test_an_air_cooled_miner_has_fans_and_no_liquid_temperature(emulate: Emulate) -> None:
    device = await emulate("whatsminer_v3", model="M50_VH40")
    power = (await get(device, "get.device.info", "power"))["msg"]["power"]
    assert "liquid-temperature" not in power
    assert power["fanspeed"] > 1000
    summary = (await get(device, "get.miner.status", "summary"))["msg"]["summary"]
    assert summary["fan-speed-in"] > 1000


async def test_an_unknown_section_or_command_is_minus_2(emulate: Emulate) -> None:
    device = await emulate("whatsminer_v3")
    assert (await get(device, "get.device.info", "weather"))["code"] == -2
    assert (await get(device, "get.miner.status", "summary+weather"))["code"] == -2
    assert (await get(device, "get.weather"))["code"] == -2


@pytest.mark.parametrize("request_fields", [{}, {"param": None}, {"param": ""}, {"param": 5}])
async def test_status_wants_to_know_what(emulate: Emulate, request_fields: dict[str, Any]) -> None:
    device = await emulate("whatsminer_v3")
    async with WhatsminerClient(device.host, device.port("api")) as miner:
        reply = await miner.request({"cmd": "get.miner.status", **request_fields})
    assert (reply["code"], reply["msg"]) == (-3, "param is null")


async def test_status_gives_the_sections_asked_for(emulate: Emulate) -> None:
    msg = (await get(await emulate("whatsminer_v3"), "get.miner.status", "summary+pools+edevs"))["msg"]
    assert list(msg) == ["summary", "pools", "edevs"]
    assert msg["summary"]["hash-realtime"] == pytest.approx(212, rel=0.03)
    assert msg["summary"]["power-realtime"] == pytest.approx(3600, rel=0.01)
    assert msg["summary"]["up-freq-finish"] == 1
    assert len(msg["edevs"]) == len(msg["summary"]["board-temperature"]) == 4
    assert sum(board["hash-average"] for board in msg["edevs"]) == pytest.approx(212, rel=0.01)
    assert [pool["id"] for pool in msg["pools"]] == [1, 2]
    assert msg["pools"][0]["stratum-active"] is True


async def test_some_firmware_writes_numbers_as_strings(emulate: Emulate) -> None:
    summary = (await get(await emulate("whatsminer_v3", string_numbers=True), "get.miner.status", "summary"))["msg"]
    assert all(isinstance(value, str | list) for value in summary["summary"].values())
    assert float(summary["summary"]["hash-realtime"]) == pytest.approx(212, rel=0.03)


async def test_a_stopped_miner_drops_its_pools_and_reads_no_limit(emulate: Emulate) -> None:
    device = await emulate("whatsminer_v3", password="secret")
    await stop(device)
    assert (await get(device, "get.miner.status", "pools"))["code"] == -1
    both = (await get(device, "get.miner.status", "summary+pools"))["msg"]
    assert list(both) == ["summary"]
    assert (both["summary"]["power-limit"], both["summary"]["hash-realtime"]) == (0, pytest.approx(0, abs=0.1))
    assert (await get(device, "get.device.info", "miner"))["msg"]["miner"]["working"] == "false"


async def test_other_firmware_says_that_the_process_is_down(emulate: Emulate) -> None:
    device = await emulate("whatsminer_v3", password="secret", idle_shape="process_down")
    await stop(device)
    assert (await get(device, "get.miner.status", "summary"))["msg"] == "btminer process is down"


async def test_settings_are_read_back(emulate: Emulate) -> None:
    device = await emulate("whatsminer_v3")
    assert (await get(device, "get.miner.setting"))["msg"] == {
        "power-mode": "normal",
        "power-limit": 3600,
        "upfreq-speed": 0,
        "target-freq": 0,
        "power": 0,
        "power-percent": 0,
        "fast-boot": "disable",
        "fast-hash": "disable",
    }
    assert (await get(device, "get.system.setting"))["msg"]["hostname"] == device.device.place.id
    assert (await get(device, "get.fan.setting"))["msg"]["fan-temp-offset"] == 0
    assert len((await get(device, "get.device.custom_data"))["msg"]) == 11


class TestOnPort4028:
    """The reads by which scanners recognise firmware with API v3."""

    async def test_get_version_names_model_and_firmware(self, emulate: Emulate) -> None:
        device = await emulate("whatsminer_v3", model="M60S_VK30")
        for command in ("get_version", "version"):
            reply = await ask(device.host, device.port("cgminer"), command)
            assert (reply["STATUS"], reply["Code"]) == ("S", 131)
            assert (reply["Msg"]["miner_type"], reply["Msg"]["fw_ver"]) == ("M60S_VK30", "20250415.11.REL")

    async def test_devdetails_is_deprecated_and_still_tells_the_make(self, emulate: Emulate) -> None:
        device = await emulate("whatsminer_v3")
        reply = await ask(device.host, device.port("cgminer"), "devdetails")
        assert (reply["Code"], reply["Msg"], reply["Description"]) == (132, "This command is deprecated.", "btminer")

    async def test_summary_is_the_newer_shape_in_megahashes(self, emulate: Emulate) -> None:
        device = await emulate("whatsminer_v3")
        msg = (await ask(device.host, device.port("cgminer"), "summary"))["Msg"]
        assert msg["MHS 5s"] == pytest.approx(212e6, rel=0.03)
        assert (msg["Hash Stable"], msg["Firmware Version"]) == ("true", "'20250415.11.REL'")
        assert (msg["Power Limit"], msg["MAC"]) == (3600, device.device.place.mac)

    async def test_boards_are_in_terahashes_all_of_a_sudden(self, emulate: Emulate) -> None:
        device = await emulate("whatsminer_v3")
        boards = (await ask(device.host, device.port("cgminer"), "edevs"))["Msg"]["DEVS"]
        assert sum(board["MHS av"] for board in boards) == pytest.approx(212, rel=0.01)

    async def test_the_command_may_stand_under_cmd(self, emulate: Emulate) -> None:
        device = await emulate("whatsminer_v3")
        reply = await exchange(device.host, device.port("cgminer"), b'{"cmd":"status"}')
        assert b'"mineroff":"false"' in reply

    async def test_writing_is_refused(self, emulate: Emulate) -> None:
        device = await emulate("whatsminer_v3")
        assert (await ask(device.host, device.port("cgminer"), "power_off"))["Code"] == 45
        assert (await ask(device.host, device.port("cgminer"), "nonsense"))["Code"] == 14
