"""A network of emulated devices in a process of its own, and the commands that a person runs in it."""

import contextlib
import logging
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import structlog
import yaml

from tests.servers import Daemon, answers, free_port


class EmulatedNetwork(Daemon):
    """A simulator with those devices; `blocks` is what stands under `simulator.devices`."""

    def __init__(self, folder: Path, blocks: Sequence[dict[str, object]]) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        port = free_port()
        site = folder / "site.yaml"
        devices = [_without_password(block, folder / f"password-{number}") for number, block in enumerate(blocks)]
        site.write_text(yaml.safe_dump({"simulator": {"control_port": port, "devices": devices}}))
        super().__init__(
            [sys.executable, "-m", "hashbus_simulator", "--config", str(site)],
            port=port,
            log=folder / "simulator.log",
            is_ready=lambda: answers(f"http://{self.host}:{port}/devices"),
        )


def _without_password(block: dict[str, object], file: Path) -> dict[str, object]:
    """A site file holds no passwords: it names the files that do."""
    if "password" not in block:
        return block
    file.write_text(str(block["password"]))
    return {key: value for key, value in block.items() if key != "password"} | {"password_file": str(file)}


def may_listen_on(port: int, address: str = "127.0.0.1") -> bool:
    """Whether this user may open that port: those below 1024 are the administrator's on most machines."""
    with socket.socket() as candidate, contextlib.suppress(OSError):
        candidate.bind((address, port))
        return True
    return False


def command(name: str, *arguments: str) -> list[str]:
    """The command line that a person types as `hashbus NAME ARGUMENTS`."""
    return [sys.executable, "-m", "hashbus_supervisor", name, *arguments]


def hashbus(name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return subprocess.run(command(name, *arguments), capture_output=True, text=True, timeout=60, check=False)


@contextlib.contextmanager
def logs_put_back() -> Iterator[None]:
    """Let commands run in this process: afterwards what is logged goes where it went before."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    try:
        yield
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
        structlog.reset_defaults()
        structlog.contextvars.clear_contextvars()
