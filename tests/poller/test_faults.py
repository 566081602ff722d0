"""What is wrong with a device is told in plain words, with what to do about it, whatever code its maker gives it."""

import json
import pkgutil
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from importlib import import_module
from importlib.util import find_spec

import pytest

from hashbus.messages import MinerError
from hashbus_poller import drivers
from hashbus_poller.drivers.antminer import parse as antminer
from hashbus_poller.drivers.braiins import faults as braiins
from hashbus_poller.drivers.cgminer.answer import decode
from hashbus_poller.drivers.vnish import parse as vnish
from hashbus_poller.drivers.whatsminer.faults import family_of

HINTS_ALONE = {"luxos.HINTS"}
"""The firmware itself says what is wrong; the table holds what to do."""

WORDS_ALONE = {"whatsminer._FAMILIES"}
"""What a code is about, where nobody knows more than the family to which it belongs."""


def tables() -> Iterator[tuple[str, Mapping[object, str]]]:
    """The tables from codes to texts in the module `faults` of each driver, by `driver.NAME`."""
    for driver in pkgutil.iter_modules(drivers.__path__):
        module = f"{drivers.__name__}.{driver.name}"
        if not driver.ispkg or find_spec(f"{module}.faults") is None:
            continue
        for name, value in vars(import_module(f"{module}.faults")).items():
            if name.strip("_").isupper() and isinstance(value, Mapping):
                yield f"{driver.name}.{name}", value


TABLES = dict(tables())
ENTRIES = [
    pytest.param(name, text, id=f"{name} {code}") for name, table in TABLES.items() for code, text in table.items()
]


def test_the_tables_of_all_drivers_are_seen() -> None:
    assert {"avalon", "bitaxe", "luxos", "luxpower", "whatsminer"} <= {name.partition(".")[0] for name in TABLES}
    assert TABLES.keys() >= HINTS_ALONE | WORDS_ALONE, "an exception for a table that is gone"


@pytest.mark.parametrize(("table", "text"), ENTRIES)
def test_every_code_has_a_text_that_reads_like_one(table: str, text: str) -> None:
    assert text == text.strip()
    assert text
    assert text[-1] not in ".;:,", "the sentence goes on in the message"
    assert "\n" not in text
    if table not in WORDS_ALONE:
        assert len(text.split()) >= 2


@pytest.mark.parametrize(("table", "text"), ENTRIES)
def test_every_code_has_a_hint_what_to_do(table: str, text: str) -> None:
    if table in HINTS_ALONE | WORDS_ALONE:
        return
    what, _, hint = text.replace(": ", "; ").partition("; ")
    assert what
    assert len(hint.split()) >= 2, "it says what is wrong, and not what to do"


def test_whatever_code_a_whatsminer_gives_it_is_told_in_words() -> None:
    for code in (*range(100, 1000), *range(1000, 10_000, 7), 100_001):
        assert family_of(str(code)).strip()


def _lamp(said: Mapping[str, object]) -> tuple[MinerError, ...]:
    page = {"STATUS": {"STATUS": "S", "Msg": "summary"}, "SUMMARY": [{"status": [{"status": "e", **said}]}]}
    return antminer.parse_lamps(decode("summary", json.dumps(page).encode()))


def _vnish(said: Mapping[str, object]) -> tuple[MinerError, ...]:
    return vnish._own_errors({"miner_state": "failure", **said})


def _braiins(said: Mapping[str, object]) -> tuple[MinerError, ...]:
    journal = {"errors": [{"timestamp": "2026-03-01T12:00:00Z", **said}]}
    return braiins.recent_errors(json.dumps(journal).encode(), since=datetime(2026, 1, 1, tzinfo=UTC))


WORDLESS = [
    pytest.param(_lamp, {"type": "fans", "code": 4, "msg": ""}, "fan", id="a lamp of an Antminer"),
    pytest.param(_lamp, {"type": "new", "code": 4}, "health lamp", id="a lamp of a kind of its own"),
    pytest.param(_lamp, {}, "health lamp", id="a lamp that says nothing at all"),
    pytest.param(_vnish, {"failure_code": 12}, "code 12", id="a code of VNish"),
    pytest.param(_vnish, {"failure_code": 12, "description": "  "}, "code 12", id="a blank text of VNish"),
    pytest.param(_braiins, {"message": ""}, "without a word", id="an entry of Braiins OS"),
    pytest.param(_braiins, {"error_codes": [{"code": "B1"}]}, "without a word", id="a code of Braiins OS"),
]


@pytest.mark.parametrize(("parse", "said", "words"), WORDLESS)
def test_a_fault_without_a_word_is_told_in_ours(
    parse: Callable[[Mapping[str, object]], tuple[MinerError, ...]], said: Mapping[str, object], words: str
) -> None:
    (error,) = parse(said)
    assert error.text
    assert words in error.text
