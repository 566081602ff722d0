"""Prometheus' rules fire when they should, and ask for nothing that nobody counts."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import yaml

from hashbus.settings import HealthSettings
from hashbus.topics import SERVICES
from tests.servers import ROOT, program

sys.path.insert(0, str(ROOT / "tools"))

from metrics_page import names

FOLDER = ROOT / "prometheus"
RULES = yaml.safe_load((FOLDER / "rules.yml").read_text())["groups"][0]["rules"]
PLAYED = Path(__file__).parent / "rules_played.yml"
OF_EVERY_PROCESS = {"up", "process_resident_memory_bytes", "process_cpu_seconds_total"}
_METRIC = re.compile(r"\b([a-z]+(?:_[a-z]+)*)\s*(?=[{\[]|\)|\s[<>=/]|$)")
_WORDS = {"up", "service", "status", "type", "le", "process", "hashbus"}


def promtool(*arguments: str, cwd: Path = FOLDER) -> None:
    done = subprocess.run([program("promtool"), *arguments], cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def metrics_in(expression: str) -> set[str]:
    return {name for name in _METRIC.findall(expression) if name not in _WORDS}


def test_prometheus_takes_the_configuration_and_the_rules() -> None:
    promtool("check", "config", "prometheus.yml")
    promtool("check", "rules", "rules.yml")


def test_every_rule_fires_when_it_should_and_not_before(tmp_path: Path) -> None:
    shutil.copy(FOLDER / "rules.yml", tmp_path)
    shutil.copy(PLAYED, tmp_path)
    promtool("test", "rules", PLAYED.name, cwd=tmp_path)
    played = {
        one["alertname"] for test in yaml.safe_load(PLAYED.read_text())["tests"] for one in test["alert_rule_test"]
    }
    assert played == {rule["alert"] for rule in RULES}


def test_rules_ask_for_what_is_counted() -> None:
    for rule in RULES:
        assert metrics_in(rule["expr"]) <= names() | OF_EVERY_PROCESS, rule["alert"]


def test_the_dashboard_of_the_processes_asks_for_what_is_counted(tmp_path: Path) -> None:
    page = json.loads((ROOT / "grafana/dashboards/itself.json").read_text())
    asked = [target["expr"] for panel in page["panels"] for target in panel["targets"]]
    for expression in asked:
        assert metrics_in(expression) <= names() | OF_EVERY_PROCESS, expression
    rules = [{"record": f"panel:{place}", "expr": expression} for place, expression in enumerate(asked)]
    (tmp_path / "panels.yml").write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]}))
    promtool("check", "rules", "panels.yml", cwd=tmp_path)


def test_every_service_of_a_site_is_scraped_at_its_own_port() -> None:
    (job,) = yaml.safe_load((FOLDER / "prometheus.yml").read_text())["scrape_configs"]
    scraped = {one["labels"]["service"]: one["targets"] for one in job["static_configs"]}
    assert scraped == {name: [f"127.0.0.1:{HealthSettings().port_of(name)}"] for name in SERVICES}
