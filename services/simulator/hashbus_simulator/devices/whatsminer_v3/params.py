"""Parameters of `set.` commands, in all the forms that clients send them (PROTOCOLS.md 1.8)."""

from collections.abc import Mapping

from hashbus_simulator.devices.requests import json_value


class BadParam(Exception):
    """The parameter is missing or of the wrong form; the miner answers -3."""


def whole_number(param: object, lowest: int, highest: int) -> int:
    """A whole number within bounds; `3000`, `3000.0` and `"3000"` are the same."""
    if isinstance(param, bool) or not isinstance(param, int | float | str):
        raise BadParam
    try:
        number = float(param)
    except (ValueError, OverflowError) as error:
        raise BadParam from error
    if not number.is_integer() or not lowest <= number <= highest:
        raise BadParam
    return int(number)


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
        return json_value(text)
    except ValueError as error:
        raise BadParam from error
