"""Settings say every mistake in one line with its place, and never a secret."""

from pathlib import Path
from typing import Annotated

import pytest
from pydantic import Field

from hashbus.config_errors import ConfigError
from hashbus.settings import Section, SiteSettings, load


class Oven(Section):
    """A section like those of the services."""

    interval_s: Annotated[float, Field(ge=1)] = 10
    power_w: float = 0
    doors: dict[str, "Door"] = Field({})


class Door(Section):
    """Something that has a password."""

    host: str
    password: str | None = None


class OvenSettings(SiteSettings):
    """Settings of a service called poller, so that its section is known."""

    poller: Oven = Oven()


def settings(tmp_path: Path, text: str, **environ: str) -> OvenSettings:
    path = tmp_path / "site.yaml"
    path.write_text(text)
    return load(OvenSettings, path, account="poller", environ=environ)


def problems(tmp_path: Path, text: str, **environ: str) -> list[str]:
    with pytest.raises(ConfigError) as refused:
        settings(tmp_path, text, **environ)
    return [problem.replace(f"{tmp_path}/", "") for problem in refused.value.problems]


def test_an_empty_file_gives_the_defaults(tmp_path: Path) -> None:
    assert settings(tmp_path, "") == OvenSettings()


def test_no_file_gives_the_environment_and_the_defaults() -> None:
    environ = {"HASHBUS_SITE": "cabin", "HASHBUS_BROKER__PORT": "1884"}
    loaded = load(OvenSettings, None, account="poller", environ=environ)
    assert (loaded.site, loaded.broker.port) == ("cabin", 1884)


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    loaded = settings(tmp_path, "poller: {interval_s: 30}", HASHBUS_POLLER__INTERVAL_S="60")
    assert loaded.poller.interval_s == 60


def test_the_environment_reaches_a_device_whose_name_has_a_dash_or_capitals(tmp_path: Path) -> None:
    text = "poller: {doors: {Row-1: {host: a}}}"
    loaded = settings(tmp_path, text, HASHBUS_POLLER__DOORS__ROW_1__HOST="b")
    assert loaded.poller.doors["Row-1"].host == "b"


def test_values_may_name_environment_variables(tmp_path: Path) -> None:
    text = "poller: {doors: {a: {host: '${WM_HOST}'}, b: {host: '${NOWHERE:-192.0.2.7}'}}}"
    doors = settings(tmp_path, text, WM_HOST="192.0.2.5").poller.doors
    assert (doors["a"].host, doors["b"].host) == ("192.0.2.5", "192.0.2.7")


def test_sections_of_other_services_are_their_own_business(tmp_path: Path) -> None:
    assert settings(tmp_path, "recorder: {nonsense: 1}") == OvenSettings()


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("site: home\nbrokr: {}", "site.yaml:2: brokr: unknown key; did you mean `broker`?"),
        ("poller:\n  interval: 10", "site.yaml:2: poller.interval: unknown key; did you mean `interval_s`?"),
        ("poller:\n  power: 3600", "site.yaml:2: poller.power: unknown key; did you mean `power_w`?"),
        (
            "poller:\n  interval_s: 10 s",
            "site.yaml:2: poller.interval_s: '10 s' is not a number of seconds; write the bare number",
        ),
        (
            "poller:\n  power_w: 3.6 kW",
            "site.yaml:2: poller.power_w: '3.6 kW' is not a number of watts; write the bare number",
        ),
        (
            "poller:\n  interval_s: 0.1",
            "site.yaml:2: poller.interval_s: 0.1 is not right: it should be greater than or equal to 1 (seconds)",
        ),
        ("poller:\n  doors:\n    front: {}", "site.yaml:3: poller.doors.front.host: is missing"),
        (
            "poller:\n  doors:\n    front: {host: a, hots: b}",
            "site.yaml:3: poller.doors.front.hots: unknown key; did you mean `host`?",
        ),
        ("site: my home", "site.yaml:1: site: 'my home' is not right: it should match pattern '^[A-Za-z0-9_-]{1,64}$'"),
        (
            "broker: {port: 99999}",
            "site.yaml:1: broker.port: 99999 is not right: it should be less than or equal to 65535",
        ),
        ("poller: [1, 2]", "site.yaml:1: poller: is not right: it should be a valid dictionary or instance of Oven"),
        ("- a\n- b", "site.yaml:1: must be a list of `key: value` lines, not list"),
        ("site: home\nsite: cabin", "site.yaml:2: site: stands here twice; YAML keeps only the last"),
        ("site: 'home", "site.yaml:1: is not valid YAML: found unexpected end of stream"),
        (
            "poller: {doors: {a: {host: '${NOWHERE}'}}}",
            "site.yaml:1: poller.doors.a.host: the environment has no NOWHERE",
        ),
    ],
)
def test_a_mistake_is_one_line_with_its_place(tmp_path: Path, text: str, line: str) -> None:
    assert problems(tmp_path, text) == [line]


def test_every_mistake_is_said_not_only_the_first(tmp_path: Path) -> None:
    assert len(problems(tmp_path, "poller: {interval: 1, power: 2, doors: {a: {}}}")) == 3


def test_a_mistake_in_the_environment_names_the_variable(tmp_path: Path) -> None:
    found = problems(tmp_path, "", HASHBUS_POLLER__INTERVAL_S="soon")
    assert found == [
        "HASHBUS_POLLER__INTERVAL_S: poller.interval_s: 'soon' is not a number of seconds; write the bare number"
    ]


def test_a_variable_of_a_section_that_does_not_exist_is_a_mistake(tmp_path: Path) -> None:
    assert problems(tmp_path, "", HASHBUS_POLER__INTERVAL_S="1") == [
        "HASHBUS_POLER__INTERVAL_S: poler: unknown key; did you mean `poller`?"
    ]


class TestSecrets:
    """They come from files and the environment and show nowhere."""

    def test_a_secret_in_the_file_is_refused_and_not_repeated(self, tmp_path: Path) -> None:
        found = problems(tmp_path, "poller:\n  doors:\n    front: {host: a, password: hunter2}")
        line = (
            "site.yaml:3: poller.doors.front.password: a secret does not belong into this file: "
            "write `password_file: PATH`, or set HASHBUS_POLLER__DOORS__FRONT__PASSWORD "
            "or HASHBUS_POLLER__DOORS__FRONT__PASSWORD_FILE"
        )
        assert found == [line]

    def test_a_secret_file_is_looked_for_beside_the_settings(self, tmp_path: Path) -> None:
        (tmp_path / "door").write_text("hunter2\n")
        loaded = settings(tmp_path, "poller: {doors: {front: {host: a, password_file: door}}}")
        assert loaded.poller.doors["front"].password == "hunter2"

    def test_a_secret_comes_from_the_environment(self, tmp_path: Path) -> None:
        loaded = settings(
            tmp_path, "poller: {doors: {front: {host: a}}}", HASHBUS_POLLER__DOORS__FRONT__PASSWORD="0123"
        )
        assert loaded.poller.doors["front"].password == "0123"

    def test_a_secret_comes_from_a_file_that_the_environment_names(self, tmp_path: Path) -> None:
        (tmp_path / "door").write_text("hunter2")
        loaded = settings(
            tmp_path,
            "poller: {doors: {front: {host: a}}}",
            HASHBUS_POLLER__DOORS__FRONT__PASSWORD_FILE=str(tmp_path / "door"),
        )
        assert loaded.poller.doors["front"].password == "hunter2"

    def test_each_service_has_its_own_account_from_one_file(self, tmp_path: Path) -> None:
        (tmp_path / "poller").write_text("of the poller")
        loaded = settings(tmp_path, "broker: {username: '{service}', password_file: '{service}'}")
        assert loaded.broker.username == "poller"
        assert loaded.broker.password is not None
        assert loaded.broker.password.get_secret_value() == "of the poller"
        assert "of the poller" not in repr(loaded)

    def test_a_missing_secret_file_is_said_with_its_path(self, tmp_path: Path) -> None:
        assert problems(tmp_path, "broker:\n  password_file: nowhere") == [
            "site.yaml:2: broker.password_file: nowhere cannot be read: No such file or directory"
        ]
