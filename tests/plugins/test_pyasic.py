"""The pyasic plugin: its promises against emulated miners, and that hashbus needs no change for it."""

import contextlib
import json
import os
import subprocess
import sys
import sysconfig
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hashbus.messages import Capability, MinerIdentity, MinerReading, MinerState
from hashbus_driver_pyasic import parse
from hashbus_driver_pyasic.driver import DRIVER
from hashbus_poller.drivers.contract import Garbled, Unreachable
from hashbus_poller.testing.driver_promises import HARMLESS, DriverCase, Ending, Fault, MinerPromises
from tests.poller.emulated import emulated_case

PASSWORD = "secret-1"
FIXTURES = Path(__file__).resolve().parents[1] / "fixtures" / "pyasic"
ROOT = Path(__file__).resolve().parents[2]

# The library does not say what it could not understand, or why: every fault is an answer that did not come.
ENDINGS: dict[Fault, Ending] = {
    Fault.GARBAGE: Unreachable,
    Fault.NOT_JSON_TEXT: Unreachable,
    Fault.TRUNCATED: Unreachable,
    Fault.OVERSIZED: HARMLESS,  # the library has limits of its own
    Fault.MISSING_COMMA: HARMLESS,  # what could be understood is read, and marked as partial
    Fault.WRONG_PASSWORD: HARMLESS,
}

# It is recognised by pages that need the password; once it is, readings go on without one.
ANTMINER_ENDINGS = ENDINGS | {Fault.WRONG_PASSWORD: Unreachable}

# An oversized page ends the recognition of a Bitaxe, and not its reading.
BITAXE_LACKS = frozenset({Fault.WRONG_PASSWORD, Fault.OVERSIZED})


def sees_whatsminer(identity: MinerIdentity) -> None:
    assert (identity.make, identity.model, identity.firmware) == ("Whatsminer", "M64VL40", "WhatsMiner Stock")
    assert identity.mac == "c2:00:01:00:00:01"
    assert set(identity.capabilities) == {
        Capability.POWER_LIMIT,
        Capability.SLEEP,
        Capability.POOL,
        Capability.BLINK,
    }


def sees_its_power(reading: MinerReading) -> None:
    assert reading.state is MinerState.MINING
    assert reading.power_w == pytest.approx(3600, rel=0.02)
    assert reading.power_limit_w == 3600
    assert reading.hashrate_ths == pytest.approx(212, rel=0.06)
    assert len(reading.boards) == 4
    assert reading.fans_rpm == (), "it is liquid-cooled"


class TestWhatsminerThroughPyasic(MinerPromises):
    @pytest.fixture
    async def case(self) -> AsyncIterator[DriverCase]:
        block = {"family": "whatsminer_v3", "model": "M64_VL40", "host": "127.86.2.1", "password": PASSWORD}
        options = {"username": "super", "password": PASSWORD}
        async with emulated_case(
            DRIVER,
            block,
            options,
            endings=ENDINGS,
            secrets=(PASSWORD,),
            see_identity=sees_whatsminer,
            see_reading=sees_its_power,
        ) as case:
            yield case


class TestAntminerThroughPyasic(MinerPromises):
    @pytest.fixture
    async def case(self) -> AsyncIterator[DriverCase]:
        block = {
            "family": "antminer",
            "model": "Antminer S19",
            "host": "127.86.2.2",
            "password": PASSWORD,
            "settle_s": 0,
        }
        async with emulated_case(
            DRIVER, block, {"password": PASSWORD}, endings=ANTMINER_ENDINGS, secrets=(PASSWORD,)
        ) as case:
            yield case


class TestBitaxeThroughPyasic(MinerPromises):
    @pytest.fixture
    async def case(self) -> AsyncIterator[DriverCase]:
        block = {"family": "bitaxe", "model": "Bitaxe Gamma", "host": "127.86.2.3"}
        async with emulated_case(DRIVER, block, {}, endings=ENDINGS, lacks=BITAXE_LACKS) as case:
            yield case


TOLD = sorted(FIXTURES.rglob("told.json"))


@pytest.mark.parametrize("file", TOLD, ids=lambda path: path.parent.parent.name)
def test_what_the_library_tells_reads_as_is_written_beside_it(file: Path) -> None:
    raw = file.read_bytes()
    reading = parse.reading(parse.told(raw), raw)
    identity = parse.identity(parse.told(raw), raw, None)
    for model, name in ((reading, "reading.json"), (identity, "identity.json")):
        assert model.model_dump(mode="json", exclude_defaults=True) == json.loads((file.parent / name).read_bytes())


def told(**change: Any) -> MinerReading:
    raw = json.dumps(json.loads(TOLD[0].read_bytes()) | change).encode()
    return parse.reading(parse.told(raw), raw)


def test_is_mining_says_something_only_when_it_is_false() -> None:
    """The library says true also of a miner that it has not heard."""
    assert told(operating_state=None, is_mining=True, hashrate=None).state is MinerState.UNKNOWN
    assert told(operating_state=None, is_mining=True, hashrate=None).is_partial
    assert told(operating_state=None, is_mining=False).state is MinerState.SLEEPING
    assert told(operating_state=None).state is MinerState.MINING


def test_the_hashrate_of_another_algorithm_is_not_added_to_that_of_bitcoin() -> None:
    assert told(hashrate={"value": 9.5, "unit": "GH/s", "algo": "Scrypt"}).hashrate_ths is None


def test_one_liquid_sensor_is_the_liquid_and_two_are_its_ends() -> None:
    assert told(outlet_fluid_temperature=None).liquid_c == 31.0
    assert (told().liquid_c, told().inlet_c, told().outlet_c) == (None, 31.0, 44.5)


ANYTHING = st.none() | st.booleans() | st.text() | st.floats() | st.lists(st.integers())
KEYS = st.sampled_from(sorted(json.loads(TOLD[0].read_bytes())))


@given(key=KEYS, value=ANYTHING | st.dictionaries(st.text(), ANYTHING))
def test_whatever_the_library_may_say_is_a_reading_or_garbled(key: str, value: object) -> None:
    with contextlib.suppress(Garbled):
        told(**{key: value})


@given(st.binary())
def test_no_bytes_crash_the_parser(raw: bytes) -> None:
    with contextlib.suppress(Garbled):
        parse.reading(parse.told(raw), raw)


def test_a_scan_does_not_try_the_factory_passwords_of_the_library() -> None:
    assert DRIVER.looks == ()


@pytest.fixture
def without_plugin(tmp_path: Path) -> Path:
    """What is installed here, but for the plugin."""
    folder = tmp_path / "without"
    folder.mkdir()
    for part in Path(sysconfig.get_path("purelib")).iterdir():
        if "hashbus_driver_pyasic" not in part.name and part.suffix != ".pth":
            (folder / part.name).symlink_to(part)
    return folder


def listed_drivers(*folders: Path) -> set[str]:
    """What `hashbus drivers` lists in an installation made of those folders and of this repository's services."""
    services = [project.parent for project in (ROOT / "services").glob("*/pyproject.toml")]
    paths = [*folders, ROOT / "libs" / "common", *services]
    run = subprocess.run(
        [sys.executable, "-S", "-m", "hashbus_supervisor", "drivers", "--json"],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": os.pathsep.join(map(str, paths))},
    )
    return {one["driver"] for one in json.loads(run.stdout)["drivers"]}


def test_the_driver_is_there_when_its_package_is_installed_and_not_before(without_plugin: Path, tmp_path: Path) -> None:
    plugin = tmp_path / "plugin"
    before = listed_drivers(without_plugin)
    uv: list[str | Path] = [Path(sysconfig.get_path("scripts")) / "uv", "pip", "install", "--quiet", "--offline"]
    options: list[str | Path] = ["--python", sys.executable, "--no-deps", "--no-build-isolation", "--target", plugin]
    subprocess.run([*uv, *options, ROOT / "plugins" / "pyasic"], check=True, timeout=60)
    assert "pyasic" not in before
    assert listed_drivers(without_plugin, plugin) == before | {"pyasic"}
