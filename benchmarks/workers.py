"""A process that does one piece of work after another, each when it is told.

Two of them side by side, told in turns, measure two ways of doing the same thing on a machine that others use too: what
disturbs one round disturbs its neighbour as much, and the median of the rounds forgets the rest.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import uvloop

from hashbus import logs

ROOT = Path(__file__).resolve().parent.parent
LONGEST_ANSWER = 1 << 24
PATIENCE_S = 15

Work = Callable[..., Awaitable[Mapping[str, Any]]]


class Worker:
    """The other end of `obey`: a process that knows pieces of work by name."""

    def __init__(self, title: str, process: asyncio.subprocess.Process) -> None:
        """Talk to `process`, which was started with pipes; `title` is for complaints."""
        self._title = title
        self._process = process
        self._stdin = cast("asyncio.StreamWriter", process.stdin)
        self._stdout = cast("asyncio.StreamReader", process.stdout)

    async def do(self, work: str, **how: Any) -> dict[str, Any]:
        """Let one piece of work be done and return what came of it."""
        await self.begin(work, **how)
        return await self.result()

    async def begin(self, work: str, **how: Any) -> None:
        """Tell it to begin; fetch the `result` afterwards."""
        self._stdin.write(json.dumps({"work": work, **how}).encode() + b"\n")
        await self._stdin.drain()

    async def result(self) -> dict[str, Any]:
        """Return what came of the work that was begun."""
        line = await self._stdout.readline()
        if not line:
            raise SystemExit(f"{self._title} ended with code {await self._process.wait()}")
        result: dict[str, Any] = json.loads(line)
        return result

    async def end(self) -> None:
        """Let the process end: nothing more will be asked of it."""
        self._stdin.close()
        try:
            async with asyncio.timeout(PATIENCE_S):
                await self._process.wait()
        except TimeoutError:
            self._process.kill()
            await self._process.wait()


@asynccontextmanager
async def worker(module: str, *arguments: str) -> AsyncIterator[Worker]:
    """Run `python -m MODULE ARGUMENT...` and talk to it."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", module, *arguments, stdin=pipe, stdout=pipe, cwd=ROOT, limit=LONGEST_ANSWER
    )
    started = Worker(module, process)
    try:
        yield started
    finally:
        await started.end()


async def obey(known: Mapping[str, Work]) -> None:
    """Do what is told on standard input, one line a piece of work, until it ends."""
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        told = json.loads(line)
        print(json.dumps(await known[told.pop("work")](**told)), flush=True)


def run(work: Awaitable[None]) -> None:
    """Run a worker's main function as the services run: on uvloop, with logs on standard error."""
    logs.configure("benchmark", "WARNING")
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_awaited(work))


async def _awaited(work: Awaitable[None]) -> None:
    await work
