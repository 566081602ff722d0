"""Where settings come from: a YAML file whose lines are remembered, the environment, and files that hold secrets."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from hashbus.config_errors import ConfigError, similar

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Steps = tuple[str | int, ...]
"""A path through the settings: ("poller", "devices", "attic", "host")."""

_SECRET = re.compile(r"^(\w+_)?(password|passwd|token|secret|api_key)$")
_VARIABLE = re.compile(r"\$\{(\w+)(?::-([^}]*))?\}")


@dataclass(frozen=True)
class Source:
    """Settings as they were written, where each stands, and what file names in them are relative to."""

    values: dict[str, Any]
    places: dict[Steps, str]
    name: str
    folder: Path

    def place(self, steps: Steps) -> str:
        """Return where a setting was written: `site.yaml:12`, an environment variable, or the nearest above it."""
        for end in range(len(steps), -1, -1):
            if steps[:end] in self.places:
                return self.places[steps[:end]]
        return self.name

    def unknown_key(self, steps: Steps, known: Iterable[str]) -> str:
        """Say that a key is not known, and which one was probably meant."""
        return f"{self.place(steps)}: {dotted(steps)}: unknown key{similar(str(steps[-1]), known)}"


def dotted(steps: Steps) -> str:
    """Write a path as people do: `poller.devices.attic.host`."""
    return ".".join(str(step) for step in steps) or "settings"


def from_file(path: Path, environ: Mapping[str, str]) -> Source:
    """Read a YAML file; `${NAME}` and `${NAME:-default}` in its values come from the environment."""
    try:
        text = path.read_text(encoding="utf-8")
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        values = yaml.safe_load(text)
    except OSError as error:
        raise ConfigError([f"{path}: cannot be read: {error.strerror}"]) from None
    except UnicodeDecodeError:
        raise ConfigError([f"{path}: is not a text file in UTF-8"]) from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = f"{path}:{mark.line + 1}" if mark else str(path)
        raise ConfigError([f"{place}: is not valid YAML: {error.problem}"]) from None
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise ConfigError([f"{path}: is not valid YAML: {str(error).splitlines()[0]}"]) from None
    if values is None:
        return Source({}, {}, str(path), path.parent)
    if not isinstance(values, dict):
        raise ConfigError([f"{path}:1: must be a list of `key: value` lines, not {type(values).__name__}"])
    places: dict[Steps, str] = {}
    _mark(node, (), path, places)
    filled = {str(key): _filled(value, (str(key),), places, environ) for key, value in values.items()}
    return Source(filled, places, str(path), path.parent)


def _mark(node: yaml.Node | None, steps: Steps, path: Path, places: dict[Steps, str]) -> None:
    if isinstance(node, yaml.MappingNode):
        seen = set()
        for key, value in node.value:
            here = (*steps, str(key.value))
            places[here] = f"{path}:{key.start_mark.line + 1}"
            if here in seen:
                raise ConfigError([f"{places[here]}: {dotted(here)}: stands here twice; YAML keeps only the last"])
            seen.add(here)
            _mark(value, here, path, places)
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            places[*steps, index] = f"{path}:{value.start_mark.line + 1}"
            _mark(value, (*steps, index), path, places)


def _filled(value: Any, steps: Steps, places: dict[Steps, str], environ: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {str(key): _filled(one, (*steps, str(key)), places, environ) for key, one in value.items()}
    if isinstance(value, list):
        return [_filled(one, (*steps, index), places, environ) for index, one in enumerate(value)]
    if not isinstance(value, str) or "${" not in value:
        return value

    def of_environment(match: re.Match[str]) -> str:
        name, default = match.groups()
        found = environ.get(name, default)
        if found is None:
            raise ConfigError([f"{places.get(steps, '')}: {dotted(steps)}: the environment has no {name}"])
        return found

    return _VARIABLE.sub(of_environment, value)


def from_environment(environ: Mapping[str, str], prefix: str) -> Source:
    """Read HASHBUS_SECTION__KEY variables.

    Values are YAML scalars, so that numbers and booleans are what they look like.
    """
    values: dict[str, Any] = {}
    places: dict[Steps, str] = {}
    for name in sorted(environ):
        # HASHBUS_CONFIG names the file itself.
        if not name.startswith(prefix) or name == f"{prefix}CONFIG":
            continue
        steps = tuple(name.removeprefix(prefix).lower().split("__"))
        places[steps] = name
        for end in range(1, len(steps)):
            places.setdefault(steps[:end], name)
        here = values
        for step in steps[:-1]:
            here = here.setdefault(step, {})
            if not isinstance(here, dict):
                raise ConfigError([f"{name}: {dotted(steps)}: another variable already sets {step!r} to a plain value"])
        here[steps[-1]] = environ[name] if _is_text(steps[-1]) else _scalar(environ[name])
    return Source(values, places, "environment", Path())


def _is_text(key: str) -> bool:
    """A password of digits is still text."""
    return bool(_SECRET.match(key)) or key.endswith("_file")


def _scalar(text: str) -> Any:
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError:
        return text


def merged(under: Source, over: Source) -> Source:
    """Lay one source over another; keys that differ only in case or in `-` for `_` are the same."""
    places = dict(under.places)
    values = _laid_over(under.values, over.values, (), (), over, places)
    return Source(values, places, under.name, under.folder)


def _laid_over(
    under: dict[str, Any],
    over: dict[str, Any],
    steps: Steps,
    over_steps: Steps,
    source: Source,
    places: dict[Steps, str],
) -> dict[str, Any]:
    result = dict(under)
    plain = {key.lower().replace("-", "_"): key for key in under}
    for over_key, value in over.items():
        key = plain.get(over_key, over_key)
        here, there = (*steps, key), (*over_steps, over_key)
        below = result.get(key)
        if isinstance(value, dict):
            places.setdefault(here, source.place(there))
            result[key] = _laid_over(below if isinstance(below, dict) else {}, value, here, there, source, places)
        else:
            places[here] = source.place(there)
            result[key] = value
    return result


def with_secrets(values: dict[str, Any], source: Source, steps: Steps = ()) -> dict[str, Any]:
    """Read every `password_file` and the like into `password`; a secret written into the file itself is a mistake."""
    result: dict[str, Any] = {}
    for key, value in values.items():
        here = (*steps, key)
        if isinstance(value, dict):
            result[key] = with_secrets(value, source, here)
        elif isinstance(value, list):
            result[key] = [
                with_secrets(one, source, (*here, index)) if isinstance(one, dict) else one
                for index, one in enumerate(value)
            ]
        elif key.endswith("_file") and _SECRET.match(key.removesuffix("_file")):
            if key.removesuffix("_file") not in values:
                result[key.removesuffix("_file")] = _secret_in(str(value), here, source)
        elif _SECRET.match(key) and value is not None and not source.place(here).startswith("HASHBUS_"):
            variable = f"HASHBUS_{'__'.join(str(step) for step in here).upper().replace('-', '_')}"
            problem = f"a secret does not belong into this file: write `{key}_file: PATH`"
            raise ConfigError(
                [f"{source.place(here)}: {dotted(here)}: {problem}, or set {variable} or {variable}_FILE"]
            )
        else:
            result[key] = value
    return result


def _secret_in(name: str, steps: Steps, source: Source) -> str:
    path = source.folder / name
    try:
        secret = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not a text file"
        raise ConfigError([f"{source.place(steps)}: {dotted(steps)}: {path} cannot be read: {reason}"]) from None
    if not secret:
        raise ConfigError([f"{source.place(steps)}: {dotted(steps)}: {path} is empty"])
    return secret
