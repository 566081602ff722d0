"""Every benchmark runs and gives its figures; what they say on a busy machine is nobody's promise."""

import json
import re
from importlib import import_module
from pathlib import Path

import pytest

from benchmarks import figures
from benchmarks.figures import Figure
from benchmarks.run import BENCHMARKS, main

# Figures that a requirement or a page speaks of.
GIVES = {
    "messages": {"message_telemetry_encode", "message_telemetry_decode_ratio", "message_setpoint_encode"},
    "bus_latency": {"bus_latency_p50_at_100", "bus_latency_p99_at_1000", "bus_throughput_ratio"},
    "simulator": {"simulator_start_40", "simulator_memory_a_miner", "simulator_bitaxe"},
    "poll_rate": {"poll_cgminer_ratio", "poll_bitaxe_cpu", "poll_mixed", "poll_mixed_bare", "poll_mixed_ratio"},
    "fleet_pace": {"poller_base", "pace_24_at_5s_held", "pace_24_at_5s_late", "pace_24_at_5s_memory_a_miner"},
    "decision": {"decision_20_all_ratio", "decision_20_one", "decision_20_tick", "decision_20_reading"},
    "soc_to_wire": {"soc_to_wire_p50", "soc_to_wire_p99", "soc_to_setpoint_p50"},
    "heating": {"heating_discomfort_ratio", "heating_overshoot", "heating_switches", "heating_round"},
    "curtailment": {"curtail_100_asleep_first", "curtail_100_levels_overshoot", "curtail_100_asleep_plain_pulp"},
    "curtailment_delivery": {"curtail_12_begun", "curtail_12_delivered", "curtail_12_confirmed"},
    "cloud": {"cloud_upload_ratio", "cloud_summary_p99", "cloud_live_p99", "cloud_wire", "cloud_row"},
    "cloud_line": {"cloud_backlog", "cloud_backlog_lost", "cloud_backlog_wire", "cloud_commands_twice"},
    "scan": {"scan_time", "scan_ratio", "scan_found", "scan_peak_memory"},
    "parse_cost": {"parse_whatsminer", "parse_antminer", "parse_luxos", "parse_luxpower"},
    "idle_cost": {"home_memory", "home_cpu", "home_poller_memory", "home_broker_cpu"},
    "recorder_points": {"recorder_points_ratio", "recorder_spool_hour", "embedded_row"},
    "market": {"market_round_one_hung", "profit_calculations", "economics_a_miner"},
    "web": {"web_live_delay_p99", "web_live_cpu", "web_history_cached_p99", "web_history_site_p99"},
    "http_client": {"http_aiohttp_plain", "http_aiohttp_digest"},
}


def test_make_bench_runs_every_benchmark_there_is() -> None:
    scripts = {path.stem for path in figures.FOLDER.glob("*.py") if "\nasync def measure(" in path.read_text()}
    assert set(BENCHMARKS) == scripts


@pytest.mark.parametrize("benchmark", BENCHMARKS)
async def test_it_runs_and_gives_its_figures(benchmark: str) -> None:
    taken: list[Figure] = await import_module(f"benchmarks.{benchmark}").measure(quick=True)
    names = [figure.name for figure in taken]
    assert names
    assert GIVES.get(benchmark, set()) <= set(names)
    assert len(names) == len(set(names))
    assert all(figure.unit for figure in taken)
    assert not [figure for figure in taken if re.search(r"[1-9]\S* (% |readings )?failed", figure.note)]


def test_figures_are_kept_in_the_readme_and_those_of_other_benchmarks_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(figures, "RESULTS", tmp_path / "results.json")
    monkeypatch.setattr(figures, "README", tmp_path / "README.md")
    figures.README.write_text(f"Above\n{figures.BEGIN}\nold\n{figures.END}\nBelow\n")
    figures.keep({"one": [Figure("rate", 1234.5, "miners/s", ">= 300", "mixed")]}, "today")
    figures.keep({"two": [Figure("ratio", 0.5, "ratio", ">= 0.6")]}, "later")
    page = figures.README.read_text()
    assert page.startswith("Above\n")
    assert page.endswith(f"{figures.END}\nBelow\n")
    assert "old" not in page
    assert "| rate | 1,234 | miners/s | >= 300: met | mixed |" in page
    assert re.search(r"### two\n\nlater, \d+ cores", page)
    assert "| ratio | 0.5000 | ratio | >= 0.6: MISSED |  |" in page
    assert set(json.loads(figures.RESULTS.read_text())) == {"one", "two"}


def test_a_quick_run_keeps_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(figures, "RESULTS", tmp_path / "results.json")
    assert main(["--quick", "messages"]) == 0
    assert not figures.RESULTS.exists()


def test_a_name_that_is_no_benchmark_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["mesages"])
    assert ended.value.code == 2
    assert "no benchmark mesages; there are messages, bus_latency" in capsys.readouterr().err
