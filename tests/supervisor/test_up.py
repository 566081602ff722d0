"""`hashbus up` keeps a site running: real processes, a real broker, services with the real shell."""

import os
import signal
import socket
import stat
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from hashbus.topics import SERVICES
from tests.servers import accepts_connections, answers, free_port, program, wait_until
from tests.supervisor.conftest import Command
from tests.supervisor.running_up import Up, is_alive


def test_a_site_starts_shows_its_miners_and_ends_in_order(tmp_path: Path) -> None:
    with Up(tmp_path, {"simulator": "rests", "poller": "reads", "recorder": "works"}).start() as up:
        up.until(r"attic online: WhatsMiner M64_VL40, 212\.0 TH/s at 3600 W")
        up.until("recorder ready")
        assert up.said.index("broker ready") < up.said.index("simulator ready") < up.said.index("recorder ready")
        assert up.stop(signal.SIGINT) == 0
        assert up.diary == ["recorder ended, broker there", "simulator ended"]
        assert not accepts_connections("127.0.0.1", up.port)


def test_a_service_that_is_killed_runs_again(tmp_path: Path) -> None:
    with Up(tmp_path, {"recorder": "works"}).start() as up:
        up.until("recorder ready")
        killed = up.children()["recorder"]
        os.kill(killed, signal.SIGKILL)
        up.until(r"recorder was killed by SIGKILL; starting it again in 0\.\d s")
        up.until("(?s)starting it again.*recorder ready")
        assert up.children()["recorder"] != killed


def test_a_service_with_wrong_settings_is_shown_once_and_not_tried_again(tmp_path: Path) -> None:
    with Up(tmp_path, {"poller": "reads", "recorder": "refuses"}).start() as up:
        up.until("recorder its settings are not right; it is not started again before they are mended")
        up.until("attic online")
        assert up.said.count("recorder.flush_s: 'soon' is not a number of seconds") == 1
        assert set(up.children()) == {"broker", "poller"}


def test_a_site_on_which_nothing_can_run_ends_with_code_2(tmp_path: Path) -> None:
    with Up(tmp_path, {"recorder": "refuses"}).start() as up:
        assert up.ends() == 2
        assert "recorder.flush_s: 'soon' is not a number of seconds" in up.said
        assert "no service is left that could run" in up.said


def test_a_crash_loop_is_called_so_and_the_cause_is_shown(tmp_path: Path) -> None:
    with Up(tmp_path, {"recorder": "crashes"}).start() as up:
        up.until(r"recorder crash loop: ended with code 1, 3 times in a row; next try in \d s")
        assert "recorder RuntimeError: the disk fell out" in up.said
        assert "Traceback" in (up.data_dir / "log" / "recorder.log").read_text()


@pytest.mark.parametrize("broker", ["mosquitto", "embedded"])
def test_nothing_is_left_behind_when_the_supervisor_is_killed(tmp_path: Path, broker: str) -> None:
    services = {"simulator": "rests", "recorder": "rests", "poller": "stays"}
    with Up(tmp_path, services, broker=broker).start() as up:
        up.until("broker ready")
        assert wait_until(lambda: len(up.children()) == 4)
        processes = list(up.children().values())
        os.kill(up.pid, signal.SIGKILL)
        up.ends()
        assert wait_until(lambda: not any(is_alive(pid) for pid in processes))
        assert not accepts_connections("127.0.0.1", up.port)


def test_once_shows_every_device_and_ends(tmp_path: Path) -> None:
    up = Up(tmp_path, {"poller": "reads"})
    up.file.write_text(up.file.read_text().replace("poller: {}", "poller: {devices: {attic: {}}}"))
    with up.start("--once"):
        assert up.ends() == 0
        assert "● attic WhatsMiner M64_VL40 mining 212.0 3600" in " ".join(up.said.split())


def test_who_does_not_end_is_killed_also_when_the_terminal_is_gone(tmp_path: Path) -> None:
    with Up(tmp_path, {"recorder": "stays"}, stop_s=0.3).start() as up:
        log = up.data_dir / "log" / "recorder.log"
        assert wait_until(lambda: log.exists() and "here to stay" in log.read_text())
        stubborn = up.children()["recorder"]
        assert up.stop(signal.SIGHUP) == 0
        assert "recorder did not end within 0.3 s and was killed" in up.said
        assert not is_alive(stubborn)


def test_a_second_ctrl_c_ends_it_at_once(tmp_path: Path) -> None:
    with Up(tmp_path, {"recorder": "stays"}, stop_s=500).start() as up:
        log = up.data_dir / "log" / "recorder.log"
        assert wait_until(lambda: log.exists() and "here to stay" in log.read_text())
        os.kill(up.pid, signal.SIGINT)
        up.until("site ending")
        assert up.stop(signal.SIGINT) == 0


def test_the_supervisor_shows_its_own_health_and_figures(tmp_path: Path) -> None:
    port = free_port()
    up = Up(tmp_path, {"simulator": "rests"})
    up.file.write_text(up.file.read_text().replace("port: 0", f"port: {port}"))
    with up.start():
        up.until("simulator ready")
        assert wait_until(lambda: answers(f"http://127.0.0.1:{port}/healthz"))
        assert wait_until(lambda: 'supervisor_process_well{process="broker"} 1.0' in text_of(port, "/metrics"))


def test_without_mosquitto_the_embedded_broker_takes_its_place(tmp_path: Path) -> None:
    hide = f"mount --bind /dev/null {program('mosquitto')}"
    if subprocess.run(["unshare", "-m", "sh", "-c", hide], check=False, capture_output=True).returncode:
        pytest.skip("only root can hide a program from one process")
    up = Up(tmp_path, {"recorder": "rests"}, broker="auto")
    with up.start(within=["unshare", "-m", "sh", "-c", f'{hide} && exec "$@"', "sh"]):
        up.until("mosquitto not found: embedded broker on 127.0.0.1:.*, fit for a home")
        up.until("broker ready")


def text_of(port: int, page: str) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{page}", timeout=10) as answer:
        return str(answer.read().decode())


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    """A site on which two pollers run, one service is not installed, and one log cannot be written."""
    services = {"poller": "works", "poller-2": "works"}
    up = Up(tmp_path_factory.mktemp("odd"), services, services=[*services, "bridge"], missing="bridge")
    (up.data_dir / "log").mkdir(parents=True)
    (up.data_dir / "log" / "poller-2.log").symlink_to("/dev/full")
    with up.start():
        up.until("poller ready")
        up.until("poller-2 ready")
        yield up


def test_two_pollers_have_accounts_of_their_own(odd: Up) -> None:
    assert (odd.data_dir / "secrets" / "poller").read_text() != (odd.data_dir / "secrets" / "poller-2").read_text()


def test_a_service_that_is_not_installed_is_left_out(odd: Up) -> None:
    odd.until("bridge is not installed here and is left out")


def test_a_log_that_cannot_be_written_is_said_and_ends_nothing(odd: Up) -> None:
    odd.until("poller-2 .*poller-2.log cannot be written: no space left on device")


def test_a_second_up_on_the_same_state_is_refused(odd: Up, command: Command) -> None:
    second = command("up", "--config", odd.file)
    assert second.code == 1
    assert f"another `hashbus up` (process {odd.pid}) already runs the site in {odd.data_dir}" in second.err


def test_a_taken_port_is_named_with_the_way_out(tmp_path: Path, command: Command) -> None:
    up = Up(tmp_path, {"recorder": "works"})
    with socket.create_server(("127.0.0.1", up.port)):
        refused = command("up", "--config", up.file)
    assert refused.code == 1
    assert f"port {up.port} of 127.0.0.1 cannot be used: address already in use" in refused.err
    assert f"ss -ltnp 'sport = :{up.port}'" in refused.err
    assert "set broker.port" in refused.err


def test_a_disk_without_room_is_said_before_anything_starts(tmp_path: Path, command: Command) -> None:
    up = Up(tmp_path, {"recorder": "works"})
    up.data_dir.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=4k", "tmpfs", str(up.data_dir)]
    if subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("only root can make a disk this small")
    try:
        refused = command("up", "--config", up.file)
    finally:
        subprocess.run(["umount", up.data_dir], check=True)
    assert refused.code == 1
    assert "cannot be written: no space left on device" in refused.err
    assert "set data_dir" in refused.err


def test_the_first_run_makes_an_account_for_everybody_that_only_its_owner_can_read(
    tmp_path: Path, command: Command
) -> None:
    up = Up(tmp_path, {"recorder": "works"})
    assert command("setup", "--config", up.file, "--secret", "influxdb_token").code == 0
    secrets = up.data_dir / "secrets"
    made = {file.name: file.read_text() for file in secrets.iterdir()}
    assert set(made) == {*SERVICES, "influxdb_token"}
    assert len(set(made.values())) == len(made)
    assert stat.S_IMODE(secrets.stat().st_mode) == 0o700
    assert {stat.S_IMODE(file.stat().st_mode) for file in secrets.iterdir()} == {0o600}
    assert "as it was" in command("setup", "--config", up.file).out
    assert {file.name: file.read_text() for file in secrets.iterdir()} == made


def test_a_dry_run_says_what_would_be_started_and_makes_nothing(tmp_path: Path, command: Command) -> None:
    site = tmp_path / "site.yaml"
    site.write_text(f"data_dir: {tmp_path}/var\nrecorder: {{}}\n")
    dry = command("up", "--config", site, "--dry-run")
    assert dry.code == 0, dry.err
    assert "-m hashbus_recorder --config" in dry.out
    assert not (tmp_path / "var").exists()


def test_without_services_it_says_where_to_begin(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: Command
) -> None:
    monkeypatch.chdir(tmp_path)
    nothing = command("up")
    assert nothing.code == 2
    assert "hashbus up --config config/demo.yaml" in nothing.err
