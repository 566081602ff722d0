"""`hashbus up` keeps a site running: real processes, a real broker, services with the real shell."""

import os
import signal
import socket
import stat
import subprocess
from pathlib import Path

import pytest

from hashbus.topics import SERVICES
from tests.servers import accepts_connections, wait_until
from tests.supervisor.running_up import Up, hashbus, is_alive


def test_a_site_starts_shows_its_miners_and_ends_in_order(tmp_path: Path) -> None:
    with Up(tmp_path, {"simulator": "simulates", "poller": "reads", "recorder": "works"}).start() as up:
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
        up.until(r"recorder crash loop: ended with code 1, 4 times in a row; next try in \d s")
        assert "recorder RuntimeError: the disk fell out" in up.said
        assert "Traceback" in (up.data_dir / "log" / "recorder.log").read_text()


def test_a_service_that_does_not_end_is_killed(tmp_path: Path) -> None:
    with Up(tmp_path, {"recorder": "stays"}, stop_s=0.3).start() as up:
        log = up.data_dir / "log" / "recorder.log"
        assert wait_until(lambda: log.exists() and "here to stay" in log.read_text())
        stubborn = up.children()["recorder"]
        assert up.stop() == 0
        assert "recorder did not end within 0.3 s and was killed" in up.said
        assert not is_alive(stubborn)


@pytest.mark.parametrize("broker", ["mosquitto", "embedded"])
def test_nothing_is_left_behind_when_the_supervisor_is_killed(tmp_path: Path, broker: str) -> None:
    services = {"simulator": "simulates", "recorder": "works", "poller": "stays"}
    with Up(tmp_path, services, broker=broker).start() as up:
        up.until("recorder ready")
        assert wait_until(lambda: len(up.children()) == 4)
        processes = list(up.children().values())
        os.kill(up.pid, signal.SIGKILL)
        up.ends()
        assert wait_until(lambda: not any(is_alive(pid) for pid in processes))
        assert not accepts_connections("127.0.0.1", up.port)


def test_the_end_of_the_terminal_ends_the_site_in_good_order(tmp_path: Path) -> None:
    with Up(tmp_path, {"recorder": "works"}).start() as up:
        up.until("recorder ready")
        assert up.stop(signal.SIGHUP) == 0
        assert up.diary == ["recorder ended, broker there"]


def test_a_second_up_on_the_same_state_is_refused(tmp_path: Path) -> None:
    with Up(tmp_path, {"recorder": "works"}).start() as up:
        up.until("broker ready")
        second = hashbus("up", "--config", up.file)
        assert second.returncode == 1
        assert f"another `hashbus up` (process {up.pid}) already runs the site in {up.data_dir}" in second.stderr


def test_a_taken_port_is_named_with_the_way_out(tmp_path: Path) -> None:
    up = Up(tmp_path, {"recorder": "works"})
    with socket.create_server(("127.0.0.1", up.port)):
        refused = hashbus("up", "--config", up.file)
    assert refused.returncode == 1
    assert f"port {up.port} of 127.0.0.1 cannot be used: address already in use" in refused.stderr
    assert f"ss -ltnp 'sport = :{up.port}'" in refused.stderr
    assert "set broker.port" in refused.stderr


def test_the_first_run_makes_an_account_for_everybody_that_only_its_owner_can_read(tmp_path: Path) -> None:
    up = Up(tmp_path, {"recorder": "works"})
    made = hashbus("setup", "--config", up.file, "--secret", "influxdb_token")
    assert made.returncode == 0, made.stderr
    secrets = up.data_dir / "secrets"
    assert {file.name for file in secrets.iterdir()} == {*SERVICES, "influxdb_token"}
    assert stat.S_IMODE(secrets.stat().st_mode) == 0o700
    assert {stat.S_IMODE(file.stat().st_mode) for file in secrets.iterdir()} == {0o600}
    assert len({file.read_text() for file in secrets.iterdir()}) == len(SERVICES) + 1
    before = {file.name: file.read_text() for file in secrets.iterdir()}
    assert "as it was" in hashbus("setup", "--config", up.file).stdout
    assert {file.name: file.read_text() for file in secrets.iterdir()} == before


def test_a_dry_run_says_what_would_be_started_and_makes_nothing(tmp_path: Path) -> None:
    up = Up(tmp_path, {"poller": "reads"})
    dry = hashbus("up", "--config", up.file, "--dry-run")
    assert dry.returncode == 0, dry.stderr
    assert "fake_service.py reads poller" in dry.stdout
    assert not up.data_dir.exists()


def test_once_shows_every_device_and_ends(tmp_path: Path) -> None:
    up = Up(tmp_path, {"poller": "reads"})
    up.file.write_text(up.file.read_text().replace("poller: {}", "poller: {devices: {attic: {}}}"))
    with up.start("--once"):
        assert up.ends() == 0
        assert "● attic WhatsMiner M64_VL40 mining 212.0 3600" in " ".join(up.said.split())


def test_a_log_that_cannot_be_written_is_said_and_ends_nothing(tmp_path: Path) -> None:
    up = Up(tmp_path, {"recorder": "works"})
    (up.data_dir / "log").mkdir(parents=True)
    (up.data_dir / "log" / "recorder.log").symlink_to("/dev/full")
    with up.start():
        up.until("recorder .*recorder.log cannot be written: no space left on device")
        up.until("recorder ready")


def test_a_disk_without_room_is_said_before_anything_starts(tmp_path: Path) -> None:
    up = Up(tmp_path, {"recorder": "works"})
    up.data_dir.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=4k", "tmpfs", str(up.data_dir)]
    mounted = subprocess.run(mount, check=False, capture_output=True)
    if mounted.returncode:
        pytest.skip("only root can make a disk this small")
    try:
        refused = hashbus("up", "--config", up.file)
    finally:
        subprocess.run(["umount", up.data_dir], check=True)
    assert refused.returncode == 1
    assert "cannot be written: no space left on device" in refused.stderr
    assert "set data_dir" in refused.stderr


def test_without_services_it_says_where_to_begin(tmp_path: Path) -> None:
    nothing = hashbus("up", cwd=tmp_path)
    assert nothing.returncode == 2
    assert "hashbus up --config config/demo.yaml" in nothing.stderr


def test_a_service_that_is_not_installed_is_left_out(tmp_path: Path) -> None:
    up = Up(tmp_path, {"recorder": "works"})
    up.file.write_text(up.file.read_text() + "market: {}\n")
    with up.start():
        up.until("market is not installed here and is left out")
        up.until("recorder ready")


def test_two_pollers_have_accounts_of_their_own(tmp_path: Path) -> None:
    services = {"poller": "works", "poller-2": "works"}
    with Up(tmp_path, services, services=list(services)).start() as up:
        up.until("poller ready")
        up.until("poller-2 ready")
        assert (up.data_dir / "secrets" / "poller-2").is_file()
