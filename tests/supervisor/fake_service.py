"""A service that the tests start in place of a real one: the real shell, and a behaviour that is asked for.

fake_service.py BEHAVIOUR SERVICE [what the supervisor adds: --config FILE, --account ACCOUNT, --check]
"""

import os
import signal
import sys
import time
from functools import partial
from pathlib import Path


def rest(service: str, diary: Path) -> int:
    """Do nothing until told to stop: no bus, no health page, quickly there."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        signal.pause()
    finally:
        with diary.open("a") as file:
            file.write(f"{service} ended\n")
    return 0


def stay() -> int:
    """Do not end when told to."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    sys.stdout.write("here to stay\n")
    sys.stdout.flush()
    while True:
        time.sleep(3600)


def main(behaviour: str, service: str, argv: list[str]) -> int:
    diary = Path(os.environ["HASHBUS_DATA_DIR"]) / "diary.txt"
    match behaviour:
        case "rests":
            return rest(service, diary)
        case "refuses":
            sys.stderr.write("site.yaml:7: recorder.flush_s: 'soon' is not a number of seconds\n")
            return 2
        case "crashes":
            raise RuntimeError("the disk fell out")
        case "stays":
            return stay()
    # Only these two need the library, which takes its time to import.
    from tests.supervisor import fake_work  # noqa: PLC0415

    work = {"works": partial(fake_work.work, diary=diary), "reads": fake_work.read_a_miner}[behaviour]
    return fake_work.run(service, work, argv)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2], sys.argv[3:]))
