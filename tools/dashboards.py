"""Writes Grafana's dashboards from grafana_home.py and grafana_farm.py; `--check` only says what has drifted.

python tools/dashboards.py [--check]
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from generated import ROOT, write_or_check
from grafana_farm import CURTAILMENT, ITSELF, MARKET
from grafana_home import BATTERY, HEAT, MINERS, SITE
from grafana_json import dashboard_json

DASHBOARDS = (SITE, MINERS, BATTERY, HEAT, CURTAILMENT, MARKET, ITSELF)
FOLDER = ROOT / "grafana/dashboards"


def generated() -> dict[Path, str]:
    """Return the text of every dashboard by its path."""
    return {
        FOLDER / f"{page.uid}.json": json.dumps(dashboard_json(page), indent=1, ensure_ascii=False) + "\n"
        for page in DASHBOARDS
    }


if __name__ == "__main__":
    sys.exit(write_or_check(generated(), source="tools/grafana_*.py", found=FOLDER.glob("*.json")))
