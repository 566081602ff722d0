"""What firmware of API v2 writes and is no JSON, mended before the faults of all cgminers are (PROTOCOLS.md 2.3).

Only what could not be read otherwise comes here. Pure, one pass.
"""

from __future__ import annotations

import re

_NO_COMMA = re.compile(r'""(?=\w)')
"""`"pin":"2168""temp0":"44.5"`: the comma between two members is missing."""

_ERROR_LIST = '"error_code":['


def mended(text: str) -> str:
    """Return the text with these two faults mended: a comma missing, error codes listed as if they were an object."""
    return _with_error_object(_NO_COMMA.sub('","', text))


def _with_error_object(text: str) -> str:
    """Put braces around `["218":"2025-10-09 08:12:33"]`, also when its end was cut off."""
    head, marker, rest = text.partition(_ERROR_LIST)
    body, end, tail = rest.partition("]")
    if not marker or not body.lstrip().startswith('"'):
        return text
    return f"{head}{marker}{{{body}}}{end}{tail}" if end else f"{head}{marker}{{{body}"
