"""The EG4 driver on the simulator's portal, over real sockets, with a clock that is moved by hand."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import pytest
from pydantic import ValidationError

from hashbus_poller.drivers.contract import Refused, Unreachable, Wiring
from hashbus_poller.drivers.eg4_portal.driver import DRIVER, Eg4Portal, Eg4PortalOptions
from hashbus_poller.testing.driver_promises import HARMLESS, DriverCase, DriverPromises, Fault, MemoryTape
from hashbus_simulator.devices.eg4_portal.device import Eg4Portal as EmulatedPortal
from hashbus_simulator.fleet import Fleet
from hashbus_simulator.settings import SimulatorSettings
from tests.poller.emulated import emulated_case

HOST = "127.84.1.1"
PASSWORD = "portal-secret-1"
BLOCK = {"family": "eg4_portal", "host": HOST, "account": "owner", "password": PASSWORD}
OPTIONS = {"base_url": f"http://{HOST}:8080", "account": "owner", "password": PASSWORD}


class TestEg4PortalPromises(DriverPromises):
    @pytest.fixture
    async def case(self) -> AsyncIterator[DriverCase]:
        # An account with one inverter: there is no comma between elements to lose.
        endings = {Fault.MISSING_COMMA: HARMLESS}
        async with emulated_case(DRIVER, BLOCK, OPTIONS, endings=endings, secrets=(PASSWORD,)) as case:
            yield replace(case, options=OPTIONS)  # a cloud portal has no `host`


class HandClock:
    """Time stands still until the test lets it pass."""

    def __init__(self) -> None:
        self._began = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
        self._passed_s = 0.0

    def now(self) -> datetime:
        return self._began + timedelta(seconds=self._passed_s)

    def monotonic(self) -> float:
        return 1000.0 + self._passed_s

    async def sleep(self, seconds: float) -> None:
        self._passed_s += seconds

    def passes(self, seconds: float) -> None:
        self._passed_s += seconds


class ActingTape(MemoryTape):
    """Does something once, as soon as a page has been answered."""

    def __init__(self) -> None:
        super().__init__()
        self._acts: dict[str, Callable[[], None]] = {}

    def after(self, page: str, act: Callable[[], None]) -> None:
        self._acts[page] = act

    def keep(self, question: str, answer: bytes) -> None:
        super().keep(question, answer)
        act = self._acts.pop(question.rpartition("/")[2], None)
        if act is not None:
            act()


@dataclass
class Bench:
    """A driver, the portal in front of it, the clock, and what they said to each other."""

    driver: Eg4Portal
    portal: EmulatedPortal
    clock: HandClock
    tape: ActingTape

    @property
    def logins(self) -> object:
        return self.portal.truth()["logins"]

    def asked(self, page: str) -> int:
        return sum(1 for question, _ in self.tape.exchanges if question.endswith(page))


@asynccontextmanager
async def portal(*, speed: float = 1.0, block: dict[str, Any] | None = None, **options: Any) -> AsyncIterator[Bench]:
    devices = [BLOCK | (block or {})]
    settings = SimulatorSettings.model_validate({"speed": speed, "control_port": None, "devices": devices})
    clock, tape = HandClock(), ActingTape()
    async with Fleet(settings) as fleet, aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
        (device,) = fleet.devices.values()
        assert isinstance(device, EmulatedPortal)
        wiring = Wiring(clock=clock, http=lambda: session, tape=tape)
        driver = Eg4Portal(Eg4PortalOptions.model_validate(OPTIONS | options), wiring)
        yield Bench(driver, device, clock, tape)
        await driver.close()


async def test_a_reading_shows_the_house() -> None:
    async with portal() as bench:
        reading, truth = await bench.driver.read(), bench.portal.truth()
        assert reading.soc_pct == pytest.approx(truth["soc_pct"], abs=1.0)
        assert reading.load_w == pytest.approx(truth["load_w"], abs=500.0)
        assert reading.battery_v
        assert reading.pv_energy_wh is not None


async def test_one_login_serves_many_readings() -> None:
    async with portal() as bench:
        for _ in range(5):
            await bench.driver.read()
            bench.clock.passes(60)
        assert bench.logins == 1


async def test_counters_are_asked_for_every_five_minutes_and_kept_between() -> None:
    async with portal() as bench:
        for _ in range(10):
            reading = await bench.driver.read()
            assert reading.charge_energy_wh is not None
            bench.clock.passes(60)
        assert bench.asked("getInverterRuntime") == 10
        assert bench.asked("getInverterEnergyInfo") == 2


@pytest.mark.parametrize("symptom", ["session_expired_401", "session_html", "session_zombie"])
async def test_a_session_that_ended_is_renewed_once_and_nobody_notices(symptom: str) -> None:
    async with portal() as bench:
        before = await bench.driver.read()
        bench.clock.passes(7200)
        bench.portal.show_symptom(symptom, None)
        assert (await bench.driver.read()).soc_pct == pytest.approx(before.soc_pct, abs=1.0)
        assert bench.logins == 2


@pytest.mark.parametrize("symptom", ["session_expired_401", "session_html", "session_zombie"])
async def test_between_two_logins_are_five_minutes(symptom: str) -> None:
    async with portal() as bench:
        await bench.driver.read()
        bench.clock.passes(60)
        bench.portal.show_symptom(symptom, None)
        for _ in range(3):
            with pytest.raises(Unreachable, match="next login"):
                await bench.driver.read()
        bench.clock.passes(239)
        with pytest.raises(Unreachable):
            await bench.driver.read()
        bench.clock.passes(2)
        await bench.driver.read()
        assert bench.logins == 2


async def test_a_zombie_that_outlives_a_new_login_is_no_reading() -> None:
    async with portal(block={"expires_as": "zombie"}) as bench:
        await bench.driver.read()
        bench.clock.passes(3600)
        bench.portal.sessions._lasts_s = 1e-9
        with pytest.raises(Unreachable, match="not even after a new login"):
            await bench.driver.read()
        with pytest.raises(Unreachable, match="next login"):
            await bench.driver.read()
        assert bench.logins == 2


async def test_an_old_session_is_renewed_before_it_ends() -> None:
    async with portal(session_refresh_hours=2.0) as bench:
        await bench.driver.read()
        bench.clock.passes(7199)
        await bench.driver.read()
        assert bench.logins == 1
        bench.clock.passes(1)
        await bench.driver.read()
        assert bench.logins == 2


async def test_a_person_can_have_the_session_renewed_at_once() -> None:
    async with portal() as bench:
        await bench.driver.read()
        await bench.driver.refresh_session()
        assert bench.logins == 2
        await bench.driver.read()


async def test_a_wrong_password_is_tried_once_in_five_minutes() -> None:
    async with portal(password="wrong-secret-1") as bench:
        for _ in range(3):
            with pytest.raises(Refused, match="password") as refused:
                await bench.driver.read()
            assert "wrong-secret-1" not in str(refused.value)
        assert bench.asked("/api/login") == 1
        bench.clock.passes(301)
        with pytest.raises(Refused):
            await bench.driver.read()
        assert bench.asked("/api/login") == 2


async def test_without_a_password_the_missing_setting_is_named() -> None:
    async with portal(password=None) as bench:
        with pytest.raises(Refused, match="EG4_PASS"):
            await bench.driver.read()
        assert bench.tape.exchanges == []


async def test_a_serial_that_is_not_there_is_answered_with_those_that_are() -> None:
    async with portal(serial="9999999999") as bench:
        with pytest.raises(Refused, match="4512345678"):
            await bench.driver.read()


async def test_a_dataframe_timeout_passes_without_a_new_login() -> None:
    async with portal() as bench:
        await bench.driver.read()
        bench.portal.show_symptom("dataframe_timeout", 1)
        with pytest.raises(Unreachable, match="DATAFRAME_TIMEOUT"):
            await bench.driver.read()
        await bench.driver.read()
        assert bench.logins == 1


async def test_a_reading_comes_without_its_counters_when_only_they_fail() -> None:
    async with portal() as bench:
        await bench.driver.read()
        bench.clock.passes(300)
        bench.tape.after("getInverterRuntime", lambda: bench.portal.show_symptom("dataframe_timeout", 1))
        assert (await bench.driver.read()).pv_energy_wh is None, "unknown is not what it was five minutes ago"
        bench.clock.passes(300)
        assert (await bench.driver.read()).pv_energy_wh is not None


async def test_a_lost_inverter_is_unreachable_until_it_is_back() -> None:
    async with portal() as bench:
        await bench.driver.read()
        bench.portal.show_symptom("inverter_lost", None)
        with pytest.raises(Unreachable, match="offline"):
            await bench.driver.read()
        bench.portal.clear_symptoms()
        await bench.driver.read()


async def test_figures_that_stand_still_grow_old() -> None:
    async with portal(block={"refresh_s": 1e9}) as bench:
        first = await bench.driver.read()
        assert first.taken_at == bench.clock.now()
        bench.clock.passes(600)
        assert (await bench.driver.read()).taken_at == first.taken_at, "nothing new has come from the inverter"


async def test_readings_at_once_take_turns_and_log_in_once() -> None:
    async with portal() as bench:
        await asyncio.gather(*(bench.driver.read() for _ in range(4)))
        assert bench.logins == 1


@pytest.mark.parametrize(
    "base_url",
    [
        "http://monitor.eg4electronics.com",
        "http://192.168.1.7:8080",
        "ftp://127.0.0.1",
        "monitor.eg4electronics.com",
        "https://owner:secret-2@monitor.eg4electronics.com",
        "https://monitor.eg4electronics.com/?a=1",
    ],
)
def test_an_address_that_would_give_the_password_away_is_not_taken(base_url: str) -> None:
    with pytest.raises(ValidationError):
        Eg4PortalOptions.model_validate(OPTIONS | {"base_url": base_url})


@pytest.mark.parametrize(
    "change",
    [
        {"base_url": "http://127.0.0.1:8080"},
        {"base_url": "http://localhost:8080"},
        {"base_url": "http://[::1]:8080"},
        {"base_url": "https://eu.luxpowertek.com/"},
        {"base_url": "http://192.168.1.7:8080", "allow_http": True},
    ],
)
def test_a_safe_address_is_taken(change: dict[str, object]) -> None:
    options = Eg4PortalOptions.model_validate(OPTIONS | change)
    assert PASSWORD not in repr(options)
