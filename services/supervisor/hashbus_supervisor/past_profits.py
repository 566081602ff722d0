"""Calculations of before, as the recorder of the site has them (S3.9)."""

from __future__ import annotations

import json
import sys
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hashbus_supervisor.site import Site, read_site

EXIT_OK, EXIT_PROBLEM = 0, 1
SOURCES = ("cli", "web")
SHOWN = ("power_w", "hashrate_ths", "price_per_kwh", "price_usd", "net_per_day", "roi_days")
USUAL_HOST, USUAL_PORT = "127.0.0.1", 9796
TIMEOUT_S = 30


def past(config: Path | None, *, days: float, is_json: bool) -> int:
    """Show what was calculated in the last days; returns the exit code."""
    try:
        rows = sorted(_rows(_address(read_site(config)), days), key=lambda row: str(row["at"]))
    except urllib.error.HTTPError as error:
        print(f"the recorder answers {error.code}: {error.read(300).decode('utf-8', 'replace')}", file=sys.stderr)
        return EXIT_PROBLEM
    except (OSError, ValueError) as error:
        print(f"the recorder does not answer: {error}", file=sys.stderr)
        return EXIT_PROBLEM
    if is_json:
        print(json.dumps(rows, indent=1))
        return EXIT_OK
    if not rows:
        print(f"nothing was calculated in the last {days:g} days")
        return EXIT_OK
    for row in rows:
        figures = "  ".join(f"{name} {row[name]:,.6g}" for name in SHOWN if isinstance(row.get(name), int | float))
        never = "" if row.get("roi_days") is not None or row.get("invested_amount") is None else "  never paid back"
        print(f"{str(row['at'])[:16]}  {row.get('model') or 'own figures'}  {row.get('currency')}  {figures}{never}")
    return EXIT_OK


def _address(site: Site) -> str:
    recorder = site.written.get("recorder")
    history = recorder.get("history") if isinstance(recorder, dict) else None
    where = history if isinstance(history, dict) else {}
    return f"http://{where.get('host', USUAL_HOST)}:{where.get('port', USUAL_PORT)}"


def _rows(recorder: str, days: float) -> Iterator[dict[str, Any]]:
    for source in SOURCES:
        question = {"measurement": "calculation", "device": source, "days": f"{days:g}", "step": "raw"}
        try:
            with urllib.request.urlopen(  # noqa: S310 (the address is the site's own, and http)
                f"{recorder}/history?{urllib.parse.urlencode(question)}", timeout=TIMEOUT_S
            ) as answer:
                body = json.load(answer)
        except urllib.error.HTTPError as error:
            if error.code == 404:  # nobody has calculated there yet
                continue
            raise
        columns = {name: column["values"] for name, column in body["fields"].items()}
        for index, at in enumerate(body["at"]):
            yield {"at": at, "source": source, **{name: values[index] for name, values in columns.items()}}
