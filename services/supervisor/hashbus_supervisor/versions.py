"""Which hashbus this is."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version


def installed_version() -> str:
    """Return the version of the installed distributions, which all have the same."""
    try:
        return version("hashbus-common")
    except PackageNotFoundError:
        return "unknown"
