"""Several collectors with one Redis: what one keeps or counts, the others know; and they go on when it is gone."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hashbus.testing.hand_clock import HandClock
from hashbus_collector.caches import Cache, MemoryCache, RedisCache, open_redis
from tests import servers
from tests.collector.clouds import PATIENCE_S, cloud_over, reading


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[servers.Redis]:
    """A Redis of this test alone, which may stop and start it."""
    with servers.Redis(tmp_path / "redis") as server:
        yield server


async def _promises(cache: Cache) -> None:
    await cache.put("a", b"1", 60)
    assert (await cache.get("a"), await cache.get("b")) == (b"1", None)
    await cache.forget("a", "b")
    assert await cache.get("a") is None
    assert [await cache.count("n") for _ in range(3)] == [1, 2, 3]
    await cache.forget("n")
    assert await cache.count("n") == 1
    await cache.close()


async def test_both_caches_keep_the_same_promises(redis: servers.Redis) -> None:
    clock = HandClock()
    await _promises(MemoryCache(clock))
    problems: list[str | None] = []
    await _promises(RedisCache(open_redis(redis.url, None), MemoryCache(clock), clock, problems.append))
    assert set(problems) <= {None}


async def test_what_is_kept_in_memory_ends_and_is_bounded() -> None:
    clock = HandClock()
    cache = MemoryCache(clock, most=3)
    for name in "abcd":
        await cache.put(name, name.encode(), 60)
    assert [await cache.get(name) for name in "abcd"] == [None, b"b", b"c", b"d"]
    assert [await cache.count("x") for _ in range(2)] == [1, 2]
    await clock.move(61)
    assert await cache.get("b") is None
    assert await cache.count("x") == 1


async def test_collectors_count_the_calls_of_a_key_together(redis: servers.Redis, cloud_database: str) -> None:
    settings: dict[str, Any] = {"redis": {"url": redis.url}, "limits": {"calls_per_minute": 4}}
    async with cloud_over(cloud_database, **settings) as one, cloud_over(cloud_database, **settings) as other:
        site = await one.site()
        there = type(site)(other.http, other.url, site.key)
        answers = [(await caller.upload(reading())).status for caller in (site, there) * 3]
        assert answers == [200, 200, 200, 200, 429, 429]
        names = await open_names(redis)
        assert any(name.startswith("rate_limit:collector:") for name in names)


async def test_an_upload_at_one_collector_is_seen_at_the_other(redis: servers.Redis, cloud_database: str) -> None:
    settings: dict[str, Any] = {"redis": {"url": redis.url}}
    async with cloud_over(cloud_database, **settings) as one, cloud_over(cloud_database, **settings) as other:
        site, anna = await one.site(), await other.person()
        assert (await anna.get("live/north"))["count"] == 0
        assert {"telemetry:live:north"} <= await open_names(redis)
        await site.upload(reading("m1"))
        assert (await anna.get("live/north"))["count"] == 1
        assert (await anna.get("summary/north"))["summary"]["online"] == 1


async def test_it_goes_on_without_its_redis_and_says_so(redis: servers.Redis, cloud_database: str) -> None:
    async with cloud_over(cloud_database, redis={"url": redis.url}) as cloud:
        site, anna = await cloud.site(), await cloud.person()
        redis.kill()
        assert (await site.upload(reading("m1"))).status == 200
        assert (await anna.get("live/north"))["count"] == 1
        assert any("the Redis is away" in problem for problem in cloud.parts.health.problems)
        await asyncio.to_thread(redis.start)
        async with asyncio.timeout(PATIENCE_S):
            while cloud.parts.health.problems:
                assert (await anna.get("live/north"))["count"] == 1
                await asyncio.sleep(0.1)


async def test_a_redis_with_a_password_is_opened(tmp_path: Path, cloud_database: str) -> None:
    with servers.Redis(tmp_path / "redis", password="hush") as redis:
        chosen = {"url": redis.url, "password": "hush"}
        async with cloud_over(cloud_database, redis=chosen) as cloud:
            assert (await (await cloud.site()).upload(reading())).status == 200
            assert cloud.parts.health.problems == ()


async def open_names(redis: servers.Redis) -> set[str]:
    client = open_redis(redis.url, None)
    try:
        return {str(name, "utf-8") if isinstance(name, bytes) else name for name in await client.keys("*")}
    finally:
        await client.aclose()
