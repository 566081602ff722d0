"""The `hashbus` command: helpful to a newcomer, strict in its exit codes, open to commands of the services."""

from pathlib import Path

import pytest

from tests.supervisor.conftest import Command
from tests.supervisor.running_up import hashbus


def test_help_lists_every_command_with_a_sentence(command: Command) -> None:
    page = command("--help")
    assert page.code == 0
    for name in ("up", "watch", "run", "check-config", "setup", "scan", "probe", "history"):
        [line] = [line for line in page.out.splitlines() if line.strip().startswith(f"{name} ")]
        assert len(line.split()) > 3
    assert "hashbus up --config config/demo.yaml" in page.out


def test_a_command_that_cannot_be_loaded_hides_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: Command
) -> None:
    plugin = tmp_path / "broken-1.dist-info"
    plugin.mkdir()
    (plugin / "METADATA").write_text("Metadata-Version: 2.1\nName: broken\nVersion: 1\n")
    (plugin / "entry_points.txt").write_text("[hashbus.commands]\nmend = not_there:main\n")
    monkeypatch.syspath_prepend(tmp_path)
    page = command("--help")
    assert page.code == 0
    assert "mend          cannot be loaded: ModuleNotFoundError: No module named 'not_there'" in page.out
    assert "scan" in page.out
    mended = command("mend")
    assert mended.code == 1
    assert "hashbus mend: cannot be loaded: No module named 'not_there'" in mended.err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["wach"], "no command 'wach'; did you mean `hashbus watch`?"),
        (["up", "--config"], "expected one argument"),
        (["watch", "--nothing"], "unrecognized arguments: --nothing"),
        (["up", "--config", "nowhere.yaml"], "nowhere.yaml: cannot be read: No such file or directory"),
    ],
)
def test_wrong_use_ends_with_code_2_and_a_hint(arguments: list[str], says: str, command: Command) -> None:
    done = command(*arguments)
    assert done.code == 2
    assert says in done.err


def test_without_a_command_it_shows_its_help_and_ends_with_code_2(command: Command) -> None:
    done = command()
    assert done.code == 2
    assert "usage: hashbus COMMAND" in done.out


def test_the_command_runs_from_a_shell() -> None:
    assert hashbus("--version").stdout.startswith("hashbus 0.")


def test_one_service_can_be_run_by_itself(tmp_path: Path) -> None:
    site = tmp_path / "site.yaml"
    site.write_text(f"data_dir: {tmp_path}/var\nrecorder: {{}}\n")
    early = hashbus("run", "recorder", "--config", site)
    assert early.returncode == 1
    assert "hashbus setup" in early.stderr
    hashbus("setup", "--config", site)
    checked = hashbus("run", "recorder", "--config", site, "--check")
    assert checked.returncode == 0, checked.stderr


def test_a_service_that_is_not_installed_cannot_be_run(tmp_path: Path, command: Command) -> None:
    site = tmp_path / "site.yaml"
    site.write_text("recorder: {}\n")
    done = command("run", "weather", "--config", site)
    assert done.code == 1
    assert "weather is not installed here" in done.err
