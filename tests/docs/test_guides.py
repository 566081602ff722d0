"""What the guides say can be done: commands exist with their options, settings are known, links lead somewhere."""

import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
import yaml

from hashbus.settings import SECTIONS
from hashbus_supervisor.cli import commands
from tests.servers import ROOT

PAGES = sorted([*(ROOT / "docs").rglob("*.md"), *ROOT.glob("*.md"), *(ROOT / "services").glob("*/README.md")])
GUIDES = sorted((ROOT / "docs/guides").glob("*.md"))
OF_THE_SITE = {"site", "time_zone", "place", "data_dir", "broker", "health", "log"}
_BLOCK = re.compile(r"^( *)```(\w*)\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
_COMMAND = re.compile(r"(?:^|[`\s/])hashbus ([a-z][a-z-]*)((?: [^`\n|]*)?)", re.MULTILINE)
_LINK = re.compile(r"\]\((?!https?://|#|mailto:)([^)#\s]+)")


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


@cache
def help_of(*words: str) -> str:
    line = [sys.executable, "-m", "hashbus_supervisor", *words, "--help"]
    done = subprocess.run(line, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


def code_of(page: Path) -> list[tuple[str, str]]:
    return [
        (kind, re.sub(rf"^{indent}", "", text, flags=re.MULTILINE))
        for indent, kind, text in _BLOCK.findall(page.read_text())
    ]


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_links_lead_somewhere(page: Path) -> None:
    broken = [link for link in _LINK.findall(page.read_text()) if not (page.parent / link).exists()]
    assert not broken


@pytest.mark.parametrize("guide", GUIDES, ids=named)
def test_commands_exist_with_their_options(guide: Path) -> None:
    known = set(commands())
    said = "\n".join([*(text for _, text in code_of(guide)), *re.findall(r"`([^`\n]+)`", guide.read_text())])
    for command, rest in _COMMAND.findall(said):
        assert command in known, f"there is no `hashbus {command}`"
        words = [word for word in rest.split() if re.fullmatch(r"[a-z]+", word)][:2]
        for option in re.findall(r"(?<!\S)(--[a-z-]+)", rest):
            helped = help_of(command) + "".join(help_of(command, *words[:count]) for count in range(1, len(words) + 1))
            assert option in helped, f"`hashbus {command}` has no {option}"


@pytest.mark.parametrize("guide", GUIDES, ids=named)
def test_settings_are_those_of_a_site(guide: Path) -> None:
    for kind, text in code_of(guide):
        if kind == "yaml":
            written = yaml.safe_load(text)
            if isinstance(written, dict) and set(written) & set(SECTIONS):
                assert set(written) <= set(SECTIONS) | OF_THE_SITE


def test_every_guide_can_be_found() -> None:
    everything = "".join(page.read_text() for page in PAGES)
    lost = [guide.name for guide in GUIDES if everything.count(guide.name) == 0]
    assert not lost
