"""The poller's README tells the truth about its options."""

import re
from pathlib import Path

import pytest
from pydantic import BaseModel

from hashbus_poller.settings import DeviceSettings, PollerSection
from hashbus_poller.vitals import Thresholds

README = (Path(__file__).parents[2] / "services" / "poller" / "README.md").read_text()
OPTIONS = [
    (section, name)
    for section in (PollerSection, Thresholds, DeviceSettings)
    for name in section.model_fields
    if not name.startswith("_")
]


def row_of(name: str) -> str:
    [row] = [line for line in README.splitlines() if re.match(rf"\|.*`{name}`", line)][:1] or [""]
    return row


@pytest.mark.parametrize(("section", "name"), OPTIONS, ids=lambda value: getattr(value, "__name__", value))
def test_every_option_has_a_row_with_its_default(section: type[BaseModel], name: str) -> None:
    row = row_of(name)
    assert row, f"`{name}` is not in services/poller/README.md"
    default = section.model_fields[name].default
    if isinstance(default, int | float | str) and not isinstance(default, bool):
        shown = default if isinstance(default, str) else f"{default:g}"
        assert str(shown) in row, f"the default of `{name}` is {shown}"
