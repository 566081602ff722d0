"""A miner that does what it is told and hangs up before it has said so: the poller looks, and tells what is so."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from hashbus.messages import Command, DeviceOrder, MinerTelemetry, OrderParams, OrderResult, OrderStatus
from hashbus_simulator.faults import Fault, FaultKind
from tests.poller.site import Site, site, until

PASSWORD = "miner-pass1"
WHATSMINER = {"id": "attic", "family": "whatsminer_v3", "host": "127.86.4.1", "password": PASSWORD, "tuning_s": 600}
S9 = {
    "id": "attic",
    "family": "antminer",
    "model": "Antminer S9",
    "host": "127.86.4.2",
    "password": PASSWORD,
    "new_api": False,
    "settle_s": 0,
}
S17 = {**S9, "model": "Antminer S17 Pro", "host": "127.86.4.3"}
BITAXE = {"id": "attic", "family": "bitaxe", "host": "127.86.4.4", "version": "v2.14.2"}
FREQUENCIES = (550, 500, 400)


def driver_of(block: dict[str, object]) -> dict[str, object]:
    """The configuration for an emulated device; its readings are so rare that only the order meets the fault."""
    settings: dict[str, object] = {"host": block["host"], "interval_s": 3600, "timeout_s": 5}
    if block["family"] == "whatsminer_v3":
        return settings | {"driver": "whatsminer", "password": PASSWORD}
    if block["family"] == "bitaxe":
        return settings | {"driver": "bitaxe"}
    more = {"frequencies_mhz": FREQUENCIES} if block["model"] == "Antminer S9" else {}
    return settings | {"driver": "antminer", "password": PASSWORD, **more}


def order(command: Command, number: int, **params: object) -> DeviceOrder:
    now = datetime.now(UTC)
    return DeviceOrder(
        site="home",
        at=now,
        miner="attic",
        source="web",
        id=f"order-{number}",
        command=command,
        params=OrderParams.model_validate(params),
        expires_at=now + timedelta(minutes=1),
    )


async def result_of(home: Site, wanted: DeviceOrder) -> OrderResult:
    web = home.bus("web")
    async with web.subscribe(OrderResult) as results:
        web.publish(wanted)
        return await until(results, lambda result: result.id == wanted.id)


POOL = {"url": "stratum+tcp://new.example:3333", "worker": "farm.1"}


@pytest.mark.parametrize(
    ("block", "first", "command", "params"),
    [
        (WHATSMINER, None, Command.RESTART, {}),
        (WHATSMINER, None, Command.SET_POOL, POOL),
        # An Antminer's page is read before it is written, but for a change soon after another: that is one exchange.
        (S17, Command.SET_FAN, Command.DISABLE, {}),
        (S17, Command.DISABLE, Command.ENABLE, {}),
        (S17, Command.DISABLE, Command.SET_FAN, {"fan_pct": 60}),
        (S9, Command.SET_FAN, Command.SET_FREQUENCY, {"frequency_mhz": 400}),
    ],
)
async def test_what_was_done_without_a_word_is_done(
    tmp_path: Path, block: dict[str, object], first: Command | None, command: Command, params: dict[str, object]
) -> None:
    async with site(tmp_path, emulated=[block], devices={"attic": driver_of(block)}) as home:
        async with home.bus("web").subscribe(MinerTelemetry) as readings:
            await until(readings, lambda _: True)
        if first is not None:
            before = {"fan_pct": 80} if first is Command.SET_FAN else {}
            assert (await result_of(home, order(first, 1, **before))).status is OrderStatus.DONE
        await home.fleet.presences["attic"].put_fault(Fault(kind=FaultKind.CUT, count=1))
        result = await result_of(home, order(command, 2, **params))
        assert (result.status, result.code) == (OrderStatus.DONE, "read_back"), result.message


async def test_of_what_no_reading_shows_it_is_said_that_nobody_knows(tmp_path: Path) -> None:
    async with site(tmp_path, emulated=[WHATSMINER], devices={"attic": driver_of(WHATSMINER)}) as home:
        async with home.bus("web").subscribe(MinerTelemetry) as readings:
            await until(readings, lambda _: True)
        await home.fleet.presences["attic"].put_fault(Fault(kind=FaultKind.CUT, count=1))
        result = await result_of(home, order(Command.BLINK, 1))
        assert (result.status, result.code) == (OrderStatus.UNKNOWN, "reply_lost")
