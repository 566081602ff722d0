"""The emulated market by itself: the same seed and moment give the same price to every venue. Pure."""

import math
from dataclasses import dataclass
from datetime import UTC, datetime

from hashbus_simulator.noise import wobble

HOUR_S = 3600.0
DAY_S = 86_400.0
# How far the venues are from each other: some hundredths of a per cent, as in life.
VENUE_SPREAD = 0.0003
# Relative day-ahead price by hour of the day, from midnight UTC: two peaks, and the sun at noon (own figures).
DAY_SHAPE = (
    0.80, 0.75, 0.72, 0.70, 0.75, 0.95, 1.25, 1.45, 1.30, 1.00, 0.70, 0.45,
    0.30, 0.25, 0.35, 0.60, 1.00, 1.50, 1.85, 1.80, 1.45, 1.20, 1.00, 0.90,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Tape:
    """Bitcoin and electricity, from a seed: one in waves of some hours, the other through the day."""

    seed: int
    price_usd: float
    swing_pct: float
    power_per_mwh: float

    def bitcoin_usd(self, at_s: float, channel: int = 0) -> float:
        """The price on one venue: common waves, and its own small distance."""
        phase = self.seed % 97
        slow = math.sin(2 * math.pi * at_s / (17 * HOUR_S) + phase)
        quick = math.sin(2 * math.pi * at_s / (2.3 * HOUR_S) + 3 * phase)
        common = 1 + self.swing_pct / 100 * (0.6 * slow + 0.3 * quick + 0.1 * wobble(self.seed, 0, at_s, period_s=60.0))
        own = VENUE_SPREAD * wobble(self.seed, 1 + channel, at_s, period_s=30.0)
        return self.price_usd * (common + own)

    def electricity_per_mwh(self, start_s: float) -> float:
        """The day-ahead price of the hour that begins at `start_s`."""
        hour = datetime.fromtimestamp(start_s, UTC).hour
        weather = 1 + 0.25 * wobble(self.seed, 99, start_s, period_s=DAY_S)
        return round(self.power_per_mwh * DAY_SHAPE[hour] * weather, 2)
