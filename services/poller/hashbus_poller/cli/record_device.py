"""`hashbus record`: a device's answers as files for a test or a bug report, without what is its owner's."""

from __future__ import annotations

import argparse
from pathlib import Path

from rich.text import Text

from hashbus.clock import SYSTEM_CLOCK
from hashbus_poller.cli.complaints import complaint
from hashbus_poller.cli.console import Exit, complain, err, out, plain, run, table
from hashbus_poller.cli.device_arguments import (
    add_device_arguments,
    check_password_stays_out,
    named_driver,
    options_for,
)
from hashbus_poller.cli.sheet import took
from hashbus_poller.client import http_client
from hashbus_poller.drivers.contract import Wiring
from hashbus_poller.examination import Examination, examine
from hashbus_poller.recording import AlreadyThere, Fixture, RecordingTape, fixture, folder_of, write

EPILOG = """
Written are DIR/DRIVER/MODEL/FIRMWARE/: one file for each question, byte for byte as the device answered,
identity.json and reading.json as the driver understood them. Masked with stand-ins of the same length are
passwords, pool workers, wallet addresses, serial numbers, MAC and IP addresses. Look through the files
all the same before you publish them.

exit codes: 0 recorded, 1 not, or not all of it was understood, 2 wrong usage
"""


def record(argv: list[str]) -> int:
    """Record a device's answers as files for a test, with everything private masked."""
    arguments = _parser().parse_args(argv)
    return run("record", lambda: _record(arguments))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="hashbus record",
        description="Record a device's answers as files for a test, with everything private masked.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_device_arguments(parser, needs_driver=True)
    parser.add_argument("--into", type=Path, required=True, metavar="DIR", help="such as tests/fixtures")
    parser.add_argument("--situation", help="one more folder, for what the device does: mining, asleep, ...")
    parser.add_argument("--model", help="folder of the model, where the device does not tell it")
    parser.add_argument("--firmware", help="folder of the firmware, where the device does not tell it")
    parser.add_argument("--force", action="store_true", help="replace a recording that is there")
    return parser


async def _record(arguments: argparse.Namespace) -> int:
    check_password_stays_out(arguments)
    spec = named_driver(arguments.driver)
    options = options_for(spec, arguments)
    seen, tape = Examination(SYSTEM_CLOCK), RecordingTape()
    async with http_client() as http:
        await examine(spec, options, Wiring(SYSTEM_CLOCK, lambda: http, tape), seen)
    if seen.error is not None:
        err().print(complaint(seen.error, spec.name))
    if not tape.answers:
        err().print(took(seen))
        return Exit.PROBLEM
    made = fixture(spec, options, tape.answers, seen)
    folder = folder_of(arguments.into, spec, seen, model=arguments.model, firmware=arguments.firmware)
    if arguments.situation:
        folder /= arguments.situation
    try:
        write(folder, made.files, force=arguments.force)
    except AlreadyThere as error:
        complain("record", [str(error)])
        return Exit.PROBLEM
    except OSError as error:
        complain("record", [f"{error.filename or folder}: cannot be written: {error.strerror}"])
        return Exit.PROBLEM
    _report(folder, made)
    return Exit.OK if seen.error is None else Exit.PROBLEM


def _report(folder: Path, made: Fixture) -> None:
    paper = out()
    paper.print(Text(str(folder), style="bold"))
    files = table("", "", ">")
    files.show_header = False
    for name, content in made.files.items():
        files.add_row("", name, f"{len(content):,} bytes")
    paper.print(files)
    if made.masked:
        paper.print()
        masked = table("Masked", ">different", ">places")
        for secret, (values, places) in made.masked.items():
            masked.add_row(secret.value, f"{values:,}", f"{places:,}")
        paper.print(masked)
    for url in made.pools:
        paper.print(Text(f"Left as it is: pool {plain(url)}", style="yellow"))
    err().print(Text("\nLook through the files before you publish them.", style="dim"))
