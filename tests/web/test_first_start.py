"""The first start: nobody comes in by a default password, and the code is good once."""

import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import yaml

from tests.web.world import ADMIN, PASSWORD, WebService, until

Make = Callable[..., WebService]

CALLS = (
    ("GET", "/api/miners"),
    ("GET", "/api/events"),
    ("POST", "/api/auth/login"),
    ("POST", "/api/calculator"),
    ("GET", "/api/users"),
)


async def test_until_the_code_has_made_the_first_administrator_everything_else_is_refused(own_web: Make) -> None:
    with own_web() as web:
        async with web.client() as client:
            assert (await client.get("/api/auth/state")).json()["state"] == "setup"
            for method, path in CALLS:
                body = {"name": "admin", "password": "admin"} if method == "POST" else None
                said = await client.request(method, path, json=body)
                assert said.status_code in (422, 503), path
                assert said.status_code == 422 or said.json()["code"] == "setup_required"
            assert web.command("code").stdout.strip() == web.code()
            wrong = {"code": "AAAA-BBBB-CCCC", "name": ADMIN, "password": PASSWORD}
            assert (await client.post("/api/setup", json=wrong)).status_code == 403
            right = {**wrong, "code": web.code().lower()}
            assert (await client.post("/api/setup", json={**right, "password": "short"})).json()["field"] == "password"
            made = await client.post("/api/setup", json=right)
            assert made.status_code == 201
            assert made.json()["user"]["role"] == "admin"
            assert (await client.get("/api/auth/state")).json()["state"] == "signed_in"
            assert (await client.post("/api/setup", json=right)).status_code == 409
        assert web.command("code").returncode == 1


async def test_the_code_stands_in_no_log_belongs_to_the_owner_alone_and_cannot_be_guessed(own_web: Make) -> None:
    with own_web() as web:
        code, file = web.code(), web.data_dir / "web" / "setup-code"
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert code not in web.log.read_text()
        assert "hashbus web code" in web.log.read_text()

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


def test_a_port_that_another_program_has_is_named(shared: WebService, tmp_path: Path) -> None:
    settings = yaml.safe_load(shared.file.read_text()) | {"data_dir": str(tmp_path / "var"), "health": {"port": 0}}
    file = tmp_path / "site.yaml"
    file.write_text(yaml.safe_dump(settings))
    command = [sys.executable, "-m", "hashbus_web", "--config", str(file), "--account", "web-2"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 2
    assert f"web.port: 127.0.0.1:{shared.port} cannot be used" in done.stderr
