"""What the guide tells people to write is right."""

import re
from pathlib import Path

import pytest

from hashbus.settings import load
from hashbus_curtailer.settings import CurtailerSettings
from hashbus_supervisor.ask_curtailment import curtail
from tests.servers import ROOT

GUIDE = (ROOT / "docs/guides/curtailment.md").read_text()
EXAMPLE = (ROOT / "config/example.yaml").read_text()
BLOCKS = re.findall(r"```yaml\n(.*?)```", GUIDE, flags=re.DOTALL)


def loads(text: str, folder: Path) -> CurtailerSettings:
    """Read settings as a service does, with every secret that they name."""
    (folder / "secrets").mkdir()
    for name in re.findall(r"_file: (secrets/\w+)", text):
        (folder / name).write_text("a-secret")
    file = folder / "site.yaml"
    file.write_text(text)
    return load(CurtailerSettings, file, account="curtailer", environ={})


@pytest.mark.parametrize("block", BLOCKS)
def test_every_setting_of_the_guide_is_right(block: str, tmp_path: Path) -> None:
    assert loads(block, tmp_path) != CurtailerSettings()


def test_the_triggers_of_the_example_are_right_when_they_are_taken_in(tmp_path: Path) -> None:
    begun, ended = EXAMPLE.index("  triggers: # what asks"), EXAMPLE.index("  settlement: # what a plan")
    block = EXAMPLE[begun:ended].replace("schedule: [] #", "schedule: #")
    shown = re.sub(r"^    # ?", "    ", block, flags=re.MULTILINE)
    triggers = loads(f"curtailer:\n{shown}", tmp_path).curtailer.triggers
    assert triggers.strike
    assert triggers.signal
    assert triggers.peaks
    assert triggers.openadr
    assert triggers.schedule[0].name == "summer-peak"


def test_every_command_of_the_guide_is_understood(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        curtail(["--help"])
    shown = capsys.readouterr().out
    words = {word for line in re.findall(r"^hashbus curtail ?([^#\n]*)", GUIDE, re.MULTILINE) for word in line.split()}
    assert {word for word in words if word.startswith("--")} - {"--key", "--csv"} <= {*re.findall(r"--[\w-]+", shown)}
    assert {"plans", "log", "settle", "verify", "stop"} <= {*re.findall(r"\w+", shown)}
