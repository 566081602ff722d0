"""One connection to a broker, as the settings of the site describe it."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

import aiomqtt

if TYPE_CHECKING:
    from collections.abc import Callable

    from hashbus.outbox import Parcel
    from hashbus.settings import BrokerSettings

ACK_TIMEOUT_S = 20.0
"""A broker that does not confirm for this long is as good as gone."""


class Unconfirmed(aiomqtt.MqttError):
    """The broker is connected and confirms nothing any more."""


class Client(aiomqtt.Client):
    """aiomqtt's client, which also sends without a task, an event and a timer for each message.

    It looks into two private names of aiomqtt 2.5: the paho client inside, and the callback of a confirmation. The
    promises of the bus are tested on it.
    """

    confirmed: Callable[[int], None] = staticmethod(lambda _number: None)
    """Called with the number of each message that the broker has confirmed."""

    def send(self, parcel: Parcel) -> int:
        """Send a message and return its number; MqttError when the connection is lost."""
        info = self._client.publish(parcel.address, parcel.payload, parcel.qos, parcel.retain)
        if info.rc:
            raise aiomqtt.MqttCodeError(info.rc, "Could not publish message")
        return info.mid

    def _on_publish(self, _client: object, _userdata: object, mid: int, _code: object, _properties: object) -> None:
        self.confirmed(mid)


def new_client(broker: BrokerSettings, *, client_id: str | None, will: aiomqtt.Will | None, window: int) -> Client:
    """Return a client that is not connected yet; without an id the broker forgets it when it leaves."""
    return Client(
        broker.host,
        broker.port,
        username=broker.username,
        password=broker.password.get_secret_value() if broker.password else None,
        identifier=client_id,
        clean_session=client_id is None,
        will=will,
        keepalive=15,
        timeout=ACK_TIMEOUT_S,
        max_inflight_messages=window,
        tls_context=_tls_context(broker),
    )


def _tls_context(broker: BrokerSettings) -> ssl.SSLContext | None:
    if not broker.tls:
        return None
    context = ssl.create_default_context(cafile=str(broker.ca_file) if broker.ca_file else None)
    if broker.certificate_file:
        context.load_cert_chain(broker.certificate_file, broker.key_file)
    return context
