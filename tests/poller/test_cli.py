"""One device at a time in the terminal: `hashbus probe`, `hashbus raw` and `hashbus drivers`."""

import asyncio
import json
import socketserver
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hashbus.health import serve
from hashbus.messages import MinerReading, MinerTelemetry
from hashbus_poller.cli import drivers, probe, raw
from hashbus_poller.cli.console import plain
from hashbus_poller.cli.facts import duration, facts
from tests.poller.network import EmulatedNetwork, command, logs_put_back, may_listen_on
from tests.poller.site import site, until
from tests.servers import free_port

WHATSMINER, ANTMINER, CGMINER, BITAXE = "127.92.1.1", "127.92.1.2", "127.92.1.3", "127.92.1.4"
PORTAL_PORT = 18_092
WEB_PORT = 80 if may_listen_on(80) else 18_080
BLOCKS: list[dict[str, object]] = [
    {"family": "whatsminer_v3", "host": WHATSMINER, "password": "miner-pass1"},
    {"family": "antminer", "host": ANTMINER, "ports": {"web": WEB_PORT}},
    {"family": "cgminer", "host": CGMINER},
    {"family": "bitaxe", "host": BITAXE, "ports": {"web": 18_081}},
    {"family": "eg4_portal", "host": "127.92.1.5", "ports": {"web": PORTAL_PORT}},
]
PORTAL = f"http://127.92.1.5:{PORTAL_PORT}"

Terminal = pytest.CaptureFixture[str]


@pytest.fixture(scope="module", autouse=True)
def _network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with EmulatedNetwork(tmp_path_factory.mktemp("network"), BLOCKS):
        yield


@pytest.fixture(autouse=True)
def _logs() -> Iterator[None]:
    with logs_put_back():
        yield


@pytest.fixture
def password_file(tmp_path: Path) -> str:
    file = tmp_path / "password"
    file.write_text("miner-pass1\n")
    return str(file)


class TestProbe:
    def test_a_miner_is_recognised_and_shown_on_one_page(self, capsys: Terminal) -> None:
        assert probe([WHATSMINER]) == 0
        page = capsys.readouterr().out
        assert f"WhatsMiner M64_VL40  {WHATSMINER}  driver whatsminer, gold" in page
        assert "mining, normal · 212.00 TH/s" in page
        for heading in ("Identity", "Capabilities", "Reading", "Boards", "Pools", "Worth knowing", "Took"):
            assert f"\n{heading}" in page
        assert "stratum+tcp://pool.example:3333" in page
        assert "✗ Power limit" in page
        assert "nothing can be set; --password-file may change that" in page

    def test_with_its_password_it_shows_what_can_be_set(self, password_file: str, capsys: Terminal) -> None:
        assert probe([WHATSMINER, "--password-file", password_file]) == 0
        page = capsys.readouterr().out
        assert "✓ Power limit" in page
        assert "✗ Fan" in page, "it has no such thing with any password"
        assert "miner-pass1" not in page

    @pytest.mark.parametrize(
        ("arguments", "driver", "model"),
        [
            ([ANTMINER], "antminer", "S19j Pro"),
            ([CGMINER], "cgminer", "Generic SHA-256"),
            ([BITAXE, "--port", "18081"], "bitaxe", "Gamma"),
            ([ANTMINER, "--driver", "cgminer"], "cgminer", "S19j Pro"),
        ],
    )
    def test_every_family_is_recognised_and_a_driver_can_be_chosen(
        self, arguments: list[str], driver: str, model: str, capsys: Terminal
    ) -> None:
        assert probe([*arguments, "--json"]) == 0
        told = json.loads(capsys.readouterr().out)
        assert (told["driver"], told["identity"]["model"]) == (driver, model)
        assert MinerReading.model_validate(told["reading"]).hashrate_ths
        assert [step["error"] for step in told["steps"]] == [None] * len(told["steps"])

    def test_a_battery_is_read_through_its_portal(self, tmp_path: Path, capsys: Terminal) -> None:
        (tmp_path / "eg4").write_text("owner")
        login = ["--option", "account=owner", "--password-file", str(tmp_path / "eg4")]
        assert probe([PORTAL, "--driver", "eg4_portal", *login]) == 0
        page = capsys.readouterr().out
        assert "EG4 / LuxPower cloud portal" in page
        assert "SOC" in page

    @pytest.mark.parametrize(
        ("arguments", "problem", "hint"),
        [
            (
                ["127.92.9.9"],
                "127.92.9.9 is there, but nothing listens on ports 80, 4028, 4433",
                "is its API turned on",
            ),
            ([WHATSMINER, "--port", "4", "--driver", "cgminer"], "nothing listens on", "Another port is given with"),
            (["no.such.host.invalid"], "no.such.host.invalid is not known", "hashbus scan"),
            ([BITAXE, "--port", "18081", "--driver", "cgminer", "--timeout", "2"], "", "hashbus"),
        ],
    )
    def test_what_goes_wrong_is_said_in_plain_words_with_a_hint(
        self, arguments: list[str], problem: str, hint: str, capsys: Terminal
    ) -> None:
        assert probe(arguments) == 1
        printed = capsys.readouterr()
        assert printed.out == ""
        assert problem in printed.err
        assert hint in printed.err
        assert "Traceback" not in printed.err

    def test_a_wrong_password_is_refused_and_not_shown(self, tmp_path: Path, capsys: Terminal) -> None:
        (tmp_path / "wrong").write_text("hunter2-hunter2")
        login = ["--option", "account=owner", "--password-file", str(tmp_path / "wrong")]
        assert probe([PORTAL, "--driver", "eg4_portal", *login]) == 1
        printed = capsys.readouterr()
        assert "Asking again will not help" in printed.err
        assert "hunter2" not in printed.out + printed.err

    def test_an_error_is_told_to_programs_too(self, capsys: Terminal) -> None:
        assert probe(["127.92.9.9", "--json"]) == 1
        [step] = json.loads(capsys.readouterr().out)["steps"]
        assert (step["step"], step["error"]["kind"]) == ("recognise", "unreachable")

    @pytest.mark.parametrize(
        ("arguments", "problem"),
        [
            (["x", "--driver", "whatsmine"], "--driver whatsmine: not installed; did you mean `whatsminer`?"),
            ([WHATSMINER, "--option", "password=x"], "--option password=...: everybody on this machine can see that"),
            ([WHATSMINER, "--driver", "whatsminer", "--option", "port"], "--option port: write KEY=VALUE"),
            (
                [WHATSMINER, "--driver", "whatsminer", "--option", "accout=user1"],
                "--option accout: accout: unknown key; did you mean `account`?",
            ),
            ([WHATSMINER, "--driver", "whatsminer", "--option", "account=owner"], "--option account: account: 'owner'"),
            (["http://x", "--driver", "cgminer"], "HOST: host: 'http://x' is not right"),
            (["http://x"], "http://x: give the address alone"),
            (["https://x", "--driver", "eg4_portal"], "--option account=...: account: is missing"),
            ([BITAXE, "--driver", "bitaxe", "--password-file", __file__], "devices of driver bitaxe have no password"),
            ([WHATSMINER, "--driver", "whatsminer", "--password-file", "no/such"], "no/such: cannot be read"),
        ],
    )
    def test_wrong_usage_is_said_in_one_line(self, arguments: list[str], problem: str, capsys: Terminal) -> None:
        assert probe(arguments) == 2
        printed = capsys.readouterr()
        assert printed.out == ""
        assert problem in printed.err
        assert len(printed.err.splitlines()) == 1

    @pytest.mark.parametrize("arguments", [[], ["x", "--port", "70000"], ["x", "--timeout", "nan"]])
    def test_what_cannot_even_be_parsed_is_exit_code_2(self, arguments: list[str], capsys: Terminal) -> None:
        with pytest.raises(SystemExit, match="2"):
            probe(arguments)
        assert "usage: hashbus probe" in capsys.readouterr().err

    def test_what_a_device_says_cannot_move_the_cursor(self, capsys: Terminal) -> None:
        with _HostileMiner("127.92.9.1"):
            probe(["127.92.9.1", "--driver", "cgminer"])
        printed = capsys.readouterr()
        assert "\x1b" not in printed.out + printed.err
        assert r"\x1b[2J" in printed.out


class _HostileMiner(socketserver.ThreadingTCPServer):
    """Answers every question of the cgminer API with names that hold terminal commands."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, host: str) -> None:
        class Answer(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                self.request.recv(4096)
                status = {"STATUS": "S", "Code": 22, "Msg": "\x1b]0;owned\x07", "Description": "cgminer 4.12.1"}
                version = {"API": "3.7", "CGMiner": "4.12.1", "Type": "Antminer \x1b[2J S19"}
                summary = {"GHS av": 1000.0, "Elapsed": 5, "Accepted": 1}
                sections = {"STATUS": [status], "VERSION": [version], "SUMMARY": [summary], "DEVS": [], "POOLS": []}
                sections["CHECK"] = [{"Exists": "Y", "Access": "N"}]
                joined = {name: [sections | {"id": 1}] for name in ("summary", "devs", "pools")}
                self.request.sendall(json.dumps(sections | joined | {"id": 1}).encode() + b"\0")

        super().__init__((host, 4028), Answer)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def server_close(self) -> None:
        self.shutdown()
        super().server_close()


class TestRaw:
    async def test_the_last_answers_of_a_device_are_shown_as_the_poller_heard_them(self, tmp_path: Path) -> None:
        devices = {"attic": {"driver": "cgminer", "host": "127.92.2.1"}}
        async with site(tmp_path, emulated=[{"family": "cgminer", "host": "127.92.2.1"}], devices=devices) as found:
            async with found.bus("web").subscribe(MinerTelemetry) as heard:
                await until(heard, lambda reading: reading.miner == "attic")
            url = f"http://127.0.0.1:{serve(found.health, '127.0.0.1', 0)}"
            shown = await _run("raw", "attic", "--url", url)
            whole = await _run("raw", "attic", "--url", url, "--json")
            unknown = await _run("raw", "cellar", "--url", url)
        assert shown.returncode == 0
        assert "▸ summary+devs+pools" in shown.stdout
        assert '      "Accepted": ' in shown.stdout, "JSON has one key a line"
        assert "\\0" in shown.stdout, "the NUL at the end of a cgminer answer is seen"
        assert json.loads(whole.stdout)[-1]["answer"].endswith("\0")
        assert unknown.returncode == 1
        assert "no device 'cellar' here" in unknown.stderr

    def test_a_poller_that_does_not_run_is_said_with_what_to_do(self, tmp_path: Path, capsys: Terminal) -> None:
        config = tmp_path / "site.yaml"
        port = free_port()
        config.write_text(f"health: {{host: 0.0.0.0, first_port: {port}}}\n")
        assert raw(["attic", "--config", str(config)]) == 1
        said = capsys.readouterr().err
        assert f"the poller does not answer at http://127.0.0.1:{port}" in said
        assert "`hashbus up` starts it" in said

    @pytest.mark.parametrize("arguments", [["--url", "ftp://x"], ["--account", "recorder"], ["--config", "no/such"]])
    def test_wrong_usage_is_exit_code_2(self, arguments: list[str], capsys: Terminal) -> None:
        assert raw(["attic", *arguments]) == 2
        assert len(capsys.readouterr().err.splitlines()) == 1


async def _run(name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command while this process goes on serving it."""
    run = await asyncio.create_subprocess_exec(
        *command(name, *arguments), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    out, err = await run.communicate()
    assert run.returncode is not None
    return subprocess.CompletedProcess(arguments, run.returncode, out.decode(), err.decode())


class TestDrivers:
    def test_the_installed_drivers_are_listed_with_what_they_can_do(self, capsys: Terminal) -> None:
        assert drivers([]) == 0
        lines = capsys.readouterr().out.splitlines()
        assert any(line.split()[:2] == ["whatsminer", "gold"] and "4433" in line for line in lines)
        assert any("power limit, power percent, sleep" in line for line in lines)

    def test_programs_get_json(self, capsys: Terminal) -> None:
        assert drivers(["--json"]) == 0
        told = {one["driver"]: one for one in json.loads(capsys.readouterr().out)["drivers"]}
        assert told["bitaxe"]["ports"] == [80]
        assert "frequency" in told["bitaxe"]["capabilities"]
        assert told["bitaxe"]["package"].startswith("hashbus-poller ")
        assert told["eg4_portal"]["kind"] == "battery"

    def test_a_broken_plugin_is_named_with_the_reason_and_hides_no_other(self, tmp_path: Path) -> None:
        plugin = tmp_path / "acme-1.0.dist-info"
        plugin.mkdir()
        (plugin / "METADATA").write_text("Metadata-Version: 2.1\nName: acme\nVersion: 1.0\n")
        (plugin / "entry_points.txt").write_text("[hashbus.drivers]\nacme = acme_heater:DRIVER\nodd = json:dumps\n")
        run = subprocess.run(
            command("drivers"), capture_output=True, text=True, check=False, env={"PYTHONPATH": str(tmp_path)}
        )
        assert run.returncode == 1
        assert "whatsminer" in run.stdout
        assert "✖ acme  left out: ModuleNotFoundError: No module named 'acme_heater'" in run.stdout
        assert "✖ odd  left out: json:dumps is not its DriverSpec" in run.stdout


class TestFacts:
    def test_figures_have_their_units_and_small_ones_enough_digits(self) -> None:
        reading: Any = {
            "state": "mining",
            "hashrate_ths": 1.0712,
            "power_w": 17.58,
            "mining_s": 90_000,
            "fans_rpm": [4210],
        }
        assert dict(facts(MinerReading.model_validate(reading), frozenset({"state", "is_partial"}))) == {
            "Hashrate": "1.07 TH/s",
            "Power": "17.6 W",
            "Mining for": "1 d 1 h",
            "Fans": "4,210 rpm",
        }

    @pytest.mark.parametrize(
        ("seconds", "words"), [(0, "0 s"), (59.6, "1 min"), (3_661, "1 h 1 min"), (200_000, "2 d 7 h")]
    )
    def test_a_time_is_written_in_its_two_largest_units(self, seconds: float, words: str) -> None:
        assert duration(seconds) == words

    def test_letters_that_a_terminal_obeys_are_shown_instead(self) -> None:
        assert plain("a\x1b[31m\u202e\0b\n") == "a\\x1b[31m\\u202e\\x00b\\n"
