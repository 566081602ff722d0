"""What a client sent, read as JSON and nothing else."""

import json


def json_value(text: str | bytes) -> object:
    """Any JSON value. Raises ValueError for everything else, also for nesting that no device follows."""
    try:
        loaded: object = json.loads(text)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    return loaded


def json_object(text: str | bytes) -> dict[str, object] | None:
    """A JSON object; None for everything else."""
    try:
        loaded = json_value(text)
    except ValueError:
        return None
    return loaded if isinstance(loaded, dict) else None
