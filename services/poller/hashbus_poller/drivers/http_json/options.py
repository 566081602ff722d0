"""What a site's configuration says of something that answers a GET with JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, model_validator

from hashbus_poller.drivers.contract import Host
from hashbus_poller.mapped.fields import check
from hashbus_poller.mapped.json_values import JsonValue
from hashbus_poller.mapped.options import AsList, MappedOptions


class HttpJsonOptions(MappedOptions):
    """Where it is, how to log in, and where the values stand in its answer."""

    driver_name: ClassVar[str] = "http_json"

    url: str = Field(max_length=500, description="What to GET; `{host}` in it stands for the option host")
    host: Host | None = Field(None, description="IP address or host name, where the url (of a template) has {host}")
    fields: Mapping[str, Annotated[tuple[JsonValue, ...], AsList]] = Field(
        description="Field of the reading: where it stands; several are added up"
    )
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

    @property
    def address(self) -> str:
        """The url with its host filled in."""
        host = self.host or ""
        return self.url.replace("{host}", f"[{host}]" if ":" in host else host)
