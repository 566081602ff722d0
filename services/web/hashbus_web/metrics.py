"""What the web service counts of itself."""

from prometheus_client import Counter, Gauge, Histogram

REQUESTS = Histogram(
    "web_request_seconds",
    "Time from a request to the beginning of its answer",
    ["route", "status"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
LOGINS = Counter("web_logins_total", "Logins by how they ended", ["outcome"])
ACTS = Counter("web_acts_total", "What people and bots asked for, by how it ended", ["act", "status"])
LIVE_CLIENTS = Gauge("web_live_clients", "Open live pages")
LIVE_FRAMES = Counter("web_live_frames_total", "Frames handed to live pages")
LIVE_CUT = Counter("web_live_cut_total", "Live pages that were cut because they took nothing any more")
LIVE_ROUND = Histogram(
    "web_live_round_seconds",
    "Time to encode what changed for all live pages",
    buckets=(0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1),
)
HISTORY = Counter("web_history_total", "Questions about the past, by where the answer came from", ["origin"])
