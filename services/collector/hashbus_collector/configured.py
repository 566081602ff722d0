"""The settings of a collector, with the two variables that every host of databases sets: DATABASE_URL and REDIS_URL."""

from __future__ import annotations

import os
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from hashbus.config_errors import ConfigError
from hashbus.config_sources import from_file
from hashbus.settings import load
from hashbus_collector.settings import CollectorSettings

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_VARIABLES = {
    "DATABASE_URL": "HASHBUS_COLLECTOR__DATABASE__URL",
    "REDIS_URL": "HASHBUS_COLLECTOR__REDIS__URL",
}


def configured(path: Path | None, environ: Mapping[str, str] | None = None) -> CollectorSettings:
    """Read the settings; ConfigError with every mistake.

    Among them is a password in an address that stands in the file: secrets are for the environment or for files.
    """
    environ = os.environ if environ is None else environ
    given = dict(environ)
    for plain, ours in _VARIABLES.items():
        if environ.get(plain):
            given.setdefault(ours, environ[plain])
    if path is not None:
        _check_addresses(path, environ)
    return load(CollectorSettings, path, account="collector", environ=given)


def _check_addresses(path: Path, environ: Mapping[str, str]) -> None:
    section = from_file(path, environ).values.get("collector")
    for name, plain in (("database", "DATABASE_URL"), ("redis", "REDIS_URL")):
        part = section.get(name) if isinstance(section, dict) else None
        url = part.get("url") if isinstance(part, dict) else None
        if isinstance(url, str) and urlsplit(url).password:
            raise ConfigError(
                [f"{path}: collector.{name}.url: holds a password; write password_file: PATH beside it, or set {plain}"]
            )


def installed_version() -> str:
    """Return the version of this distribution."""
    try:
        return version("hashbus-collector")
    except PackageNotFoundError:
        return "unknown"
