"""Figures that every process counts of itself, for Prometheus."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

BUS_PUBLISHED = Counter("bus_published_total", "Messages the broker confirmed", ["type"])
BUS_RECEIVED = Counter("bus_received_total", "Messages read from the bus", ["type"])
BUS_BAD_MESSAGES = Counter("bus_bad_messages_total", "Messages that did not decode and were dropped", ["type"])
BUS_INBOX_DROPPED = Counter("bus_inbox_dropped_total", "Messages dropped because a reader was too far behind")
BUS_OUTBOX = Gauge("bus_outbox_messages", "Messages said and not yet confirmed by the broker")
BUS_OUTBOX_DROPPED = Counter("bus_outbox_dropped_total", "Messages dropped at the bound of the outbox")
BUS_CONNECTED = Gauge("bus_connected", "1 while the broker is there")
BUS_CONNECTS = Counter("bus_connects_total", "Connections made to the broker")
STEP_SECONDS = Histogram("step_seconds", "Time of one decision", ["service"], buckets=(0.0001, 0.001, 0.01, 0.1, 1))
CLOCK_JUMPS = Counter("clock_jumps_total", "Times the machine's clock jumped by more than a few seconds")
