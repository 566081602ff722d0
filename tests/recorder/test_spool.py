"""What waits on disk for a store that is away."""

from __future__ import annotations

import random
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

from hashbus_recorder import metrics
from hashbus_recorder.repository import Point, StoreUnavailable
from hashbus_recorder.spool import Spool
from tests.recorder.stores import START, every, miner

FILLER = """
import sys
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from hashbus_recorder.repository import Point
from hashbus_recorder.spool import Spool

spool = Spool(Path(sys.argv[1]), max_mb=50)
start = datetime.fromisoformat(sys.argv[2])
for number in range(1_000_000):
    spool.put([Point("miner", "attic", start + timedelta(seconds=number), {"power_w": float(number)})])
    print(number, flush=True)
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "spool.sqlite3"


def drained(spool: Spool) -> list[Point]:
    found: list[Point] = []
    while spool.points:
        waiting = spool.oldest(100)
        found += waiting.points
        spool.remove(waiting)
    return found


def test_points_come_out_in_the_order_they_went_in(path: Path) -> None:
    spool = Spool(path, max_mb=10)
    points = [miner("attic", at, number / 10, state="mining") for number, at in enumerate(every(10, 250))]
    for first in range(0, 250, 25):
        spool.put(points[first : first + 25])

    assert spool.points == 250
    assert drained(spool) == points
    assert (spool.points, spool.bytes) == (0, 0)
    spool.close()


def test_what_was_read_and_not_removed_is_still_there_after_a_restart(path: Path) -> None:
    spool = Spool(path, max_mb=10)
    spool.put([miner("attic", START, 1.0)])
    spool.oldest(10)
    spool.close()

    again = Spool(path, max_mb=10)

    assert [point.fields["power_w"] for point in drained(again)] == [1.0]
    again.close()


def test_a_killed_process_leaves_everything_it_spooled(path: Path) -> None:
    filler = subprocess.Popen(
        [sys.executable, "-c", FILLER, str(path), START.isoformat()], stdout=subprocess.PIPE, text=True
    )
    assert filler.stdout is not None
    with filler.stdout as said:
        while int(said.readline()) < 50:
            pass
        filler.kill()
        last = [50, *(int(line) for line in said if line.endswith("\n"))][-1]
    filler.wait()

    spool = Spool(path, max_mb=50)

    assert [point.fields["power_w"] for point in drained(spool)][: last + 1] == [float(n) for n in range(last + 1)]
    spool.close()


def test_at_its_bound_the_whole_outage_gets_coarser_and_both_ends_stay(path: Path) -> None:
    spool = Spool(path, max_mb=1)
    before = metrics.THINNED.labels("spool")._value.get()
    noise = [random.Random(number).randbytes(300).hex() for number in range(4000)]
    for number, at in enumerate(every(10, 4000)):
        spool.put([miner(f"m{place}", at, number, note=noise[number]) for place in range(5)])
    spool.put([Point("miner_decision", "attic", START, {"power_w": 1.0})])

    kept = drained(spool)

    assert metrics.THINNED.labels("spool")._value.get() > before
    mine = [point.fields["power_w"] for point in kept if point.device == "m3"]
    assert mine[0] == 0
    assert mine[-1] == 3999
    assert mine == sorted(mine)
    assert max(two - one for one, two in pairwise(mine)) <= 64
    assert sum(point.measurement == "miner_decision" for point in kept) == 1
    spool.close()


def test_when_nothing_can_be_left_out_any_more_the_newest_are_lost_and_counted(path: Path) -> None:
    spool = Spool(path, max_mb=1)
    before = metrics.DROPPED.labels("spool")._value.get()
    for number in range(3000):
        spool.put([Point("request", f"r{number}", START, {"note": random.Random(number).randbytes(300).hex()})])

    assert metrics.DROPPED.labels("spool")._value.get() > before
    assert drained(spool)[0].device == "r0"
    spool.close()


def test_a_full_disk_is_said(path: Path) -> None:
    spool = Spool(path, max_mb=10)
    spool._file.execute("PRAGMA max_page_count = 4")

    with pytest.raises(StoreUnavailable, match="is full"):
        spool.put([miner("attic", at, 1.0, note=random.Random(str(at)).randbytes(300).hex()) for at in every(1, 100)])
    spool.close()


def test_a_damaged_batch_is_left_out_and_the_rest_is_read(path: Path) -> None:
    spool = Spool(path, max_mb=10)
    for at in every(10, 3):
        spool.put([miner("attic", at, 1.0)])
    spool._file.execute("UPDATE batch SET body = x'00ff' WHERE id = 2")

    assert [point.at for point in drained(spool)] == [every(10, 3)[0], every(10, 3)[2]]
    spool.close()
