"""Something that speaks on MQTT topics of its own: options, parse and the feed of its broker put together."""

from __future__ import annotations

import asyncio
from functools import partial

from hashbus.messages import Level
from hashbus.mqtt_feed import Feed, Heard
from hashbus_poller.drivers.contract import DeviceKind, DriverSpec, Refused, Unreachable, Wiring
from hashbus_poller.drivers.mqtt_in import parse
from hashbus_poller.drivers.mqtt_in.options import MqttInOptions
from hashbus_poller.drivers.mqtt_in.parse import Said
from hashbus_poller.mapped.fields import Reading


class MqttIn:
    """One device by its topics. All devices at one broker share a connection, open from the first reading on."""

    def __init__(self, options: MqttInOptions, wiring: Wiring) -> None:
        """Listen to nothing yet."""
        self._options = options
        self._wiring = wiring
        self._feed: Feed | None = None

    async def read(self) -> Reading:
        """Return what was said last; the first reading waits for it, up to the time limit."""
        feed = self._listening()
        if not self._said(feed):
            await self._first_words(feed)
        said = self._said(feed)
        if not said and feed.problem is not None:
            raise self._trouble(feed)
        for topic, one in said.items():
            self._wiring.tape.keep(topic, one.payload)
        return parse.read(self._options, said, self._wiring.clock.now())

    async def close(self) -> None:
        """Stop listening."""
        feed, self._feed = self._feed, None
        if feed is not None:
            await feed.leave(self._options.topics)

    def _listening(self) -> Feed:
        if self._feed is None:
            broker = self._options.broker or self._wiring.broker
            if broker is None:
                raise Refused("there is no site's broker here: set `broker` with its host")
            self._feed = self._wiring.shared.get(("mqtt", broker), partial(Feed, broker, self._wiring.clock))
            self._feed.want(self._options.topics)
        return self._feed

    async def _first_words(self, feed: Feed) -> None:
        """Wait until all topics have said something, the broker does not let us in, or the time is over."""
        try:
            async with asyncio.timeout(self._options.timeout_s):
                while len(self._said(feed)) < len(self._options.topics) and not (feed.is_denied or feed.is_refused):
                    await feed.news()
        except TimeoutError:
            pass

    def _said(self, feed: Feed) -> dict[str, Said]:
        """Return what came last on each topic, before what the broker had kept of it."""
        found = {topic: feed.heard(topic) or feed.retained(topic) for topic in self._options.topics}
        return {topic: _said(heard) for topic, heard in found.items() if heard is not None}

    def _trouble(self, feed: Feed) -> Refused | Unreachable:
        if feed.is_denied:
            return Refused("the broker does not let us in: check username and password of `broker`")
        return Unreachable(f"no connection to the broker: {feed.problem}", is_refused=feed.is_refused)


def _said(heard: Heard) -> Said:
    return Said(heard.payload, None if heard.is_retained else heard.at)


DRIVER = DriverSpec(
    name=MqttInOptions.driver_name,
    kind=DeviceKind.SENSOR,
    title="Anything that speaks on MQTT topics",
    level=Level.SILVER,
    options=MqttInOptions,
    create=MqttIn,
)
