"""`hashbus probe`: one device, recognised, identified and read once, on one page."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from typing import Any

from hashbus.clock import SYSTEM_CLOCK
from hashbus_poller.cli.complaints import complaint, kind_of
from hashbus_poller.cli.console import Exit, WrongUsage, err, out, run
from hashbus_poller.cli.device_arguments import (
    add_device_arguments,
    check_password_stays_out,
    named_driver,
    options_for,
)
from hashbus_poller.cli.sheet import remarks, sheet, took
from hashbus_poller.client import http_client
from hashbus_poller.drivers.contract import DriverSpec, Wiring
from hashbus_poller.examination import Examination, examine, find
from hashbus_poller.registry import drivers
from hashbus_poller.scanning import looks_of
from hashbus_poller.tapes import Ring

EPILOG = """
examples:
  hashbus probe 192.168.1.23
  hashbus probe 192.168.1.23 --driver whatsminer --password-file secrets/attic
  hashbus probe https://monitor.eg4electronics.com --driver eg4_portal \\
      --option account=me --password-file secrets/eg4

exit codes: 0 it was read, 1 it was not, 2 wrong usage
"""


def probe(argv: list[str]) -> int:
    """Recognise one device, read it once and show everything it tells."""
    arguments = _parser().parse_args(argv)
    return run("probe", lambda: _probe(arguments))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="hashbus probe",
        description="Recognise one device, read it once and show everything it tells. Nothing is changed on it.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_device_arguments(parser, needs_driver=False)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    return parser


async def _probe(arguments: argparse.Namespace) -> int:
    check_password_stays_out(arguments)
    spec = named_driver(arguments.driver) if arguments.driver else None
    if spec is None and "://" in arguments.host:
        raise WrongUsage(f"{arguments.host}: give the address alone, or, of a portal, its --driver too")
    seen = Examination(SYSTEM_CLOCK)
    async with http_client() as http:
        wiring = Wiring(SYSTEM_CLOCK, lambda: http, Ring(SYSTEM_CLOCK, 0))
        found: Mapping[str, Any] = {}
        if spec is None:
            looks = looks_of(drivers().values())
            sighting = await seen.step(
                "recognise", lambda: find(arguments.host, arguments.port, looks, wiring, timeout_s=arguments.timeout)
            )
            if sighting is not None and sighting.driver is not None:
                spec, found = drivers()[sighting.driver], sighting.options
        if spec is not None:
            await examine(spec, options_for(spec, arguments, found), wiring, seen)
    _show(arguments, spec, seen)
    return Exit.PROBLEM if seen.reading is None else Exit.OK


def _show(arguments: argparse.Namespace, spec: DriverSpec | None, seen: Examination) -> None:
    paper = out()
    if arguments.json:
        paper.print(json.dumps(_as_json(arguments.host, spec, seen), ensure_ascii=False), soft_wrap=True)
        return
    has_answered = spec is not None and (seen.identity or seen.reading)
    if spec is not None and has_answered:
        paper.print(sheet(spec, arguments.host, seen, paper.width))
    # Two steps that fail for one reason say so once.
    for error in {str(step.error): step.error for step in seen.steps if step.error}.values():
        err().print(complaint(error, spec.name if spec else None))
    if not has_answered:
        err().print(took(seen))


def _as_json(host: str, spec: DriverSpec | None, seen: Examination) -> dict[str, Any]:
    return {
        "host": host,
        "driver": spec.name if spec else None,
        "level": spec.level.value if spec else None,
        "identity": seen.identity.model_dump(mode="json") if seen.identity else None,
        "reading": seen.reading.model_dump(mode="json") if seen.reading else None,
        "health": seen.health.value,
        "remarks": list(remarks(spec, seen)) if spec else [],
        "steps": [
            {
                "step": step.name,
                "took_ms": round(step.took_ms, 1),
                "error": {"kind": kind_of(step.error), "message": str(step.error)} if step.error else None,
            }
            for step in seen.steps
        ],
    }
