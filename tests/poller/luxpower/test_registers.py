"""From registers to a reading: the scales of PROTOCOLS.md 5.4, and what an inverter leaves out."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hashbus_poller.drivers.contract import DeviceError, Unreachable
from hashbus_poller.drivers.luxpower.registers import reading
from hashbus_poller.readings import understanding

FIXTURES = Path(__file__).parents[2] / "fixtures" / "luxpower"


def registers(**changes: int) -> dict[int, int]:
    """The registers of a sunny morning, with changes as `r5=0`."""
    table: dict[str, int] = json.loads((FIXTURES / "12KPV/FAAB-2122/sunny_morning.json").read_text())
    words = dict.fromkeys((*range(120), *range(160, 200)), 0) | {int(number): word for number, word in table.items()}
    return words | {int(name[1:]): word for name, word in changes.items()}


COMPOSED = sorted(path for path in FIXTURES.glob("*/*/*.json") if not path.name.endswith(".expected.json"))


@pytest.mark.parametrize("path", COMPOSED, ids=lambda path: path.stem)
def test_registers_give_the_reading_beside_them(path: Path) -> None:
    words = dict.fromkeys((*range(120), *range(160, 200)), 0)
    words |= {int(number): word for number, word in json.loads(path.read_text()).items()}
    expected: dict[str, Any] = json.loads(path.with_suffix(".expected.json").read_text())
    shown = json.loads(reading(words).model_dump_json(exclude_none=True))
    assert shown == expected


def test_the_values_of_the_sheet_are_read_as_it_says() -> None:
    read = reading(registers(r0=4, r1=3512, r4=538, r5=0x644C))
    assert (read.soc_pct, read.soh_pct, read.battery_v) == (76, 100, 53.8)
    assert read.status == "PV to house and grid"


def test_a_totaliser_is_low_word_first() -> None:
    assert reading(registers(r50=0x0001, r51=0x0002)).charge_energy_wh == 0x20001 * 100


def test_discharging_and_selling_are_negative() -> None:
    read = reading(registers(r10=0, r11=1500, r26=700, r27=0))
    assert (read.battery_w, read.grid_w) == (-1500, -700)
    assert read.battery_a is not None
    assert read.battery_a < 0, "the sign of the current is that of the power, whatever the firmware thinks"


def test_frost_is_read_as_frost_and_no_sensor_as_unknown() -> None:
    assert reading(registers(r67=0xFFFB)).battery_c == -5
    assert reading(registers(r67=0)).battery_c is None


def test_a_battery_that_says_nothing_of_itself_leaves_it_unknown() -> None:
    read = reading(registers(r83=0))
    assert (read.battery_a, read.max_charge_a, read.max_discharge_a, read.cycles) == (None, None, None, None)
    assert read.soc_pct == 76


def test_nothing_known_of_the_battery_is_no_empty_battery() -> None:
    with pytest.raises(Unreachable, match="0 % and 0 V"):
        reading(registers(r4=0, r5=0))


def test_an_empty_battery_is_read() -> None:
    assert reading(registers(r5=0x6400)).soc_pct == 0


def test_an_older_inverter_without_a_load_counter_is_read() -> None:
    words = {number: word for number, word in registers().items() if number < 120}
    assert reading(words).load_energy_wh is None


def test_each_fault_and_warning_bit_is_an_error_with_a_hint() -> None:
    errors = reading(registers(r60=1 << 3, r61=1 << 3, r62=1 << 9, r63=1)).errors
    assert [error.code for error in errors] == ["E003", "E019", "W009", "W016"]
    assert [error.text for error in errors][1:] == [
        "internal bus voltage too high: check the voltage of the panels",
        "a fan is stuck: clean or replace it",
        "no grid: it waits for the mains; if others have them, check the breaker",
    ]


def test_an_unknown_status_is_told_by_its_number() -> None:
    assert reading(registers(r0=0x77)).status == "status 119"


@given(st.lists(st.integers(0, 0xFFFF), min_size=120, max_size=120))
def test_no_registers_at_all_crash_the_parser(words: list[int]) -> None:
    try:
        with understanding(b"registers"):
            reading(dict(enumerate(words)))
    except DeviceError:
        pass
