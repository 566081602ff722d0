"""Figures of the bridge."""

from __future__ import annotations

from prometheus_client import Counter, Gauge

UPLOADED = Counter("bridge_uploaded_records_total", "Records that the cloud has confirmed")
REFUSED = Counter("bridge_refused_records_total", "Records that the cloud will never take")
THINNED = Counter("bridge_thinned_records_total", "Oldest records left out at the bound of the spool")
SPOOLED = Gauge("bridge_spooled_records", "Records that wait on disk for the cloud")
COMMANDS = Counter("bridge_commands_total", "Commands brought home from the cloud", ["type", "status"])
