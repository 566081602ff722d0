"""`hashbus history`: a device's last days in the terminal, or as a CSV file, asked of the running recorder."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Any

from hashbus.config_errors import ConfigError
from hashbus.settings import load
from hashbus_recorder.chart import sparkline
from hashbus_recorder.questions import DEFAULT_DAYS
from hashbus_recorder.settings import RecorderSettings

if TYPE_CHECKING:
    from collections.abc import Sequence
    from http.client import HTTPResponse

EXIT_OK, EXIT_PROBLEM, EXIT_USAGE = 0, 1, 2
SHOWN_FIELDS = 6
_TIMEOUT_S = 60


class NoAnswer(Exception):
    """The recorder does not answer, or says what is wrong with the question."""


def history(argv: Sequence[str]) -> int:
    """Show what a device did: a line a field, with min, mean and max. Returns the exit code."""
    arguments = _parser().parse_args(argv)
    try:
        recorder = arguments.url or _address(arguments.config)
        if arguments.device is None:
            return _list(recorder)
        asked = _question(recorder, arguments)
        return _save(recorder, asked, arguments.csv) if arguments.csv else _show(recorder, asked)
    except ConfigError as error:
        print("\n".join(error.problems), file=sys.stderr)
        return EXIT_USAGE
    except NoAnswer as error:
        print(error, file=sys.stderr)
        return EXIT_PROBLEM


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="hashbus history", description="What a device did in the last days.")
    parser.add_argument("device", nargs="?", help="id of a miner, a battery, ...; without it, what there is")
    parser.add_argument("--days", default=str(DEFAULT_DAYS), help="how far back (default %(default)s)")
    parser.add_argument("--fields", help="power_w,hashrate_ths,... (default: those with a unit)")
    parser.add_argument("--measurement", help="miner, battery, miner_setpoint, ... (default: the device's telemetry)")
    parser.add_argument("--csv", metavar="FILE", help="write a CSV file instead; - is the terminal")
    parser.add_argument("--step", help="auto, raw, or a width such as 5m (CSV: raw by default)")
    config = os.environ.get("HASHBUS_CONFIG")
    parser.add_argument("--config", type=Path, default=Path(config) if config else None, help="the site's YAML file")
    parser.add_argument("--url", help="address of the recorder, such as http://127.0.0.1:9796")
    return parser


def _address(config: Path | None) -> str:
    where = load(RecorderSettings, config, account="recorder").recorder.history
    return f"http://{where.host}:{where.port}"


def _list(recorder: str) -> int:
    for one in _devices(recorder):
        age = "never" if one["age_s"] is None else f"{_duration(one['age_s'])} ago"
        print(f"{one['device']:<28} {one['measurement']:<22} {age:>12}  {len(one['fields'])} fields")
    return EXIT_OK


def _question(recorder: str, arguments: argparse.Namespace) -> dict[str, str]:
    """Fill in what was not said: the measurement of the device's telemetry, and the fields worth a line."""
    kept = {one["measurement"]: one for one in _devices(recorder) if one["device"] == arguments.device}
    # The telemetry has the shortest name: miner, not miner_setpoint.
    measurement = arguments.measurement or min(kept, key=len, default="miner")
    asked = {"device": arguments.device, "measurement": measurement, "days": arguments.days}
    if arguments.step:
        asked["step"] = arguments.step
    fields = arguments.fields
    if not fields and not arguments.csv and measurement in kept:
        fields = ",".join(_worth_showing(kept[measurement]["fields"]))
    return {**asked, "fields": fields} if fields else asked


def _worth_showing(fields: dict[str, str]) -> list[str]:
    whole = [name for name, unit in fields.items() if unit and not any(letter.isdigit() for letter in name)]
    # Power and hashrate are what people look for first.
    return sorted(whole, key=lambda name: (name not in {"power_w", "hashrate_ths", "soc_pct"}, name))[:SHOWN_FIELDS]


def _show(recorder: str, asked: dict[str, str]) -> int:
    width = max(20, shutil.get_terminal_size().columns - 62)
    with _get(recorder, "/history", {"max_points": str(width), **asked}) as answer:
        found = json.load(answer)
    if not found["fields"]:
        print(f"nothing is kept of {asked['device']} in the last {asked['days']} days")
        return EXIT_OK
    step = _duration(found["step_s"]) if found["step_s"] else "raw"
    print(f"{found['measurement']} {found['device']}: {found['start'][:16]} to {found['stop'][:16]} UTC, step {step}")
    for name, column in found["fields"].items():
        print(_line(name, column))
    return EXIT_OK


def _line(name: str, column: dict[str, Any]) -> str:
    means = [value for value in column.get("mean", column.get("values", [])) if not isinstance(value, str)]
    present = [value for value in means if value is not None]
    if not present:
        words = [word for word in column.get("last", column.get("values", [])) if word is not None]
        return f"{name:<24} {words[-1] if words else 'nothing heard'}"
    low = min(value for value in column.get("min", means) if value is not None)
    high = max(value for value in column.get("max", means) if value is not None)
    figures = f"{_figure(low)} .. {_figure(fmean(present))} .. {_figure(high)} {column['unit']}"
    return f"{name:<24} {sparkline(means)}  {figures}"


def _save(recorder: str, asked: dict[str, str], file: str) -> int:
    with _get(recorder, "/export.csv", asked) as answer:
        if file == "-":
            shutil.copyfileobj(answer, sys.stdout.buffer)
            return EXIT_OK
        try:
            with Path(file).open("wb") as target:
                shutil.copyfileobj(answer, target)
        except OSError as error:
            raise NoAnswer(f"{file} cannot be written: {error.strerror}") from None
    return EXIT_OK


def _devices(recorder: str) -> list[dict[str, Any]]:
    with _get(recorder, "/devices", {}) as answer:
        found: list[dict[str, Any]] = json.load(answer)
    return found


def _get(recorder: str, path: str, parameters: dict[str, str]) -> HTTPResponse:
    url = f"{recorder.rstrip('/')}{path}?{urllib.parse.urlencode(parameters)}"
    if not url.startswith(("http://", "https://")):
        raise NoAnswer(f"{recorder} is no address; write http://HOST:PORT")
    try:
        answer: HTTPResponse = urllib.request.urlopen(url, timeout=_TIMEOUT_S)  # noqa: S310 (checked above)
    except urllib.error.HTTPError as error:
        with error:
            raise NoAnswer(_said(error.read())) from None
    except (urllib.error.URLError, OSError) as error:
        reason = getattr(error, "reason", error)
        raise NoAnswer(f"the recorder does not answer at {recorder} ({reason}); does it run?") from None
    return answer


def _said(body: bytes) -> str:
    try:
        return str(json.loads(body)["error"])
    except (ValueError, KeyError, TypeError):
        return body.decode(errors="replace")[:200]


def _figure(value: float) -> str:
    return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def _duration(seconds: float) -> str:
    for length, word in ((86_400, "d"), (3600, "h"), (60, "min")):
        if seconds >= length:
            return f"{seconds / length:.3g} {word}"
    return f"{seconds:.0f} s"
