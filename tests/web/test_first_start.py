"""The first start: nobody comes in by a default password, and the code is good once."""

import stat
from collections.abc import Callable

from tests.web.world import ADMIN, PASSWORD, WebService, until

Make = Callable[..., WebService]


async def test_before_there_is_an_administrator_everything_else_is_refused(own_web: Make) -> None:
    with own_web() as web:
        async with web.client() as client:
            assert (await client.get("/api/auth/state")).json()["state"] == "setup"
            for method, path in (
                ("GET", "/api/miners"),
                ("GET", "/api/events"),
                ("POST", "/api/auth/login"),
                ("POST", "/api/calculator"),
                ("GET", "/api/users"),
            ):
                body = {"name": "admin", "password": "admin"} if method == "POST" else None
                said = await client.request(method, path, json=body)
                assert said.status_code in (422, 503), path
                assert said.status_code == 422 or said.json()["code"] == "setup_required"


async def test_the_code_makes_the_first_administrator_and_no_second_one(own_web: Make) -> None:
    with own_web() as web:
        printed = web.command("code")
        assert printed.stdout.strip() == web.code()
        async with web.client() as client:
            body = {"code": "AAAA-BBBB-CCCC", "name": ADMIN, "password": PASSWORD}
            assert (await client.post("/api/setup", json=body)).status_code == 403
            right = {**body, "code": web.code().lower()}
            assert (await client.post("/api/setup", json={**right, "password": "short"})).json()["field"] == "password"
            made = await client.post("/api/setup", json=right)
            assert made.status_code == 201
            assert made.json()["user"]["role"] == "admin"
            assert (await client.get("/api/auth/state")).json()["state"] == "signed_in"
            assert (await client.post("/api/setup", json=right)).status_code == 409
        assert web.command("code").returncode == 1


async def test_the_code_stands_in_no_log_and_in_a_file_for_the_owner_alone(own_web: Make) -> None:
    with own_web() as web:
        code, file = web.code(), web.data_dir / "web" / "setup-code"
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert code not in web.log.read_text()
        assert "hashbus web code" in web.log.read_text()


async def test_guessing_the_code_is_stopped(own_web: Make) -> None:
    with own_web() as web:
        async with web.client() as client:
            statuses = []
            for number in range(14):
                body = {"code": f"AAAA-BBBB-{number:04}", "name": ADMIN, "password": PASSWORD}
                statuses.append((await client.post("/api/setup", json=body)).status_code)
        assert statuses[0] == 403
        assert statuses[-1] == 429


async def test_who_lost_the_password_sets_it_anew_on_the_machine(own_web: Make) -> None:
    with own_web() as web:
        await web.set_up()
        async with web.signed_in() as former:
            done = web.command("password", ADMIN, given="another good secret\n")
            assert done.returncode == 0, done.stderr
            async with web.client() as client:
                login = {"name": ADMIN, "password": "another good secret"}
                await until(
                    lambda: client.post("/api/auth/login", json=login), lambda said: said.status_code in (200, 429)
                )
            await until(lambda: former.get("/api/miners"), lambda said: said.status_code == 401)
        listed = web.command("users")
        assert ADMIN in listed.stdout
        assert "admin" in listed.stdout


async def test_people_and_logins_survive_kill_9(own_web: Make) -> None:
    with own_web() as web:
        await web.set_up()
        async with web.signed_in() as client:
            web.kill()
            web.start()
            assert (await client.get("/api/auth/state")).json()["state"] == "signed_in"
