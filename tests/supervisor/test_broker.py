"""The broker of a site, mosquitto's or the embedded one: who may come in, who may write what, what survives."""

import os
import re
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from hashbus_supervisor.accounts import hashed, password_file, verifies
from hashbus_supervisor.broker_files import mosquitto_conf
from hashbus_supervisor.site import mosquitto_program
from tests.servers import ROOT, program, wait_until
from tests.supervisor.conftest import Command
from tests.supervisor.running_up import Up

TELEMETRY = "hashbus/test/miner/attic/telemetry"
STATE = "hashbus/test/control/state"


@pytest.fixture(scope="module", params=["mosquitto", "embedded"])
def up(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    """A site on each kind of broker, with nothing on it but a recorder."""
    with Up(tmp_path_factory.mktemp(request.param), {"recorder": "rests"}, broker=request.param).start() as up:
        up.until("broker ready")
        yield up


def login(up: Up, account: str, password: str | None = None) -> list[str]:
    """The arguments with which mosquitto's own clients come in."""
    secret = password or (up.data_dir / "secrets" / account).read_text().strip()
    return ["-h", "127.0.0.1", "-p", str(up.port), "-u", account, "-P", secret]


def publish(up: Up, account: str, topic: str, text: str) -> None:
    command = [program("mosquitto_pub"), *login(up, account), "-q", "1", "-r", "-t", topic, "-m", text]
    subprocess.run(command, check=True, timeout=20)


def retained(up: Up, topic: str) -> str:
    """What the broker remembers under a topic; nothing is an empty text."""
    command = [program("mosquitto_sub"), *login(up, "web"), "-t", topic, "-C", "1", "-W", "1", "-F", "%p"]
    return subprocess.run(command, check=False, capture_output=True, text=True, timeout=20).stdout.strip()


def test_a_service_cannot_write_what_another_is_the_writer_of(up: Up) -> None:
    publish(up, "recorder", TELEMETRY, "from the recorder")
    publish(up, "controller", STATE, "from the controller")
    assert retained(up, STATE) == "from the controller"
    assert retained(up, TELEMETRY) == ""


def test_the_broker_is_named_as_what_it_is(up: Up) -> None:
    assert re.search(r"broker (mosquitto on|embedded broker on .*, fit for a home)", up.said)


def test_nobody_comes_in_with_a_wrong_password(up: Up) -> None:
    command = [program("mosquitto_sub"), *login(up, "poller", "guessed"), "-t", "#", "-W", "5"]
    refused = subprocess.run(command, check=False, capture_output=True, text=True, timeout=20)
    assert refused.returncode != 0
    assert "not authori" in refused.stderr


def test_nobody_comes_in_without_a_name(up: Up) -> None:
    command = [program("mosquitto_sub"), "-h", "127.0.0.1", "-p", str(up.port), "-t", "#", "-W", "5"]
    assert subprocess.run(command, check=False, capture_output=True, timeout=20).returncode != 0


@pytest.mark.parametrize("broker", ["mosquitto", "embedded"])
def test_what_is_retained_survives_the_end_of_the_site(tmp_path: Path, broker: str) -> None:
    with Up(tmp_path, {"recorder": "rests"}, broker=broker).start() as up:
        up.until("broker ready")
        publish(up, "controller", STATE, "the latch")
        up.stop()
        up.start().until("broker ready")
        assert retained(up, STATE) == "the latch"


def test_a_killed_broker_comes_back_with_what_it_saved_and_what_the_living_say(tmp_path: Path) -> None:
    with Up(tmp_path, {"poller": "reads"}).start() as up:
        up.until("attic online")
        publish(up, "controller", STATE, "the latch")
        saved = up.data_dir / "mosquitto" / "mosquitto.db"
        broker = up.children()["broker"]
        os.kill(broker, signal.SIGUSR1)  # what its clock does every 30 s
        assert wait_until(lambda: saved.exists() and b"the latch" in saved.read_bytes())
        os.kill(broker, signal.SIGKILL)
        up.until("(?s)broker was killed by SIGKILL.*broker ready")
        assert retained(up, STATE) == "the latch"
        assert wait_until(lambda: '"power_w":3600' in retained(up, TELEMETRY))


def test_without_mosquitto_none_is_found(tmp_path: Path) -> None:
    assert mosquitto_program(path=str(tmp_path), folders=()) is None
    assert mosquitto_program() == program("mosquitto")


def test_what_a_person_added_to_the_broker_stays(tmp_path: Path, command: Command) -> None:
    up = Up(tmp_path, {"recorder": "works"})
    command("setup", "--config", up.file)
    files = up.data_dir / "mosquitto"
    passwd = files / "passwd"
    passwd.write_text(passwd.read_text() + hashed("grafana", "secret", b"salt" * 3) + "\n")
    (files / "acl.local").write_text("user grafana\ntopic read hashbus/#\n")
    (files / "conf.d" / "lan.conf").write_text("# a listener\n")
    assert "written" in command("setup", "--config", up.file).out
    assert "grafana:" in passwd.read_text()
    assert (files / "acl").read_text().endswith("user grafana\ntopic read hashbus/#\n")
    assert (files / "conf.d" / "lan.conf").read_text() == "# a listener\n"


def test_a_line_of_a_password_file_is_what_mosquitto_passwd_writes(tmp_path: Path) -> None:
    file = tmp_path / "passwd"
    subprocess.run([program("mosquitto_passwd"), "-b", "-c", file, "poller", "secret"], check=True, timeout=20)
    line = file.read_text().strip()
    assert verifies(line, "secret")
    assert not verifies(line, "Secret")
    assert password_file(line, {"poller": "secret"}) == line + "\n"
    assert password_file(line, {"poller": "changed"}) != line + "\n"


@pytest.mark.parametrize("line", ["", "poller", "poller:", "poller:$7$x$y", "poller:$6$a$b", "poller:$7$101$%%$b"])
def test_a_broken_line_of_a_password_file_verifies_nothing(line: str) -> None:
    assert not verifies(line, "secret")


def test_the_settings_in_the_repository_are_those_of_a_site_in_var() -> None:
    written = (ROOT / "mosquitto" / "mosquitto.conf").read_text()
    assert written == mosquitto_conf("var/mosquitto", "127.0.0.1", 1883)
