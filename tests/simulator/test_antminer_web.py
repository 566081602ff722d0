"""The web pages of a stock Antminer (PROTOCOLS.md 3.6)."""

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from aiohttp import DigestAuthMiddleware

from tests.simulator.conftest import Emulate, Emulated, HandClock
from tests.simulator.wire import ask, exchange

POOLS = [
    {"url": "stratum+tcp://new.example:3333", "user": "me.1", "pass": "x"},
    {"url": "", "user": "", "pass": ""},
    {"url": "", "user": "", "pass": ""},
]
CONF = {"bitmain-fan-ctrl": False, "bitmain-fan-pwm": "100", "miner-mode": 0, "freq-level": "100", "pools": POOLS}


class Browser:
    """Somebody at the web page."""

    def __init__(self, session: aiohttp.ClientSession, device: Emulated) -> None:
        self._session = session
        self._base = f"http://{device.host}:{device.port('web')}"
        self.device = device

    async def open(self, page: str, method: str = "GET", **options: Any) -> tuple[int, str]:
        """Status and text of a page."""
        async with self._session.request(method, f"{self._base}{page}", **options) as response:
            return response.status, await response.text()

    async def cgi(self, name: str, method: str = "GET", **options: Any) -> Any:
        """What a CGI page says, as JSON."""
        async with self._session.request(method, f"{self._base}/cgi-bin/{name}.cgi", **options) as response:
            assert response.status == 200
            return await response.json(content_type=None)

    async def configure(self, **changes: Any) -> Any:
        """Write the configuration."""
        return await self.cgi("set_miner_conf", "POST", json=CONF | changes)

    async def status(self, page: str = "/", **headers: str) -> tuple[int, str]:
        """Status and challenge of a page."""
        async with self._session.get(f"{self._base}{page}", headers=headers) as response:
            return response.status, response.headers.get("WWW-Authenticate", "")


Visit = Any


@pytest.fixture
async def visit(emulate: Emulate) -> AsyncIterator[Visit]:
    """Emulate an Antminer and open its web page as root."""
    sessions: list[aiohttp.ClientSession] = []

    async def visit(typed: str | None = "root", **options: Any) -> Browser:
        middlewares = [] if typed is None else [DigestAuthMiddleware("root", typed)]
        sessions.append(aiohttp.ClientSession(middlewares=middlewares))
        return Browser(sessions[-1], await emulate("antminer", **options))

    yield visit
    for session in sessions:
        await session.close()


class TestDigest:
    """Nothing without the password."""

    async def test_everybody_is_asked_for_it_on_every_page(self, visit: Visit) -> None:
        browser = await visit(typed=None)
        for page in ("/", "/cgi-bin/summary.cgi", "/nothing"):
            status, challenge = await browser.status(page)
            assert status == 401
            assert challenge.startswith('Digest realm="antMiner Configuration", nonce="')
            assert 'qop="auth"' in challenge

    async def test_a_wrong_password_is_asked_for_again(self, visit: Visit) -> None:
        browser = await visit(typed="admin")
        assert (await browser.status("/cgi-bin/summary.cgi"))[0] == 401

    @pytest.mark.parametrize("header", ["Basic cm9vdDpyb290", "Digest", 'Digest username="root"', 'Digest nonce="zz"'])
    async def test_other_credentials_are_none(self, visit: Visit, header: str) -> None:
        assert (await (await visit(typed=None)).status(Authorization=header))[0] == 401

    async def test_the_password_opens_the_page(self, visit: Visit) -> None:
        status, text = await (await visit(typed="s3cret", password="s3cret")).open("/")
        assert (status, "Ant Miner" in text) == (200, True)

    async def test_an_old_nonce_is_stale_and_a_new_one_is_given(self, visit: Visit, clock: HandClock) -> None:
        browser = await visit()
        assert (await browser.status("/"))[0] == 200
        clock.wait(3600)
        assert (await browser.status("/"))[0] == 200

    async def test_the_password_can_be_changed(self, visit: Visit) -> None:
        browser = await visit()
        wrong = {"curPwd": "toor", "newPwd": "n", "confirmPwd": "n"}
        assert (await browser.cgi("passwd", "POST", json=wrong))["code"] == "P001"
        differ = {"curPwd": "root", "newPwd": "n", "confirmPwd": "m"}
        assert (await browser.cgi("passwd", "POST", json=differ))["code"] == "P002"
        right = {"curPwd": "root", "newPwd": "n", "confirmPwd": "n"}
        assert (await browser.cgi("passwd", "POST", json=right))["code"] == "P000"
        assert (await browser.status("/"))[0] == 401


async def test_the_identity_is_told(visit: Visit) -> None:
    browser = await visit(model="Antminer S21")
    info = await browser.cgi("get_system_info")
    place = browser.device.device.place
    assert (info["minertype"], info["macaddr"], info["serinum"]) == ("Antminer S21", place.mac, place.serial)
    assert (await browser.cgi("miner_type"))["miner_type"] == "Antminer S21"
    assert (await browser.cgi("get_network_info"))["macaddr"] == place.mac


async def test_reports_have_their_status_in_an_object(visit: Visit) -> None:
    browser = await visit()
    summary = await browser.cgi("summary")
    assert summary["STATUS"]["STATUS"] == "S"
    assert summary["SUMMARY"][0]["rate_5s"] == pytest.approx(104_000, rel=0.03)
    assert [lamp["status"] for lamp in summary["SUMMARY"][0]["status"]] == ["s"] * 4
    assert len((await browser.cgi("stats"))["STATS"][0]["chain"]) == 3
    assert [pool["index"] for pool in (await browser.cgi("pools"))["POOLS"]] == [0, 1]


async def test_the_configuration_has_prefixed_keys_and_three_pools(visit: Visit) -> None:
    conf = await (await visit()).cgi("get_miner_conf")
    assert (conf["bitmain-work-mode"], conf["bitmain-freq-level"], conf["api-allow"]) == ("0", "100", "A:0/0,W:*")
    assert len(conf["pools"]) == 3


class TestSleep:
    """Work mode 1."""

    async def test_hashing_stops_and_the_fans_go_on(self, visit: Visit, clock: HandClock) -> None:
        browser = await visit()
        assert await browser.configure(**{"miner-mode": 1}) == {"stats": "success", "code": "M000", "msg": "OK!"}
        clock.wait(60)
        truth = browser.device.truth
        assert (truth["asleep"], truth["power_w"]) == (True, 25.0)
        assert all(rpm > 500 for rpm in truth["fan_rpm"])
        stats = (await ask(browser.device.host, browser.device.port("cgminer"), "stats"))["STATS"][1]
        assert (stats["GHS 5s"], stats["temp_max"], stats["Mode"], stats["fan_num"]) == (0, 0, 2, 4)
        assert stats["temp1"] > 20
        assert stats["chain_acs1"].replace(" ", "") == "x" * 126
        assert ((await browser.cgi("summary"))["SUMMARY"], (await browser.cgi("stats"))["STATS"]) == ([], [])
        assert (await browser.cgi("get_miner_conf"))["bitmain-work-mode"] == "1"

    async def test_it_outlives_a_reboot_and_ends_with_mode_0(self, visit: Visit) -> None:
        browser = await visit(speed=2000)
        await browser.configure(**{"miner-mode": 1})
        await browser.open("/cgi-bin/reboot.cgi")
        await browser.device.back()
        assert browser.device.truth["asleep"]
        await browser.configure(**{"miner-mode": 0})
        assert not browser.device.truth["asleep"]

    async def test_some_firmware_reads_the_other_key(self, visit: Visit) -> None:
        browser = await visit(mode_key="bitmain-work-mode")
        await browser.configure(**{"miner-mode": 1})
        assert not browser.device.truth["asleep"]
        await browser.configure(**{"miner-mode": 1, "bitmain-work-mode": 1})
        assert browser.device.truth["asleep"]

    async def test_some_firmware_wants_the_mode_as_text(self, visit: Visit) -> None:
        browser = await visit(mode_as_text=True)
        assert (await browser.configure(**{"miner-mode": 1}))["code"] == "M001"
        assert (await browser.configure(**{"miner-mode": "1"}))["code"] == "M000"


async def test_low_power_and_frequency_levels_lower_the_power(visit: Visit, clock: HandClock) -> None:
    browser = await visit()
    await browser.configure(**{"miner-mode": 3})
    clock.wait(400)
    assert browser.device.truth["power_w"] == pytest.approx(0.7 * 3068, rel=0.01)
    await browser.configure(**{"freq-level": "80"})
    clock.wait(400)
    assert browser.device.truth["hashrate_ths"] == pytest.approx(0.8 * 104, rel=0.01)


async def test_pools_that_are_left_out_are_wiped(visit: Visit) -> None:
    browser = await visit()
    await browser.configure()
    assert [pool["url"] for pool in browser.device.truth["pools"]] == ["stratum+tcp://new.example:3333"]
    without = {key: value for key, value in CONF.items() if key != "pools"}
    assert (await browser.cgi("set_miner_conf", "POST", json=without))["code"] == "M000"
    assert browser.device.truth["pools"] == []


@pytest.mark.parametrize(
    "change", [{"miner-mode": 9}, {"freq-level": "33"}, {"bitmain-fan-pwm": "120"}, {"pools": "none"}, {"pools": [1]}]
)
async def test_a_wrong_configuration_is_m001_and_changes_nothing(visit: Visit, change: dict[str, Any]) -> None:
    browser = await visit()
    before = browser.device.truth
    reply = await browser.configure(**change)
    assert (reply["stats"], reply["code"]) == ("error", "M001")
    assert browser.device.truth == before


async def test_a_read_back_right_after_a_write_fails_or_shows_the_old_state(visit: Visit, clock: HandClock) -> None:
    browser = await visit(settle_s=20)
    device = browser.device
    await browser.configure(**{"miner-mode": 1})
    assert (await browser.cgi("get_miner_conf"))["bitmain-work-mode"] == "0"
    assert await browser.open("/cgi-bin/summary.cgi") == (200, "Socket connect failed: Connection refused\n")
    assert await exchange(device.host, device.port("cgminer"), b'{"command":"summary"}') == b""
    clock.wait(15)
    assert (await browser.cgi("get_miner_conf"))["bitmain-work-mode"] == "0"
    assert (await browser.cgi("summary"))["SUMMARY"] == []
    clock.wait(6)
    assert (await browser.cgi("get_miner_conf"))["bitmain-work-mode"] == "1"


async def test_a_reboot_drops_the_connection(visit: Visit) -> None:
    browser = await visit(speed=200)
    await browser.open("/cgi-bin/reboot.cgi")
    with pytest.raises(aiohttp.ClientConnectionError):
        await browser.open("/")
    await browser.device.back()
    assert (await browser.open("/"))[0] == 200


async def test_the_light_blinks(visit: Visit) -> None:
    browser = await visit()
    assert await browser.cgi("blink", "POST", json={"blink": "true"}) == {"code": "B000"}
    assert await browser.cgi("get_blink_status") == {"blink": True}
    assert await browser.cgi("blink", "POST", json={"blink": "false"}) == {"code": "B100"}
    assert await browser.cgi("get_blink_status") == {"blink": False}


async def test_the_network_is_set(visit: Visit) -> None:
    browser = await visit()
    fields = {"ipHost": "attic", "ipPro": 2, "ipAddress": "192.0.2.7", "ipSub": "255.255.255.0"}
    assert (await browser.cgi("set_network_conf", "POST", json=fields))["code"] == "N000"
    info = await browser.cgi("get_network_info")
    assert (info["conf_hostname"], info["conf_nettype"], info["conf_ipaddress"]) == ("attic", "Static", "192.0.2.7")
    assert (await browser.cgi("set_network_conf", "POST", json={"ipHost": "a b"}))["code"] == "N001"


@pytest.mark.parametrize(("page", "method", "status"), [("/nothing", "GET", 404), ("/cgi-bin/blink.cgi", "GET", 405)])
async def test_other_pages_do_not_exist(visit: Visit, page: str, method: str, status: int) -> None:
    assert (await (await visit()).open(page, method))[0] == status


class TestS17:
    """The generation before: forms, one status page, mode 254."""

    async def test_it_has_one_status_page_and_none_of_the_newer(self, visit: Visit) -> None:
        browser = await visit(model="Antminer S17 Pro")
        for page in ("miner_type", "summary", "stats", "pools"):
            assert (await browser.open(f"/cgi-bin/{page}.cgi"))[0] == 404
        status = await browser.cgi("get_miner_status")
        assert status["summary"]["SUMMARY"][0]["GHS 5s"] == pytest.approx(53_000, rel=0.03)

    async def test_it_sleeps_with_mode_254(self, visit: Visit, clock: HandClock) -> None:
        browser = await visit(model="Antminer S17 Pro")
        form = {
            "_ant_pool1url": POOLS[0]["url"],
            "_ant_pool1user": "me.1",
            "_ant_pool1pw": "x",
            "_ant_freq": "590",
            "_ant_work_mode": "254",
        }
        assert (await browser.open("/cgi-bin/set_miner_conf.cgi", "POST", data=form))[0] == 200
        clock.wait(60)
        assert browser.device.truth["asleep"]
        stats = (await ask(browser.device.host, browser.device.port("cgminer"), "stats"))["STATS"][1]
        assert stats["Mode"] == 254
        assert (await browser.cgi("get_miner_conf"))["bitmain-work-mode"] == "254"

    async def test_a_form_without_a_frequency_is_not_taken(self, visit: Visit) -> None:
        browser = await visit(model="Antminer S17 Pro")
        form = {"_ant_pool1url": POOLS[0]["url"], "_ant_pool1user": "me.1"}
        assert "_ant_freq error" in (await browser.open("/cgi-bin/set_miner_conf.cgi", "POST", data=form))[1]

    async def test_an_s9_cannot_sleep(self, visit: Visit) -> None:
        browser = await visit(model="Antminer S9")
        form = {"_ant_pool1url": POOLS[0]["url"], "_ant_pool1user": "me.1", "_ant_work_mode": "254"}
        assert "M001" in (await browser.open("/cgi-bin/set_miner_conf.cgi", "POST", data=form))[1]
        assert not browser.device.truth["asleep"]
