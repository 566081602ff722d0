"""The reference page of the messages, and the "Hears and says" part of each service's README."""

from __future__ import annotations

import inspect
import re
from typing import Any, get_args

from pydantic.fields import FieldInfo

from hashbus.messages import CONTRACT_VERSION, VOCABULARY, Message, Part
from hashbus.topics import BASE, SERVICE_OF_SOURCE, Keep
from hashbus.units import Unit

HEAD = """\
Contract version {version}. MQTT 3.1.1, JSON in UTF-8. Every topic stands below `{base}/{{site}}/`. Fields are added
freely and never renamed, retyped or reused; readers ignore what they do not know. Ids use `[A-Za-z0-9_-]`, at most 64.
Times are ISO 8601 with an offset. A null means: not known; it is never zero.

A `{{source}}` level names who speaks, and only that service may write there: under its own name, and besides
{aliases}.
"""

BEGIN, END = "<!-- made from the topic table -->", "<!-- end -->"


def first_line(kind: type) -> str:
    """Return the first sentence of a class's docstring."""
    return (inspect.getdoc(kind) or "").partition("\n")[0]


def messages_page() -> str:
    """Return docs/reference/messages.md."""
    rows = [_topic_row(kind) for kind in VOCABULARY]
    aliases = ", ".join(f"`{source}` is written by {service}" for source, service in SERVICE_OF_SOURCE.items())
    parts = _parts()
    return "\n".join(
        [
            "# Messages",
            "",
            "Made from the topic table by `tools/contract.py`; do not edit.",
            "",
            *HEAD.format(version=CONTRACT_VERSION, base=BASE, aliases=aliases).splitlines(),
            "",
            "| topic | message | writer | retained | QoS | stale after | while the broker is away |",
            "|---|---|---|---|---|---|---|",
            *rows,
            "",
            *[line for kind in VOCABULARY for line in _section(kind, level=2)],
            "## Parts of messages",
            "",
            *[line for part in parts for line in _section(part, level=3)],
        ]
    )


def _topic_row(kind: type[Message]) -> str:
    topic = kind.topic
    stale = _duration(topic.stale_after.total_seconds()) if topic.stale_after else "says itself"
    kept = "every one is kept" if topic.keep is Keep.EVERY else "the last one is kept"
    name = f"[{kind.__name__}](#{kind.__name__.lower()})"
    retained = "yes" if topic.retain else "no"
    return f"| `{topic.template}` | {name} | {', '.join(topic.writers)} | {retained} | {topic.qos} | {stale} | {kept} |"


def _duration(seconds: float) -> str:
    if seconds >= 7200:
        return f"{seconds / 3600:g} h"
    return f"{seconds / 60:g} min" if seconds >= 120 else f"{seconds:g} s"


def _section(kind: type[Part], level: int) -> list[str]:
    rows = [_field_row(name, field) for name, field in kind.model_fields.items()]
    about = (inspect.getdoc(kind) or "").splitlines()
    return [
        f"{'#' * level} {kind.__name__}",
        "",
        *about,
        "",
        "| field | type | unit | meaning |",
        "|---|---|---|---|",
        *rows,
        "",
    ]


def _field_row(name: str, field: FieldInfo) -> str:
    unit = unit_of(field)
    symbol = unit.symbol if unit else ""
    need = "" if field.is_required() else " (optional)"
    return f"| `{name}` | {_type_name(field.annotation)}{need} | {symbol} | {field.description or ''} |"


def unit_of(field: FieldInfo) -> Unit | None:
    """Return the unit of a field, also of an optional one and of a list of numbers."""
    return _unit_in(field.metadata) or _unit_below(field.annotation)


def _unit_in(things: Any) -> Unit | None:
    return next((thing for thing in things if isinstance(thing, Unit)), None)


def _unit_below(annotation: Any) -> Unit | None:
    found = _unit_in(getattr(annotation, "__metadata__", ()))
    if found:
        return found
    return next((unit for argument in get_args(annotation) if (unit := _unit_below(argument))), None)


def _type_name(annotation: Any) -> str:
    if hasattr(annotation, "__metadata__"):
        return _type_name(annotation.__origin__)
    arguments = [argument for argument in get_args(annotation) if argument not in (type(None), Ellipsis)]
    origin = getattr(annotation, "__origin__", None)
    if origin is tuple:
        return f"list of {_type_name(arguments[0])}"
    if origin is dict:
        return f"map to {_type_name(arguments[-1])}"
    if arguments:
        return " or ".join(_type_name(argument) for argument in arguments)
    return _plain_name(annotation)


def _plain_name(annotation: Any) -> str:
    if isinstance(annotation, type) and issubclass(annotation, Part):
        return f"[{annotation.__name__}](#{annotation.__name__.lower()})"
    members = getattr(annotation, "__members__", None)
    if members:
        return " / ".join(f"`{member.value}`" for member in members.values())
    return {"str": "text", "float": "number", "int": "integer", "bool": "yes or no", "datetime": "time"}.get(
        getattr(annotation, "__name__", ""), str(annotation)
    )


def _parts() -> list[type[Part]]:
    found: dict[str, type[Part]] = {}

    def visit(annotation: Any) -> None:
        if isinstance(annotation, type) and issubclass(annotation, Part):
            if annotation.__name__ not in found:
                found[annotation.__name__] = annotation
                for field in annotation.model_fields.values():
                    visit(field.annotation)
            return
        for argument in get_args(annotation):
            visit(argument)

    for kind in VOCABULARY:
        for field in kind.model_fields.values():
            visit(field.annotation)
    return [found[name] for name in sorted(found)]


def hears_and_says(service: str) -> str:
    """Return the table of what a service says; what it hears is all it may read."""
    rows = [
        f"| `{kind.topic.template}` | {kind.__name__} | {first_line(kind)} |"
        for kind in VOCABULARY
        if service in kind.topic.writers
    ]
    return "\n".join(["| says on | message | about |", "|---|---|---|", *rows])


def with_section(readme: str, table: str) -> str:
    """Put the table between its two marks; a README without the marks stays as it is."""
    pattern = re.compile(re.escape(BEGIN) + ".*?" + re.escape(END), re.DOTALL)
    return pattern.sub(lambda _: f"{BEGIN}\n{table}\n{END}", readme)
