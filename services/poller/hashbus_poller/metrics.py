"""Figures the poller counts, under the names of S1.60 and S1.61."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

POLL_LATENCY = Histogram(
    "miner_poll_latency_ms",
    "Time of one reading on the wire",
    buckets=(1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000),
)
POLL_ERRORS = Counter("miner_poll_errors_total", "Readings that failed", ["type"])
ROUNDS_LATE = Counter("poller_rounds_late_total", "Readings that began after they were due")
DEVICES = Gauge("poller_devices", "Devices this poller reads", ["kind"])
SETPOINTS = Counter("poller_setpoints_total", "Setpoints asked of miners, by outcome", ["status"])
ORDERS = Counter("command_execution_total", "Orders carried out", ["type", "status"])
