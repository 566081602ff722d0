"""The poller's settings: devices with the options of their drivers, blocks of many, and mistakes said clearly."""

from pathlib import Path

import pytest

from hashbus.config_errors import ConfigError
from hashbus.settings import load
from hashbus_poller.blocks import expanded
from hashbus_poller.settings import settings_model


def poller(tmp_path: Path, text: str, **environ: str) -> object:
    path = tmp_path / "site.yaml"
    path.write_text(text)
    return load(settings_model(), path, account="poller", environ=environ).poller  # type: ignore[attr-defined]


def problems(tmp_path: Path, text: str) -> list[str]:
    with pytest.raises(ConfigError) as refused:
        poller(tmp_path, text)
    return [problem.replace(f"{tmp_path}/", "") for problem in refused.value.problems]


def test_a_device_has_the_options_of_its_driver(tmp_path: Path) -> None:
    section = poller(tmp_path, "poller: {devices: {attic: {driver: whatsminer, host: 192.0.2.5, timeout_s: 3}}}")
    device = section.devices["attic"]  # type: ignore[attr-defined]
    assert (device.driver, device.host, device.timeout_s) == ("whatsminer", "192.0.2.5", 3)


def test_a_password_comes_from_the_environment_and_does_not_show(tmp_path: Path) -> None:
    section = poller(
        tmp_path,
        "poller: {devices: {attic: {driver: whatsminer, host: 192.0.2.5}}}",
        HASHBUS_POLLER__DEVICES__ATTIC__PASSWORD="hunter2",
    )
    assert section.devices["attic"].password.get_secret_value() == "hunter2"  # type: ignore[attr-defined]
    assert "hunter2" not in repr(section)


@pytest.mark.parametrize(
    ("device", "line"),
    [
        (
            "{driver: whatsmner, host: a}",
            "poller.devices.attic.driver: 'whatsmner' is not known; did you mean `whatsminer`?",
        ),
        ("{host: a}", "poller.devices.attic: driver is missing"),
        ("{driver: whatsminer}", "poller.devices.attic.host: is missing"),
        ("{driver: whatsminer, hots: a}", "poller.devices.attic.hots: unknown key; did you mean `host`?"),
        (
            "{driver: whatsminer, host: 'http://192.0.2.5/'}",
            "poller.devices.attic.host: 'http://192.0.2.5/' is not right",
        ),
        ("{driver: whatsminer, host: a, interval_s: 0}", "poller.devices.attic.interval_s: 0 is not right"),
        (
            "{driver: whatsminer, host: a, safe_power: 100}",
            "poller.devices.attic.safe_power: unknown key; did you mean `safe_power_w`?",
        ),
    ],
)
def test_a_mistake_in_a_device_is_said_with_its_line(tmp_path: Path, device: str, line: str) -> None:
    found = problems(tmp_path, f"poller:\n  devices:\n    attic: {device}")
    assert any(problem.startswith(f"site.yaml:3: {line}") for problem in found), found


def test_a_row_of_a_farm_is_four_lines(tmp_path: Path) -> None:
    section = poller(tmp_path, "poller: {blocks: [{prefix: row1-, driver: antminer, hosts: 192.0.2.1-192.0.2.40}]}")
    devices = section.devices  # type: ignore[attr-defined]
    assert len(devices) == 40
    assert devices["row1-040"].host == "192.0.2.40"


@pytest.mark.parametrize(
    ("block", "problem"),
    [
        ({"prefix": "a", "driver": "antminer"}, "a block needs hosts"),
        ({"prefix": "a", "driver": "x", "hosts": "192.0.2.9-192.0.2.1"}, "the last address must follow the first"),
        ({"prefix": "a", "driver": "x", "hosts": "10.0.0.0/8"}, "has 16777216 addresses; at most 65536"),
        ({"prefix": "a", "driver": "x", "hosts": "nowhere"}, "is not FIRST-LAST, a network or a list"),
        ("row", "a block is a list of `key: value` lines"),
    ],
)
def test_a_block_that_is_not_right_says_why(block: object, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        expanded(block)


def test_a_device_that_a_block_makes_again_is_refused(tmp_path: Path) -> None:
    text = (
        "poller:\n  devices: {row-001: {driver: antminer, host: 192.0.2.1}}\n"
        "  blocks: [{prefix: row-, driver: antminer, hosts: 192.0.2.1-192.0.2.2}]"
    )
    assert "device 'row-001' is there twice" in problems(tmp_path, text)[0]


@pytest.mark.parametrize("shard", ["0/3", "4/3", "1", "a/b"])
def test_a_shard_is_one_part_of_some(tmp_path: Path, shard: str) -> None:
    assert "poller.shard" in problems(tmp_path, f"poller: {{shard: '{shard}'}}")[0]


def test_a_mistake_in_a_whole_device_is_said_at_the_device(tmp_path: Path) -> None:
    found = problems(tmp_path, "poller:\n  devices:\n    rod: {driver: modbus, host: 192.0.2.1}")
    assert found
    assert all(problem.startswith("site.yaml:3: poller.devices.rod") and ".modbus" not in problem for problem in found)
