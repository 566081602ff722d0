"""What a cloud is deployed with: its file of options, containers, scrape and rules. Each agrees with the code."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import BaseModel, ValidationError

from hashbus.config_errors import ConfigError
from hashbus.settings import HealthSettings, load
from hashbus_collector.configured import configured
from hashbus_collector.metrics import Metrics
from hashbus_collector.settings import CollectorSection, CollectorSettings
from tests.servers import ROOT

EVERY_OPTION = ROOT / "config" / "cloud.yaml"


def read(path: str) -> Any:
    return yaml.safe_load((ROOT / path).read_text())


def options_of(model: type[BaseModel]) -> set[str]:
    names = set()
    for name, field in model.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            names |= options_of(kind)
        names.add("password_file" if name == "password" else name)
    return names


def test_the_file_of_options_names_every_one_with_its_default() -> None:
    text = EVERY_OPTION.read_text()
    named = set(re.findall(r"(?:^[#\s]*|[{ ])(\w+):", text, flags=re.MULTILINE))
    assert options_of(CollectorSection) - named == set()
    assert load(CollectorSettings, EVERY_OPTION, account="collector", environ={}) == CollectorSettings()


def test_the_settings_of_the_containers_are_right(tmp_path: Path) -> None:
    compose = read("compose.cloud.yaml")
    collector = compose["services"]["collector"]
    password = tmp_path / "password"
    password.write_text("a password")
    environ = dict(collector["environment"]) | {"HASHBUS_COLLECTOR__DATABASE__PASSWORD_FILE": str(password)}
    settings = configured(None, environ).collector
    assert (settings.behind_proxy, settings.host, settings.database.url) == (
        True,
        "0.0.0.0",
        "postgresql://hashbus@postgres/hashbus",
    )
    subnet = compose["networks"]["inside"]["ipam"]["config"][0]["subnet"]
    assert settings.trusted_proxies == [subnet]
    for name, block in compose["services"].items():
        assert set(block.get("depends_on", {})) <= set(compose["services"]), name
        assert set(block.get("secrets", [])) <= set(compose["secrets"]), name
        for volume in block.get("volumes", []):
            source = volume.split(":")[0]
            assert source in compose["volumes"] or (ROOT / source).is_dir(), source
    assert {name for name, block in compose["services"].items() if "ports" in block} == {"caddy", "prometheus"}
    assert f"reverse_proxy collector:{settings.port}" in (ROOT / "caddy" / "Caddyfile").read_text()


def test_prometheus_scrapes_the_collector_and_its_rules_name_its_figures() -> None:
    [job] = read("prometheus/cloud.yml")["scrape_configs"]
    [found] = job["dns_sd_configs"]
    assert (found["names"], found["port"]) == (["collector"], HealthSettings().port_of("collector"))
    known = {
        f"{family.name}{suffix}"
        for family in Metrics().registry.collect()
        for suffix in ("", "_total", "_bucket", "_count", "_sum")
    }
    for rule in read("prometheus/cloud-rules.yml")["groups"][0]["rules"]:
        assert set(re.findall(r"\bcollector_\w+", rule["expr"])) <= known, rule


def test_the_figures_of_the_contract_are_there() -> None:
    found = {family.name: family.type for family in Metrics().registry.collect()}
    assert (
        found.items()
        >= {
            "collector_upload": "counter",
            "collector_upload_latency_ms": "histogram",
            "miner_poll_latency_ms": "histogram",
            "miner_poll_errors": "counter",
            "command_execution": "counter",
        }.items()
    )


@pytest.mark.parametrize(
    ("section", "says"),
    [
        ({"host": "0.0.0.0"}, "keys travel with every call"),
        ({"certificate_file": "x.crt"}, "belong together"),
        ({"keep": {"history_days": 0}}, "greater than or equal to 1"),
        ({"database": {"url": "mysql://x"}}, "match pattern"),
        ({"surprise": 1}, "Extra inputs"),
    ],
)
def test_what_is_not_safe_or_not_known_is_refused_at_the_start(section: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        CollectorSettings.model_validate({"collector": section})


def test_a_password_in_the_file_is_refused_and_not_said_back(tmp_path: Path) -> None:
    file = tmp_path / "cloud.yaml"
    file.write_text("collector: {database: {url: 'postgresql://me:hush@db/x'}}")
    with pytest.raises(ConfigError) as refused:
        configured(file, {})
    assert "write password_file: PATH beside it, or set DATABASE_URL" in refused.value.problems[0]
    assert "hush" not in str(refused.value.problems)


def test_the_variables_of_hosts_are_understood() -> None:
    found = configured(None, {"DATABASE_URL": "postgres://u:p@db/x", "REDIS_URL": "redis://cache/1"}).collector
    assert (found.database.url, found.redis.url) == ("postgres://u:p@db/x", "redis://cache/1")
