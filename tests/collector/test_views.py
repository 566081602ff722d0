"""What people see: totals of what is fresh, ages, pages, charts, and answers that are kept for a moment."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from hashbus_collector import partitions
from hashbus_collector.settings import KeepSettings
from hashbus_collector.upkeep import tidy
from tests.collector.clouds import Cloud, cloud_over, reading


async def test_a_total_counts_what_is_fresh_and_says_what_is_missing(cloud: Cloud) -> None:
    site, anna = await cloud.site(), await cloud.person()
    await site.upload(
        reading("fresh", hashrate_ghs=100_000, power_consumption=3000),
        reading("silent on power", hashrate_ghs=50_000, power_consumption=None),
        reading("stale", ago_s=600, hashrate_ghs=1e6, power_consumption=9999),
        {"miner_id": "gone", "online": False},
    )
    found = (await anna.get("summary/north"))["summary"]
    assert {name: found[name] for name in ("miners_total", "online", "offline", "stale")} == {
        "miners_total": 4,
        "online": 2,
        "offline": 1,
        "stale": 1,
    }
    assert (found["hashrate_ghs"], found["power_consumption"], found["power_complete_pct"]) == (150_000, 3000, 50)
    assert found["efficiency"] == pytest.approx(30)
    assert found["is_stale"] is False
    assert found["age_s"] < 60


async def test_what_is_not_known_is_null_and_what_is_off_is_zero(cloud: Cloud) -> None:
    anna = await cloud.person()
    await cloud.site("empty")
    await (await cloud.site("off")).upload({"miner_id": "m1", "online": False})
    await (await cloud.site("silent")).upload(reading("m1", ago_s=600))
    found = {one["site_id"]: one["power_consumption"] for one in (await anna.get("sites"))["sites"]}
    assert found == {"empty": None, "off": 0, "silent": None}


async def test_a_silent_site_is_stale_and_an_alert(cloud: Cloud) -> None:
    site, anna = await cloud.site(), await cloud.person()
    await site.upload(reading("m1", temperature_max=99), reading("m2", ago_s=600))
    alerts = (await anna.get("alerts"))["alerts"]
    assert [(one["severity"], one["kind"]) for one in alerts] == [("critical", "temperature"), ("warning", "stale")]
    await cloud.parts.database.execute("UPDATE site SET last_upload_at = now() - interval '1 hour'")
    [alert] = (await anna.get("alerts?severity=critical&site_id=north"))["alerts"]
    assert (alert["kind"], alert["message"]) == ("site_silent", "the site has uploaded nothing for 60 minutes")


class TestMiners:
    """Miners over all sites, found and sorted, page by page."""

    @pytest.fixture
    async def farm(self, cloud: Cloud) -> Any:
        for name in ("north", "south"):
            site = await cloud.site(name)
            await site.upload(
                *[
                    reading(f"{name}-{number}", hashrate_ghs=1000.0 * number, model=f"S{19 + number % 2}")
                    for number in range(5)
                ],
                {"miner_id": f"{name}-off", "online": False},
                reading(f"{name}-old", ago_s=3600),
            )
        return await cloud.person()

    @pytest.mark.parametrize(
        ("asked", "total", "first"),
        [
            ("", 14, "north-0"),
            ("site_id=south", 7, "south-0"),
            ("state=offline", 2, "north-off"),
            ("state=stale", 2, "north-old"),
            ("state=online&sort=hashrate&descending=true", 10, "north-4"),
            ("search=S20", 4, "north-1"),
            ("search=SOUTH-3", 1, "south-3"),
            ("search=%25", 0, None),
            ("site_id=north&sort=miner_id&page=2&per_page=3", 7, "north-3"),
            ("page=100", 14, None),
        ],
    )
    async def test_they_are_found(self, farm: Any, asked: str, total: int, first: str | None) -> None:
        page = await farm.get(f"miners?{asked}")
        assert page["total"] == total
        assert (page["miners"][0]["miner_id"] if page["miners"] else None) == first

    async def test_every_one_is_on_exactly_one_page(self, farm: Any) -> None:
        pages = [(await farm.get(f"miners?per_page=4&page={number}&sort=power"))["miners"] for number in range(1, 5)]
        names = [one["miner_id"] for page in pages for one in page]
        assert len(names) == len(set(names)) == 14


async def test_a_chart_adds_up_a_site_and_averages_a_miner(cloud: Cloud) -> None:
    site, anna = await cloud.site(), await cloud.person()
    middle = datetime.now(UTC).replace(minute=2, second=0, microsecond=0) - timedelta(hours=2)
    at = [(middle + timedelta(seconds=number)).isoformat() for number in (0, 60)]
    await site.upload(
        reading("a", recorded_at=at[0], power_consumption=1000, hashrate_ghs=10),
        reading("a", recorded_at=at[1], power_consumption=3000, hashrate_ghs=30),
        reading("b", recorded_at=at[0], power_consumption=500, hashrate_ghs=5),
    )
    [site_point] = (await anna.get("history/north?hours=6&step_s=300"))["points"]
    assert (site_point["power_consumption"], site_point["hashrate_ghs"], site_point["miners"]) == (2500, 25, 2)
    [miner_point] = (await anna.get("history/north?hours=6&step_s=300&miner_id=a"))["points"]
    assert (miner_point["power_consumption"], miner_point["miners"]) == (2000, 1)
    assert (await anna.get("history/north?hours=720&step_s=10"))["step_s"] == 519


async def test_an_answer_is_kept_until_its_site_uploads(cloud: Cloud) -> None:
    site, anna = await cloud.site(), await cloud.person()
    await site.upload(reading("m1", power_consumption=1))
    first = await anna.get("live/north")
    await cloud.parts.database.execute("UPDATE live SET power_consumption = 2")
    assert await anna.get("live/north") == first
    await site.upload(reading("m2"))
    assert {one["miner_id"]: one["power_consumption"] for one in (await anna.get("live/north"))["miners"]}["m1"] == 2


async def test_freshness_is_a_figure_of_each_site(cloud: Cloud) -> None:
    site = await cloud.site()
    await site.upload(reading("m1"), {"miner_id": "m2", "online": False})
    await cloud.parts.database.execute("UPDATE site SET last_upload_at = now() - interval '1 hour'")
    from hashbus_collector.freshness import Freshness  # noqa: PLC0415

    await Freshness(cloud.parts).look()
    assert cloud.figure("collector_site_age_seconds", site="north") == pytest.approx(3600, abs=60)
    assert cloud.figure("collector_site_miners", site="north", state="offline") == 1


COUNTS = """
SELECT 'history' AS name, count(*) AS number FROM history UNION ALL SELECT 'upload_log', count(*) FROM upload_log
UNION ALL SELECT 'command', count(*) FROM command UNION ALL SELECT 'audit', count(*) FROM audit
UNION ALL SELECT 'session', count(*) FROM session UNION ALL SELECT 'live', count(*) FROM live
UNION ALL SELECT 'site_key', count(*) FROM site_key
"""


class TestRetention:
    """What is kept how long (S1.35)."""

    def test_days_are_made_ahead_and_given_up_whole(self) -> None:
        now = datetime(2026, 11, 21, 23, 59, tzinfo=UTC)
        days = partitions.wanted(now, keep_days=2)
        names = [partitions.name_of(day) for day in days]
        assert (names[0], names[-1], len(names)) == ("history_20261119", "history_20261124", 6)
        assert [partitions.day_of(name) for name in names] == days
        later = now + timedelta(minutes=1)
        assert partitions.outlived([*names, "other_table", "history_20269999"], later, 2) == ["history_20261119"]
        assert partitions.outlived(names, now, 2) == []

    async def test_each_kind_goes_when_its_time_is_over(self, cloud: Cloud) -> None:
        site, anna = await cloud.site(), await cloud.person()
        await site.upload(reading("m1"), reading("m1", ago_s=5 * 86_400))
        command = await anna.order()
        await site.pending()
        await site.result(command)
        waiting = await anna.order()
        database = cloud.parts.database

        async def counts() -> dict[str, int]:
            rows = await database.fetch(COUNTS)
            return {row["name"]: row["number"] for row in rows}

        now = datetime.now(UTC)
        keep = KeepSettings(history_days=10, upload_log_days=7, command_days=30, audit_days=365)
        before = await counts()
        await tidy(database, keep, now + timedelta(days=6))
        assert await counts() == before | {"history": 1, "session": 0}
        await tidy(database, keep, now + timedelta(days=31))
        assert await counts() == before | {"history": 0, "session": 0, "upload_log": 0, "command": 1}
        assert await database.value("SELECT id FROM command") == waiting
        await tidy(database, keep, now + timedelta(days=366))
        found = await counts()
        assert (found["audit"], found["live"], found["site_key"]) == (0, 1, 1)
        await tidy(database, KeepSettings(), now)
        assert (await site.upload(reading("m1"))).body["stored"] == 1

    async def test_several_collectors_tidy_up_at_once_without_harm(self, cloud: Cloud) -> None:
        now = datetime.now(UTC) + timedelta(days=2)
        await asyncio.gather(*(tidy(cloud.parts.database, KeepSettings(), now) for _ in range(4)))
        assert await cloud.parts.database.value("SELECT to_regclass($1)::text", f"history_{now:%Y%m%d}")


async def test_several_collectors_share_one_database(cloud_database: str) -> None:
    async with cloud_over(cloud_database) as one, cloud_over(cloud_database) as other:
        site, anna = await one.site(), await one.person()
        there = type(site)(other.http, other.url, site.key)
        await asyncio.gather(*((site if number % 2 else there).upload(reading(f"m{number}")) for number in range(20)))
        assert (await anna.get("summary/north"))["summary"]["miners_total"] == 20
        await anna.order()
        fetched = await asyncio.gather(site.pending(), there.pending())
        assert sorted(len(some) for some in fetched) == [0, 1]
