"""What a refused model of settings means: place, path, what stands there, what would be right."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, get_args

from pydantic import BaseModel

from hashbus.config_errors import similar

if TYPE_CHECKING:
    from pydantic import ValidationError
    from pydantic_core import ErrorDetails

    from hashbus.config_sources import Source, Steps

UNIT_OF_ENDING = {
    "_s": "seconds",
    "_ms": "milliseconds",
    "_w": "watts",
    "_wh": "watt-hours",
    "_kwh": "kilowatt-hours",
    "_pct": "per cent",
    "_c": "degrees Celsius",
    "_ths": "TH/s",
    "_mhz": "MHz",
    "_days": "days",
    "_hours": "hours",
    "_mb": "megabytes",
    "_rpm": "revolutions a minute",
    "_lpm": "litres a minute",
}


def explain(error: ValidationError, model: type[BaseModel], source: Source) -> list[str]:
    """Say each mistake of a refused model in one line: place, path, what stands there, what would be right."""
    return [_line(one, model, source) for one in error.errors(include_url=False)]


def _line(one: ErrorDetails, model: type[BaseModel], source: Source) -> str:
    steps = _as_written(tuple(one["loc"]), source, lacks_last=one["type"] == "missing")
    if one["type"] == "extra_forbidden":
        return source.unknown_key(steps, _keys_at(model, tuple(one["loc"])[:-1]))
    path = ".".join(str(step) for step in steps)
    if one["type"] == "missing":
        name = str(steps[-1])
        return f"{source.place(steps)}: {path}: is missing{_hint_for_secret(name, steps)}"
    if one["type"] == "union_tag_not_found":
        return f"{source.place(steps)}: {path}: {_tag(one)} is missing"
    if one["type"] == "union_tag_invalid":
        context = one.get("ctx") or {}
        known = [tag.strip(" '") for tag in str(context.get("expected_tags", "")).split(",")]
        given = str(context.get("tag"))
        return f"{source.place((*steps, _tag(one)))}: {path}.{_tag(one)}: {given!r} is not known{similar(given, known)}"
    return f"{source.place(steps)}: {path}: {_wrong(one, str(steps[-1]) if steps else '')}"


def _tag(one: ErrorDetails) -> str:
    return str((one.get("ctx") or {}).get("discriminator", "")).strip("'")


def _as_written(steps: Steps, source: Source, *, lacks_last: bool) -> Steps:
    """Leave out the steps that only pydantic sees: the chosen branch of a union."""
    written: list[str | int] = []
    here: Any = source.values
    for position, step in enumerate(steps):
        is_there = step in here if isinstance(here, dict) else isinstance(here, list)
        if not is_there and not (lacks_last and position == len(steps) - 1):
            continue
        written.append(step)
        if isinstance(here, dict):
            here = here.get(str(step))
        elif isinstance(here, list) and isinstance(step, int) and step < len(here):
            here = here[step]
    return tuple(written)


def _hint_for_secret(name: str, steps: Steps) -> str:
    if name not in ("password", "token", "secret", "api_key"):
        return ""
    variable = "HASHBUS_" + "__".join(str(step) for step in steps).upper().replace("-", "_")
    return f"; write `{name}_file: PATH`, or set {variable}"


def _wrong(one: ErrorDetails, name: str) -> str:
    kind, context = one["type"], one.get("ctx") or {}
    given = "" if _may_be_secret(name, one["input"]) else f"{one['input']!r} "
    unit = next((word for ending, word in UNIT_OF_ENDING.items() if name.endswith(ending)), None)
    if kind in ("float_parsing", "int_parsing", "float_type", "int_type") and unit:
        return f"{given}is not a number of {unit}; write the bare number"
    if kind == "value_error":
        return f"{given}is not right: {context.get('error', one['msg'])}"
    message = one["msg"].removeprefix("Input should be ").removeprefix("Value error, ")
    bare = message.removeprefix("String should ")
    verb = "should " if bare != message else "should be "
    return f"{given}is not right: it {verb}{bare}" + (f" ({unit})" if unit else "")


def _may_be_secret(name: str, value: Any) -> bool:
    return isinstance(value, dict | list | BaseModel) or any(
        word in name for word in ("password", "token", "secret", "key")
    )


def _keys_at(model: Any, steps: Steps) -> list[str]:
    """Return the keys a model knows below a path, looking through optional types, dictionaries, lists and unions."""
    for step in steps:
        model = _below(model, str(step))
    models = _models_in(model)
    return list(models[0].model_fields) if models else []


def _below(kind: Any, step: str) -> Any:
    models = _models_in(kind)
    for model in models:
        if step in model.model_fields:
            return model.model_fields[step].annotation
    # A step that no model has is the tag of one of them, or a key of a dictionary of them.
    tagged = [model for model in models if _has_tag(model, step)]
    return tagged[0] if tagged else kind


def _has_tag(model: type[BaseModel], tag: str) -> bool:
    return any(tag in get_args(field.annotation) for field in model.model_fields.values())


def _models_in(kind: Any) -> list[type[BaseModel]]:
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return [kind]
    return [model for argument in get_args(kind) for model in _models_in(argument)]
