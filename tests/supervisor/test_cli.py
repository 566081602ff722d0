"""The `hashbus` command: helpful to a newcomer, strict in its exit codes, open to commands of the services."""

from pathlib import Path

import pytest

from hashbus_supervisor.cli import main
from tests.supervisor.running_up import hashbus


def test_help_lists_every_command_with_a_sentence() -> None:
    page = hashbus("--help")
    assert page.returncode == 0
    for command in ("up", "watch", "check-config", "setup", "scan", "probe", "history"):
        [line] = [line for line in page.stdout.splitlines() if line.strip().startswith(f"{command} ")]
        assert len(line.split()) > 3
    assert "hashbus up --config config/demo.yaml" in page.stdout


def test_a_command_that_cannot_be_loaded_hides_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    plugin = tmp_path / "broken-1.dist-info"
    plugin.mkdir()
    (plugin / "METADATA").write_text("Metadata-Version: 2.1\nName: broken\nVersion: 1\n")
    (plugin / "entry_points.txt").write_text("[hashbus.commands]\nmend = not_there:main\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert main(["--help"]) == 0
    page = capsys.readouterr().out
    assert "mend          cannot be loaded: ModuleNotFoundError: No module named 'not_there'" in page
    assert "scan" in page
    assert main(["mend"]) == 1
    assert "hashbus mend: cannot be loaded: No module named 'not_there'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["wach"], "no command 'wach'; did you mean `hashbus watch`?"),
        (["up", "--config"], "expected one argument"),
        (["watch", "--nothing"], "unrecognized arguments: --nothing"),
        (["up", "--config", "nowhere.yaml"], "nowhere.yaml: cannot be read: No such file or directory"),
    ],
)
def test_wrong_use_ends_with_code_2_and_a_hint(arguments: list[str], says: str) -> None:
    done = hashbus(*arguments)
    assert done.returncode == 2
    assert says in done.stderr


def test_without_a_command_it_shows_its_help_and_ends_with_code_2() -> None:
    done = hashbus()
    assert done.returncode == 2
    assert "usage: hashbus COMMAND" in done.stdout


def test_the_version_is_told() -> None:
    assert hashbus("--version").stdout.startswith("hashbus 0.")
