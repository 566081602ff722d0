#!/usr/bin/env python3
"""Fails when a file or a function of hashbus outgrows the shape of STYLE.md: 300 lines, 60 lines.

A function counts from its name to its last line, docstring included.
"""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

MAX_FILE_LINES = 300
MAX_FUNCTION_LINES = 60

ROOT = Path(__file__).resolve().parent.parent


def sources() -> Iterator[Path]:
    """Every Python file of the libraries, services and plugins."""
    for part in ("libs", "services", "plugins"):
        yield from sorted((ROOT / part).rglob("*.py"))


def oversized(path: Path) -> Iterator[str]:
    """One line of complaint for the file and for each function in it that is too long."""
    text = path.read_text(encoding="utf-8")
    name = path.relative_to(ROOT)
    lines = text.count("\n")
    if lines > MAX_FILE_LINES:
        yield f"{name}:1: file of {lines} lines, at most {MAX_FILE_LINES}"
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            if length > MAX_FUNCTION_LINES:
                yield f"{name}:{node.lineno}: {node.name} has {length} lines, at most {MAX_FUNCTION_LINES}"


def main() -> int:
    """Print every complaint; 1 when there was one."""
    complaints = [line for path in sources() for line in oversized(path)]
    print("\n".join(complaints) or "shape: every file and function within its size")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
