"""Questions as InfluxQL text, which InfluxDB 1, 2 and 3 answer on `/query`. Pure: names in, text out."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hashbus_recorder.repository import Question

ROLLED_PARTS = ("n", "sum", "min", "max", "last")
"""What is kept of a number in a bucket, as `field:part`."""


def identifier(name: str) -> str:
    """Quote the name of a measurement, a field or a tag."""
    escaped = name.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def literal(text: str) -> str:
    """Quote a value."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n")
    return f"'{escaped}'"


def history(question: Question, site: str, numbers: Sequence[str], words: Sequence[str]) -> str:
    """Ask for mean, min, max and last of each number, then the last of each word, in that order."""
    columns = [f"{part}({identifier(name)})" for name in numbers for part in ("mean", "min", "max", "last")]
    return _history(question, site, [*columns, *(f"last({identifier(name)})" for name in words)])


def rolled_history(question: Question, site: str, numbers: Sequence[str], words: Sequence[str]) -> str:
    """Ask the roll-ups for the same as `history`."""
    columns = []
    for name in numbers:
        n, total, low, high, last = (identifier(f"{name}:{part}") for part in ROLLED_PARTS)
        columns += [f"sum({total}) / sum({n})", f"min({low})", f"max({high})", f"last({last})"]
    return _history(question, site, [*columns, *(f"last({identifier(f'{name}:last')})" for name in words)])


def _history(question: Question, site: str, columns: Sequence[str]) -> str:
    return _select(
        _named(columns),
        identifier(question.measurement),
        (_window(question.first_ms, question.stop_ms), _tagged("site", site), _tagged("device", question.device)),
        f"GROUP BY time({question.step_ms}ms) fill(null)",
    )


def total(question: Question, site: str, field: str, base_ms: int) -> str:
    """Ask for one field of the site.

    For each base bucket that is the sum over devices of their means, and their number; then the means of both.
    """
    return _total(question, site, f"mean({identifier(field)})", base_ms)


def rolled_total(question: Question, site: str, field: str, base_ms: int) -> str:
    """Ask the roll-ups for the same as `total`; their step is the base then."""
    mean = f"sum({identifier(f'{field}:sum')}) / sum({identifier(f'{field}:n')})"
    return _total(question, site, mean, base_ms)


def _total(question: Question, site: str, mean: str, base_ms: int) -> str:
    window = _window(question.first_ms, question.stop_ms)
    means = _select(
        f"{mean} AS one",
        identifier(question.measurement),
        (window, _tagged("site", site)),
        f'GROUP BY time({base_ms}ms), "device" fill(none)',
    )
    sums = _select(
        "sum(one) AS total, count(one) AS devices", f"({means})", (window,), f"GROUP BY time({base_ms}ms) fill(none)"
    )
    return _select(
        "mean(total) AS total, mean(devices) AS devices",
        f"({sums})",
        (window,),
        f"GROUP BY time({question.step_ms}ms) fill(null)",
    )


def roll_up(
    measurement: str,
    site: str,
    fields: tuple[Sequence[str], Sequence[str]],
    window_ms: tuple[int, int],
    step_ms: int,
) -> str:
    """Ask for the buckets of every device; `fields` are the numbers and the words, as `rolled_names` orders them."""
    numbers, words = fields
    columns = [f"{part}({identifier(name)})" for name in numbers for part in ("count", "sum", "min", "max", "last")]
    columns += [f"last({identifier(name)})" for name in words]
    return _select(
        _named(columns),
        identifier(measurement),
        (_window(*window_ms), _tagged("site", site)),
        f'GROUP BY time({step_ms}ms), "device" fill(none)',
    )


def rolled_names(numbers: Sequence[str], words: Sequence[str]) -> list[str]:
    """Return the fields of a roll-up in the order of `roll_up`."""
    return [*(f"{name}:{part}" for name in numbers for part in ROLLED_PARTS), *(f"{name}:last" for name in words)]


def samples(question: Question, site: str, fields: Sequence[str], start_ms: int, stop_ms: int) -> str:
    """Ask for the points of a device as they were written."""
    return _select(
        ", ".join(identifier(name) for name in fields),
        identifier(question.measurement),
        (_window(start_ms, stop_ms), _tagged("site", site), _tagged("device", question.device)),
        "ORDER BY time",
    )


def newest(measurement: str, site: str, device: str | None = None) -> str:
    """Ask for the newest point of a device, or of every device."""
    return _select(
        "*",
        identifier(measurement),
        (_tagged("site", site), _tagged("device", device)),
        "GROUP BY * ORDER BY time DESC LIMIT 1",
    )


def oldest(measurement: str, site: str) -> str:
    """Ask for the oldest point of a measurement."""
    return _select("*", identifier(measurement), (_tagged("site", site),), "ORDER BY time LIMIT 1")


def devices(measurement: str, site: str) -> str:
    """Ask for the devices of a measurement."""
    return f'SHOW TAG VALUES FROM {identifier(measurement)} WITH KEY = "device" WHERE {_tagged("site", site)}'


def field_kinds(measurement: str) -> str:
    """Ask for the fields of a measurement and whether they are numbers or words."""
    return f"SHOW FIELD KEYS FROM {identifier(measurement)}"


def keep_days(database: str, policy: str, days: int) -> str:
    """Have InfluxDB 1 delete what is older, a day at a time."""
    return f"ALTER RETENTION POLICY {identifier(policy)} ON {identifier(database)} DURATION {days}d SHARD DURATION 1d"


def _select(columns: str, source: str, conditions: Sequence[str | None], rest: str) -> str:
    where = " AND ".join(condition for condition in conditions if condition)
    # Every name in here went through identifier() or literal().
    return f"SELECT {columns} FROM {source} WHERE {where} {rest}"  # noqa: S608


def _named(columns: Sequence[str]) -> str:
    return ", ".join(f"{column} AS {identifier(f'c{place}')}" for place, column in enumerate(columns))


def _window(start_ms: int, stop_ms: int) -> str:
    return f"time >= {start_ms}ms AND time < {stop_ms}ms"


def _tagged(name: str, value: str | None) -> str | None:
    return None if value is None else f"{identifier(name)} = {literal(value)}"
