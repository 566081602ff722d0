"""Parameters of `set.` commands, in all the forms that clients send them (PROTOCOLS.md 1.8)."""

import json
from collections.abc import Mapping


class BadParam(Exception):
    """The parameter is missing or of the wrong form; the miner answers -3."""


def whole_number(param: object, lowest: int, highest: int) -> int:
    """A number or a numeric string within bounds."""
    if isinstance(param, bool) or not isinstance(param, int | str):
        raise BadParam
    try:
        number = int(param)
    except ValueError as error:
        raise BadParam from error
    if not lowest <= number <= highest:
        raise BadParam
    return number


def one_of(param: object, *words: str) -> str:
    """One of the words."""
    if param not in words:
        raise BadParam
    return str(param)


def members(param: object, *names: str) -> list[str]:
    """The named members of an object, or of an object written as a JSON string, as strings."""
    if isinstance(param, str):
        param = parsed(param)
    if not isinstance(param, Mapping) or any(name not in param for name in names):
        raise BadParam
    return [str(param[name]) for name in names]


def parsed(text: str) -> object:
    """JSON in a string."""
    try:
        loaded: object = json.loads(text)
    except ValueError as error:
        raise BadParam from error
    return loaded
