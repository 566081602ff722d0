"""Writes Grafana's dashboards from grafana_home.py and grafana_farm.py; `--check` only says what has drifted.

python tools/dashboards.py [--check]
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from grafana_farm import CURTAILMENT, ITSELF, MARKET
from grafana_home import BATTERY, HEAT, MINERS, SITE
from grafana_json import dashboard_json

DASHBOARDS = (SITE, MINERS, BATTERY, HEAT, CURTAILMENT, MARKET, ITSELF)
ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "grafana/dashboards"


def generated() -> dict[Path, str]:
    """Return the text of every dashboard by its path."""
    return {
        FOLDER / f"{page.uid}.json": json.dumps(dashboard_json(page), indent=1, ensure_ascii=False) + "\n"
        for page in DASHBOARDS
    }


def main() -> int:
    """Write or check; returns 1 when something has drifted."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing, fail on drift")
    is_check = parser.parse_args().check
    files = generated()
    drifted = [path for path, text in files.items() if not path.exists() or path.read_text(encoding="utf-8") != text]
    drifted += sorted(set(FOLDER.glob("*.json")) - set(files))
    for path in drifted:
        name = path.relative_to(ROOT)
        if is_check:
            print(f"{name} is not what tools/grafana_*.py says; run `make docs`")
        elif path in files:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(files[path], encoding="utf-8")
            print(f"wrote {name}")
    return 1 if is_check and drifted else 0


if __name__ == "__main__":
    sys.exit(main())
