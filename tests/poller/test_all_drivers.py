"""What holds for every installed driver: what a miner cannot do is `unsupported`, never a silent yes."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from pydantic import TypeAdapter

from hashbus.clock import SYSTEM_CLOCK
from hashbus.messages import Capability, Command, DeviceOrder, MinerIdentity, OrderParams, OrderResult, OrderStatus
from hashbus.testing.memory_bus import MemoryBroker, MemoryBus
from hashbus_poller.at_most_once import AtMostOnce
from hashbus_poller.device import Device
from hashbus_poller.drivers.contract import DeviceError, DeviceKind, DriverSpec, Wiring
from hashbus_poller.journal import OrderJournal
from hashbus_poller.miner_visit import MinerVisit
from hashbus_poller.orders import NEEDS, MinerOrders
from hashbus_poller.registry import drivers
from hashbus_poller.settings import device_model
from hashbus_poller.tapes import Ring
from hashbus_poller.testing.driver_case import MemoryTape
from hashbus_poller.vitals import Thresholds
from tests.poller.emulated import emulated_case

NOBODY = "127.86.5.9"
PLACES: dict[str, dict[str, object]] = {
    "hiveos": {"base_url": f"http://{NOBODY}/api/v2", "farm_id": 1, "worker_id": 1, "token": "none"},
    "nicehash": {
        "base_url": f"http://{NOBODY}",
        "organization_id": "org",
        "rig_id": "0-rig",
        "api_key": "none",
        "api_secret": "none",
    },
}
"""Where a miner is that has no address of its own."""

MINERS = sorted(name for name, spec in drivers().items() if spec.kind is DeviceKind.MINER)
PARAMS = OrderParams(url="stratum+tcp://new.example:3333", worker="farm.1", frequency_mhz=500, fan_pct=60)

METHODS: dict[Command, str] = {
    Command.ENABLE: "wake",
    Command.DISABLE: "sleep",
    Command.RESTART: "restart_mining",
    Command.REBOOT: "reboot",
    Command.SET_POOL: "set_pool",
    Command.SET_FAN: "set_fan",
    Command.SET_FREQUENCY: "set_frequency",
    Command.BLINK: "blink",
}


async def outcome_of(name: str, command: Command, can: tuple[Capability, ...], tmp_path: Path) -> OrderResult:
    """What the poller answers to an order to a miner that was once reached, and that could do that much then."""
    spec, ring = drivers()[name], Ring(SYSTEM_CLOCK, 0)
    place = PLACES.get(name, {"host": NOBODY})
    settings = TypeAdapter(device_model()).validate_python({"driver": name, "timeout_s": 0.2, **place})
    broker = MemoryBroker()
    bus, web = MemoryBus(broker, "poller"), MemoryBus(broker, "web")
    async with aiohttp.ClientSession() as session:
        driver = spec.create(settings, Wiring(clock=SYSTEM_CLOCK, http=lambda: session, tape=ring))
        device = Device("attic", "home", settings, spec, driver, ring, SYSTEM_CLOCK, bus.publish)
        visit = MinerVisit(device, Thresholds(), confirm_s=300)
        visit.identity = MinerIdentity(model="old one", capabilities=can)
        orders = AtMostOnce(
            bus, SYSTEM_CLOCK, OrderJournal(tmp_path / "orders.db"), MinerOrders(SYSTEM_CLOCK, {"attic": visit})
        )
        async with web.subscribe(OrderResult) as results:
            await orders.carry_out(order(command))
            return await anext(aiter(results))


def order(command: Command) -> DeviceOrder:
    now = datetime.now(UTC)
    return DeviceOrder(
        site="home",
        at=now,
        miner="attic",
        source="web",
        id="order-1",
        command=command,
        params=PARAMS,
        expires_at=now + timedelta(minutes=1),
    )


@pytest.mark.parametrize("command", list(Command))
@pytest.mark.parametrize("name", MINERS)
async def test_a_command_that_is_not_among_the_capabilities_is_unsupported(
    name: str, command: Command, tmp_path: Path
) -> None:
    others = tuple(capability for capability in Capability if capability is not NEEDS[command])
    assert (await outcome_of(name, command, others, tmp_path)).status is OrderStatus.UNSUPPORTED


LACKING = [
    (name, command)
    for name in MINERS
    for command, method in METHODS.items()
    if isinstance(drivers()[name].create, type) and not hasattr(drivers()[name].create, method)
]


@pytest.mark.parametrize(("name", "command"), LACKING)
async def test_a_command_that_the_driver_has_no_method_for_is_unsupported(
    name: str, command: Command, tmp_path: Path
) -> None:
    assert (await outcome_of(name, command, tuple(Capability), tmp_path)).status is OrderStatus.UNSUPPORTED


ALREADY_SO = Command.ENABLE
"""A miner that is awake is told nothing more: that yes is the truth."""

BLOCKS: dict[str, dict[str, object]] = {
    "antminer": {"family": "antminer", "model": "Antminer S19", "password": "unknown"},
    "bitaxe": {"family": "bitaxe", "version": "v2.5.1"},
    "cgminer": {"family": "cgminer"},
    "pyasic": {"family": "bitaxe"},
    "whatsminer": {"family": "whatsminer_v3", "password": "unknown"},
}
"""Devices of which each lets this driver do little: without a password, or with old firmware."""


@pytest.mark.parametrize("name", sorted(set(BLOCKS) & set(MINERS)))
async def test_a_driver_that_is_asked_all_the_same_does_not_say_yes(name: str) -> None:
    spec: DriverSpec = drivers()[name]
    async with emulated_case(spec, BLOCKS[name] | {"host": "127.86.5.1"}, {}) as case:
        async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
            driver = case.driver(Wiring(clock=SYSTEM_CLOCK, http=lambda: session, tape=MemoryTape()), timeout_s=5.0)
            can = (await driver.identify()).capabilities
            for command in (one for one in Command if NEEDS[one] not in can and one is not ALREADY_SO):
                call = calls(driver).get(command)
                if call is not None:
                    with pytest.raises(DeviceError):
                        await call()
            await driver.close()


def calls(driver: Any) -> dict[Command, Callable[[], Awaitable[None]]]:
    """The methods that the driver has, ready to be called."""
    arguments: dict[Command, tuple[object, ...]] = {
        Command.SET_POOL: (PARAMS,),
        Command.SET_FAN: (60.0,),
        Command.SET_FREQUENCY: (500.0,),
        Command.BLINK: (True,),
    }

    def call(command: Command, method: str) -> Callable[[], Awaitable[None]]:
        return lambda: getattr(driver, method)(*arguments.get(command, ()))

    return {command: call(command, method) for command, method in METHODS.items() if hasattr(driver, method)}
