"""Writes everything that follows from the topic table; `--check` only says what has drifted.

python tools/contract.py [--check]
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from contract_asyncapi import asyncapi
from contract_docs import hears_and_says, messages_page, with_section
from contract_schemas import schema, schema_name
from generated import ROOT, write_or_check

from hashbus.acl import acl
from hashbus.messages import VOCABULARY
from hashbus.topics import SERVICES


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


if __name__ == "__main__":
    schemas = (ROOT / "docs/reference/schemas").glob("*.json")
    sys.exit(write_or_check(generated(), source="the topic table", found=schemas))
