"""From what was said on topics to a reading by the paths of the options; pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from hashbus_poller.drivers.contract import Garbled, Unreachable
from hashbus_poller.drivers.mqtt_in.options import MqttInOptions, TopicValue
from hashbus_poller.mapped import json_values
from hashbus_poller.mapped.fields import Reading, Shape, reading, shapes
from hashbus_poller.mapped.json_values import JsonValue
from hashbus_poller.readings import shown, understanding

MILLISECONDS_FROM = 1e11
"""A Unix time above that is in milliseconds: in seconds it would be the year 5138."""


@dataclass(frozen=True, slots=True)
class Said:
    """A payload, and when it came; None when only the broker knows, because it had kept it."""

    payload: bytes
    at: datetime | None


@dataclass(frozen=True, slots=True)
class Measured:
    """The document in a payload, and when it was measured."""

    document: Any
    at: datetime


def measured(said: Said, time_path: str | None) -> Measured | None:
    """Return what a payload says and when that was true; None when nobody knows when.

    A retained payload is as old as it says itself; one that does not say it may be years old.
    """
    with understanding(said.payload):
        document = json_values.document(said.payload)
        moment = None if time_path is None else _moment(document, time_path)
    known = [at for at in (said.at, moment) if at is not None]
    return Measured(document, min(known)) if known else None


def read(options: MqttInOptions, said: Mapping[str, Said], now: datetime) -> Reading:
    """Make the reading of what is not too old; it is as old as its oldest value.

    Unreachable when what makes it a reading is too old, or was never said while we listened.
    """
    oldest = now - timedelta(seconds=options.max_age_s)
    fresh = {}
    for topic, one in said.items():
        found = measured(one, options.time_path)
        if found is not None and found.at >= oldest:
            fresh[topic] = found
    known = shapes(options.kind)
    with understanding(b"\n".join(one.payload for one in said.values())):
        fields = {
            name: _field(name, known[name], [(one, options.topic_of(one)) for one in values], fresh)
            for name, values in options.fields.items()
        }
        if not fresh:
            raise Unreachable(_why_nothing(options, said))
        made = reading(options.kind, fields)
    return made.model_copy(update={"taken_at": min(one.at for one in fresh.values())})


def _field(name: str, shape: Shape, values: list[tuple[TopicValue, str | None]], fresh: Mapping[str, Measured]) -> Any:
    """Return a field, unknown when any topic that it needs has nothing fresh."""
    if any(topic not in fresh for _, topic in values):
        return () if shape is Shape.NUMBERS else None
    return json_values.field(name, shape, [(value, fresh[topic or ""].document) for value, topic in values])


def _why_nothing(options: MqttInOptions, said: Mapping[str, Said]) -> str:
    topics = ", ".join(options.topics)
    if not said:
        return f"nothing heard on {topics}"
    if all(one.at is None for one in said.values()) and options.time_path is None:
        return (
            f"on {topics} there is only a retained value of unknown age; set time_path where it says when it was taken"
        )
    return f"nothing newer than {options.max_age_s:g} s was heard on {topics}"


def _moment(document: Any, path: str) -> datetime | None:
    value = json_values.raw(document, JsonValue(path=path, is_optional=True), Shape.WORD)
    if value is None:
        return None
    if isinstance(value, bool):
        raise Garbled(f"{path} is {shown(value)}, which is no time")
    try:
        if isinstance(value, str) and not value.replace(".", "", 1).isdigit():
            moment = datetime.fromisoformat(value)
            if moment.tzinfo is None:
                raise Garbled(f"{path} is {shown(value)}, a time without an offset: it could be any of 24 hours")
            return moment.astimezone(UTC)
        number = float(value)
        return datetime.fromtimestamp(number / 1000 if number > MILLISECONDS_FROM else number, UTC)
    except (ValueError, OverflowError, OSError):
        raise Garbled(f"{path} is {shown(value)}, which is no time") from None
