"""Runs a service that ends as by a power cut: at each given step of its work, the first time that it comes there.

python dying.py FOLDER LIVES_S STEP,STEP hashbus_bridge --config site.yaml
A step is MODULE:CLASS.METHOD:before or :after.
Each life lasts LIVES_S seconds at least. A file in FOLDER says that a step has had its death.
"""

import inspect
import os
import runpy
import signal
import sys
import time
from collections.abc import Callable
from functools import wraps
from importlib import import_module
from pathlib import Path
from typing import Any


def main() -> None:
    folder, lives_s, steps, module, *arguments = sys.argv[1:]
    earliest_s = time.monotonic() + float(lives_s)
    for step in steps.split(","):
        _set_trap(step, Path(folder) / step.replace(":", "-"), earliest_s)
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


def _set_trap(step: str, marker: Path, earliest_s: float) -> None:
    module, place, when = step.split(":")
    name, _, method = place.partition(".")
    owner = getattr(import_module(module), name)
    work = getattr(owner, method)

    def reached(now: str) -> None:
        if now == when and time.monotonic() >= earliest_s and not marker.exists():
            marker.touch()
            os.kill(os.getpid(), signal.SIGKILL)

    setattr(owner, method, _trapped(work, reached))


def _trapped(work: Callable[..., Any], reached: Callable[[str], None]) -> Callable[..., Any]:
    @wraps(work)
    async def awaited(*given: Any, **named: Any) -> Any:
        reached("before")
        result = await work(*given, **named)
        reached("after")
        return result

    @wraps(work)
    def called(*given: Any, **named: Any) -> Any:
        reached("before")
        result = work(*given, **named)
        reached("after")
        return result

    return awaited if inspect.iscoroutinefunction(work) else called


if __name__ == "__main__":
    main()
