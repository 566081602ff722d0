"""Answers that are kept for a moment, and calls that are counted: in this process, or in a Redis (S1.36)."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Any, Protocol

from redis.asyncio import Redis
from redis.exceptions import RedisError

from hashbus import logs

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from hashbus.clock import Clock

log = logs.get("caches")

MOST_ENTRIES = 10_000
WINDOW_S = 60
LEFT_ALONE_S = 2.0


class Cache(Protocol):
    """Bytes under a name for some seconds, and counts of the current minute."""

    async def get(self, name: str) -> bytes | None:
        """Return what was kept; None when it is not there any more."""
        ...

    async def put(self, name: str, value: bytes, ttl_s: int) -> None:
        """Keep it for `ttl_s` seconds at the longest."""
        ...

    async def forget(self, *names: str) -> None:
        """Drop answers that are not true any more, and counts that begin anew."""
        ...

    async def count(self, name: str, ttl_s: int = WINDOW_S) -> int:
        """Count one more of a thing and return how many there were within `ttl_s` seconds from the first."""
        ...

    async def close(self) -> None:
        """Give up connections."""
        ...


class MemoryCache:
    """For one collector. At most so many entries: the ones that were used longest ago make room."""

    def __init__(self, clock: Clock, most: int = MOST_ENTRIES) -> None:
        """Start empty."""
        self._clock = clock
        self._most = most
        self._kept: OrderedDict[str, tuple[float, bytes]] = OrderedDict()
        self._counts: OrderedDict[str, tuple[float, int]] = OrderedDict()

    async def get(self, name: str) -> bytes | None:
        """Return what was kept."""
        ends_s, value = self._kept.get(name, (0.0, b""))
        if ends_s <= self._clock.monotonic():
            self._kept.pop(name, None)
            return None
        self._kept.move_to_end(name)
        return value

    async def put(self, name: str, value: bytes, ttl_s: int) -> None:
        """Keep it."""
        self._kept[name] = (self._clock.monotonic() + ttl_s, value)
        self._kept.move_to_end(name)
        while len(self._kept) > self._most:
            self._kept.popitem(last=False)

    async def forget(self, *names: str) -> None:
        """Drop what is not true any more."""
        for name in names:
            self._kept.pop(name, None)
            self._counts.pop(name, None)

    async def count(self, name: str, ttl_s: int = WINDOW_S) -> int:
        """Count one more."""
        now_s = self._clock.monotonic()
        ends_s, number = self._counts.get(name, (0.0, 0))
        if ends_s <= now_s:
            ends_s, number = now_s + ttl_s, 0
            self._counts.pop(name, None)
        self._counts[name] = (ends_s, number + 1)
        while len(self._counts) > self._most:
            self._counts.popitem(last=False)
        return number + 1

    async def close(self) -> None:
        """Do nothing."""


class RedisCache:
    """For several collectors. While the Redis is away each of them goes on with a cache of its own.

    After a failure it is left alone for some seconds, so that one that does not even say no holds up few callers.
    """

    def __init__(self, redis: Redis, fallback: MemoryCache, clock: Clock, report: Callable[[str | None], None]) -> None:
        """`report` is told when the Redis is away (why) and when it is there again (None)."""
        self._redis = redis
        self._fallback = fallback
        self._clock = clock
        self._report = report
        self._again_s = 0.0

    async def get(self, name: str) -> bytes | None:
        """Return what was kept."""
        is_there, found = await self._ask(lambda: self._redis.get(name))
        if not is_there:
            return await self._fallback.get(name)
        return found if isinstance(found, bytes) else None

    async def put(self, name: str, value: bytes, ttl_s: int) -> None:
        """Keep it."""
        is_there, _ = await self._ask(lambda: self._redis.set(name, value, ex=ttl_s))
        if not is_there:
            await self._fallback.put(name, value, ttl_s)

    async def forget(self, *names: str) -> None:
        """Drop what is not true any more."""
        await self._fallback.forget(*names)
        await self._ask(lambda: self._redis.delete(*names))

    async def count(self, name: str, ttl_s: int = WINDOW_S) -> int:
        """Count one more."""
        is_there, found = await self._ask(lambda: self._count(name, ttl_s))
        return int(found) if is_there else await self._fallback.count(name, ttl_s)

    async def close(self) -> None:
        """Give up the connection."""
        await self._redis.aclose()

    async def _count(self, name: str, ttl_s: int) -> int:
        async with self._redis.pipeline(transaction=True) as pipe:
            # Within a pipeline nothing is sent until `execute`.
            _ = pipe.set(name, 0, ex=ttl_s, nx=True), pipe.incr(name)
            return int((await pipe.execute())[1])

    async def _ask(self, question: Callable[[], Awaitable[Any]]) -> tuple[bool, Any]:
        """Return whether the Redis is there, and its answer."""
        if self._clock.monotonic() < self._again_s:
            return False, None
        try:
            found = await question()
        except (RedisError, OSError) as error:
            self._again_s = self._clock.monotonic() + LEFT_ALONE_S
            self._report(str(error))
            return False, None
        self._report(None)
        return True, found


def open_redis(url: str, password: str | None) -> Redis:
    """Return a client; nothing is connected yet."""
    if password:
        return Redis.from_url(url, password=password, socket_timeout=1, socket_connect_timeout=1)
    return Redis.from_url(url, socket_timeout=1, socket_connect_timeout=1)
