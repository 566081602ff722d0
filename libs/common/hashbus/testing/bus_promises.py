"""What every bus promises. A test class that gives a `place` inherits them all.

`place` is a fixture that gives a `BusPlace`: it makes buses on one broker, and can stop that broker and start it again.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Protocol

import pytest

from hashbus.bus import Bus, M, NotTheWriter, Subscription
from hashbus.messages import (
    Command,
    DeviceOrder,
    MinerState,
    MinerTelemetry,
    PowerSetpoint,
)

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
PATIENCE_S = 20.0


class BusPlace(Protocol):
    """One broker and the buses on it."""

    site: str

    def bus(self, account: str) -> AbstractAsyncContextManager[Bus]:
        """Join the broker."""
        ...

    async def stop(self) -> None:
        """Let the broker go away, with everything it remembers."""
        ...

    async def start(self) -> None:
        """Bring it back, empty."""
        ...

    def shout(self, address: str, payload: bytes) -> None:
        """Publish any bytes at all, past the bus, as a stranger with a broken program would."""
        ...


def reading(site: str, miner: str = "attic", power_w: float = 3000) -> MinerTelemetry:
    """Return a reading of a miner."""
    return MinerTelemetry(site=site, at=NOW, miner=miner, driver="whatsminer", state=MinerState.MINING, power_w=power_w)


def order(site: str, number: int) -> DeviceOrder:
    """Return an order, which is never retained."""
    return DeviceOrder(
        site=site,
        at=NOW,
        miner="attic",
        source="web",
        id=f"order-{number}",
        command=Command.BLINK,
        expires_at=NOW + timedelta(minutes=5),
    )


async def heard(subscription: Subscription[M]) -> M:
    """Return the next message; the test fails when none comes."""
    message = await subscription.next(PATIENCE_S)
    assert message is not None, "nothing was heard"
    return message


async def ready(speaker: Bus, listener: Subscription[DeviceOrder], site: str) -> None:
    """Wait until what `speaker` says reaches `listener`: an order that is said too early is rightly not heard."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            speaker.publish(order(site, -1))
            first = await listener.next(0.1)
            if first:
                break
        assert first.id == order(site, -1).id
        while await listener.next(0.3):
            pass


class BusPromises:
    """The promises."""

    async def test_what_is_said_is_heard_by_type(self, place: BusPlace) -> None:
        async with place.bus("poller") as poller, place.bus("recorder") as recorder:
            async with recorder.subscribe(MinerTelemetry) as readings:
                poller.publish(reading(place.site))
                assert await heard(readings) == reading(place.site)

    async def test_who_comes_later_hears_the_retained_state(self, place: BusPlace) -> None:
        async with place.bus("poller") as poller, place.bus("recorder") as recorder:
            poller.publish(reading(place.site, power_w=2000))
            poller.publish(reading(place.site, power_w=2100))
            await poller.flush()
            async with recorder.subscribe(MinerTelemetry) as readings:
                assert (await heard(readings)).power_w == 2100

    async def test_orders_are_never_retained(self, place: BusPlace) -> None:
        async with place.bus("web") as web, place.bus("poller") as poller:
            web.publish(order(place.site, 1))
            await web.flush()
            async with poller.subscribe(DeviceOrder) as orders:
                await ready(web, orders, place.site)
                web.publish(order(place.site, 2))
                assert (await heard(orders)).id == "order-2"

    async def test_a_reader_hears_only_the_types_and_levels_it_asked_for(self, place: BusPlace) -> None:
        async with place.bus("poller") as poller, place.bus("recorder") as recorder:
            async with recorder.subscribe(MinerTelemetry, miner="cellar") as readings:
                poller.publish(reading(place.site, "attic"))
                poller.publish(reading(place.site, "cellar"))
                assert (await heard(readings)).miner == "cellar"
                assert len(readings) == 0

    async def test_messages_of_one_writer_keep_their_order(self, place: BusPlace) -> None:
        async with place.bus("web") as web, place.bus("poller") as poller:
            async with poller.subscribe(DeviceOrder) as orders:
                await ready(web, orders, place.site)
                for number in range(500):
                    web.publish(order(place.site, number))
                numbers = [(await heard(orders)).id for _ in range(500)]
                assert numbers == [f"order-{number}" for number in range(500)]

    async def test_only_the_writer_of_a_topic_may_speak_there(self, place: BusPlace) -> None:
        setpoint = PowerSetpoint(
            site=place.site, at=NOW, miner="attic", power_w=1000, valid_until=NOW + timedelta(minutes=5), reason="test"
        )
        async with place.bus("poller") as poller:
            with pytest.raises(
                NotTheWriter, match=r"poller may not write .*/miner/attic/setpoint; only controller may"
            ):
                poller.publish(setpoint)
            with pytest.raises(NotTheWriter):
                poller.publish(order(place.site, 1))

    async def test_a_message_of_another_site_is_refused(self, place: BusPlace) -> None:
        async with place.bus("poller") as poller:
            with pytest.raises(ValueError, match="is of site 'elsewhere'"):
                poller.publish(reading("elsewhere"))

    async def test_cleared_state_is_gone(self, place: BusPlace) -> None:
        async with place.bus("poller") as poller, place.bus("recorder") as recorder:
            poller.publish(reading(place.site, "attic"))
            poller.publish(reading(place.site, "cellar"))
            poller.clear(reading(place.site, "attic"))
            await poller.flush()
            async with recorder.subscribe(MinerTelemetry) as readings:
                assert (await heard(readings)).miner == "cellar"
                assert len(readings) == 0

    @pytest.mark.parametrize(
        "payload",
        [b"\xff\xfe garbage", b"{", b"[]", b"null", b'{"site":"x"}', b'{"power_w":"NaN"}', b"9" * 5000],
        ids=["bytes", "cut", "list", "null", "incomplete", "wrong type", "number"],
    )
    async def test_a_message_that_does_not_decode_disturbs_nobody(self, place: BusPlace, payload: bytes) -> None:
        async with place.bus("poller") as poller, place.bus("recorder") as recorder:
            async with recorder.subscribe(MinerTelemetry, miner="attic") as readings:
                place.shout(reading(place.site).address(), payload)
                poller.publish(reading(place.site))
                assert await heard(readings) == reading(place.site)

    async def test_nobody_speaks_for_another_device(self, place: BusPlace) -> None:
        async with place.bus("poller") as poller, place.bus("recorder") as recorder:
            async with recorder.subscribe(MinerTelemetry) as readings:
                place.shout(reading(place.site, "attic").address(), reading(place.site, "cellar").encode())
                poller.publish(reading(place.site, "garage"))
                assert (await heard(readings)).miner == "garage"

    async def test_state_is_back_after_a_broker_that_forgot_everything(self, place: BusPlace) -> None:
        async with place.bus("poller") as poller:
            poller.publish(reading(place.site))
            await poller.flush()
            await place.stop()
            await place.start()
            async with place.bus("recorder") as recorder, recorder.subscribe(MinerTelemetry) as readings:
                assert await heard(readings) == reading(place.site)

    async def test_a_reader_hears_again_after_the_broker_was_away(self, place: BusPlace) -> None:
        async with place.bus("poller") as poller, place.bus("recorder") as recorder:
            async with recorder.subscribe(MinerTelemetry) as readings:
                poller.publish(reading(place.site, power_w=1))
                await heard(readings)
                await place.stop()
                await place.start()
                poller.publish(reading(place.site, power_w=2))
                while (await heard(readings)).power_w != 2:
                    pass

    async def test_what_is_said_while_the_broker_is_away_arrives(self, place: BusPlace) -> None:
        async with place.bus("poller") as poller:
            poller.publish(reading(place.site, power_w=0))
            await poller.flush()
            await place.stop()
            for number in range(1, 50):
                poller.publish(reading(place.site, "attic", power_w=number))
            await place.start()
            await poller.flush()
            async with place.bus("recorder") as recorder, recorder.subscribe(MinerTelemetry) as readings:
                assert (await heard(readings)).power_w == 49

    async def test_flush_returns_when_everything_is_confirmed(self, place: BusPlace) -> None:
        async with place.bus("poller") as poller:
            for number in range(200):
                poller.publish(reading(place.site, f"m{number}"))
            async with asyncio.timeout(PATIENCE_S):
                await poller.flush()
