"""What a site is deployed with: site files, units, containers, scrape and data source. Each agrees with the code."""

import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import BaseModel

from hashbus.settings import HealthSettings, SiteSettings, load
from hashbus.topics import SERVICES
from hashbus_bridge.settings import BridgeSection
from hashbus_controller.heat import settings as heat
from hashbus_controller.policies.price import PriceSettings
from hashbus_controller.policies.schedule import ScheduleSettings
from hashbus_controller.policies.soc import SocSettings
from hashbus_controller.policies.sunset import SunsetSettings
from hashbus_controller.policies.surplus import SurplusSettings
from hashbus_controller.settings import ControllerSection, ControllerSettings
from hashbus_curtailer.settings import CurtailerSection, CurtailerSettings
from hashbus_notifier.settings import NotifierSection, NotifierSettings
from hashbus_poller.registry import drivers
from hashbus_poller.settings import DeviceSettings, PollerSection, settings_model
from hashbus_recorder.settings import EmbeddedSettings, InfluxSettings, RecorderSettings, VictoriaSettings
from hashbus_smarthome.settings import HomeAssistantSection, SmarthomeSettings, Zigbee2MqttSection
from hashbus_supervisor.settings import SupervisorSettings
from hashbus_supervisor.site import read_site
from hashbus_web.settings import ProviderSettings, WebSection, WebSettings
from tests.servers import ROOT
from tests.supervisor.conftest import Command

EXAMPLE = ROOT / "config" / "example.yaml"
UNITS = sorted((ROOT / "systemd").glob("*.service"))
RUNNABLE = [name for name in SERVICES if find_spec(f"hashbus_{name}") and find_spec(f"hashbus_{name}.__main__")]


def read(path: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((ROOT / path).read_text())
    return found


def options_of(model: type[BaseModel]) -> set[str]:
    """The names of all options of a settings class, those of its parts among them. A secret is named by its file."""
    names = set()
    for name, field in model.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            names |= options_of(kind)
        is_secret = re.fullmatch(r"(.+_)?(password|token|secret|api_key)", name)
        names.add(f"{name}_file" if is_secret else name)
    return names


@pytest.mark.parametrize(
    "model",
    [
        SiteSettings,
        SupervisorSettings,
        CurtailerSection,
        PollerSection,
        DeviceSettings,
        ControllerSection,
        SocSettings,
        SunsetSettings,
        SurplusSettings,
        PriceSettings,
        ScheduleSettings,
        heat.HeatSettings,
        heat.OutdoorSettings,
        heat.ZoneSettings,
        heat.InputSettings,
        heat.SwitchPointSettings,
        NotifierSection,
        BridgeSection,
        HomeAssistantSection,
        Zigbee2MqttSection,
        WebSection,
        ProviderSettings,
        RecorderSettings,
        EmbeddedSettings,
        InfluxSettings,
        VictoriaSettings,
        *(spec.options for name, spec in drivers().items() if f"driver: {name}\n" in EXAMPLE.read_text()),
    ],
    ids=lambda model: model.__name__,
)
def test_the_example_names_every_option(model: type[BaseModel]) -> None:
    named = set(re.findall(r"^[#\s-]*(\w+):", EXAMPLE.read_text(), flags=re.MULTILINE))
    assert options_of(model) - named == set()


def test_the_example_shows_the_drivers_of_a_home() -> None:
    shown = set(re.findall(r"^# +driver: (\w+)", EXAMPLE.read_text(), flags=re.MULTILINE))
    assert {"whatsminer", "antminer", "bitaxe", "cgminer", "eg4_portal"} <= shown <= set(drivers())


@pytest.mark.parametrize(
    "model",
    [
        SupervisorSettings,
        RecorderSettings,
        ControllerSettings,
        CurtailerSettings,
        NotifierSettings,
        SmarthomeSettings,
        WebSettings,
        settings_model(),
    ],
)
def test_the_example_gives_every_option_its_default(model: type[SiteSettings]) -> None:
    assert load(model, EXAMPLE, account="example", environ={}) == model()


def test_the_demo_is_right(command: Command) -> None:
    done = command("check-config", ROOT / "config" / "demo.yaml")
    assert done.code == 0, done.out + done.err


def test_the_farm_is_right_once_its_secrets_are_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: Command
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copytree(ROOT / "config", tmp_path / "config")
    secrets = [word for name in ("antminer", "whatsminer", "influxdb_token") for word in ("--secret", name)]
    assert command("setup", "--config", "config/farm.yaml", *secrets).code == 0
    done = command("check-config", "config/farm.yaml")
    assert done.code == 0, done.out + done.err
    assert "2 blocks of devices" in done.out


def test_three_pollers_share_the_miners_of_the_farm(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HASHBUS_POLLER__SHARD", raising=False)
    site = read_site(ROOT / "config" / "farm.yaml", environ={})
    shards = [site.environment(name)["HASHBUS_POLLER__SHARD"] for name in ("poller", "poller-2", "poller-3")]
    assert shards == ["1/3", "2/3", "3/3"]
    assert "HASHBUS_POLLER__SHARD" not in site.environment("recorder")


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="this machine has no systemd")
def test_systemd_finds_nothing_wrong_with_the_units(tmp_path: Path) -> None:
    for unit in UNITS:
        # Where the programs are is the one thing that is not as on the real machine.
        here = unit.read_text().replace("/opt/hashbus/bin/hashbus", sys.executable)
        (tmp_path / unit.name).write_text(here)
    names = [str(tmp_path / unit.name).replace("@.", "@poller.") for unit in UNITS]
    done = subprocess.run(["systemd-analyze", "verify", *names], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert str(tmp_path) not in done.stderr, done.stderr


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_every_unit_is_fenced_in(unit: Path) -> None:
    lines = set(unit.read_text().splitlines())
    assert {"NoNewPrivileges=yes", "ProtectSystem=strict", "User=hashbus", "CapabilityBoundingSet="} <= lines


def test_compose_has_one_block_a_service_over_one_image() -> None:
    compose = read("compose.yaml")["services"]
    ours = {name: block for name, block in compose.items() if block["image"].startswith("hashbus:")}
    services = [name for name in RUNNABLE if name != "supervisor"]
    assert {"setup", "simulator", *services} - set(ours) == set()
    assert set(ours) - {"setup", "simulator", *SERVICES} == set()
    assert len({block["image"] for block in ours.values()}) == 1
    assert all(ours[name]["command"] == ["run", name] for name in services)
    assert {"mosquitto", "influxdb", "grafana"} <= set(compose)


def test_compose_names_only_what_is_there() -> None:
    compose = read("compose.yaml")
    for name, block in compose["services"].items():
        assert set(block.get("depends_on", {})) <= set(compose["services"]), name
        for volume in block.get("volumes", []):
            source = volume.split(":")[0]
            assert source in compose["volumes"] or source.startswith(("./", "${")), name
            if source.startswith("./"):
                assert (ROOT / source).is_dir(), source


def test_the_settings_that_compose_gives_the_recorder_are_right(tmp_path: Path) -> None:
    environ = dict(read("compose.yaml")["services"]["recorder"]["environment"])
    secret = tmp_path / "token"
    secret.write_text("a token")
    environ["HASHBUS_RECORDER__STORE__TOKEN_FILE"] = str(secret)
    settings = load(RecorderSettings, None, account="recorder", environ=environ)
    assert isinstance(settings.recorder.store, InfluxSettings)


def test_the_image_contains_every_distribution() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text()
    assert "./libs/common ./services/*/" in dockerfile
    assert "USER hashbus" in dockerfile
    assert re.search(r"^ARG BASE=python:3\.11-slim$", dockerfile, flags=re.MULTILINE)


def test_prometheus_scrapes_every_service_where_it_listens() -> None:
    [job] = read("prometheus/prometheus.yml")["scrape_configs"]
    found = {one["labels"]["service"]: one["targets"] for one in job["static_configs"]}
    assert found == {name: [f"127.0.0.1:{HealthSettings().port_of(name)}"] for name in SERVICES}


def test_the_data_source_of_grafana_is_the_database_of_compose() -> None:
    [source] = read("grafana/provisioning/datasources/hashbus.yaml")["datasources"]
    influxdb = read("compose.yaml")["services"]["influxdb"]["environment"]
    assert source["url"] == f"http://{influxdb['INFLUXD_HTTP_BIND_ADDRESS']}"
    assert source["jsonData"]["dbName"] == influxdb["DOCKER_INFLUXDB_INIT_BUCKET"]
    assert influxdb["DOCKER_INFLUXDB_INIT_ADMIN_TOKEN_FILE"] in source["secureJsonData"]["httpHeaderValue1"]
