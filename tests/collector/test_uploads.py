"""Uploads: the good records are stored, once; what is wrong is named; what is too much costs nothing."""

import asyncio
import gzip
import json
import tracemalloc
import zlib
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from hashbus_collector.bodies import unpacked
from hashbus_collector.errors import Refusal
from tests.collector.clouds import Cloud, cloud_over, reading


async def test_a_batch_is_answered_in_the_words_of_the_contract(cloud: Cloud) -> None:
    site = await cloud.site()
    answer = await site.upload(*[reading(f"m{number}", online=number >= 5) for number in range(100)])
    assert answer.status == 200
    assert {name: answer.body[name] for name in ("success", "processed", "online", "offline")} == {
        "success": True,
        "processed": 100,
        "online": 95,
        "offline": 5,
    }
    assert answer.body["processing_time_ms"] > 0


async def test_clients_of_every_kind_are_understood(cloud: Cloud) -> None:
    site = await cloud.site()
    for kind in ("application/json", "application/octet-stream", "text/plain"):
        for packed in (True, False):
            for name in (None, "north"):
                headers = {"Content-Type": kind}
                answer = await site.upload(reading("m1"), packed=packed, headers=headers, calls_itself=name)
                assert (answer.status, answer.body["processed"], answer.body["stored"]) == (200, 1, 1)


async def test_a_gzip_body_that_does_not_say_so_is_understood_too(cloud: Cloud) -> None:
    site = await cloud.site()
    answer = await site.call("POST", "upload", data=gzip.compress(json.dumps([reading()]).encode()))
    assert (answer.status, answer.body["stored"]) == (200, 1)


async def test_what_was_uploaded_is_what_people_see(cloud: Cloud) -> None:
    site, anna = await cloud.site(), await cloud.person()
    sent = reading("m1", recorded_at=datetime.now(UTC).isoformat(), temperature_chips=[60.5, None, 71.5])
    await site.upload(sent)
    [seen] = (await anna.get("live/north"))["miners"]
    different = {name for name in sent if name != "recorded_at" and seen[name] != sent[name]}
    assert different == set()
    assert datetime.fromisoformat(seen["recorded_at"]) == datetime.fromisoformat(sent["recorded_at"])
    assert (seen["state"], seen["is_stale"]) == ("online", False)


async def test_a_batch_sent_twice_is_stored_once(cloud: Cloud) -> None:
    site = await cloud.site()
    batch = [reading(f"m{number}", ago_s=number) for number in range(50)]
    first, again = await site.upload(*batch), await site.upload(*batch)
    assert (first.body["stored"], again.body["stored"]) == (50, 0)
    assert again.body["processed"] == 50
    assert await cloud.parts.database.value("SELECT count(*) FROM history") == 50


async def test_an_older_reading_goes_into_the_history_and_leaves_the_live_row(cloud: Cloud) -> None:
    site, anna = await cloud.site(), await cloud.person()
    await site.upload(reading("m1", power_consumption=3000))
    await site.upload(reading("m1", ago_s=600, power_consumption=1), reading("m1", ago_s=1200, power_consumption=2))
    [seen] = (await anna.get("live/north"))["miners"]
    assert seen["power_consumption"] == 3000
    assert await cloud.parts.database.value("SELECT count(*) FROM history") == 3


async def test_a_clock_that_was_ahead_does_not_hold_the_live_row(cloud: Cloud) -> None:
    site, anna = await cloud.site(), await cloud.person()
    await site.upload(reading("m1", ago_s=-7200, power_consumption=1))
    await site.upload(reading("m1", power_consumption=3000))
    [seen] = (await anna.get("live/north"))["miners"]
    assert seen["power_consumption"] == 3000


async def test_an_offline_miner_keeps_its_name_and_loses_its_figures(cloud: Cloud) -> None:
    site, anna = await cloud.site(), await cloud.person()
    await site.upload(reading("m1", ago_s=60))
    await site.upload({"miner_id": "m1", "online": False, "error_message": "nothing listens on its port"})
    [seen] = (await anna.get("live/north"))["miners"]
    assert (seen["state"], seen["model"], seen["power_consumption"]) == ("offline", "M64_VL40", None)
    assert seen["last_online_at"] is not None
    assert cloud.figure("miner_poll_errors_total", type="refused") == 1


async def test_a_wrong_record_is_named_and_the_good_ones_are_stored(cloud: Cloud) -> None:
    site = await cloud.site()
    answer = await site.upload(reading("m0"), reading("bad", hashrate_ghs="fast"), 5, reading("m2"))
    assert answer.status == 200, answer
    assert (answer.body["processed"], answer.body["stored"], answer.body["rejected"]) == (2, 2, 2)
    assert answer.body["errors"] == [
        {"index": 1, "miner_id": "bad", "field": "hashrate_ghs", "problem": "must be a number, not 'fast'"},
        {"index": 2, "miner_id": None, "field": "record", "problem": "must be a JSON object, not '5'"},
    ]


async def test_a_batch_without_one_good_record_is_refused_in_words(cloud: Cloud) -> None:
    site = await cloud.site()
    answer = await site.upload({"miner_id": 5})
    assert (answer.status, answer.body["success"]) == (422, False)
    assert "not one record is right; record 0: miner_id" in answer.body["error"]
    assert (await site.call("POST", "upload", data=b'{"miners": []}')).status == 422


async def test_an_empty_batch_is_no_mistake(cloud: Cloud) -> None:
    answer = await (await cloud.site()).upload()
    assert (answer.status, answer.body["processed"]) == (200, 0)


async def test_other_clients_names_and_times_are_understood(cloud: Cloud) -> None:
    site, anna = await cloud.site(), await cloud.person()
    naive = datetime.now(UTC).replace(tzinfo=None)
    record = {"miner_id": "S19-0001", "timestamp": naive.isoformat(), "accepted": 7, "rejected": 1, "surprise": [1]}
    assert (await site.upload(record | {"fan_speeds": None, "boards": None})).body["processed"] == 1
    [seen] = (await anna.get("live/north"))["miners"]
    assert (seen["accepted_shares"], seen["rejected_shares"], seen["online"]) == (7, 1, True)
    assert datetime.fromisoformat(seen["recorded_at"]) == naive.replace(tzinfo=UTC)


class TestBounds:
    """What is too much is refused before it costs anything."""

    async def test_a_body_that_is_too_long_is_refused(self, cloud_database: str) -> None:
        async with cloud_over(cloud_database, limits={"body_mb": 0.01}) as cloud:
            site = await cloud.site()
            answer = await site.call("POST", "upload", data=b"[" + b" " * 20_000 + b"]")
            assert (answer.status, "longer than 10000 bytes" in answer.body["error"]) == (413, True)

    async def test_a_body_that_says_nothing_of_its_length_is_refused_just_so(self, cloud_database: str) -> None:
        async def endless() -> Any:
            while True:
                yield b" " * 5000

        async with cloud_over(cloud_database, limits={"body_mb": 0.01}) as cloud:
            answer = await (await cloud.site()).call("POST", "upload", data=endless())
            assert answer.status == 413

    async def test_a_slow_body_is_given_up(self, cloud_database: str) -> None:
        async def dripping() -> Any:
            yield b"["
            await asyncio.sleep(60)

        async with cloud_over(cloud_database, limits={"body_s": 1}) as cloud:
            answer = await (await cloud.site()).call("POST", "upload", data=dripping())
            assert (answer.status, answer.body["error"]) == (408, "the body did not arrive within 1 s")

    async def test_a_gzip_bomb_is_given_up_at_the_bound(self, cloud: Cloud) -> None:
        packer = zlib.compressobj(9, zlib.DEFLATED, 31)
        bomb = b"".join([packer.compress(bytes(1_000_000)) for _ in range(400)]) + packer.flush()
        assert len(bomb) < 1_000_000
        answer = await (await cloud.site()).call("POST", "upload", data=bomb, headers={"Content-Encoding": "gzip"})
        assert (answer.status, "once it is unpacked" in answer.body["error"]) == (413, True)

    def test_a_gzip_bomb_takes_no_more_memory_than_the_bound(self) -> None:
        packer = zlib.compressobj(9, zlib.DEFLATED, 31)
        bomb = b"".join([packer.compress(bytes(1_000_000)) for _ in range(300)]) + packer.flush()
        tracemalloc.start()
        try:
            with pytest.raises(Refusal):
                unpacked(bomb, "gzip", most=1_000_000)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert peak < 5_000_000

    async def test_a_damaged_body_is_refused(self, cloud: Cloud) -> None:
        site = await cloud.site()
        for body, encoding, status in (
            (gzip.compress(b"[]")[:-6], "gzip", 400),
            (b"not gzip", "gzip", 400),
            (gzip.compress(b"[]") + b"rubbish", "gzip", 400),
            (gzip.compress(b"") * 200, "gzip", 400),
            (b"[]", "br", 415),
        ):
            answer = await site.call("POST", "upload", data=body, headers={"Content-Encoding": encoding})
            assert (answer.status, answer.body["success"]) == (status, False)

    @pytest.mark.parametrize("size", [0, 1, 65_535, 65_536, 65_537, 1_000_000])
    def test_what_fits_comes_out_whole(self, size: int) -> None:
        text = bytes(size)
        assert unpacked(gzip.compress(text), "gzip", most=1_000_000) == text
        assert unpacked(gzip.compress(text) + gzip.compress(b"x"), "gzip", most=1_000_001) == text + b"x"

    async def test_too_many_records_are_refused(self, cloud_database: str) -> None:
        async with cloud_over(cloud_database, limits={"records": 3}) as cloud:
            site = await cloud.site()
            answer = await site.upload(*[reading(f"m{number}") for number in range(4)])
            assert (answer.status, "at most 3 records; this one has 4" in answer.body["error"]) == (422, True)

    async def test_a_site_cannot_grow_without_end(self, cloud_database: str) -> None:
        async with cloud_over(cloud_database, limits={"miners_per_site": 2}) as cloud:
            site = await cloud.site()
            answer = await site.upload(*[reading(f"m{number}") for number in range(4)])
            assert (answer.body["stored"], answer.body["rejected"]) == (2, 2)
            assert [problem["index"] for problem in answer.body["errors"]] == [2, 3]
            assert (await site.upload(reading("m1"))).body["stored"] == 1

    async def test_a_key_that_calls_too_often_is_told_when_to_come_again(self, cloud_database: str) -> None:
        async with cloud_over(cloud_database, limits={"calls_per_minute": 3}) as cloud:
            site, other = await cloud.site(), await cloud.site("south")
            answers = [(await site.upload(reading())).status for _ in range(5)]
            assert answers == [200, 200, 200, 429, 429]
            assert int((await site.upload(reading())).headers["Retry-After"]) == 60
            assert (await other.upload(reading())).status == 200


async def test_every_upload_stands_in_the_log_also_one_that_was_refused(cloud: Cloud) -> None:
    site, anna = await cloud.site(), await cloud.person()
    await site.upload(reading("m1"), {"miner_id": "m2", "hashrate_ghs": "x"})
    await site.call("POST", "upload", data=b"{")
    refused, taken = (await anna.get("uploads?site_id=north"))["uploads"]
    assert (taken["status"], taken["processed"], taken["rejected"]) == (200, 1, 1)
    assert "record 1: hashrate_ghs" in taken["problem"]
    assert taken["bytes_travelled"] < taken["bytes_unpacked"]
    assert taken["processing_ms"] > 0
    assert (refused["status"], "not JSON" in refused["problem"]) == (422, True)


async def test_the_figures_have_the_names_of_the_contract(cloud: Cloud) -> None:
    site = await cloud.site()
    await site.upload(reading("m1"), {"miner_id": "m2", "online": False, "error_message": "no answer within 5 s"})
    assert cloud.figure("collector_upload_total", site="north") == 1
    assert cloud.figure("collector_upload_latency_ms_count") == 1
    assert cloud.figure("miner_poll_latency_ms_count") == 1
    assert cloud.figure("miner_poll_errors_total", type="timeout") == 1


async def test_many_uploads_of_one_site_at_once_lose_nothing(cloud: Cloud) -> None:
    site = await cloud.site()
    batches = [[reading(f"m{number}", ago_s=part * 60) for number in range(40)] for part in range(8)]
    answers = await asyncio.gather(*(site.upload(*batch) for batch in batches))
    assert [answer.status for answer in answers] == [200] * 8
    assert await cloud.parts.database.value("SELECT count(*) FROM history") == 320
    assert await cloud.parts.database.value("SELECT count(*) FROM live") == 40


async def test_a_site_that_was_removed_and_added_again_begins_anew(cloud: Cloud) -> None:
    site = await cloud.site()
    await site.upload(reading("m1"))
    assert await cloud.parts.sites.remove("north", datetime.now(UTC)) == 1
    assert (await site.upload(reading("m1"))).status == 401
    again = await cloud.site()
    assert (await again.upload(reading("m1", ago_s=timedelta(days=1).total_seconds()))).body["stored"] == 1
