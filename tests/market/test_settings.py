"""The settings of the market: the example names every option with its default, and every tariff it shows is right."""

import re
import textwrap
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import BaseModel, TypeAdapter

from hashbus.settings import load
from hashbus_market.settings import BestPowerSettings, HeatSettings, Investment, MarketSection, MarketSettings
from hashbus_market.tariffs.settings import (
    AnyTariff,
    AwattarTariff,
    EntsoeTariff,
    ErcotTariff,
    FetchedTariff,
    FileTariff,
    FixedTariff,
    HttpTariff,
    OctopusTariff,
    Tariff,
    TariffWindow,
    TimeOfUseTariff,
)
from tests.servers import ROOT

EXAMPLE = (ROOT / "config/example.yaml").read_text()
SECTION = EXAMPLE[EXAMPLE.index("\nmarket:") : EXAMPLE.index("\nnotifier:")]
TARIFFS = re.split(r"^#   (?=tariff:)", SECTION, flags=re.MULTILINE)[1:]
SECRETS = ("token", "api_key", "password")


@pytest.mark.parametrize(
    "model",
    [
        MarketSection,
        HeatSettings,
        Investment,
        BestPowerSettings,
        AnyTariff,
        FixedTariff,
        TimeOfUseTariff,
        TariffWindow,
        FetchedTariff,
        FileTariff,
        HttpTariff,
        AwattarTariff,
        EntsoeTariff,
        OctopusTariff,
        ErcotTariff,
    ],
    ids=lambda model: model.__name__,
)
def test_the_example_names_every_option(model: type[BaseModel]) -> None:
    names = {field.alias or name for name, field in model.model_fields.items()}
    wanted = {f"{name}_file" if name in SECRETS else name for name in names}
    assert wanted - set(re.findall(r"\b(\w+):", SECTION)) == set()


def test_the_example_gives_every_option_its_default() -> None:
    found = load(MarketSettings, ROOT / "config/example.yaml", account="example", environ={})
    assert found == MarketSettings()


@pytest.mark.parametrize("text", TARIFFS, ids=lambda text: str(re.findall(r"kind: (\w+)", text)[0]))
def test_every_tariff_of_the_example_is_right(text: str) -> None:
    block = "\n".join(line.removeprefix("# ") for line in ("#   " + text).splitlines())
    plan: dict[str, Any] = yaml.safe_load(textwrap.dedent(block))["tariff"]
    plan = {name.removesuffix("_file"): value for name, value in plan.items()}
    assert TypeAdapter(Tariff).validate_python(plan)


def test_the_example_shows_seven_of_the_eight_kinds_of_tariffs_below_and_the_eighth_above() -> None:
    shown = {kind for text in TARIFFS for kind in re.findall(r"kind: (\w+)", text)}
    assert shown == {"time_of_use", "awattar", "entsoe", "octopus", "ercot", "file", "http"}
    assert "# tariff: {kind: fixed" in SECTION


def test_a_secret_of_a_supplier_comes_from_its_file(tmp_path: Path) -> None:
    (tmp_path / "entsoe").write_text("very-secret\n")
    file = tmp_path / "site.yaml"
    file.write_text("market: {tariff: {kind: entsoe, zone: 10Y1001A1001A82H, token_file: entsoe}}\n")
    found = load(MarketSettings, file, account="market", environ={}).market.tariff
    assert isinstance(found, EntsoeTariff)
    assert found.token.get_secret_value() == "very-secret"
    assert "very-secret" not in repr(found)
