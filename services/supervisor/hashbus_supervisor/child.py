"""One process of the site: started, listened to, started again when it falls, ended in good order."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections import deque
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from hashbus.service import EXIT_CONFIG, EXIT_CRASH
from hashbus_supervisor import launch, metrics
from hashbus_supervisor.events import Tone
from hashbus_supervisor.restarts import Restarts
from hashbus_supervisor.spoken import spoken
from hashbus_supervisor.wellness import Wellness

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from hashbus.clock import Clock
    from hashbus_supervisor.site_log import SiteLog

ASK_UNTIL_READY_S = 0.1
ASK_WHILE_READY_S = 5.0
DRAIN_S = 2.0
"""How long the last words of a process that has ended are waited for."""

LAST_LINES = 12
LONGEST_LINE = 65_536


class ChildState(StrEnum):
    """Where a process is in its life."""

    WAITING = "waiting"
    STARTING = "starting"
    READY = "ready"
    DEGRADED = "degraded"
    FALLEN = "fallen"
    GIVEN_UP = "given up"
    STOPPED = "stopped"


@dataclass(frozen=True)
class Recipe:
    """How a process is started and how one asks it whether it is well.

    `user` is who it becomes when root starts it; `at_death` is what it is sent when the supervisor is killed;
    `is_asked_on` says whether it is asked again once it is ready.
    """

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    ask: Callable[[], Awaitable[Wellness]]
    user: str | None = None
    at_death: signal.Signals = signal.SIGKILL
    is_asked_on: bool = True


@dataclass
class Child:
    """One process, kept running. `tell` is called with each event of its life and each error it prints."""

    recipe: Recipe
    log: SiteLog
    clock: Clock
    tell: Callable[[str, Tone], None]
    ready_s: float
    stop_s: float
    state: ChildState = ChildState.WAITING
    problems: tuple[str, ...] = ()
    settled: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when it was ready for the first time, or will not be."""
    _restarts: Restarts = field(default_factory=Restarts)
    _last_lines: deque[str] = field(default_factory=lambda: deque(maxlen=LAST_LINES))
    _is_stopping: asyncio.Event = field(default_factory=asyncio.Event)
    _at_rest: asyncio.Event = field(default_factory=asyncio.Event)
    _is_ready: bool = False
    _process: asyncio.subprocess.Process | None = None

    def __post_init__(self) -> None:
        """Begin at rest."""
        self._at_rest.set()

    @property
    def name(self) -> str:
        """Return the name of the service."""
        return self.recipe.name

    async def keep(self) -> None:
        """Run the process, and again when it falls, until `stop` or until only a person can mend it."""
        self._at_rest.clear()
        try:
            while not self._is_stopping.is_set():
                wait_s = await self._one_life()
                if wait_s is None:
                    return
                await self._sleep(wait_s)
        finally:
            if self.state is not ChildState.GIVEN_UP:
                self.state = ChildState.STOPPED
            self.settled.set()
            self._at_rest.set()

    async def stop(self) -> None:
        """End the process: ask it to, wait, then kill it and everything it started."""
        self._is_stopping.set()
        if self._process:
            with contextlib.suppress(ProcessLookupError):
                self._process.terminate()
        try:
            async with asyncio.timeout(self.stop_s):
                await self._at_rest.wait()
        except TimeoutError:
            self.tell(f"did not end within {self.stop_s:g} s and was killed", Tone.WARNING)
            self.kill()
            await self._at_rest.wait()

    def kill(self) -> None:
        """End the process and everything it started, at once."""
        self._is_stopping.set()
        if self._process:
            _kill_group(self._process.pid)

    async def _one_life(self) -> float | None:
        """Run the process until it ends; returns the seconds until the next life, None when there is none."""
        begun_s = self.clock.monotonic()
        code = await self._run(begun_s)
        if self._is_stopping.is_set():
            return None
        metrics.FALLS.labels(self.name).inc()
        verdict = self._restarts.after(code, self.clock.monotonic() - begun_s)
        self._tell_what_it_printed(code)
        self.tell(verdict.text, Tone.BAD)
        self.problems = (verdict.text,)
        self.state = ChildState.GIVEN_UP if verdict.wait_s is None else ChildState.FALLEN
        return verdict.wait_s

    async def _run(self, begun_s: float) -> int:
        reading_end, writing_end = os.pipe()
        try:
            process = await self._start(writing_end)
        except OSError as error:
            os.close(reading_end)
            self._last_lines.append(f"cannot be started: {(error.strerror or str(error)).lower()}")
            return EXIT_CRASH
        finally:
            os.close(writing_end)
        self._process, self._is_ready = process, False
        self.state, self.problems = ChildState.STARTING, ()
        self._last_lines.clear()
        if self._is_stopping.is_set():
            # Told to stop while it was being born.
            self.kill()
        listening = asyncio.create_task(self._listen(reading_end), name=f"output of {self.name}")
        asking = asyncio.create_task(self._ask(begun_s), name=f"wellness of {self.name}")
        try:
            return await process.wait()
        finally:
            asking.cancel()
            # Whatever it started must not outlive it, nor hold its output open.
            _kill_group(process.pid)
            self._process = None
            await asyncio.wait([asking, listening], timeout=DRAIN_S)
            listening.cancel()

    async def _start(self, output: int) -> asyncio.subprocess.Process:
        recipe = self.recipe
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-I", "-S", str(Path(launch.__file__))),
            *(str(os.getpid()), str(int(recipe.at_death)), recipe.user or "-"),
            *recipe.command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=recipe.environment,
            # A session of its own: Ctrl-C reaches the supervisor alone, which ends the others in the right order.
            start_new_session=True,
        )

    async def _listen(self, reading_end: int) -> None:
        reader = asyncio.StreamReader()
        loop = asyncio.get_running_loop()
        transport, _ = await loop.connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(reading_end, "rb", buffering=0)
        )
        rest = b""
        try:
            while data := await reader.read(LONGEST_LINE):
                self.log.write(data)
                *lines, rest = (rest + data).split(b"\n")
                for line in lines:
                    self._hear(line.decode(errors="replace"))
                rest = rest[-LONGEST_LINE:]
            if rest:
                self._hear(rest.decode(errors="replace"))
        finally:
            transport.close()
            self.log.close()

    def _hear(self, line: str) -> None:
        said = spoken(line)
        if said.is_error:
            self.tell(said.text, Tone.BAD)
        elif not said.is_log and line.strip():
            self._last_lines.append(line.rstrip())

    def _tell_what_it_printed(self, code: int) -> None:
        """Show why it fell: all of it when a person must mend something, else the last line of a traceback."""
        lines = list(self._last_lines)
        for line in lines if code == EXIT_CONFIG else lines[-1:] if code else []:
            self.tell(line, Tone.BAD)

    async def _ask(self, begun_s: float) -> None:
        is_late = False
        while True:
            found = await self.recipe.ask()
            if self._is_stopping.is_set():
                # That it closes its doors one by one now is no news.
                return
            waited_s = self.clock.monotonic() - begun_s
            if found.is_ready and not self._is_ready:
                self._is_ready = True
                self.settled.set()
                self.tell(f"ready after {waited_s:.1f} s", Tone.GOOD)
            elif not self._is_ready and not is_late and waited_s > self.ready_s:
                is_late = True
                self.tell(f"not ready after {waited_s:.0f} s: {'; '.join(found.problems)}", Tone.WARNING)
            if self._is_ready:
                self._note(found)
                if not self.recipe.is_asked_on:
                    return
            await asyncio.sleep(ASK_WHILE_READY_S if self._is_ready else ASK_UNTIL_READY_S)

    def _note(self, found: Wellness) -> None:
        # That there is a problem is news, and that there is none any more; its figures may change all the time.
        if found.problems and not self.problems:
            self.tell("; ".join(found.problems), Tone.WARNING)
        elif self.problems and not found.problems:
            self.tell("well again", Tone.GOOD)
        self.problems = found.problems
        self.state = ChildState.DEGRADED if found.problems or not found.is_ready else ChildState.READY

    async def _sleep(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._is_stopping.wait()


def _kill_group(pid: int) -> None:
    # Its session is its process group, so this reaches its own children too.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)
