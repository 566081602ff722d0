"""Descriptions of devices in YAML files: those that come with the poller, and a folder of one's own."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from hashbus.messages import describe

SHIPPED = Path(__file__).resolve().parent.parent / "templates"
NAME = r"^[a-z0-9][a-z0-9_-]{0,63}$"
LARGEST_BYTES = 262_144
SETTINGS = "settings"


class Template(BaseModel):
    """One file: which driver it is for, what it describes and by which document, and the options that it sets."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    driver: str
    title: Annotated[str, Field(max_length=200)]
    source: Annotated[str, Field(max_length=500, description="The document that the description follows")]
    note: Annotated[str, Field(max_length=1000)] = ""
    options: dict[str, Any]


def names(folder: Path = SHIPPED) -> list[str]:
    """Return the templates of a folder."""
    return sorted(path.stem for path in folder.glob("*.yaml"))


def template(name: str, own: Path | None) -> Template:
    """Return a template by its name, one's own before one that comes with the poller; ValueError when there is none."""
    for folder in (own, SHIPPED):
        path = folder / f"{name}.yaml" if folder is not None else None
        if path is not None and path.is_file():
            return _read(path)
    known = sorted({*names(), *(names(own) if own is not None else ())})
    raise ValueError(f"there is no template {name!r}; there are {', '.join(known)}")


@cache
def _read(path: Path) -> Template:
    try:
        text = path.read_text(encoding="utf-8")[:LARGEST_BYTES]
        return Template.model_validate(yaml.safe_load(text))
    except (OSError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError(f"template {path}: cannot be read: {getattr(error, 'strerror', None) or error}") from None
    except yaml.YAMLError as error:
        raise ValueError(f"template {path}: is not valid YAML: {' '.join(str(error).split())}") from None
    except ValidationError as error:
        raise ValueError(f"template {path}: {describe(error)}") from None


def filled_in(values: Mapping[str, Any], driver: str, own: Path | None) -> dict[str, Any]:
    """Lay a device's own options over those of its template.

    Its own win; maps (the fields of a reading) are merged key by key, and null takes a field of the template away. Of a
    setting single keys can be given, such as a narrower bound.
    """
    name = values.get("template")
    if name is None:
        return dict(values)
    found = template(str(name), own)
    if found.driver != driver:
        raise ValueError(f"template {name!r} is for `driver: {found.driver}`")
    result = {"title": found.title, **found.options}
    for key, value in values.items():
        result[key] = _laid_over(result.get(key), value, is_deep=key == SETTINGS)
    return result


def _laid_over(below: Any, value: Any, *, is_deep: bool) -> Any:
    if not isinstance(value, Mapping) or not isinstance(below, Mapping):
        return value
    merged = {
        field: _laid_over(below.get(field), one, is_deep=False) if is_deep else one for field, one in value.items()
    }
    return {field: one for field, one in {**below, **merged}.items() if one is not None}
