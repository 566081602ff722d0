"""What an order may set over HTTP: the request that does, and where the answer to a reading shows it; pure.

Only switches and numbers within bounds are filled into a request: nothing that an order says can make it another one.
"""

from __future__ import annotations

from typing import Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, model_validator

from hashbus.messages import SettingValue
from hashbus_poller.drivers.contract import Garbled
from hashbus_poller.mapped import json_values, settable
from hashbus_poller.mapped.fields import NO, YES, Shape
from hashbus_poller.mapped.json_values import JsonValue, Path
from hashbus_poller.mapped.settable import Settable
from hashbus_poller.readings import shown

VALUE = "{value}"


class HttpSetting(Settable):
    """A switch or a number that one request sets."""

    set_url: str = Field(max_length=500, description="What to ask to set it; `{value}` in it is the value")
    method: Literal["GET", "POST", "PUT"] = "GET"
    text_on: str = Field("true", pattern=r"^[A-Za-z0-9_.-]{1,32}$", description="What stands for on in the request")
    text_off: str = Field("false", pattern=r"^[A-Za-z0-9_.-]{1,32}$", description="What stands for off")
    decimals: int = Field(0, ge=0, le=6, description="Of a number: how many digits after the point the device takes")
    path: Path = Field(description="Where the answer to `url` shows it, for reading back")

    @model_validator(mode="after")
    def _is_asked_by_its_value(self) -> Self:
        if VALUE not in self.set_url:
            raise ValueError("set_url has no {value} in it")
        parts = urlsplit(self.set_url)
        if parts.scheme not in ("http", "https") or VALUE in parts.netloc or parts.fragment:
            raise ValueError(f"set_url must look like http://{{host}}/set?on={{value}}, not {self.set_url!r}")
        if self.words or (self.value_off, self.value_on) != (0, 1):
            raise ValueError("over HTTP a setting is a number, or a switch with text_on and text_off")
        if self.text_on == self.text_off:
            raise ValueError("two values of a setting are written alike")
        for bound in (self.lowest, self.highest):
            self._check_written_whole(bound)
        return self

    def _check_written_whole(self, bound: float | None) -> None:
        raw = 0.0 if bound is None else (bound - self.offset) / self.scale
        if abs(raw - round(raw, self.decimals)) > 1e-9 * max(1.0, abs(raw)):
            raise ValueError(f"{raw:g} would be sent, with {self.decimals} decimals: give more, or take another bound")

    @property
    def finest(self) -> float:
        """The smallest step of its raw value."""
        return 10.0**-self.decimals


def set_address(setting: HttpSetting, value: SettingValue, host: str) -> str:
    """Return the request that sets a value that `why_not` had nothing against."""
    if setting.is_number:
        # Adding 0 makes 0 of the -0 that rounding may leave.
        text = f"{round(settable.raw_of(setting, value), setting.decimals) + 0.0:.{setting.decimals}f}"
    else:
        text = setting.text_on if value else setting.text_off
    return setting.set_url.replace("{host}", host).replace(VALUE, text)


def value_in(setting: HttpSetting, said: Any) -> SettingValue | None:
    """Return what the device's answer shows of a setting; Garbled when that is neither yes nor no, or no number."""
    where = JsonValue(path=setting.path)
    raw = json_values.raw(said, where, Shape.NUMBER if setting.is_number else Shape.FLAG)
    if raw is None:
        return None
    if not setting.is_number:
        return _flag(setting, raw)
    if isinstance(raw, bool | str):
        raise Garbled(f"{setting.path} is {shown(raw)}, which is not a number")
    return settable.value_of(setting, raw)


def _flag(setting: HttpSetting, raw: float | bool | str) -> bool:
    if isinstance(raw, bool | int | float):
        return raw != 0
    word = raw.strip().lower()
    if word in YES | {setting.text_on.lower()}:
        return True
    if word in NO | {setting.text_off.lower()}:
        return False
    raise Garbled(f"{setting.path} is {shown(raw)}, which is neither on nor off")
