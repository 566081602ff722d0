"""The `hashbus` command: what the supervisor does, and what each installed service contributes.

A service adds a command by an entry point of the group `hashbus.commands`: a function that takes the arguments and
returns the exit code, and whose docstring's first line is its help.
"""

from __future__ import annotations

import difflib
import inspect
import platform
import sys
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING, cast

from hashbus.config_errors import ConfigError
from hashbus.service import EXIT_CONFIG, EXIT_CRASH, EXIT_OK
from hashbus_supervisor.problems import CannotRun
from hashbus_supervisor.versions import installed_version

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

GROUP = "hashbus.commands"
EXIT_INTERRUPTED = 130

OWN = {
    "up": "hashbus_supervisor.up:main",
    "watch": "hashbus_supervisor.watch:main",
    "run": "hashbus_supervisor.run_one:main",
    "check-config": "hashbus_supervisor.check:main",
    "setup": "hashbus_supervisor.set_up:main",
    "backup": "hashbus_supervisor.backup.cli:backup",
    "restore": "hashbus_supervisor.backup.cli:bring_back",
}
"""The supervisor's own commands; each is imported only when it is used."""

EXAMPLES = """\
A simulated site, to look around:   hashbus up --config config/demo.yaml
Your own:                           hashbus scan 192.168.1.0/24, then hashbus up --config config/site.yaml
Of one command:                     hashbus COMMAND --help
"""


@dataclass(frozen=True)
class CommandPoint:
    """One command: its name and where its function is."""

    name: str
    point: EntryPoint

    @cached_property
    def function(self) -> Callable[[Sequence[str]], int]:
        """Load the function; whatever its module raises comes out."""
        return cast("Callable[[Sequence[str]], int]", self.point.load())

    @property
    def help(self) -> str:
        """Return the first line of its docstring, or why it cannot be had."""
        try:
            lines = (inspect.getdoc(self.function) or "").splitlines()
        except Exception as error:  # noqa: BLE001 (a plugin may fail in any way, and must not hide the others)
            return f"cannot be loaded: {type(error).__name__}: {error}"
        return lines[0] if lines else ""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns 0 for success, 1 when something is in the way, 2 for wrong use or wrong settings."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    first = arguments[0] if arguments else "--help"
    if first in ("--help", "-h", "help"):
        print(overview())
        return EXIT_OK if arguments else EXIT_CONFIG
    if first in ("--version", "-V"):
        print(f"hashbus {installed_version()}, Python {platform.python_version()}")
        return EXIT_OK
    command = commands().get(first)
    if command is None:
        print(unknown(first), file=sys.stderr)
        return EXIT_CONFIG
    return _run(command, arguments[1:])


def _run(command: CommandPoint, arguments: Sequence[str]) -> int:
    try:
        function = command.function
    except (ImportError, AttributeError) as error:
        print(f"hashbus {command.name}: cannot be loaded: {error}", file=sys.stderr)
        return EXIT_CRASH
    try:
        return function(arguments)
    except ConfigError as error:
        print("\n".join(error.problems), file=sys.stderr)
        return EXIT_CONFIG
    except CannotRun as error:
        print(f"hashbus {command.name}: {error}", file=sys.stderr)
        return EXIT_CRASH
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has seen enough: `hashbus watch --json | head`.
        sys.stderr.close()
        return EXIT_OK


def commands() -> dict[str, CommandPoint]:
    """Return every command there is by name: our own first, then those of the services."""
    own = {name: CommandPoint(name, EntryPoint(name, value, GROUP)) for name, value in OWN.items()}
    contributed = {point.name: CommandPoint(point.name, point) for point in entry_points(group=GROUP)}
    return {**own, **{name: contributed[name] for name in sorted(contributed) if name not in own}}


def overview() -> str:
    """Return the help page."""
    known = commands()
    width = max(len(name) for name in known) + 2
    lines = [f"  {name:<{width}}{command.help}" for name, command in known.items()]
    head = "hashbus runs the Bitcoin miners of a site: reads them, records them, decides how much power each may draw."
    return "\n".join([head, "", "usage: hashbus COMMAND [OPTIONS]", "", *lines, "", EXAMPLES.rstrip()])


def unknown(name: str) -> str:
    """Say that there is no such command, and which one was probably meant."""
    close = difflib.get_close_matches(name, commands(), n=1)
    hint = f"; did you mean `hashbus {close[0]}`?" if close else ""
    return f"hashbus: no command {name!r}{hint}\n`hashbus --help` lists them all"


if __name__ == "__main__":
    sys.exit(main())
