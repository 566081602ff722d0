"""Figures that the supervisor counts, for Prometheus."""

from __future__ import annotations

from prometheus_client import Counter, Gauge

FALLS = Counter("supervisor_falls_total", "Times a process ended that should run", ["process"])
IS_WELL = Gauge("supervisor_process_well", "1 while a process runs and reports no problem", ["process"])
