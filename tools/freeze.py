"""Freezes one payload of each message under tests/contract/golden/VERSION/ when a release is made.

python tools/freeze.py VERSION
"""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path

from hashbus.messages import VOCABULARY

ROOT = Path(__file__).parent.parent


def main(version: str) -> None:
    """Write the payloads; a release that is frozen stays as it is."""
    sys.path.insert(0, str(ROOT))
    filled = importlib.import_module("tests.contract.samples").filled
    folder = ROOT / "tests/contract/golden" / version
    folder.mkdir(parents=True)
    for kind in VOCABULARY:
        message = filled(kind)
        frozen = {"topic": message.address(), "payload": json.loads(message.encode())}
        (folder / f"{kind.__name__}.json").write_text(json.dumps(frozen, indent=1, ensure_ascii=False) + "\n")
    print(f"froze {len(VOCABULARY)} payloads in {folder.relative_to(ROOT)}")


if __name__ == "__main__":
    main(sys.argv[1])
