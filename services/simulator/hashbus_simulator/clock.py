"""Two clocks: the simulated one that physics runs on, and the wall clock that device replies carry."""

import time
from collections.abc import Callable


class SimulatedClock:
    """Seconds of simulated time since the start, `speed` times as fast as real time.

    Physics, sessions and boot times run on this clock, so that a test sees a ten-minute tuning ramp in a
    second. Idle limits of connections and time stamps in replies stay on real time, as clients see them.
    """

    __slots__ = ("_monotonic", "_origin_s", "speed", "unix_s")

    def __init__(
        self,
        *,
        speed: float = 1.0,
        monotonic: Callable[[], float] = time.monotonic,
        unix: Callable[[], float] = time.time,
    ) -> None:
        self.speed = speed
        self.unix_s = unix
        self._monotonic = monotonic
        self._origin_s = monotonic()

    def __call__(self) -> float:
        """Simulated seconds since the start."""
        return (self._monotonic() - self._origin_s) * self.speed

    def real_s(self, simulated_s: float) -> float:
        """How many real seconds `simulated_s` take."""
        return simulated_s / self.speed
