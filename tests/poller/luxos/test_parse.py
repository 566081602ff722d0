"""What the LuxOS driver makes of its reports."""

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hashbus.messages import MinerReading, MinerState
from hashbus_poller.drivers.cgminer.answer import Answer, MinerDown, decode
from hashbus_poller.drivers.cgminer.identity import parse_version
from hashbus_poller.drivers.contract import DeviceError, Garbled
from hashbus_poller.drivers.luxos import commands, parse
from hashbus_poller.drivers.luxos.faults import HINTS, STATES, errors_of
from hashbus_poller.drivers.luxos.identity import Known, known_of
from hashbus_poller.drivers.luxos.profiles import Profile, offered, profile_at, profile_within, profiles_of

FIXTURES = Path(__file__).parents[2] / "fixtures" / "luxos"
SCENES = sorted(path.parent for path in FIXTURES.rglob("summary.json"))
MINING = FIXTURES / "S19k_Pro" / "2025.4.8" / "mining_below_default"


def name_of(scene: Path) -> str:
    return " ".join(scene.relative_to(FIXTURES).parts).replace("_", " ")


def said(scene: Path, report: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((scene / f"{report}.json").read_bytes())
    return loaded


def answer(scene: Path, report: str) -> Answer:
    return decode(report, (scene / f"{report}.json").read_bytes())


def reading_of(scene: Path, **changed: dict[str, Any]) -> MinerReading:
    """The reading of a scene; `changed` replaces fields in the first row of a report."""
    answers: dict[str, Answer | None] = {}
    for report in commands.REPORTS:
        document = said(scene, report)
        if report in changed:
            section = next(rows for key, rows in document.items() if key not in {"STATUS", "id", "METADATA"})
            section[0] |= changed[report]
        answers[report] = decode(report, json.dumps(document).encode())
    return parse.reading(parse.reports_of(answers), profiles_of(answer(scene, "profiles")))


def joined(scene: Path) -> bytes:
    return json.dumps({name: [said(scene, name)] for name in commands.REPORTS} | {"id": 1}).encode() + b"\0"


def known(scene: Path) -> Known:
    version = parse_version(answer(scene, "version"))
    return known_of(version, answer(scene, "config"), profiles_of(answer(scene, "profiles")))


@pytest.mark.parametrize("scene", SCENES, ids=name_of)
def test_every_scene_reads_as_is_written_beside_it(scene: Path) -> None:
    expected = json.loads((scene / "reading.json").read_bytes())
    assert reading_of(scene).model_dump(mode="json", exclude_none=True) == expected


@pytest.mark.parametrize("scene", SCENES, ids=name_of)
def test_reports_in_one_answer_read_as_reports_one_by_one(scene: Path) -> None:
    reports = parse.reports_in(decode("joined", joined(scene)))
    assert parse.reading(reports, profiles_of(answer(scene, "profiles"))) == reading_of(scene)


@pytest.mark.parametrize("scene", SCENES, ids=name_of)
def test_every_miner_is_known_with_what_can_be_done_with_it(scene: Path) -> None:
    expected = json.loads((scene / "identity.json").read_bytes())
    assert known(scene).identity.model_dump(mode="json", exclude_none=True) == expected


def test_a_cut_answer_gives_what_came_before_the_cut() -> None:
    raw = joined(MINING)
    reading = parse.reading(parse.reports_in(decode("joined", raw[: len(raw) // 2])), ())
    assert reading.is_partial
    assert reading.hashrate_5s_ths == 59.75606
    with pytest.raises(Garbled, match="summary"):
        parse.reports_in(decode("joined", b'{"devs": [{"STATUS": [{"STATUS": "S"}]'))


@pytest.mark.parametrize(
    ("changed", "state"),
    [
        ({}, MinerState.MINING),
        ({"devs": {"IsRamping": True}}, MinerState.TUNING),
        ({"config": {"CurtailMode": "Sleep"}}, MinerState.SLEEPING),
        ({"config": {"CurtailMode": "Idle"}}, MinerState.IDLE),
        ({"summary": {"GHS 5s": 0}}, MinerState.IDLE),
        ({"summary": {"GHS 5s": 0, "Elapsed": 20}}, MinerState.TUNING),
    ],
)
def test_the_state_follows_curtailment_hashes_and_ramp(changed: dict[str, dict[str, Any]], state: MinerState) -> None:
    assert reading_of(MINING, **changed).state is state


def test_air_goes_in_at_the_sensors_that_are_labelled_so() -> None:
    board = reading_of(MINING).boards[0]
    assert (board.inlet_c, board.outlet_c, board.board_c) == (34.0, 48.5, 48.5)
    older = reading_of(FIXTURES / "S19j_Pro" / "2023.7.7" / "older_with_fewer_reports").boards[0]
    assert (older.inlet_c, older.outlet_c) == (None, None), "without labels nobody knows"


class TestProfiles:
    profiles = profiles_of(answer(MINING, "profiles"))

    def test_one_without_watts_is_none(self) -> None:
        assert [profile.name for profile in self.profiles] == ["240MHz", "290MHz", "490MHz", "default", "640MHz"]

    def test_overclocking_is_not_offered_unless_the_owner_has_chosen_it(self) -> None:
        assert offered(self.profiles, "290MHz")[-1].name == "default"
        assert offered(self.profiles, "640MHz")[-1].name == "640MHz"

    def test_a_limit_takes_what_draws_the_most_below_it(self) -> None:
        levels = offered(self.profiles, None)
        taken = profile_within(levels, 2759)
        assert taken is not None
        assert taken.name == "490MHz"
        assert profile_within(levels, 900) is None

    def test_a_frequency_is_one_of_a_profile(self) -> None:
        found = profile_at(self.profiles, 490)
        assert found is not None
        assert found.name == "490MHz"
        assert profile_at(self.profiles, 500) is None

    def test_of_two_that_draw_the_same_the_faster_is_offered(self) -> None:
        twins = (Profile("slow", 1000, 200, 40, -3), Profile("fast", 1000, 250, 50, -2))
        assert [profile.name for profile in offered(twins, None)] == ["fast"]


@pytest.mark.parametrize(
    ("version", "sets_all"),
    [("2024.1.26.143259-2d8448bf", True), ("2023.9.28.220144-66be080", False), ("0.1.0-15436f7140", True)],
)
def test_older_versions_take_a_profile_board_by_board(version: str, sets_all: bool) -> None:
    named = parse_version(decode("version", json.dumps({"VERSION": [{"LUXminer": version, "API": "3.7"}]}).encode()))
    assert known_of(named, answer(MINING, "config"), ()).sets_all_boards is sets_all


def test_every_event_of_the_vendors_list_has_a_hint_or_is_no_fault() -> None:
    assert not STATES & set(HINTS)
    events = {"EVENTS": [{"Code": code, "Description": "x."} for code in [*HINTS, *STATES, "NEW_ONE"]]}
    errors = errors_of(decode("events", json.dumps(events).encode()))
    assert {error.code for error in errors} == {*HINTS, "NEW_ONE"}
    assert all(error.text and (error.code == "NEW_ONE" or "; " in error.text) for error in errors)


def test_a_wrong_kind_of_value_is_named() -> None:
    with pytest.raises(Garbled, match=r'"GHS 5s" = .lots'):
        reading_of(MINING, summary={"GHS 5s": "lots"})
    with pytest.raises(Garbled, match='"Watts" = '):
        reading_of(MINING, power={"Watts": [1]})


KEYS = (
    *("STATUS", "SUMMARY", "CONFIG", "DEVS", "POWER", "TEMPS", "METADATA", "FANS", "POOLS", "EVENTS", "PROFILES"),
    *("GHS 5s", "CurtailMode", "Profile", "ASC", "MHS 5s", "Watts", "TopLeft", "Label", "RPM", "Code", "Profile Name"),
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4),
    max_leaves=12,
)


@given(report=st.sampled_from(commands.REPORTS), value=json_values)
def test_no_json_at_all_crashes_the_parser(report: str, value: Any) -> None:
    answers: dict[str, Answer | None] = {name: answer(MINING, name) for name in commands.REPORTS}
    with suppress(DeviceError, MinerDown):
        answers[report] = decode(report, json.dumps(value).encode())
        parse.reading(parse.reports_of(answers), ())


@given(st.binary() | json_values.map(lambda value: json.dumps(value).encode()))
def test_no_bytes_at_all_crash_the_parsers(raw: bytes) -> None:
    version = parse_version(answer(MINING, "version"))
    for parser in (
        parse.reports_in,
        parse.standing,
        profiles_of,
        errors_of,
        lambda one: known_of(version, one, ()),
    ):
        with suppress(DeviceError, MinerDown):
            parser(decode("it", raw))  # type: ignore[operator]
