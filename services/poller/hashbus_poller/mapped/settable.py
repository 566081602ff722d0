"""Settings of a described device: what an order may ask, within which bounds, and what that is on its wire; pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from hashbus.messages import Setting, SettingValue
from hashbus.units import Unit, unit_of
from hashbus_poller.mapped.quantities import GIVEN, Conversion, units_for
from hashbus_poller.readings import shown

NAME = r"^[a-z][a-z0-9_]{0,62}$"
SettingName = Annotated[str, Field(pattern=NAME)]

NEVER_QUICKER_THAN_S = 5.0
"""Seconds: few registers survive more than 100,000 writes, and a loop gone wild would have done these in a night."""

_PLAIN = Conversion(Unit("", "", "count"), 1)


def _as_words(words: Any) -> Any:
    """Take YAML's word for it: it reads a bare `on` and `off` as true and false."""
    if not isinstance(words, Mapping):
        return words
    return {
        {True: "on", False: "off"}.get(word, word) if isinstance(word, bool) else word: words[word] for word in words
    }


class Settable(BaseModel):
    """How one setting of a device is to be understood. A number has bounds, a list of words its words, else a switch.

    `(value - offset) / scale` is what is written, with the value in `unit`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    title: Annotated[str, Field(min_length=1, max_length=200)]
    unit: str | None = Field(None, description="Of a number, as the device takes it: W, kW, %, °C, A, ...")
    scale: float = Field(1.0, allow_inf_nan=False)
    offset: float = Field(0.0, allow_inf_nan=False)
    lowest: float | None = Field(None, allow_inf_nan=False, description="Least that is safe, in `unit`")
    highest: float | None = Field(None, allow_inf_nan=False, description="Most that is safe, in `unit`")
    words: Annotated[Mapping[str, int], BeforeValidator(_as_words)] = Field(
        {}, description="What it can be, and the raw value of each: {standby: 0, heating: 2}"
    )
    value_off: int = Field(0, description="Of a switch: the raw value of off")
    value_on: int = Field(1, description="Of a switch: the raw value of on")
    shown_by: str | None = Field(None, description="Field of the reading that shows it")
    lapses_after_s: float | None = Field(
        None,
        gt=0,
        le=86_400,
        description="The device forgets it after so long: it is written also when it is so already",
    )
    min_interval_s: float = Field(
        NEVER_QUICKER_THAN_S, ge=NEVER_QUICKER_THAN_S, le=86_400, description="Shortest time between two changes"
    )

    @property
    def is_number(self) -> bool:
        """Say whether it takes a number."""
        return self.lowest is not None

    @model_validator(mode="after")
    def _is_one_of_three(self) -> Self:
        if (self.lowest is None) != (self.highest is None):
            raise ValueError("lowest and highest belong together: what is safe for the device")
        if self.lowest is not None and self.highest is not None and self.lowest >= self.highest:
            raise ValueError(f"lowest {self.lowest:g} is not below highest {self.highest:g}")
        if self.is_number and self.words:
            raise ValueError("a setting has either lowest and highest, or words")
        if self.scale == 0:
            raise ValueError("scale 0 would write the same for every value")
        if self.value_off == self.value_on or len(set(self.words.values())) < len(self.words):
            raise ValueError("two values of a setting are written alike")
        if not self.is_number and (self.unit is not None or self.scale != 1 or self.offset != 0):
            raise ValueError("unit, scale and offset are for a number, which needs lowest and highest: what is safe")
        return self


def check(name: str, setting: Settable, fields: Iterable[str]) -> None:
    """Check a setting against its name and the fields of the reading; ValueError says what is wrong."""
    if setting.shown_by is not None and setting.shown_by not in fields:
        raise ValueError(f"shown_by {setting.shown_by!r} is no field that this device fills")
    if not setting.is_number:
        return
    wanted = unit_of(name)
    if wanted is None:
        if setting.unit is not None:
            raise ValueError(f"a number with a unit ends in it: name it {name}_w, {name}_c, {name}_pct or the like")
        return
    allowed = units_for(wanted)
    if setting.unit not in allowed:
        given = f"not {setting.unit!r}" if setting.unit else "which has to be said"
        raise ValueError(f"the unit of {name} is one of {', '.join(allowed) or 'none that is known here'}, {given}")


def described(name: str, setting: Settable, *, finest: float | None) -> Setting:
    """Return a setting as the site hears of it; `finest` is the smallest step of a raw value, where there is one."""
    conversion, unit = _conversion(setting), unit_of(name)
    bounds = sorted(conversion.of(bound) for bound in (setting.lowest, setting.highest) if bound is not None)
    return Setting(
        name=name,
        title=setting.title,
        unit=unit.symbol if unit is not None and setting.is_number else None,
        lowest=bounds[0] if bounds else None,
        highest=bounds[-1] if bounds else None,
        step=abs(finest * setting.scale * conversion.factor) if bounds and finest is not None else None,
        words=tuple(setting.words),
        shown_by=setting.shown_by,
        lapses_after_s=setting.lapses_after_s,
        min_interval_s=setting.min_interval_s,
    )


def why_not(setting: Setting, value: SettingValue) -> str | None:
    """Return why a value cannot be set; None when it can. For people: it names setting, value and what would be right.

    A number that is almost out of bounds is out of bounds; none is bent into them.
    """
    name = setting.name
    if setting.words:
        right = ", ".join(setting.words)
        return None if value in setting.words else f"{name} is {shown(value)}; it can be {right}"
    if setting.lowest is None or setting.highest is None:
        return None if isinstance(value, bool) else f"{name} is {shown(value)}; it can be true or false"
    right = f"a number from {setting.lowest:g} to {setting.highest:g} {setting.unit or ''}".rstrip()
    if isinstance(value, bool | str) or not setting.lowest <= value <= setting.highest:
        return f"{name} is {shown(value)}; it can be {right}"
    return None


def raw_of(setting: Settable, value: SettingValue) -> float:
    """Return what is written for a value that `why_not` had nothing against."""
    if setting.words:
        return setting.words[str(value)]
    if not setting.is_number:
        return setting.value_on if value else setting.value_off
    conversion = _conversion(setting)
    given = (float(value) - conversion.shift) / conversion.factor
    return (given - setting.offset) / setting.scale


def value_of(setting: Settable, raw: float) -> SettingValue | None:
    """Return what a raw value says; None when it is none of the setting's words, or neither on nor off."""
    if setting.words:
        return next((word for word, number in setting.words.items() if number == raw), None)
    if not setting.is_number:
        return {setting.value_on: True, setting.value_off: False}.get(int(raw)) if math.isfinite(raw) else None
    return _conversion(setting).of(raw * setting.scale + setting.offset) if math.isfinite(raw) else None


def is_same(setting: Setting, one: SettingValue | None, other: SettingValue | None) -> bool:
    """Say whether two values are the same to the device: numbers that it does not keep apart are."""
    if one is None or other is None:
        return False
    if isinstance(one, bool | str) or isinstance(other, bool | str):
        return type(one) is type(other) and one == other
    # Half a step is what rounding takes away; a float keeps seven digits.
    tolerance = (setting.step or 0) / 2 + 1e-6 * max(1.0, abs(one), abs(other))
    return abs(one - other) <= tolerance


def _conversion(setting: Settable) -> Conversion:
    return GIVEN[setting.unit] if setting.unit is not None else _PLAIN
