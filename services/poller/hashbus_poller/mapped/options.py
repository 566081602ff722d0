"""What the configuration of every described device has: its kind, and a template that it follows."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, ClassVar

from pydantic import BeforeValidator, Field, field_validator, model_validator

from hashbus_poller.drivers.contract import DeviceKind, DeviceOptions
from hashbus_poller.mapped import templates
from hashbus_poller.mapped.fields import READINGS


class MappedOptions(DeviceOptions):
    """A device that is described by its options, or by a template whose options these are laid over."""

    driver_name: ClassVar[str]

    template: Annotated[str, Field(pattern=templates.NAME)] | None = Field(
        None, description="A description that comes with the poller, or one of `template_folder`"
    )
    template_folder: Path | None = Field(None, description="Templates of one's own, before those of the poller")
    title: Annotated[str, Field(max_length=200)] | None = Field(
        None, description="What it is, in words; that of its template where it has one"
    )
    kind: DeviceKind = Field(description="battery, meter or sensor (a probe, a boiler, a pump, a plug)")

    @model_validator(mode="before")
    @classmethod
    def _follow_the_template(cls, values: Any) -> Any:
        if not isinstance(values, dict):
            return values
        folder = values.get("template_folder")
        return templates.filled_in(values, cls.driver_name, Path(folder) if isinstance(folder, str | Path) else None)

    @field_validator("kind")
    @classmethod
    def _is_only_read(cls, kind: DeviceKind) -> DeviceKind:
        if kind not in READINGS:
            raise ValueError("a miner needs a driver of its own; this can be a battery, a meter or a sensor")
        return kind


def _listed(value: Any) -> Any:
    return value if isinstance(value, list | tuple) else [value]


AsList = BeforeValidator(_listed)
"""A single entry may stand without the brackets of a list."""
