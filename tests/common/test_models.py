"""The model database: what it knows, and how it is asked."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hashbus.models import all_models, rated


@pytest.mark.parametrize(
    ("make", "model", "name", "hashrate_ths", "power_w"),
    [
        ("Antminer", "Antminer S19 Pro (110TH)", "S19 Pro", 110, 3250),
        ("", "Antminer S19 Pro (104TH)", "S19 Pro", 104, 3068),
        (None, "antminer s19pro", "S19 Pro", 110, 3250),
        ("Bitmain", "S19 XP Hydro", "S19 XP Hyd", 255, 5304),
        ("Bitmain", "S19 Pro+ Hyd.", "S19 Pro+ Hyd", 198, 5445),
        ("Bitmain", "S21 XP Hyd 473T", "S21 XP Hyd", 473, 5676),
        ("Antminer", "Antminer S19 (Vnish 1.2.6)", "S19", 95, 3250),
        ("Antminer", "T21", "T21", 190, 3610),
        ("WhatsMiner", "M30S++_VH70", "M30S++", 112, 3472),
        ("MicroBT", "M30S++VH71", "M30S++", 112, 3472),
        ("MicroBT", "M30S_V10", "M30S", 88, 3344),
        ("WhatsMiner", "M66S_VL20", "M66S", 298, 5513),
        ("", "AvalonMiner 1366", "A1366", 130, 3250),
        ("Canaan", "1366", "A1366", 130, 3250),
        ("Avalon", "Avalon Q", "Q", 90, 1674),
        ("Bitaxe", "Gamma", "Gamma", 1.071, 19),
    ],
)
def test_a_model_is_known_however_it_is_spelled(
    make: str | None, model: str, name: str, hashrate_ths: float, power_w: float
) -> None:
    found = rated(make, model)
    assert found is not None
    assert (found.model, found.rated_hashrate_ths, found.rated_power_w) == (name, hashrate_ths, power_w)


def test_the_ideal_rate_of_a_miner_picks_its_version() -> None:
    hundred = rated("Antminer", "S19j Pro", hashrate_ths=99.6)
    assert hundred is not None
    assert hundred.rated_power_w == 3050
    named = rated("Antminer", "S19j Pro (96TH)", hashrate_ths=104.0)
    assert named is not None
    assert named.rated_power_w == 2832, "the name counts more"


def test_what_is_not_known_for_certain_is_unknown() -> None:
    home = rated("WhatsMiner", "M64_VL40")
    assert home is not None
    assert home.is_liquid_cooled
    assert home.rated_power_w is None
    assert home.chips is None
    assert rated("Acme", "Heater 2") is None
    assert rated("Antminer", "S99") is None
    assert rated("Antminer", "") is None


def test_all_chips_are_those_of_all_boards() -> None:
    found = rated("Antminer", "S19 Pro")
    assert found is not None
    assert (found.chips_per_board, found.boards, found.chips) == (114, 3, 342)


def test_every_row_is_found_under_its_own_name() -> None:
    for row in all_models():
        by_name = rated(row.make, row.model)
        assert by_name is not None
        assert (by_name.make, by_name.model) == (row.make, row.model)
        assert rated(row.make, row.model, hashrate_ths=row.rated_hashrate_ths) == row


def test_there_are_more_than_150_models() -> None:
    assert len({(row.make, row.model) for row in all_models()}) >= 150


def test_figures_are_those_of_real_machines() -> None:
    for row in all_models():
        assert (row.rated_hashrate_ths is None) == (row.rated_power_w is None), row
        if row.rated_hashrate_ths and row.rated_power_w:
            assert 5 <= row.rated_power_w / row.rated_hashrate_ths <= 600, f"joules per terahash of {row}"
        assert row.year is None or 2014 <= row.year <= 2026


@given(st.text(), st.text())
def test_no_name_crashes_the_look_up(make: str, model: str) -> None:
    rated(make, model)
