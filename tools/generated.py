"""What all generators of files share: they write what has changed, or with `--check` say what has drifted."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Mapping
from pathlib import Path

ROOT = Path(__file__).parent.parent


def write_or_check(files: Mapping[Path, str], *, source: str, found: Iterable[Path] = ()) -> int:
    """Write these texts, or compare them; 1 when something has drifted.

    `source` is what they follow from, for the complaint. `found` are files of the same kind that lie there: one that
    is not generated any more has drifted too.
    """
    parser = argparse.ArgumentParser(description=f"Write what follows from {source}.")
    parser.add_argument("--check", action="store_true", help="write nothing, fail on drift")
    is_check = parser.parse_args().check
    drifted = [path for path, text in files.items() if not path.exists() or path.read_text(encoding="utf-8") != text]
    drifted += sorted(set(found) - set(files))
    for path in drifted:
        name = path.relative_to(ROOT)
        if is_check:
            print(f"{name} does not follow from {source}; run `make docs`")
        elif path in files:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(files[path], encoding="utf-8")
            print(f"wrote {name}")
        else:
            path.unlink()
            print(f"removed {name}")
    return 1 if is_check and drifted else 0
