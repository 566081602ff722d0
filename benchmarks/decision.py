"""What one decision of the controller costs, by how many miners there are and how many of them it concerns.

The bare lower bound is hearing of the miners at all: the bytes of one reading of each, decoded, and nothing done with
them. A decision about a whole farm is rare (a site cap moves); what happens thousands of times a minute, a reading, a
tick and a request for one miner, must not cost more on a large farm than in a home.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from time import perf_counter

from benchmarks.figures import Figure
from hashbus.messages import (
    Capability,
    Level,
    Message,
    MinerInfo,
    MinerState,
    MinerTelemetry,
    PowerRequest,
    PowerSetpoint,
    Rank,
)
from hashbus.step import TICK, Tick
from hashbus_controller.registry import beginning
from hashbus_controller.settings import ControllerSettings
from hashbus_controller.state import State
from hashbus_controller.step import step

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
ROUNDS = 5
ASKED = 200
"""How many of the quick steps are timed."""


async def measure(*, quick: bool) -> list[Figure]:
    """Measure homes and farms."""
    sizes = (20,) if quick else (1000, 10_000)
    return [figure for size in sizes for figure in _of_farm(size)]


def _of_farm(size: int) -> list[Figure]:
    farm = _Farm(size)
    decode_ms = min(farm.decoded_ms() for _ in range(ROUNDS))
    every_ms, asleep_ms = farm.all_at_once()
    name = f"decision_{size}"
    return [
        Figure(f"{name}_all", every_ms, "ms", note=f"a cap of the site moves: {size} setpoints and decisions"),
        Figure(
            f"{name}_all_ratio",
            every_ms / decode_ms,
            "ratio",
            note=f"to decoding a reading of each: {decode_ms:.0f} ms",
        ),
        Figure(
            f"{name}_all_per_miner",
            every_ms / size * 1000,
            "us",
            note=f"split, judged, weighed and explained; asleep {asleep_ms:.0f} ms",
        ),
        Figure(f"{name}_one", farm.one_ms(), "ms", note="one miner is asked for other power"),
        Figure(f"{name}_tick", farm.tick_ms(), "ms", note="a second passes and nobody is due"),
        Figure(
            f"{name}_reading", farm.reading_ms() * 1000, "us", note="a reading is taken in; its decoding not counted"
        ),
    ]


class _Farm:
    """So many miners of three efficiencies in rows of 100, of which all have spoken."""

    def __init__(self, size: int) -> None:
        self.now = NOON
        self.names = [f"row{number // 100}-{number % 100}" for number in range(size)]
        settings = ControllerSettings.model_validate(
            {"site": "farm", "controller": {"min_interval_s": 0, "auto_control": "enabled", "lease_s": 86_400}}
        )
        self.state: State = beginning(settings)
        self.hear([TICK, *map(self.info, self.names), *map(self.reading, self.names)])
        self.bytes = [self.reading(name).encode() for name in self.names]
        self.addresses = [self.reading(name).address() for name in self.names]
        self.now += timedelta(seconds=10)
        self.hear([self.request("site", "site", cap_w=size * 3000.0)])

    def info(self, name: str) -> MinerInfo:
        efficiency = 17 + 4 * (sum(name.encode()) % 3)
        return MinerInfo(
            site="farm",
            at=self.now,
            miner=name,
            driver="whatsminer",
            level=Level.GOLD,
            group=name.partition("-")[0],
            capabilities=(Capability.POWER_LIMIT, Capability.SLEEP),
            min_power_w=1000,
            max_power_w=3600,
            power_step_w=1,
            rated_power_w=3400,
            rated_hashrate_ths=3400 / efficiency,
        )

    def reading(self, name: str) -> MinerTelemetry:
        return MinerTelemetry(
            site="farm",
            at=self.now,
            miner=name,
            driver="whatsminer",
            state=MinerState.MINING,
            power_w=3380.0,
            power_limit_w=3400.0,
            hashrate_ths=198.3,
            hashrate_5s_ths=197.9,
            chip_max_c=78.2,
            liquid_c=48.0,
            fans_rpm=(4020, 4080),
            accepted_shares=123_456,
            uptime_s=86_400,
            efficiency_j_per_th=17.1,
        )

    def request(self, scope: str, name: str, **watts: float) -> PowerRequest:
        return PowerRequest(
            site="farm",
            at=self.now,
            source="web",
            scope=scope,
            name=name,
            rank=Rank.SITE_LIMIT,
            until=self.now + timedelta(days=1),
            why="benchmark",
            **watts,
        )

    def hear(self, messages: Iterable[Message | Tick]) -> list[Message]:
        said: list[Message] = []
        for message in messages:
            self.state, news = step(self.state, message, self.now)
            said += news
        return said

    def decoded_ms(self) -> float:
        return _ms(lambda: [MinerTelemetry.decode(*both) for both in zip(self.bytes, self.addresses, strict=True)])

    def all_at_once(self) -> tuple[float, float]:
        """Move the site's cap up and down: half of the miners change, and all are split, judged and compared anew."""
        size, times = len(self.names), []
        for number in range(ROUNDS):
            self.now += timedelta(seconds=60)
            cap = self.request("site", "site", cap_w=size * (1500.0 if number % 2 else 3000.0))
            started = perf_counter()
            said = self.hear([cap])
            times.append((perf_counter() - started) * 1000)
            if number and sum(isinstance(one, PowerSetpoint) for one in said) < size // 3:
                raise RuntimeError("too few miners were told anything for this to be a decision about all")
        return min(times[1:]), max(times)

    def one_ms(self) -> float:
        """Ask one miner after the other; no shared bid stands."""
        self.now += timedelta(seconds=60)
        self.hear([self.request("site", "site", cap_w=0.0).model_copy(update={"until": self.now}), TICK])
        self.now += timedelta(seconds=60)
        asked = [self.request(name, "one", cap_w=2000.0) for name in self.names[:ASKED]]
        return _ms(lambda: self.hear(asked)) / len(asked)

    def tick_ms(self) -> float:
        self.hear([TICK])
        return _ms(lambda: self.hear([TICK] * ASKED)) / ASKED

    def reading_ms(self) -> float:
        readings = [replace_at(self.reading(name), self.now) for name in self.names[:1000]]
        return _ms(lambda: self.hear(readings)) / len(readings)


def replace_at(reading: MinerTelemetry, at: datetime) -> MinerTelemetry:
    """Return the same reading, taken later."""
    return reading.model_copy(update={"at": at})


def _ms(work: Callable[[], object]) -> float:
    started = perf_counter()
    work()
    return (perf_counter() - started) * 1000
