"""`hashbus profit`: by hand without a site, with the live values of one, and what was calculated before."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from hashbus.clock import SYSTEM_CLOCK
from hashbus.messages import BitcoinPrice, CurrencyRates, NetworkState, PowerPrice
from hashbus.mqtt_bus import MqttBus
from hashbus.settings import BrokerSettings
from hashbus_supervisor.ask_profit import profit_command
from tests.servers import Mosquitto, free_port, wait_until

GIVEN = ["--kwh", "0.10", "--bitcoin", "92477", "--difficulty", "152.27T"]


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = profit_command(list(arguments))
    printed = capsys.readouterr()
    return code, printed.out, printed.err


def test_it_calculates_without_any_site(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "s19pro", *GIVEN, "--price", "1200", "--offline")
    assert code == 0
    assert "a loss of 3.60 USD a day: it never pays back" in out
    assert "Antminer S19 Pro: 110.0 TH/s, 3250 W, 29.5 J/TH" in out
    assert "-7.80 USD" in out


def test_it_answers_programs_in_json(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "s19pro", *GIVEN, "--kwh", "0.02", "--price", "1000", "--offline", "--json")
    answer = json.loads(out)
    assert code == 0
    assert answer["roi_days"] == pytest.approx(1000 / answer["net_per_day"])
    assert {one["name"]: one["origin"] for one in answer["used"]}["power_w"] == "data sheet"


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["s19prx", "--offline"], 1, "did you mean Antminer S19 Pro"),
        (["s19pro", "--offline"], 1, "price_usd: is missing"),
        (["--power", "-5", "--offline"], 2, "power_w: Input should be greater than 0"),
        (["s19pro", "--currency", "euro", "--offline"], 2, "currency"),
    ],
)
def test_what_is_missing_or_wrong_is_named(
    arguments: list[str], code: int, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    found, _, error = run(capsys, *arguments)
    assert (found, told in error) == (code, True), error


@pytest.mark.parametrize("heat", ["wood:0.1", "gas", "gas:cheap", "resistive:3"])
def test_a_heating_that_makes_no_sense_is_refused(heat: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        profit_command(["s19pro", "--heat", heat])
    assert ended.value.code == 2
    assert "write gas:0.12, oil_litre:1.10, heat_pump:3.5 or resistive" in capsys.readouterr().err


def test_without_a_running_site_it_still_calculates_and_says_that_nothing_is_kept(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "site.yaml"
    file.write_text(f"data_dir: {tmp_path}\n")
    code, out, _ = run(capsys, "s19pro", *GIVEN, "--config", str(file))
    assert code == 0
    assert "not kept in the history" in out


@pytest.fixture
def site(own_mosquitto: Mosquitto, tmp_path: Path) -> Iterator[Path]:
    """A site with a broker and a recorder, on whose bus a market has spoken."""
    port = free_port()
    settings: dict[str, Any] = {
        "site": "home",
        "data_dir": str(tmp_path / "var"),
        "broker": {"port": own_mosquitto.port},
        "supervisor": {"broker": "external"},
        "health": {"port": 0},
        "recorder": {"history": {"port": port}, "flush_s": 0.2},
    }
    file = tmp_path / "site.yaml"
    file.write_text(json.dumps(settings))
    recorder = subprocess.Popen([sys.executable, "-m", "hashbus_recorder", "--config", str(file)])
    try:
        asyncio.run(_market_speaks(own_mosquitto.port))
        yield file
    finally:
        recorder.terminate()
        recorder.wait()


async def _market_speaks(port: int) -> None:
    now = SYSTEM_CLOCK.now()
    at: dict[str, Any] = {"site": "home", "at": now, "taken_at": now, "completeness_pct": 100}
    counted: dict[str, Any] = {**at, "sources_used": 2, "sources_total": 2}
    old = {**counted, "at": now - timedelta(hours=5)}
    async with MqttBus(BrokerSettings(port=port), site="home", account="market") as bus:
        bus.publish(BitcoinPrice(price_usd=100_000, **old))
        bus.publish(NetworkState(difficulty=150e12, hashrate_ehs=1073, subsidy_btc=3.125, height=900_000, **counted))
        bus.publish(PowerPrice(currency="EUR", price_per_kwh=0.05, tariff="night", **counted))
        bus.publish(CurrencyRates(per_usd={"EUR": 0.9}, origin="mempool", **at))
        await bus.flush()


def test_it_takes_live_values_says_how_old_they_are_and_keeps_what_it_calculated(
    site: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, error = run(capsys, "S21", "--price", "2000", "--config", str(site))
    assert code == 0, error
    assert "EUR a day" in out
    assert "note: price_usd is 5 h old: its source is silent" in out
    assert "5 h old" in out

    def is_kept() -> bool:
        code = profit_command(["--history", "--config", str(site)])
        return code == 0 and "Antminer S21" in capsys.readouterr().out

    assert wait_until(is_kept)
    code, out, _ = run(capsys, "--history", "--json", "--config", str(site))
    [row] = json.loads(out)
    assert code == 0
    assert (row["source"], row["currency"], row["power_w"]) == ("cli", "EUR", 3500)
    assert row["roi_days"] > 0


def test_a_recorder_that_is_away_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "site.yaml"
    file.write_text(f"recorder: {{history: {{port: {free_port()}}}}}\n")
    code, _, error = run(capsys, "--history", "--config", str(file))
    assert code == 1
    assert "the recorder does not answer" in error
