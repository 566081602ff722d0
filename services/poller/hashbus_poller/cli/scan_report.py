"""What `hashbus scan` shows a person: how far it is, each device as it is found, and all of them at the end."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from hashbus.clock import SYSTEM_CLOCK
from hashbus_poller.cli.console import NONE, WIDE, err, one_line, out, plain, table
from hashbus_poller.drivers.contract import Sighting
from hashbus_poller.networks import Targets
from hashbus_poller.scanning import Tally
from hashbus_poller.sightings import Findings

REFRESH_S = 0.1
MOST_NAMED = 4


class Report:
    """The screen beside a scan. It writes on standard error only."""

    def __init__(
        self, hosts: Targets, networks: Mapping[str, str | None], known: Mapping[str, str], *, is_json: bool
    ) -> None:
        """Say what is going to be scanned: networks with the interfaces that lead there, where nobody named any."""
        self._screen = err()
        self._hosts = len(hosts)
        self._known = known
        self._began_s = SYSTEM_CLOCK.monotonic()
        self._shows_devices = not is_json
        # A bar on the same terminal would be drawn into the lines of JSON.
        self._has_bar = self._screen.is_terminal and not (is_json and out().is_terminal)
        named = [f"{network} ({name})" if name else network for network, name in networks.items()]
        where = ", ".join(named[:MOST_NAMED]) + (", ..." if len(named) > MOST_NAMED else "")
        self._screen.print(Text(f"Scanning {where}: {_counted(self._hosts, 'address')}", style="dim"))

    def found(self, device: Sighting) -> None:
        """Show a device when it is found, above the bar."""
        if not self._shows_devices:
            return
        line = Text(no_wrap=True, overflow="ellipsis")
        line.append("● ", style="green").append(f"{device.host:<15} ", style="bold")
        line.append(f"{_title(device):<28.28} {_hashrate(device):>10} {_power(device):>8}  ")
        line.append(device.driver or "no driver", style="dim")
        self._screen.print(line)

    @contextmanager
    def progress(self, tally: Tally) -> Iterator[None]:
        """Show how far the scan is, while it runs."""
        if not self._has_bar:
            yield
            return
        columns = (TextColumn("{task.percentage:>3.0f} %"), BarColumn(None), _Counts(), _Rate(), TimeRemainingColumn())
        with Progress(*columns, console=self._screen, transient=True, redirect_stdout=False, expand=True) as bar:
            drawing = asyncio.ensure_future(_follow(bar, tally, self._hosts))
            try:
                yield
            finally:
                drawing.cancel()

    def summary(self, findings: Findings, tally: Tally) -> None:
        """Show all devices in one table, and what else was there."""
        took_s = SYSTEM_CLOCK.monotonic() - self._began_s
        devices = findings.devices()
        screen = self._screen
        if devices and self._shows_devices:
            screen.print()
            screen.print(self._table(devices))
            screen.print()
        words = f"{_counted(len(devices), 'device')} found; " if devices else "No device found; "
        words += f"{tally.answering:,} of {tally.done:,} addresses answered, in {took_s:.1f} s"
        screen.print(Text(words, style="bold" if devices else "yellow"))
        if tally.done < self._hosts:
            screen.print(Text(f"Stopped before the end: {self._hosts - tally.done:,} addresses not visited", "yellow"))
        for other, listed in findings.also_at.items():
            screen.print(Text(f"{other} is the same device as {listed}", style="dim"))
        self._strangers(tally)
        if not devices and not tally.answering:
            screen.print("Nobody is there: is it the right network, and can this machine reach it?")

    def before_configuration(self, count: int) -> None:
        """Say what follows on standard output."""
        of_these = "it" if count == 1 else f"these {count}"
        self._screen.print(Text(f"\nFor {of_these} in the site's file:\n", style="dim"))

    def _strangers(self, tally: Tally) -> None:
        if not tally.strangers:
            return
        shown = [f"{host} ({', '.join(map(str, ports))})" for host, ports in tally.some_strangers.items()]
        rest = tally.strangers - len(shown)
        if rest:
            shown.append(f"and {rest:,} more")
        self._screen.print(Text(f"Open, but known to no driver: {', '.join(shown)}", style="dim"))

    def _table(self, devices: list[Sighting]) -> Table:
        is_wide = self._screen.width >= WIDE
        made = table("IP", "model", "firmware", ">TH/s", ">W", "MAC", "driver", gap=2 if is_wide else 1)
        made.columns[0].style = "bold"
        # These two give way where the terminal is narrow; what stands in the others is of no use when it is cut.
        made.columns[1].no_wrap = made.columns[2].no_wrap = False
        if self._known:
            made.add_column("is", no_wrap=True, style="cyan")
        for device in devices:
            model = _title(device) if is_wide else plain(device.model or device.make or NONE)
            row: list[str | Text] = [device.host, one_line(model), one_line(plain(device.firmware or NONE))]
            row += [_hashrate(device, unit=""), _power(device, unit=""), device.mac or NONE, device.driver or NONE]
            made.add_row(*row, *([self._known.get(device.host, "")] if self._known else []))
        return made


class _Counts(ProgressColumn):
    """How many addresses were visited, and what was found."""

    def render(self, task: Task) -> Text:
        """Return it as text."""
        counts = f"{task.completed:,.0f}/{task.total or 0:,.0f} · {task.fields['found']} found"
        return Text(counts, no_wrap=True)


class _Rate(ProgressColumn):
    """Addresses a second."""

    def render(self, task: Task) -> Text:
        """Return it as text."""
        return Text(f"{task.speed or 0:,.0f}/s", style="cyan")


async def _follow(bar: Progress, tally: Tally, total: int) -> None:
    task = bar.add_task("scan", total=total, found=0)
    while True:
        bar.update(task, completed=tally.done, found=tally.found)
        await SYSTEM_CLOCK.sleep(REFRESH_S)


def _counted(number: int, word: str) -> str:
    ending = "" if number == 1 else "es" if word.endswith("s") else "s"
    return f"{number:,} {word}{ending}"


def _title(device: Sighting) -> str:
    make, model = device.make or "", device.model or ""
    words = model if model.startswith(make) else f"{make} {model}"
    return plain(words.strip()) or NONE


def _hashrate(device: Sighting, unit: str = " TH/s") -> str:
    rate_ths = device.hashrate_ths
    return NONE if rate_ths is None else f"{rate_ths:.{2 if rate_ths < 10 else 1}f}{unit}"


def _power(device: Sighting, unit: str = " W") -> str:
    return NONE if device.power_w is None else f"{device.power_w:.0f}{unit}"
