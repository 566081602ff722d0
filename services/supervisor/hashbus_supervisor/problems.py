"""Why a site cannot run here and now, said to the person who started it."""

from __future__ import annotations


class CannotRun(Exception):
    """Something outside the settings is in the way; the text says what, and what to do about it."""
