"""What the curtailer counts of itself, for Prometheus."""

from __future__ import annotations

from prometheus_client import Counter, Gauge

TARGET_W = Gauge("curtailer_target_watts", "What the plan of now has to save; 0 without one")
DELIVERED_W = Gauge("curtailer_delivered_watts", "What is saved, by the miners' readings")
MISSING_W = Gauge("curtailer_missing_watts", "What the site cannot give")
FAILED = Gauge("curtailer_failed_miners", "Miners that did not follow the plan of now")
PLANS = Counter("curtailer_plans_total", "Plans by the state they came to", ["state"])
SETTLED = Counter("curtailer_settlements_total", "Plans that were settled")
