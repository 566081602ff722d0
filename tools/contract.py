"""Writes everything that follows from the topic table; `--check` only says what has drifted.

python tools/contract.py [--check]
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from contract_asyncapi import asyncapi
from contract_docs import hears_and_says, messages_page, with_section
from contract_schemas import schema, schema_name

from hashbus.acl import acl
from hashbus.messages import VOCABULARY
from hashbus.topics import SERVICES

ROOT = Path(__file__).parent.parent


def generated() -> dict[Path, str]:
    """Return the text of every generated file by its path."""
    files = {
        ROOT / "mosquitto/acl": acl(),
        ROOT / "docs/reference/asyncapi.yaml": asyncapi(),
        ROOT / "docs/reference/messages.md": messages_page(),
    }
    for kind in VOCABULARY:
        files[ROOT / "docs/reference/schemas" / schema_name(kind)] = schema(kind)
    for service in SERVICES:
        readme = ROOT / "services" / service / "README.md"
        if readme.exists():
            files[readme] = with_section(readme.read_text(encoding="utf-8"), hears_and_says(service))
    return files


def main() -> int:
    """Write or check; returns 1 when something has drifted."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing, fail on drift")
    is_check = parser.parse_args().check
    files = generated()
    drifted = [path for path, text in files.items() if not path.exists() or path.read_text(encoding="utf-8") != text]
    known = set((ROOT / "docs/reference/schemas").glob("*.json")) if is_check else set()
    drifted += sorted(known - set(files))
    for path in drifted:
        name = path.relative_to(ROOT)
        if is_check:
            print(f"{name} is not what the topic table says; run `make docs`")
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(files[path], encoding="utf-8")
            print(f"wrote {name}")
    return 1 if is_check and drifted else 0


if __name__ == "__main__":
    sys.exit(main())
