"""What a site's configuration says of something that answers a GET with JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, model_validator

from hashbus_poller.drivers.contract import Host
from hashbus_poller.drivers.http_json.settings import HttpSetting
from hashbus_poller.mapped import settable
from hashbus_poller.mapped.fields import check
from hashbus_poller.mapped.json_values import JsonValue
from hashbus_poller.mapped.options import AsList, MappedOptions
from hashbus_poller.mapped.settable import SettingName


class HttpJsonOptions(MappedOptions):
    """Where it is, how to log in, and where the values stand in its answer."""

    driver_name: ClassVar[str] = "http_json"

    url: str = Field(max_length=500, description="What to GET; `{host}` in it stands for the option host")
    host: Host | None = Field(None, description="IP address or host name, where the url (of a template) has {host}")
    fields: Mapping[str, Annotated[tuple[JsonValue, ...], AsList]] = Field(
        description="Field of the reading: where it stands; several are added up"
    )
    settings: Mapping[SettingName, HttpSetting] = Field({}, description="What an order may set, within which bounds")
    takes_orders: bool = Field(False, description="Let orders change its settings; else it is only read")
    auth: Literal["basic", "digest"] = Field("basic", description="How the password is sent, where there is one")
    username: str = Field("admin", max_length=200)
    password: SecretStr | None = None
    token: SecretStr | None = Field(None, description="Sent as `Authorization: Bearer`")

    @model_validator(mode="after")
    def _is_complete(self) -> Self:
        if "{host}" in self.url and self.host is None:
            raise ValueError("host is missing: the url has {host} in it")
        parts = urlsplit(self.address)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"url must look like http://192.0.2.7/status, not {self.url!r}")
        if parts.username or parts.password:
            raise ValueError("url must not hold a user or password; they have options of their own")
        if self.password is not None and self.token is not None:
            raise ValueError("password and token exclude each other")
        check(self.kind, self.fields)
        return self

    @model_validator(mode="after")
    def _settings_are_safe(self) -> Self:
        for name, setting in self.settings.items():
            try:
                settable.check(name, setting, self.fields)
            except ValueError as error:
                raise ValueError(f"settings.{name}: {error}") from None
            if "{host}" in setting.set_url and self.host is None:
                raise ValueError(f"settings.{name}: host is missing: set_url has {{host}} in it")
            if _server(setting.set_url.replace("{host}", self.place)) != _server(self.address):
                raise ValueError(
                    f"settings.{name}: set_url is at another server than url, which would get its password"
                )
        if self.takes_orders and not self.settings:
            raise ValueError("takes_orders, but nothing stands under settings")
        return self

    @property
    def place(self) -> str:
        """The host as it stands in an address."""
        host = self.host or ""
        return f"[{host}]" if ":" in host else host

    @property
    def address(self) -> str:
        """The url with its host filled in."""
        return self.url.replace("{host}", self.place)


def _server(address: str) -> tuple[str, str]:
    parts = urlsplit(address)
    return parts.scheme, parts.netloc
