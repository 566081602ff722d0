"""What the recorder counts of itself, for Prometheus."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

WRITTEN = Counter("recorder_points_written_total", "Points the store took")
WRITE_SECONDS = Histogram(
    "recorder_write_seconds", "Time of one write to the store", buckets=(0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30)
)
STORE_UP = Gauge("recorder_store_up", "1 while the store takes points")
WAITING = Gauge("recorder_waiting_points", "Points in memory that are not yet in the store or the spool")
SPOOL_POINTS = Gauge("recorder_spool_points", "Points on disk that wait for the store")
SPOOL_BYTES = Gauge("recorder_spool_bytes", "Bytes on disk that wait for the store")
THINNED = Counter("recorder_points_thinned_total", "Points left out so that a long outage fits its bound", ["where"])
DROPPED = Counter("recorder_points_dropped_total", "Points lost at a bound although thinned", ["where"])
REFUSED = Counter("recorder_points_refused_total", "Points the store will never take, kept in the quarantine file")
BROKEN_BLOCKS = Counter("recorder_broken_blocks_total", "Stored hours that did not read and showed as gaps")
QUESTIONS = Counter("recorder_questions_total", "Questions about the past", ["path", "status"])
