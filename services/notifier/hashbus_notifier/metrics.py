"""What the notifier counts of itself."""

from __future__ import annotations

from prometheus_client import Counter, Gauge

NOTES_TOLD = Counter("notifier_notes_told_total", "Notes that reached people", ["channel"])
NOTES_FAILED = Counter("notifier_tries_failed_total", "Tries to tell people that failed", ["channel"])
NOTES_WAITING = Gauge(
    "notifier_waiting_notes", "Notes that wait: for their channel, for the end of quiet hours", ["channel"]
)
NOTES_DROPPED = Counter("notifier_notes_dropped_total", "Notes left out at the bound of the queue", ["channel"])
HEARTBEATS = Counter("notifier_heartbeats_total", "Signs of life, by outcome", ["outcome"])
