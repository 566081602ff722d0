"""One connection to a broker, as the settings of the site describe it."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

import aiomqtt

if TYPE_CHECKING:
    from hashbus.settings import BrokerSettings

ACK_TIMEOUT_S = 20.0
"""A broker that does not confirm for this long is as good as gone."""


def new_client(
    broker: BrokerSettings, *, client_id: str | None, will: aiomqtt.Will | None, window: int
) -> aiomqtt.Client:
    """Return a client that is not connected yet; without an id the broker forgets it when it leaves."""
    return aiomqtt.Client(
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
