"""The small parts of the supervisor: what it does about a fall, what it keeps of a log, how it reads a line."""

import random
from itertools import pairwise
from pathlib import Path

import pytest

from hashbus.backoff import Backoff
from hashbus_supervisor import figures
from hashbus_supervisor.private_files import write_whole
from hashbus_supervisor.restarts import Restarts
from hashbus_supervisor.site_log import SiteLog
from hashbus_supervisor.spoken import spoken


def restarts() -> Restarts:
    return Restarts(Backoff(first_s=1, longest_s=60, _random=random.Random(1)))


def test_each_fall_in_a_row_waits_longer_and_at_most_a_minute() -> None:
    falling = restarts()
    waits = [falling.after(1, ran_s=0.2).wait_s or 0 for _ in range(12)]
    assert all(later > earlier / 2 for earlier, later in pairwise(waits))
    assert waits[0] <= 1
    assert 30 <= waits[-1] <= 60


def test_a_service_that_ran_well_begins_anew() -> None:
    falling = restarts()
    for _ in range(8):
        falling.after(1, ran_s=0.2)
    assert (falling.after(-9, ran_s=3600).wait_s or 99) <= 1


@pytest.mark.parametrize(
    ("code", "says"),
    [(0, "ended by itself"), (1, "ended with code 1"), (-9, "was killed by SIGKILL"), (-64, "was killed by SIGRTMAX")],
)
def test_an_exit_is_said_in_words(code: int, says: str) -> None:
    assert says in restarts().after(code, ran_s=1).text


def test_wrong_settings_are_not_tried_again() -> None:
    assert restarts().after(2, ran_s=1).wait_s is None


def test_a_log_is_kept_to_its_size_and_three_old_ones(tmp_path: Path) -> None:
    log = SiteLog(tmp_path / "poller.log", bound_bytes=100)
    for number in range(60):
        log.write(f"line {number:04}\n".encode())
    log.close()
    files = sorted(file.name for file in tmp_path.iterdir())
    assert files == ["poller.log.1", "poller.log.2", "poller.log.3"]
    assert all(file.stat().st_size <= 110 for file in tmp_path.iterdir())
    assert "line 0059" in (tmp_path / "poller.log.1").read_text()


def test_a_log_says_what_is_wrong_until_it_can_be_written_again(tmp_path: Path) -> None:
    (tmp_path / "poller.log").symlink_to("/dev/full")
    log = SiteLog(tmp_path / "poller.log", bound_bytes=100)
    log.write(b"lost\n")
    assert log.problem == f"{tmp_path}/poller.log cannot be written: no space left on device"
    (tmp_path / "poller.log").unlink()
    log.write(b"kept\n")
    log.close()
    assert log.problem is None
    assert (tmp_path / "poller.log").read_text() == "kept\n"


def test_a_file_is_whole_or_not_there(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    assert write_whole(secret, "one")
    assert not write_whole(secret, "one")
    assert write_whole(secret, "two")
    assert [file.name for file in tmp_path.iterdir()] == ["secret"]
    assert secret.stat().st_mode & 0o777 == 0o600


def test_a_log_line_is_read_for_people() -> None:
    line = (
        '{"event": "crashed", "level": "error", "service": "poller", "exception": "Traceback\\nValueError: no", "n": 3}'
    )
    assert spoken(line).text == "crashed: ValueError: no: n 3"
    assert spoken(line).is_error


@pytest.mark.parametrize("line", ["", "plain words", "{", "[1]", '{"no": "event"}', '{"event": 1}', '{"event": ""}'])
def test_any_line_can_be_read(line: str) -> None:
    assert not spoken(line).is_error


@pytest.mark.parametrize(
    ("power_w", "written"),
    [(None, "-"), (0, "0 W"), (17.6, "18 W"), (9999, "9999 W"), (12_400, "12.4 kW"), (5e6, "5.00 MW")],
)
def test_powers_are_short(power_w: float | None, written: str) -> None:
    assert figures.watts(power_w) == written


@pytest.mark.parametrize(
    ("seconds", "written"), [(3, "3 s"), (99, "99 s"), (720, "12 min"), (18_000, "5 h"), (3e5, "3 d")]
)
def test_ages_are_short(seconds: float, written: str) -> None:
    assert figures.age(seconds) == written
