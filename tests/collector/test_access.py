"""Who may: keys of sites, sessions of people, and nobody else."""

import hashlib
import logging
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from hashbus_collector.keys import looks_like_a_key, make_key
from hashbus_collector.people import Role, WeakPassword, check_password
from tests.collector.clouds import PASSWORD, Cloud, Site, cloud_over, reading


def test_a_key_has_the_form_of_the_contract() -> None:
    keys = {make_key() for _ in range(1000)}
    assert len(keys) == 1000
    assert all(re.fullmatch(r"hsc_[A-Za-z0-9_-]{40}", key) and len(key) == 44 for key in keys)
    assert all(map(looks_like_a_key, keys))


class TestKeys:
    """A key opens its own site and nothing else."""

    async def test_what_is_no_key_gets_the_answer_of_the_contract(self, cloud: Cloud) -> None:
        await cloud.site()
        a = "A" * 39
        for key in ("", "nope", f"hsc_{a}A", f"hsc_{a}", f"hsc_{a}\u00e9", "A" * 44, "hsc_" * 500):
            answer = await Site(cloud.http, cloud.url, key).upload(reading())
            assert (answer.status, answer.body) == (401, {"success": False, "error": "Invalid API key"}), key

    async def test_a_call_without_a_key_gets_the_same_answer(self, cloud: Cloud) -> None:
        async with cloud.http.get(f"{cloud.url}/api/collector/commands/pending") as answer:
            assert (answer.status, await answer.json()) == (401, {"success": False, "error": "Invalid API key"})

    async def test_a_key_in_the_address_opens_nothing(self, cloud: Cloud) -> None:
        site = await cloud.site()
        names = ("api_key", "key", "X-Collector-Key", "token")
        for name in names:
            async with cloud.http.get(f"{cloud.url}/api/collector/commands/pending?{name}={site.key}") as answer:
                assert answer.status == 401

    async def test_only_its_hash_is_kept(self, cloud: Cloud) -> None:
        site = await cloud.site()
        [row] = await cloud.parts.database.fetch("SELECT * FROM site_key")
        assert bytes(row["digest"]) == hashlib.sha256(site.key.encode()).digest()
        assert site.key[10:] not in str(dict(row))
        assert site.key[10:] not in str([dict(one) for one in await cloud.parts.database.fetch("SELECT * FROM audit")])

    async def test_a_revoked_key_is_worthless_at_once(self, cloud: Cloud) -> None:
        site = await cloud.site()
        [row] = await cloud.parts.sites.keys()
        assert (await site.upload(reading())).status == 200
        assert await cloud.parts.sites.revoke_key(row["id"], datetime.now(UTC)) == "north"
        assert (await site.upload(reading())).status == 401

    async def test_a_rotated_key_is_good_for_a_while(self, cloud: Cloud) -> None:
        site, now = await cloud.site(), datetime.now(UTC)
        [row] = await cloud.parts.sites.keys()
        key_id, key = await cloud.parts.sites.rotate_key(row["id"], now, overlap_ends_at=now + timedelta(hours=1))
        assert (await site.upload(reading())).status == 200
        assert (await Site(cloud.http, cloud.url, key).upload(reading())).status == 200
        await cloud.parts.sites.rotate_key(key_id, now, overlap_ends_at=now)
        assert (await Site(cloud.http, cloud.url, key).upload(reading())).status == 401

    async def test_a_key_uploads_for_its_own_site_alone(self, cloud: Cloud) -> None:
        site = await cloud.site("north")
        await cloud.site("south")
        answer = await site.upload(reading(), calls_itself="south")
        assert (answer.status, "this key is of site 'north'" in answer.body["error"]) == (403, True)

    async def test_a_site_may_call_itself_otherwise_at_home(self, cloud: Cloud) -> None:
        site = await cloud.site("north")
        assert (await site.upload(reading(), calls_itself="home")).status == 403
        await cloud.parts.sites.add("north", datetime.now(UTC), local_name="home")
        assert (await site.upload(reading(), calls_itself="home")).status == 200

    async def test_who_guesses_keys_is_held_up(self, cloud_database: str) -> None:
        async with cloud_over(cloud_database, limits={"failures_per_minute": 3}) as cloud:
            site = await cloud.site()
            stranger = Site(cloud.http, cloud.url, make_key())
            assert [(await stranger.upload(reading())).status for _ in range(5)] == [401, 401, 401, 429, 429]
            # Who has a key is not held up by a neighbour behind the same address who has none.
            assert (await site.upload(reading())).status == 200


class TestSessions:
    """People log in with a password and act only from our own page."""

    async def test_a_session_begins_and_ends(self, cloud: Cloud) -> None:
        anna = await cloud.person()
        assert (await anna.get("session"))["roles"] == {"*": "admin"}
        assert (await anna.call("DELETE", "session")).status == 200
        assert (await anna.call("GET", "session")).status == 401

    async def test_the_cookie_is_hidden_from_scripts_and_other_sites(self, cloud: Cloud) -> None:
        await cloud.person()
        answer = await cloud.browser().log_in("anna")
        cookie = answer.headers["Set-Cookie"].lower()
        assert "httponly" in cookie
        assert "samesite=strict" in cookie
        assert "path=/" in cookie

    async def test_a_wrong_name_or_password_gets_the_same_answer(self, cloud: Cloud) -> None:
        await cloud.person()
        for name, password in (("anna", "wrong password"), ("nobody", PASSWORD), ("anna", "")):
            answer = await cloud.browser().log_in(name, password)
            assert (answer.status, answer.body["error"]) == (401, "name or password is wrong")

    async def test_who_guesses_passwords_is_held_up(self, cloud_database: str) -> None:
        async with cloud_over(cloud_database, limits={"failures_per_minute": 3}) as cloud:
            await cloud.parts.people.add("anna", PASSWORD, Role.ADMIN, datetime.now(UTC))
            browser = cloud.browser()
            assert [(await browser.log_in("anna", "wrong")).status for _ in range(4)] == [401, 401, 401, 429]
            assert (await browser.log_in("anna")).status == 429

    async def test_an_act_without_the_pages_token_is_refused(self, cloud: Cloud) -> None:
        await cloud.site()
        anna = await cloud.person()
        body = {"site_id": "north", "miner_id": "m1", "command_type": "reboot"}
        for token in ("", "wrong", "\u00e9"):
            assert (await anna.call("POST", "commands", json=body, headers={"X-CSRF-Token": token})).status == 403
        other = {"Origin": "https://evil.example"}
        assert (await anna.call("POST", "commands", json=body, headers=other)).status == 403
        assert (await anna.call("POST", "commands", json=body, headers={"Origin": cloud.url})).status == 200

    async def test_a_login_from_another_page_is_refused(self, cloud: Cloud) -> None:
        await cloud.person()
        answer = await cloud.browser().log_in("anna", headers={"Origin": "https://evil.example"})
        assert answer.status == 403

    async def test_a_session_that_rests_or_is_old_is_over(self, cloud: Cloud) -> None:
        anna = await cloud.person()
        rests = "UPDATE session SET seen_at = now() - interval '121 minutes'"
        is_old = "UPDATE session SET ends_at = now() - interval '1 second'"
        for change in (rests, is_old):
            await cloud.parts.database.execute(change)
            assert (await anna.call("GET", "session")).status == 401
            anna = await cloud.person()

    async def test_a_new_password_ends_all_sessions(self, cloud: Cloud) -> None:
        anna = await cloud.person()
        await cloud.parts.people.add("anna", "another long password", Role.ADMIN, datetime.now(UTC))
        assert (await anna.call("GET", "session")).status == 401

    async def test_passwords_are_kept_as_argon2(self, cloud: Cloud) -> None:
        await cloud.parts.people.add("anna", PASSWORD, Role.ADMIN, datetime.now(UTC))
        kept = await cloud.parts.database.value("SELECT password_hash FROM person")
        assert kept.startswith("$argon2id$")

    @pytest.mark.parametrize("password", ["short", "annaanna", "aaaaaaaaaaaaaa", "abababababababab"])
    def test_a_weak_password_is_refused(self, password: str) -> None:
        with pytest.raises(WeakPassword):
            check_password("anna", password)


# What each role may do at the site `north`; a guest of `south` may not even know of it.
ACTS: list[tuple[str, str, dict[str, Any] | None, tuple[int, int, int, int]]] = [
    #                                                                         admin operator guest stranger
    ("GET", "summary/north", None, (200, 200, 200, 404)),
    ("GET", "live/north", None, (200, 200, 200, 404)),
    ("GET", "miners?site_id=north", None, (200, 200, 200, 404)),
    ("GET", "alerts?site_id=north", None, (200, 200, 200, 404)),
    ("GET", "history/north", None, (200, 200, 200, 404)),
    ("GET", "uploads?site_id=north", None, (200, 200, 200, 404)),
    ("GET", "commands/history?site_id=north", None, (200, 200, 200, 404)),
    ("GET", "commands/COMMAND", None, (200, 200, 200, 404)),
    ("GET", "audit?site_id=north", None, (200, 403, 403, 404)),
    ("GET", "audit", None, (403, 403, 403, 403)),
    (
        "POST",
        "commands",
        {"site_id": "north", "miner_id": "m1", "command_type": "reboot"},
        (200, 200, 403, 404),
    ),
    (
        "POST",
        "commands/batch",
        {"site_id": "north", "miner_ids": ["m1"], "command_type": "reboot"},
        (200, 200, 403, 404),
    ),
    ("DELETE", "commands/COMMAND", None, (200, 409, 403, 404)),
]


async def test_each_role_may_what_it_may(cloud: Cloud) -> None:
    await cloud.site("south")
    await (await cloud.site("north")).upload(reading("m1"))
    anna = await cloud.person("anna", Role.ADMIN)
    people = [await cloud.person(role.word, role, site="north") for role in (Role.ADMIN, Role.OPERATOR, Role.GUEST)] + [
        await cloud.person("stranger", Role.ADMIN, site="south")
    ]
    command = await anna.order()
    found = {}
    for method, path, body, wanted in ACTS:
        answers = [(await one.call(method, path.replace("COMMAND", command), json=body)).status for one in people]
        if tuple(answers) != wanted:
            found[f"{method} {path}"] = (tuple(answers), wanted)
    assert found == {}


async def test_people_see_only_their_sites_in_what_spans_all(cloud: Cloud) -> None:
    for name in ("north", "south"):
        await (await cloud.site(name)).upload(reading(f"{name}-1", temperature_max=99))
    guest = await cloud.person("guest", Role.GUEST, site="south")
    assert [one["site_id"] for one in (await guest.get("sites"))["sites"]] == ["south"]
    assert [one["miner_id"] for one in (await guest.get("miners"))["miners"]] == ["south-1"]
    assert {one["site_id"] for one in (await guest.get("alerts"))["alerts"]} == {"south"}
    assert (await guest.get("stats"))["miners"] == 1
    assert {one["site_id"] for one in (await guest.get("uploads"))["uploads"]} == {"south"}


async def test_nobody_sees_or_does_anything_without_a_session(cloud: Cloud) -> None:
    site = await cloud.site()
    body = {"site_id": "north", "miner_id": "m1", "command_type": "reboot"}
    gets = ("sites", "stats", "alerts", "miners", "uploads", "audit", "commands/history", "summary/north", "live/north")
    for method, path in [*(("GET", path) for path in gets), ("POST", "commands"), ("DELETE", "session")]:
        assert (await cloud.browser().call(method, path, json=body)).status == 401, path
        # The key of a site is for its bridge, and opens nothing that is for people.
        assert (await site.call(method, path, json=body)).status == 401, path


async def test_every_answer_tells_browsers_to_be_careful(cloud: Cloud) -> None:
    async with cloud.http.get(f"{cloud.url}/healthz") as answer:
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
        assert "Server" not in answer.headers


async def test_secrets_are_in_no_log(cloud: Cloud, capfd: pytest.CaptureFixture[str], caplog: Any) -> None:
    caplog.set_level(logging.DEBUG)
    site, anna = await cloud.site(), await cloud.person()
    await site.upload({"miner_id": 5})
    await site.upload(reading(), calls_itself="south")
    await anna.order(kind="set_pool", parameters={"url": "stratum+tcp://x:1", "password": "pool-secret"})
    printed = "".join(capfd.readouterr()) + caplog.text
    for secret in (site.key, PASSWORD, "pool-secret", anna.csrf):
        assert secret not in printed
    assert "pool-secret" not in str((await anna.call("GET", "audit")).body)
