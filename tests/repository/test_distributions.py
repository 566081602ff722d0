"""The distributions of the repository: each says truthfully what it is and what it needs."""

import ast
import re
import sys
import tomllib
from importlib.metadata import entry_points, packages_distributions
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[2]
DISTRIBUTIONS = sorted(
    str(path.parent.relative_to(ROOT))
    for part in ("libs", "services", "plugins")
    for path in (ROOT / part).glob("*/pyproject.toml")
)
# A service still to come is a docstring and nothing else.
WITH_CODE = [folder for folder in DISTRIBUTIONS if len(list((ROOT / folder).rglob("*.py"))) > 1]
COMMON = "libs/common"
PLUGINS = {folder for folder in DISTRIBUTIONS if folder.startswith("plugins/")}

README_HEADINGS = ["Purpose", "Hears and says", "Configuration", "Run alone", "Test", "When things fail"]
ENTRY_POINT_GROUPS = ["console_scripts", "hashbus.commands", "hashbus.drivers", "hashbus.services"]

# Not imported here, but its version matters; the pyproject.toml says why.
UNDERNEATH = {"httptools", "paho-mqtt", "tzdata"}

# Two distributions of one project, installed together and imported from both.
TWINS = {"pydantic-core": "pydantic"}


def project(folder: str) -> dict[str, Any]:
    table: dict[str, Any] = tomllib.loads((ROOT / folder / "pyproject.toml").read_text())["project"]
    return table


def package(folder: str) -> Path:
    [only] = [path.parent for path in (ROOT / folder).glob("hashbus*/__init__.py")]
    return only


def imported_modules(folder: str) -> set[str]:
    """The top-level modules that a distribution imports and that are not its own or Python's."""
    names: set[str] = set()
    for source in package(folder).rglob("*.py"):
        for node in ast.walk(ast.parse(source.read_text())):
            if isinstance(node, ast.Import):
                names |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                names.add(node.module.split(".")[0])
    return names - sys.stdlib_module_names - {package(folder).name}


def imported(folder: str) -> set[str]:
    """The distributions that a distribution imports from."""
    ours = {package(other).name: [project(other)["name"]] for other in DISTRIBUTIONS}
    owners = {**packages_distributions(), **ours}
    names = {normal(owner) for module in imported_modules(folder) for owner in owners.get(module, [module])}
    return {TWINS.get(name, name) for name in names}


def declared(folder: str) -> set[str]:
    """The distributions that a distribution says it needs, those of its extras among them."""
    table = project(folder)
    extras = [need for extra in table.get("optional-dependencies", {}).values() for need in extra]
    return {normal(need) for need in table["dependencies"] + extras}


def normal(requirement: str) -> str:
    """The name in a requirement, in its one spelling: `PyYAML>=6` is `pyyaml`."""
    match = re.match(r"[A-Za-z0-9._-]+", requirement)
    assert match, requirement
    return re.sub(r"[._]", "-", match.group().lower())


def test_the_repository_has_one_version() -> None:
    assert len({project(folder)["version"] for folder in DISTRIBUTIONS}) == 1


@pytest.mark.parametrize("folder", DISTRIBUTIONS)
def test_licence_and_python_are_the_same_everywhere(folder: str) -> None:
    assert project(folder)["license"] == "Apache-2.0"
    assert project(folder)["requires-python"] == ">=3.11"


@pytest.mark.parametrize("folder", DISTRIBUTIONS)
def test_a_distribution_declares_every_package_that_it_imports(folder: str) -> None:
    # What hashbus-common brings to everyone, above all pydantic, need not be declared again.
    assert imported(folder) - declared(folder) - declared(COMMON) == set()


@pytest.mark.parametrize("folder", WITH_CODE)
def test_a_distribution_declares_no_package_without_use(folder: str) -> None:
    assert declared(folder) - imported(folder) - UNDERNEATH == set()


@pytest.mark.parametrize("group", ENTRY_POINT_GROUPS)
def test_every_entry_point_leads_to_something(group: str) -> None:
    ours = [point for point in entry_points(group=group) if point.value.startswith("hashbus")]
    assert ours
    for point in ours:
        point.load()


@pytest.mark.parametrize("folder", [folder for folder in WITH_CODE if folder.startswith("services/")])
def test_every_service_readme_has_the_same_headings(folder: str) -> None:
    headings = re.findall(r"^## (.+)$", (ROOT / folder / "README.md").read_text(), flags=re.MULTILINE)
    # What only this service has to explain may stand between them.
    assert [heading for heading in headings if heading in README_HEADINGS] == README_HEADINGS


@pytest.mark.parametrize("folder", DISTRIBUTIONS)
def test_what_a_distribution_needs_is_pinned_within_its_range(folder: str) -> None:
    # What a plugin needs is pinned for its tests alone: a site that wants it installs it.
    names = ["run.txt", "dev.txt"] if folder in PLUGINS else ["run.txt"]
    text = "".join((ROOT / "requirements" / name).read_text() for name in names)
    pinned = dict(re.findall(r"^([a-z0-9.-]+)==(\S+)", text, flags=re.MULTILINE))
    needs = [Requirement(need) for need in project(folder)["dependencies"]]
    foreign = [need for need in needs if not need.name.startswith("hashbus-")]
    assert [str(need) for need in foreign if pinned.get(normal(need.name), "0") not in need.specifier] == []


def test_the_tools_know_every_distribution() -> None:
    tools = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]
    typed = {path.removeprefix("$MYPY_CONFIG_FILE_DIR/") for path in tools["mypy"]["mypy_path"]}
    assert typed >= set(DISTRIBUTIONS)
    assert set(tools["importlinter"]["root_packages"]) == {package(folder).name for folder in DISTRIBUTIONS}
    pinned = (ROOT / "requirements" / "run.in").read_text()
    assert set(re.findall(r"^-e \.\./(\S+)", pinned, flags=re.MULTILINE)) == set(DISTRIBUTIONS) - PLUGINS
