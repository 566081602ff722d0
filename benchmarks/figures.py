"""What a benchmark gives: figures, how they are shown, and where they are kept."""

from __future__ import annotations

import json
import operator
import platform
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

FOLDER = Path(__file__).resolve().parent
RESULTS = FOLDER / "results.json"
README = FOLDER / "README.md"
BEGIN, END = "<!-- figures: written by `make bench` -->", "<!-- end of figures -->"

_COMPARISONS = {">=": operator.ge, "<=": operator.le}


class Figure(NamedTuple):
    """One measured number.

    `target` is what the requirement asks for, as ">= 0.6" or "<= 400"; empty where it asks for nothing.
    """

    name: str
    value: float
    unit: str
    target: str = ""
    note: str = ""

    @property
    def is_met(self) -> bool | None:
        """Say whether the target is met; None without one."""
        if not self.target:
            return None
        comparison, wanted = self.target.split()
        return bool(_COMPARISONS[comparison](self.value, float(wanted.replace(",", ""))))

    def cells(self) -> tuple[str, str, str, str, str]:
        """Return it as a row of a table: name, value, unit, target with its outcome, note."""
        outcome = {None: "", True: ": met", False: ": MISSED"}[self.is_met]
        return self.name, shown(self.value), self.unit, self.target + outcome, self.note


def shown(value: float) -> str:
    """Write a number with about three digits that count."""
    size = abs(value)
    decimals = 0 if size >= 100 else 1 if size >= 10 else 2 if size >= 1 else 4
    return f"{value:,.{decimals}f}"


def table(figures: Iterable[Figure]) -> str:
    """Return figures as a table for a terminal."""
    rows = [figure.cells() for figure in figures]
    name, value, unit, target, _ = (max((len(row[column]) for row in rows), default=0) for column in range(5))
    return "\n".join(
        f"{row[0]:<{name}}  {row[1]:>{value}} {row[2]:<{unit}}  {row[3]:<{target}}  {row[4]}".rstrip() for row in rows
    )


def keep(taken: Mapping[str, Sequence[Figure]], at: str) -> None:
    """Write figures into results.json and the README; those of benchmarks that were not run stay as they are."""
    kept = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    for benchmark, figures in taken.items():
        rows = [figure._asdict() | {"value": float(f"{figure.value:.4g}")} for figure in figures]
        kept[benchmark] = {"at": at, "machine": machine(), "figures": rows}
    RESULTS.write_text(json.dumps(kept, indent=1, ensure_ascii=False, sort_keys=True) + "\n", encoding="utf-8")
    before, _, rest = README.read_text(encoding="utf-8").partition(BEGIN)
    after = rest.partition(END)[2]
    README.write_text(f"{before}{BEGIN}\n{_markdown(kept)}{END}{after}", encoding="utf-8")


def machine() -> str:
    """Say on what was measured."""
    info = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    models = [line.partition(":")[2].strip() for line in info.splitlines() if line.startswith("model name")]
    model = models[0] if models else platform.machine()
    return f"{len(models) or 1} cores ({model}), Linux {platform.release()}, Python {platform.python_version()}"


def _markdown(kept: Mapping[str, Any]) -> str:
    parts = []
    for benchmark, taken in sorted(kept.items()):
        figures = [Figure(**row) for row in taken["figures"]]
        parts.append(f"\n### {benchmark}\n\n{taken['at']}, {taken['machine']}\n\n")
        parts.append("| figure | value | unit | target | |\n|---|---:|---|---|---|\n")
        parts.extend(f"| {' | '.join(figure.cells())} |\n" for figure in figures)
    return "".join(parts) + "\n"
