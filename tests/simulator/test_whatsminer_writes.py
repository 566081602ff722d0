"""What commands do to an emulated WhatsMiner (PROTOCOLS.md 1.8, 1.9)."""

import asyncio
import json
from typing import Any

import pytest

from tests.simulator.conftest import Emulate, Emulated, HandClock
from tests.simulator.wire import WhatsminerClient, frame, signed

PASSWORD = "secret"


class Owner:
    """Somebody who may write, on a miner whose time stands still."""

    def __init__(self, device: Emulated, clock: HandClock) -> None:
        self.device = device
        self.clock = clock

    async def set(self, cmd: str, param: Any = None) -> int:
        """The code of the answer to a signed write."""
        async with WhatsminerClient(self.device.host, self.device.port("api")) as miner:
            return int((await miner.request(await self.request(miner, cmd, param)))["code"])

    async def request(self, miner: WhatsminerClient, cmd: str, param: Any) -> dict[str, Any]:
        salt = (await miner.get("get.device.info", "salt"))["msg"]["salt"]
        return signed(cmd, PASSWORD, salt, int(self.clock.unix_s), param=param)

    async def summary(self) -> dict[str, Any]:
        async with WhatsminerClient(self.device.host, self.device.port("api")) as miner:
            summary: dict[str, Any] = (await miner.get("get.miner.status", "summary"))["msg"]["summary"]
            return summary

    async def setting(self) -> dict[str, Any]:
        async with WhatsminerClient(self.device.host, self.device.port("api")) as miner:
            setting: dict[str, Any] = (await miner.get("get.miner.setting"))["msg"]
            return setting


@pytest.fixture
async def owner(emulate: Emulate, clock: HandClock) -> Owner:
    return Owner(await emulate("whatsminer_v3", password=PASSWORD, tuning_s=600), clock)


async def test_a_power_limit_restarts_mining_and_reads_keep_working(owner: Owner) -> None:
    assert await owner.set("set.miner.power_limit", 2700) == 0
    at_once = await owner.summary()
    assert (at_once["elapsed"], at_once["up-freq-finish"], at_once["power-limit"]) == (0, 0, 2700)
    assert at_once["hash-realtime"] == pytest.approx(0, abs=0.1)
    owner.clock.wait(300)
    halfway = await owner.summary()
    owner.clock.wait(310)
    tuned = await owner.summary()
    assert 0 < halfway["hash-realtime"] < tuned["hash-realtime"] < 180
    assert tuned["up-freq-finish"] == 1
    assert tuned["power-realtime"] == pytest.approx(2700, rel=0.01)


@pytest.mark.parametrize(
    ("param", "code", "limit_w"),
    [(3600, 0, 3600), (3601, -1, 3600), (99_999, 0, 3600), ("2000", 0, 2000), (-5, -3, 3600), ("much", -3, 3600)],
)
async def test_a_power_limit_may_not_exceed_the_model_s(owner: Owner, param: Any, code: int, limit_w: int) -> None:
    assert await owner.set("set.miner.power_limit", param) == code
    assert owner.device.truth["power_limit_w"] == limit_w


@pytest.mark.parametrize(
    ("cmd", "param"),
    [
        ("set.miner.power_mode", "low"),
        ("set.miner.target_freq", -10),
        ("set.miner.service", "restart"),
        ("set.miner.restore_setting", None),
    ],
)
async def test_these_commands_restart_mining(owner: Owner, cmd: str, param: Any) -> None:
    assert await owner.set(cmd, param) == 0
    summary = await owner.summary()
    assert (summary["elapsed"], summary["up-freq-finish"]) == (0, 0)


async def test_stop_is_sleep_and_start_wakes(owner: Owner) -> None:
    assert await owner.set("set.miner.service", "stop") == 0
    owner.clock.wait(10)
    assert (await owner.summary())["power-realtime"] == 13
    assert await owner.set("set.miner.service", "start") == 0
    owner.clock.wait(700)
    assert (await owner.summary())["power-realtime"] == pytest.approx(3600, rel=0.01)


@pytest.mark.parametrize(("word", "asleep"), [("stop", False), ("disable", True)])
async def test_a_disabled_service_stays_off_over_a_reboot_and_a_stopped_one_does_not(
    emulate: Emulate, word: str, asleep: bool
) -> None:
    device = await emulate("whatsminer_v3", speed=1000, password=PASSWORD, ts_window_s=10**10)
    owner = Owner(device, HandClock())
    assert await owner.set("set.miner.service", word) == 0
    assert await owner.set("set.system.reboot") == 0
    await device.back()
    assert device.truth["asleep"] is asleep


async def test_a_reboot_drops_the_connection_and_refuses_new_ones_until_it_is_over(emulate: Emulate) -> None:
    device = await emulate("whatsminer_v3", speed=200, password=PASSWORD, ts_window_s=10**10, boot_s=60)
    owner = Owner(device, HandClock())
    async with WhatsminerClient(device.host, device.port("api")) as miner:
        assert (await miner.request(await owner.request(miner, "set.system.reboot", None)))["msg"] == "ok"
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await miner.receive()
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection(device.host, device.port("api"))
    await device.back()
    assert (await owner.summary())["bootup-time"] < 600


class TestPowerPercent:
    """The fast modulation."""

    async def test_fast_is_there_after_a_second_without_a_restart(self, owner: Owner) -> None:
        assert await owner.set("set.miner.power_percent", {"percent": "75", "mode": "fast"}) == 0
        owner.clock.wait(1.5)
        summary = await owner.summary()
        assert summary["power-realtime"] == pytest.approx(2700, rel=0.03)
        assert summary["up-freq-finish"] == 1
        assert (await owner.setting())["power-percent"] == 75

    async def test_normal_takes_minutes(self, owner: Owner) -> None:
        assert await owner.set("set.miner.power_percent", {"percent": 50, "mode": "normal"}) == 0
        owner.clock.wait(20)
        assert (await owner.summary())["power-realtime"] > 3000
        owner.clock.wait(120)
        assert (await owner.summary())["power-realtime"] == pytest.approx(1800, rel=0.01)

    async def test_zero_clears_it(self, owner: Owner) -> None:
        assert await owner.set("set.miner.power_percent", {"percent": "50", "mode": "fast"}) == 0
        assert await owner.set("set.miner.power_percent", {"percent": "0", "mode": "fast"}) == 0
        owner.clock.wait(3)
        assert (await owner.summary())["power-realtime"] == pytest.approx(3600, rel=0.01)
        assert (await owner.setting())["power-percent"] == 0

    async def test_it_fails_until_tuning_has_finished(self, owner: Owner) -> None:
        assert await owner.set("set.miner.power_limit", 3000) == 0
        owner.clock.wait(300)
        assert await owner.set("set.miner.power_percent", {"percent": "75", "mode": "fast"}) == -1
        owner.clock.wait(310)
        assert await owner.set("set.miner.power_percent", {"percent": "75", "mode": "fast"}) == 0

    async def test_the_parameter_may_be_json_in_a_string(self, owner: Owner) -> None:
        assert await owner.set("set.miner.power_percent", json.dumps({"percent": "80", "mode": "fast"})) == 0
        assert (await owner.setting())["power-percent"] == 80

    @pytest.mark.parametrize(
        "param",
        [None, {}, {"percent": "75"}, {"percent": "x", "mode": "fast"}, {"percent": 101, "mode": "fast"}, "75", [75]],
    )
    async def test_half_a_parameter_is_minus_3(self, owner: Owner, param: Any) -> None:
        assert await owner.set("set.miner.power_percent", param) == -3


async def test_a_target_power_is_taken_without_a_restart(owner: Owner) -> None:
    assert await owner.set("set.miner.power", 2500) == 0
    owner.clock.wait(5)
    summary = await owner.summary()
    assert (summary["power-realtime"], summary["up-freq-finish"]) == (pytest.approx(2500, rel=0.01), 1)
    assert (await owner.setting())["power"] == 2500


async def test_air_cooled_miners_do_not_go_above_their_frequency(emulate: Emulate, clock: HandClock) -> None:
    owner = Owner(await emulate("whatsminer_v3", model="M50_VH40", password=PASSWORD), clock)
    assert await owner.set("set.miner.target_freq", 5) == -1
    assert await owner.set("set.miner.target_freq", -20) == 0
    assert owner.device.truth["frequency_share"] == pytest.approx(0.8)


async def test_fast_boot_and_a_faster_search_shorten_the_next_tuning(owner: Owner) -> None:
    assert await owner.set("set.miner.fastboot", "enable") == 0
    assert await owner.set("set.miner.upfreq_speed", 10) == 0
    assert await owner.set("set.miner.service", "restart") == 0
    owner.clock.wait(60)
    assert (await owner.summary())["up-freq-finish"] == 1


@pytest.mark.parametrize(
    ("cmd", "param", "key", "value"),
    [
        ("set.miner.heat_mode", "anti-icing", "heat_mode", "anti-freezing"),
        ("set.miner.fastboot", "enable", "fast_boot", "enable"),
        ("set.system.hostname", {"hostname": "attic"}, "hostname", "attic"),
        ("set.system.hostname", '{"hostname":"attic"}', "hostname", "attic"),
        ("set.miner.power_mode", "high", "power_mode", "high"),
        (
            "set.system.led",
            [{"color": "red", "period": 60, "duration": 20, "start": 0}],
            "led",
            [{"color": "red", "period": 60, "duration": 20, "start": 0}],
        ),
    ],
)
async def test_other_settings_are_kept(owner: Owner, cmd: str, param: Any, key: str, value: Any) -> None:
    assert await owner.set(cmd, param) == 0
    assert owner.device.truth[key] == value


@pytest.mark.parametrize(
    ("cmd", "param"),
    [
        ("set.miner.power_mode", 2),
        ("set.miner.service", "pause"),
        ("set.miner.heat_mode", "hot"),
        ("set.system.led", "bright"),
        ("set.fan.temp_offset", 5),
        ("set.miner.cointype", {}),
        ("set.system.time_randomized", {"start": 0, "stop": 500}),
    ],
)
async def test_a_wrong_value_is_minus_3(owner: Owner, cmd: str, param: Any) -> None:
    assert await owner.set(cmd, param) == -3


async def test_small_settings_are_shown_where_they_belong(owner: Owner) -> None:
    for cmd, param in (
        ("set.miner.cointype", {"cointype": "BCH"}),
        ("set.miner.fast_hash", "1"),
        ("set.fan.poweroff_cool", 1),
        ("set.fan.zero_speed", 1),
        ("set.fan.temp_offset", -10),
        ("set.system.net_config", {"ip": "192.0.2.9", "netmask": "255.255.255.0", "gateway": "192.0.2.1", "dns": "x"}),
        ("set.system.ntp_server", "a.example,b.example"),
        ("set.system.time_randomized", {"start": "5", "stop": "60"}),
        ("set.system.timezone", {"timezone": "CET-1", "zonename": "Europe/Berlin"}),
        ("set.system.webpools", "disable"),
    ):
        assert await owner.set(cmd, param) == 0, cmd
    async with WhatsminerClient(owner.device.host, owner.device.port("api")) as miner:
        info = (await miner.get("get.device.info"))["msg"]
        system = (await miner.get("get.system.setting"))["msg"]
        fans = (await miner.get("get.fan.setting"))["msg"]
    assert (info["miner"]["cointype"], info["network"]["ip"], info["network"]["proto"]) == (
        "BCH",
        "192.0.2.9",
        "static",
    )
    assert fans == {"fan-poweroff-cool": 1, "fan-zero-speed": 1, "fan-temp-offset": -10}
    assert (system["ntp-server"], system["zonename"], system["web-pool"]) == (
        ["a.example", "b.example"],
        "Europe/Berlin",
        0,
    )


async def test_an_unknown_write_is_minus_2(owner: Owner) -> None:
    assert await owner.set("set.miner.weather", "sunny") == -2


async def test_a_report_comes_unasked_between_replies(emulate: Emulate) -> None:
    device = await emulate("whatsminer_v3", speed=1, password=PASSWORD, ts_window_s=10**10)
    owner = Owner(device, HandClock())
    async with WhatsminerClient(device.host, device.port("api")) as miner:
        assert (await miner.request(await owner.request(miner, "set.miner.report", {"gap": 1})))["code"] == 0
        report = await miner.receive()
        assert (report["desc"], report["msg"]["summary"]["power-limit"]) == ("get.miner.report", 3600)
        assert (await miner.request(await owner.request(miner, "set.miner.report", {"gap": 0})))["code"] == 0


async def test_a_report_gap_has_an_upper_bound(owner: Owner) -> None:
    assert await owner.set("set.miner.report", {"gap": 286}) == -3


async def test_a_firmware_image_follows_the_command_and_the_miner_reboots(emulate: Emulate) -> None:
    device = await emulate("whatsminer_v3", speed=1000, password=PASSWORD, ts_window_s=10**10)
    owner = Owner(device, HandClock())
    async with WhatsminerClient(device.host, device.port("api")) as miner:
        assert (await miner.request(await owner.request(miner, "set.system.update_firmware", None)))["msg"] == "ready"
        miner.writer.write(frame(b"\0" * 2_000_000))
        assert (await miner.receive())["code"] == 0
    await device.back()


async def test_a_factory_reset_forgets_everything(emulate: Emulate) -> None:
    device = await emulate("whatsminer_v3", speed=1000, password=PASSWORD, ts_window_s=10**10)
    owner = Owner(device, HandClock())
    assert await owner.set("set.miner.power_limit", 2000) == 0
    assert await owner.set("set.system.hostname", {"hostname": "attic"}) == 0
    assert await owner.set("set.system.factory_reset") == 0
    await device.back()
    assert (device.truth["power_limit_w"], device.truth["hostname"]) == (3600, device.device.place.id)
