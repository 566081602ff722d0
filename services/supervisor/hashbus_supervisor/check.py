"""`hashbus check-config`: each service checks its own part of the site file; all mistakes come out at once."""

from __future__ import annotations

import argparse
import asyncio
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

from hashbus.service import EXIT_CONFIG, EXIT_OK
from hashbus.settings import PREFIX, SECTIONS
from hashbus_supervisor.settings import SIMULATOR, BrokerKind
from hashbus_supervisor.site import ACCOUNT, check_runs_together, read_site

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hashbus_supervisor.site import Site

CHECK_S = 60.0


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a service says of its part: its exit code and the lines it printed."""

    account: str
    code: int
    lines: tuple[str, ...]


def main(argv: Sequence[str]) -> int:
    """Check a site file: every section, every device, every mistake in one go."""
    parser = argparse.ArgumentParser(prog="hashbus check-config", description=main.__doc__)
    parser.add_argument("file", type=Path, nargs="?", help="the site's YAML file")
    parser.add_argument("--config", type=Path, help="the same")
    arguments = parser.parse_args(argv)
    site = read_site(arguments.file or arguments.config)
    check_runs_together(site)
    return report(site)


def report(site: Site) -> int:
    """Let every service check the file and print what came out; 0 when it is right, 2 when it is not."""
    verdicts = asyncio.run(_verdicts(site))
    say = Console(highlight=False, soft_wrap=True).print
    # A mistake in a part that all share is found by all of them.
    mistakes = dict.fromkeys(line for verdict in verdicts if verdict.code for line in verdict.lines)
    if mistakes:
        for line in mistakes:
            say(line, markup=False)
        return EXIT_CONFIG
    say(f"{site.name} is right: {_summary(site)}")
    say(_table(site))
    return EXIT_OK


async def _verdicts(site: Site) -> list[Verdict]:
    """Ask each service by its own command, as it would be started: what it says is what will happen."""
    wanted = [name for name in site.services if site.is_installed(name)]
    return list(await asyncio.gather(*(_verdict(site, name) for name in wanted)))


async def _verdict(site: Site, account: str) -> Verdict:
    environment = site.environment(account)
    if account != SIMULATOR and site.has_own_accounts and not (site.secrets / account).is_file():
        # The set-up makes the password later; here only the rest is looked at.
        environment[f"{PREFIX}BROKER__PASSWORD"] = "made by the set-up"
        environment.pop(f"{PREFIX}BROKER__PASSWORD_FILE", None)
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        *site.command(account), "--check", stdin=asyncio.subprocess.DEVNULL, stdout=pipe, stderr=pipe, env=environment
    )
    try:
        async with asyncio.timeout(CHECK_S):
            _, printed = await process.communicate()
    except TimeoutError:
        process.kill()
        await process.wait()
        return Verdict(account, EXIT_CONFIG, (f"{account}: did not check its settings within {CHECK_S:.0f} s",))
    lines = tuple(line for line in printed.decode(errors="replace").splitlines() if line.strip())
    code = process.returncode or 0
    if code not in (EXIT_OK, EXIT_CONFIG):
        last = lines[-1] if lines else "without a word"
        return Verdict(account, code, (f"{account}: its check failed: {last}",))
    return Verdict(account, code, lines)


def _summary(site: Site) -> str:
    counts = ((len(site.devices), "device"), (len(site.blocks), "block of devices"), (len(site.services), "service"))
    return ", ".join(_plural(count, noun) for count, noun in counts if count or noun == "device")


def _plural(count: int, noun: str) -> str:
    first, *rest = noun.split(" ", maxsplit=1)
    return " ".join([str(count), first if count == 1 else f"{first}s", *rest])


def _table(site: Site) -> Table:
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    where = "somebody else's" if site.broker_kind is BrokerKind.EXTERNAL else f"our own {site.broker_kind}"
    table.add_row("site", site.settings.site)
    table.add_row("broker", f"{site.settings.broker.address}, {where}")
    table.add_row("state", str(site.settings.data_dir))
    for name in dict.fromkeys([*site.services, *(key for key in site.written if key in SECTIONS)]):
        if name != ACCOUNT:
            table.add_row(name, _in_words(site, name))
    return table


def _in_words(site: Site, account: str) -> str:
    if not site.is_installed(account):
        return "not installed here: not checked and not started"
    if account not in site.services:
        return "not checked: supervisor.services leaves it out"
    section = site.written.get(account)
    if not isinstance(section, dict):
        return "right"
    devices, blocks = section.get("devices") or (), section.get("blocks") or ()
    kinds = Counter(_kind(device) for device in (devices.values() if isinstance(devices, dict) else devices))
    kinds.update(f"{_kind(block)} blocks" for block in blocks)
    return ", ".join(f"{kind} {count}" for kind, count in sorted(kinds.items())) or "right"


def _kind(device: Any) -> str:
    return str(device.get("driver") or device.get("family") or "device") if isinstance(device, dict) else "device"
