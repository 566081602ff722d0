"""Commands: made by people, fetched by their site, answered once; none is lost and none is done twice."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

from hashbus.messages import OrderParams
from hashbus_bridge.commands import CloudCommand
from hashbus_bridge.curtailments import CloudCurtailment
from hashbus_collector.people import Role
from tests.collector.clouds import Cloud, cloud_over, reading

# Every way a command can go: what happens, and the status after it.
LIVES = [
    ("", "pending"),
    ("fetch", "sent"),
    ("fetch completed", "completed"),
    ("fetch failed", "failed"),
    ("fetch rejected", "rejected"),
    ("fetch expired", "expired"),
    ("cancel", "cancelled"),
    ("cancel fetch", "cancelled"),
    ("fetch cancel", "sent"),
    ("lapse", "expired"),
    ("lapse fetch", "expired"),
    ("fetch lapse", "expired"),
    ("fetch lapse completed", "completed"),
    ("fetch completed failed", "completed"),
    ("fetch completed completed", "completed"),
    ("fetch completed lapse", "completed"),
    ("cancel completed", "cancelled"),
]


async def test_the_life_of_a_command(cloud: Cloud) -> None:
    site, anna = await cloud.site(), await cloud.person()
    found = {}
    for happens, _ in LIVES:
        command = await anna.order()
        for one in happens.split():
            match one:
                case "fetch":
                    await site.pending()
                case "cancel":
                    await anna.call("DELETE", f"commands/{command}")
                case "lapse":
                    await cloud.parts.commands.lapse(datetime.now(UTC) + timedelta(minutes=45))
                case _:
                    await site.result(command, one)
        found[happens] = (await anna.get(f"commands/{command}"))["command"]["status"]
    assert found == dict(LIVES)


async def test_a_command_reaches_its_site_in_the_words_of_the_contract(cloud: Cloud) -> None:
    site, anna = await cloud.site(), await cloud.person()
    await site.upload(reading("m1"))
    body = {
        "miner_id": "m1",
        "site_id": "north",
        "ip_address": "192.0.2.5",
        "command_type": "set_pool",
        "parameters": {"url": "stratum+tcp://pool.example:3333", "worker": "acct.m1", "password": "x"},
        "priority": 8,
        "ttl_minutes": 10,
    }
    made = (await anna.call("POST", "commands", json=body)).body
    assert made["success"] is True
    assert made["warning"] is None
    [command] = await site.pending()
    ends = datetime.fromisoformat(command.pop("expires_at"))
    assert timedelta(minutes=9) < ends - datetime.now(UTC) <= timedelta(minutes=10)
    assert command == {
        "command_id": made["command_id"],
        "miner_id": "m1",
        "ip_address": "192.0.2.5",
        "command": "set_pool",
        "params": body["parameters"],
        "priority": 8,
    }
    answer = await site.result(made["command_id"], "completed", result_code=0, result_message="pool set")
    assert (answer.status, answer.body["success"]) == (200, True)
    seen = (await anna.get(f"commands/{made['command_id']}"))["command"]
    assert (seen["status"], seen["result_code"], seen["result_message"]) == ("completed", "0", "pool set")
    assert "password" not in seen["parameters"]
    assert cloud.figure("command_execution_total", type="set_pool", status="completed") == 1


async def test_the_most_urgent_comes_first(cloud: Cloud) -> None:
    site, anna = await cloud.site(), await cloud.person()
    for miner, priority in (("a", 1), ("b", 8), ("c", 5), ("d", 8)):
        await anna.order(miner, priority=priority)
    assert [one["miner_id"] for one in await site.pending()] == ["b", "d", "c", "a"]


async def test_defaults_are_those_of_the_contract(cloud: Cloud) -> None:
    await cloud.site()
    anna = await cloud.person()
    seen = (await anna.get(f"commands/{await anna.order()}"))["command"]
    assert seen["priority"] == 5
    created, ends = (datetime.fromisoformat(seen[name]) for name in ("created_at", "expires_at"))
    assert ends - created == timedelta(minutes=30)


async def test_a_site_gets_its_own_commands_alone(cloud: Cloud) -> None:
    north, south, anna = await cloud.site("north"), await cloud.site("south"), await cloud.person()
    command = await anna.order(site="north")
    assert await south.pending() == []
    assert (await south.result(command)).status == 404
    assert len(await north.pending()) == 1


async def test_sites_with_numbers_for_names_are_understood(cloud: Cloud) -> None:
    site, anna = await cloud.site("1"), await cloud.person()
    answer = await anna.call("POST", "commands", json={"site_id": 1, "miner_id": "m1", "command_type": "reboot"})
    assert answer.status == 200
    assert "has never uploaded anything of miner m1" in answer.body["warning"]
    assert len(await site.pending()) == 1


class TestDelivery:
    """An answer that is lost on the line loses no command, and doubles none."""

    async def test_a_client_that_does_not_know_ids_gets_a_command_once(self, cloud_database: str) -> None:
        async with cloud_over(cloud_database, commands={"resend_s": 1}) as cloud:
            site, anna = await cloud.site(), await cloud.person()
            await anna.order()
            assert len(await site.pending()) == 1
            await self._as_if_later(cloud)
            assert await site.pending() == []

    async def test_a_bridge_gets_what_it_did_not_answer_again(self, cloud_database: str) -> None:
        async with cloud_over(cloud_database, commands={"resend_s": 1}) as cloud:
            site, anna = await cloud.site(), await cloud.person()
            command = await anna.order()
            assert [one["command_id"] for one in await site.pending(once=True)] == [command]
            assert await site.pending(once=True) == []
            await self._as_if_later(cloud)
            assert [one["command_id"] for one in await site.pending(once=True)] == [command]
            await site.result(command)
            await self._as_if_later(cloud)
            assert await site.pending(once=True) == []
            assert (await anna.get(f"commands/{command}"))["command"]["times_sent"] == 2

    async def test_what_is_given_again_holds_up_nothing_new(self, cloud_database: str) -> None:
        async with cloud_over(cloud_database, commands={"resend_s": 1, "at_once": 2}) as cloud:
            site, anna = await cloud.site(), await cloud.person()
            for miner in ("a", "b"):
                await anna.order(miner, priority=10)
            assert [one["miner_id"] for one in await site.pending(once=True)] == ["a", "b"]
            await self._as_if_later(cloud)
            await anna.order("new", priority=1)
            assert {one["miner_id"] for one in await site.pending(once=True)} == {"a", "new"}
            acts = [one["action"] for one in (await anna.get("audit?site_id=north"))["entries"]]
            assert acts.count("command fetched") == 3

    async def test_calls_at_the_same_time_share_the_commands_among_them(self, cloud: Cloud) -> None:
        site, anna = await cloud.site(), await cloud.person()
        body = {"site_id": "north", "miner_ids": [f"m{number}" for number in range(200)], "command_type": "reboot"}
        assert (await anna.call("POST", "commands/batch", json=body)).status == 200
        fetched = await asyncio.gather(*(site.pending() for _ in range(8)))
        ids = [one["command_id"] for some in fetched for one in some]
        assert len(ids) == len(set(ids))
        rest = await site.pending()
        assert len(ids) + len(rest) == 200

    async def _as_if_later(self, cloud: Cloud) -> None:
        await cloud.parts.database.execute("UPDATE command SET sent_at = sent_at - interval '10 seconds'")


async def test_an_answer_twice_is_no_mistake_and_another_is_refused(cloud: Cloud) -> None:
    site, anna = await cloud.site(), await cloud.person()
    command = await anna.order()
    await site.pending()
    first, again, other = [await site.result(command, one) for one in ("completed", "completed", "failed")]
    assert (first.body["already_known"], again.body["already_known"]) == (False, True)
    assert (other.status, "is over already" in other.body["error"]) == (409, True)


async def test_an_answer_that_says_nothing_is_refused_in_words(cloud: Cloud) -> None:
    site, anna = await cloud.site(), await cloud.person()
    command = await anna.order()
    long = {"status": "completed", "result_message": "x" * 5000}
    bodies: list[Any] = [{}, {"status": "pending"}, {"status": "done"}, long, [], "x"]
    for body in bodies:
        answer = await site.call("POST", f"commands/{command}/result", json=body)
        assert (answer.status, answer.body["success"]) == (422, False)
        assert answer.body["error"]


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"command_type": "explode"}, "command_type"),
    ({"priority": 11}, "priority"),
    ({"ttl_minutes": 0}, "ttl_minutes"),
    ({"ttl_minutes": 1e9}, "ttl_minutes"),
    ({"miner_id": ""}, "miner_id"),
    ({"miner_id": None}, "miner_id: is missing; reboot is for one miner"),
    ({"command_type": "curtail"}, "a curtailment has one of target_w, level_pct, limit_w"),
    ({"command_type": "curtail", "parameters": {"target_w": 1, "limit_w": 2}}, "a curtailment has one of"),
    ({"command_type": "curtail", "parameters": {"level_pct": "half"}}, "parameters.level_pct: 'half'"),
    ({"site_id": "../x"}, "site_id"),
    ({"parameters": {"a": "\x00"}}, "hold a character NUL"),
    ({"parameters": {"a": "\ud800"}}, "hold half a character"),
    ({"parameters": {"a": "x" * 9000}}, "longer than 8000 characters"),
    ({"command_type": "set_fan"}, "parameters.fan_pct: is missing"),
    ({"command_type": "set_fan", "parameters": {"speed": "loud"}}, "parameters.fan_pct: 'loud' is not a number"),
    ({"command_type": "set_fan", "parameters": {"fan_pct": 101}}, "from 0 to 100"),
    ({"command_type": "set_frequency", "parameters": {"frequency": True}}, "parameters.frequency_mhz"),
    ({"command_type": "set_pool", "parameters": {"url": "pool"}}, "parameters.url"),
]


async def test_a_command_that_is_not_right_is_refused_in_words(cloud: Cloud) -> None:
    site, anna = await cloud.site(), await cloud.person()
    for wrong, says in WRONG:
        body = {"site_id": "north", "miner_id": "m1", "command_type": "reboot", **wrong}
        answer = await anna.call("POST", "commands", json=body)
        assert answer.status == 422
        assert says in answer.body["error"]
    assert await site.pending() == []


MEANINGS: list[tuple[str, dict[str, Any], OrderParams]] = [
    ("set_fan", {"speed": 80}, OrderParams(fan_pct=80)),
    ("set_fan", {"fan_pct": None}, OrderParams(fan_pct=None)),
    ("set_frequency", {"frequency": 550}, OrderParams(frequency_mhz=550)),
    (
        "set_pool",
        {"pool_url": "stratum+tcp://p:1", "worker_name": "w", "pool_password": "x"},
        OrderParams(url="stratum+tcp://p:1", worker="w", password="x"),
    ),
]


async def test_a_bridge_understands_what_other_clients_names_mean(cloud: Cloud) -> None:
    site, anna = await cloud.site(), await cloud.person()
    for kind, given, means in MEANINGS:
        await anna.order(kind=kind, parameters=given)
        [raw] = await site.pending()
        assert CloudCommand.model_validate(raw).params == means
        assert given.items() <= raw["params"].items()


async def test_a_whole_site_is_curtailed_without_naming_a_miner(cloud: Cloud) -> None:
    site, anna = await cloud.site(), await cloud.person()
    body = {"site_id": "north", "command_type": "curtail", "parameters": {"target_w": 5e6, "lasts_s": 3600}}
    made = await anna.call("POST", "commands", json=body)
    assert (made.status, made.body["warning"]) == (200, None)
    [raw] = await site.pending()
    assert raw["miner_id"] is None
    taken = CloudCurtailment.model_validate(raw)
    assert (taken.command_id, taken.params.target_w, taken.params.lasts_s) == (made.body["command_id"], 5e6, 3600)
    await anna.call("POST", "commands", json={"site_id": "north", "command_type": "curtail_stop"})
    [raw] = await site.pending()
    assert CloudCurtailment.model_validate(raw).command == "curtail_stop"


class TestBatches:
    """Many commands at once, and how far they are."""

    async def test_the_same_for_many_miners(self, cloud: Cloud) -> None:
        site, anna = await cloud.site(), await cloud.person()
        body = {"site_id": "north", "miner_ids": ["a", "b", "c"], "command_type": "disable", "priority": 9}
        made = (await anna.call("POST", "commands/batch", json=body)).body
        assert (made["created"], len(made["command_ids"])) == (3, 3)
        await site.pending()
        await site.result(made["command_ids"][0], "failed")
        progress = await anna.get(f"commands/batches/{made['batch_id']}")
        assert (progress["total"], progress["done"]) == (3, 1)
        assert progress["by_status"] == {"failed": 1, "sent": 2}
        listed = await anna.get(f"commands/history?batch_id={made['batch_id']}&status=failed")
        assert [one["miner_id"] for one in listed["commands"]] == ["a"]

    async def test_what_is_not_right_is_named_and_the_others_stand(self, cloud: Cloud) -> None:
        site, anna = await cloud.site(), await cloud.person()
        one = {"site_id": "north", "miner_id": "m1", "command_type": "reboot"}
        body = {"commands": [one, {**one, "command_type": "set_fan"}, {**one, "miner_id": "m2"}]}
        made = (await anna.call("POST", "commands/batch", json=body)).body
        assert (made["created"], made["rejected"], made["errors"][0]["index"]) == (2, 1, 1)
        assert len(await site.pending()) == 2

    async def test_a_batch_of_nothing_is_refused(self, cloud: Cloud) -> None:
        anna = await cloud.person()
        nothing: list[dict[str, Any]] = [{}, {"commands": []}, {"site_id": "north", "miner_ids": []}]
        for body in nothing:
            assert (await anna.call("POST", "commands/batch", json=body)).status == 422


async def test_history_comes_page_by_page(cloud: Cloud) -> None:
    await cloud.site()
    anna = await cloud.person()
    ids = [await anna.order(f"m{number}") for number in range(7)]
    seen, before = [], ""
    while True:
        page = await anna.get(f"commands/history?limit=3{before}")
        seen += [one["command_id"] for one in page["commands"]]
        if page["next_before"] is None:
            break
        before = f"&before={page['next_before']}"
    assert seen == ids[::-1]


async def test_every_step_of_a_command_is_in_the_audit(cloud: Cloud) -> None:
    site = await cloud.site()
    anna, otto = await cloud.person(), await cloud.person("otto", Role.OPERATOR)
    command = await otto.order()
    await site.pending()
    await site.result(command)
    await otto.call("DELETE", f"commands/{await otto.order()}")
    acts = [(one["who"], one["action"]) for one in (await anna.get("audit?limit=5"))["entries"]]
    assert acts == [
        ("otto", "command cancelled"),
        ("otto", "command made"),
        ("site:north", "command answered"),
        ("site:north", "command fetched"),
        ("otto", "command made"),
    ]


async def test_a_command_for_a_site_that_is_not_there_is_refused(cloud: Cloud) -> None:
    anna = await cloud.person()
    body = {"site_id": "nowhere", "miner_id": "m1", "command_type": "reboot"}
    assert (await anna.call("POST", "commands", json=body)).status == 404


async def test_what_was_not_fetched_in_time_is_never_given(cloud: Cloud) -> None:
    site, anna = await cloud.site(), await cloud.person()
    await anna.order()
    await cloud.parts.database.execute("UPDATE command SET expires_at = now()")
    assert await site.pending() == []
