"""Figures of one collector, under the names of S1.58 to S1.62, in a registry of its own."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import HistogramMetricFamily
from prometheus_client.gc_collector import GCCollector
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

UPLOAD_MS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000)
POLL_MS = (*UPLOAD_MS, 10_000)


class PollTimes(Collector):
    """`miner_poll_latency_ms`: how long readings took on the wire, as uploaded or read directly.

    A histogram that takes a thousand values at once: the library's own takes them one by one, for a tenth of the time
    of an upload.
    """

    def __init__(self) -> None:
        """Start at zero."""
        self._counts = [0] * (len(POLL_MS) + 1)
        self._sum = 0.0

    def observe(self, values: Sequence[float]) -> None:
        """Count the times of many readings, in milliseconds."""
        ordered = sorted(values)
        below = 0
        for place, bound in enumerate(POLL_MS):
            up_to = bisect_right(ordered, bound)
            self._counts[place] += up_to - below
            below = up_to
        self._counts[-1] += len(ordered) - below
        self._sum += sum(ordered)

    def collect(self) -> Iterator[HistogramMetricFamily]:
        """Give the histogram as Prometheus counts it: each bucket holds those below it too."""
        family = HistogramMetricFamily("miner_poll_latency_ms", "Time of one reading on the wire")
        bounds = [*(str(float(bound)) for bound in POLL_MS), "+Inf"]
        family.add_metric([], list(zip(bounds, accumulate(self._counts), strict=True)), self._sum)
        yield family


class Metrics:
    """What is counted. A registry of its own, because the poller's figures have some of the same names."""

    def __init__(self) -> None:
        """Start at zero."""
        self.registry = CollectorRegistry()
        for part in (ProcessCollector, PlatformCollector, GCCollector):
            part(registry=self.registry)
        known = self.registry
        self.uploads = Counter("collector_upload_total", "Uploads that were stored", ["site"], registry=known)
        self.refused = Counter(
            "collector_upload_refused_total", "Uploads that were refused", ["status"], registry=known
        )
        self.upload_ms = Histogram(
            "collector_upload_latency_ms",
            "From the last byte of an upload until it is stored",
            buckets=UPLOAD_MS,
            registry=known,
        )
        self.records = Counter("collector_records_total", "Records by outcome", ["site", "outcome"], registry=known)
        self.poll_ms = PollTimes()
        self.registry.register(self.poll_ms)
        self.poll_errors = Counter("miner_poll_errors_total", "Readings that failed", ["type"], registry=known)
        self.commands = Counter("command_execution_total", "Commands that are over", ["type", "status"], registry=known)
        self.open_commands = Gauge(
            "collector_open_commands", "Commands without an answer", ["site", "status"], registry=known
        )
        self.last_upload = Gauge(
            "collector_site_last_upload_timestamp_seconds",
            "When a site last uploaded something",
            ["site"],
            registry=known,
        )
        self.age = Gauge(
            "collector_site_age_seconds", "How long ago a site last uploaded something", ["site"], registry=known
        )
        self.site_miners = Gauge(
            "collector_site_miners", "Miners of a site by state", ["site", "state"], registry=known
        )
        self.key_failures = Counter(
            "collector_key_failures_total", "Calls with a key that is not accepted", registry=known
        )
        self.rate_limited = Counter("collector_rate_limited_total", "Calls over the limit of their key", registry=known)
