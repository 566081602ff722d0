"""What every driver promises, as tests: subclass the suite, say how the device is started, run pytest.

For a miner take `MinerPromises`, for a battery or a meter `DriverPromises`, and give it one fixture:

    class TestAcmePromises(MinerPromises):
        @pytest.fixture
        async def case(self) -> AsyncIterator[DriverCase]:
            async with FakeAcme("127.81.0.9", password="secret-1") as acme:
                yield DriverCase(
                    spec=DRIVER,
                    options={"host": acme.host, "password": "secret-1"},
                    address=acme.host,
                    misbehave=acme.misbehave,       # async: takes a Fault, or None to behave again
                    secrets=("secret-1",),
                    endings={Fault.MISSING_COMMA: HARMLESS},  # only where it differs from ENDINGS
                    lacks=frozenset({Fault.TRICKLE}),         # what the stand-in cannot play
                    truth=lambda: {"restarts": acme.restarts},
                )

Each test gets a device of its own. The suite needs pytest-asyncio with `asyncio_mode = "auto"`. Which
capabilities are tried follows from what `identify()` says; the stand-in should pass time quickly, so that a
reboot takes no minute. The blueprint's test (tests/poller/blueprint) is the smallest complete example; for
a device of the simulator, `emulated_case` in tests/poller/emulated.py fills in `address`, `misbehave` and
`truth`.
"""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from hashbus.clock import SYSTEM_CLOCK
from hashbus.messages import Capability, Level, MinerIdentity, MinerReading
from hashbus_poller.drivers.contract import (
    DeviceError,
    Garbled,
    LimitsPower,
    Refused,
    SwitchesPool,
    Unreachable,
    Wiring,
)
from hashbus_poller.testing.driver_case import (
    ENDINGS,
    HARMLESS,
    DriverCase,
    Ending,
    Fault,
    Harmless,
    MemoryTape,
)
from hashbus_poller.testing.exercises import EXERCISES, NEW_POOL, WORKER_PASSWORD, Bench
from hashbus_poller.testing.waiting import PATIENCE_S, connections_to, until

PATIENT_S = 10.0
"""The time limit of a driver that is to succeed, even on a busy machine."""

HASTY_S = 0.3
"""The time limit of a driver that is to give up."""

OUTLASTED = frozenset({Fault.HANG, Fault.TRICKLE, Fault.SLOW})
"""Faults that only the time limit ends."""

CHANGES_POWER = frozenset({Capability.POWER_LIMIT, Capability.POWER_PERCENT, Capability.SLEEP, Capability.FREQUENCY})


class DriverPromises:
    """What the driver of any device promises: readings, five errors, a time limit, no leaks."""

    @pytest.fixture
    def tape(self) -> MemoryTape:
        """Where the driver's exchanges go."""
        return MemoryTape()

    @pytest.fixture
    async def wiring(self, tape: MemoryTape) -> AsyncIterator[Wiring]:
        """What the poller lends a driver."""
        async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
            yield Wiring(clock=SYSTEM_CLOCK, http=lambda: session, tape=tape)

    @pytest.fixture
    async def driver(self, case: DriverCase, wiring: Wiring) -> AsyncIterator[Any]:
        """The driver, with time enough."""
        driver = case.driver(wiring, timeout_s=PATIENT_S)
        yield driver
        await driver.close()

    async def test_two_readings_in_a_row_both_come(self, driver: Any, tape: MemoryTape) -> None:
        """A second reading needs no more than the first, and both leave their exchanges on the tape."""
        await driver.read()
        first = len(tape.exchanges)
        await driver.read()
        assert 0 < first < len(tape.exchanges), "every reading keeps its questions and answers on the tape"

    @pytest.mark.parametrize("fault", list(Fault))
    async def test_a_fault_ends_in_the_right_error_within_the_time_limit(
        self, case: DriverCase, wiring: Wiring, fault: Fault
    ) -> None:
        """None of the ways to misbehave blocks, fills the memory, or ends in an error of another kind."""
        if fault in case.lacks:
            pytest.skip(f"the stand-in does not play {fault}")
        ending = case.ending(fault)
        await case.misbehave(fault)
        driver = case.driver(wiring, timeout_s=HASTY_S if fault in OUTLASTED else PATIENT_S)
        try:
            error = await ending_of(driver.read())
        finally:
            await driver.close()
        assert_ended(error, ending)
        if fault is Fault.REFUSE:
            assert isinstance(error, Unreachable)
            assert error.is_refused, "nobody listening is known at once, and said so"

    @pytest.mark.parametrize("fault", [Fault.REFUSE, Fault.HANG, Fault.CUT, Fault.GARBAGE, Fault.OVERSIZED])
    async def test_a_device_that_comes_back_is_read_again(self, case: DriverCase, wiring: Wiring, fault: Fault) -> None:
        """The same driver goes on after a fault, without being made anew."""
        if fault in case.lacks:
            pytest.skip(f"the stand-in does not play {fault}")
        driver = case.driver(wiring, timeout_s=1.0)
        try:
            await driver.read()
            await case.misbehave(fault)
            assert_ended(await ending_of(driver.read()), case.ending(fault))
            await case.misbehave(None)
            assert await ending_of(driver.read()) is None, "it is read again"
        finally:
            await driver.close()

    async def test_a_cancelled_reading_leaves_no_socket_open(self, case: DriverCase, driver: Any) -> None:
        """Who cancels gets CancelledError, not a DeviceError, and the connection is gone at once."""
        await case.misbehave(Fault.HANG)
        reading = asyncio.create_task(driver.read())
        await until(lambda: connections_to(case.address) > 0, "reading opens a connection")
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
        await until(lambda: connections_to(case.address) == 0, "a cancelled reading leaves no socket open")

    async def test_closing_twice_is_closing_once(self, case: DriverCase, wiring: Wiring) -> None:
        """After close() nothing is open; closing again, or before any reading, does no harm."""
        await case.driver(wiring, timeout_s=PATIENT_S).close()
        driver = case.driver(wiring, timeout_s=PATIENT_S)
        await driver.read()
        await driver.close()
        await driver.close()
        await wiring.http().close()  # a connection that only the poller's HTTP client still keeps is the poller's
        await until(lambda: connections_to(case.address) == 0, "a closed driver leaves no socket open")

    async def test_secrets_show_nowhere(
        self, case: DriverCase, wiring: Wiring, tape: MemoryTape, capfd: pytest.CaptureFixture[str]
    ) -> None:
        """No password in an error, a repr, on the tape or in what is printed or logged."""
        driver = case.driver(wiring, timeout_s=1.0)
        seen = [repr(driver), str(driver)]
        try:
            for fault in (None, Fault.WRONG_PASSWORD, Fault.GARBAGE, Fault.REFUSE):
                if fault not in case.lacks:
                    await case.misbehave(fault)
                    seen += [text_of(error) for error in await self.errors_of_everything(driver)]
        finally:
            await driver.close()
        seen += [f"{question} {answer!r}" for question, answer in tape.exchanges]
        seen += capfd.readouterr()
        for secret in (*case.secrets, WORKER_PASSWORD):
            assert not [text for text in seen if secret in text], "a secret is shown"

    async def test_a_scan_recognises_it(self, case: DriverCase, wiring: Wiring) -> None:
        """Each look of the driver at its port finds the device and says who made it."""
        for look in case.spec.looks:
            sighting = await look.ask(case.address, case.look_port or look.port, wiring)
            assert sighting is not None, f"the look at port {look.port} recognises its own device"
            assert (sighting.driver, sighting.host) == (case.spec.name, case.address)

    async def errors_of_everything(self, driver: Any) -> list[DeviceError]:
        """Do what the driver can, and return the errors."""
        error = await ending_of(driver.read())
        return [] if error is None else [error]


class MinerPromises(DriverPromises):
    """What the driver of a miner promises on top: who it is, and that what it lists works."""

    async def test_identity_and_reading_are_those_of_the_device(self, case: DriverCase, driver: Any) -> None:
        """The device is recognised and read; the case says what exactly is expected."""
        identity: MinerIdentity = await driver.identify()
        reading: MinerReading = await driver.read()
        assert identity.make, "an identity names at least the make"
        if case.see_identity is not None:
            case.see_identity(identity)
        if case.see_reading is not None:
            case.see_reading(reading)

    async def test_identify_under_any_fault_ends_in_a_device_error_or_an_identity(
        self, case: DriverCase, wiring: Wiring
    ) -> None:
        """Identifying is as hard to break as reading."""
        for fault in (fault for fault in Fault if fault not in case.lacks):
            await case.misbehave(fault)
            driver = case.driver(wiring, timeout_s=HASTY_S)
            try:
                await ending_of(driver.identify())
            finally:
                await driver.close()
            await case.misbehave(None)

    async def test_every_listed_capability_is_implemented(self, case: DriverCase, driver: Any) -> None:
        """Who shows a button must have the method behind it; gold means power can be changed."""
        listed = (await driver.identify()).capabilities
        missing = [capability for capability in listed if not isinstance(driver, EXERCISES[capability].protocol)]
        assert missing == []
        assert len(set(listed)) == len(listed)
        if case.spec.level is Level.GOLD:
            assert CHANGES_POWER.intersection(listed), "a gold driver changes power"

    @pytest.mark.parametrize("capability", list(Capability))
    async def test_a_listed_capability_works_and_the_readings_confirm_it(
        self, case: DriverCase, driver: Any, capability: Capability
    ) -> None:
        """What is set shows in the next readings."""
        identity = await driver.identify()
        if capability not in identity.capabilities:
            pytest.skip(f"{capability} is not listed")
        before = await driver.read()
        await EXERCISES[capability].run(Bench(case, driver, identity, before))

    async def test_a_power_limit_set_twice_is_set_once(self, case: DriverCase, driver: Any) -> None:
        """The controller asserts its setpoint again and again; a miner must not restart each time."""
        identity = await driver.identify()
        if Capability.POWER_LIMIT not in identity.capabilities:
            pytest.skip("power_limit is not listed")
        bench = Bench(case, driver, identity, await driver.read())
        assert isinstance(driver, LimitsPower)
        power_w = bench.power_to_try_w()
        await driver.set_power_limit(power_w)
        await bench.sees(
            lambda reading: (
                reading.power_limit_w is not None and abs(reading.power_limit_w - power_w) <= bench.tolerance_w()
            ),
            "the limit is taken",
        )
        restarts = bench.counted("restarts")
        await driver.set_power_limit(power_w)
        assert bench.counted("restarts") == restarts, "setting the same limit again restarts nothing"

    async def test_with_a_wrong_password_every_order_is_refused(self, case: DriverCase, driver: Any) -> None:
        """Refused, so that nobody tries again and locks the account, and so that the owner hears of it."""
        if Fault.WRONG_PASSWORD in case.lacks:
            pytest.skip("there is no password")
        identity = await driver.identify()
        bench = Bench(case, driver, identity, await driver.read())
        await case.misbehave(Fault.WRONG_PASSWORD)
        for capability in identity.capabilities:
            error = await ending_of(EXERCISES[capability].run(bench))
            assert isinstance(error, Refused), f"{capability} with a wrong password ended in {error!r}"

    async def errors_of_everything(self, driver: Any) -> list[DeviceError]:
        """Read, identify and use what needs a password."""
        errors = [await ending_of(driver.read()), await ending_of(driver.identify())]
        if isinstance(driver, LimitsPower):
            errors.append(await ending_of(driver.set_power_limit(1234.0)))
        if isinstance(driver, SwitchesPool):
            errors.append(await ending_of(driver.set_pool(NEW_POOL)))
        return [error for error in errors if error is not None]


async def ending_of(work: Any) -> DeviceError | None:
    """Await what a driver does; return its DeviceError, None when it succeeds. Other errors fail the test."""
    try:
        async with asyncio.timeout(PATIENCE_S):
            await work
    except DeviceError as error:
        return error
    return None


def assert_ended(error: DeviceError | None, ending: Ending) -> None:
    """Check that a reading ended as it has to."""
    if isinstance(ending, Harmless):
        assert error is None, f"a reading comes all the same, not {error!r}"
        return
    assert type(error) is ending, f"the reading ends in {ending.__name__}, not in {error!r}"
    assert str(error), "an error says in words what happened"
    if isinstance(error, Garbled):
        assert error.payload, "Garbled keeps what could not be understood"


def text_of(error: DeviceError) -> str:
    """Return everything an error could show: its text, its repr, its chain of causes."""
    return repr(error) + "".join(traceback.format_exception(error))


__all__ = ["ENDINGS", "HARMLESS", "DriverCase", "DriverPromises", "Ending", "Fault", "MemoryTape", "MinerPromises"]
