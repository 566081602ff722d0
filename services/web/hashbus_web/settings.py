"""Settings of the web service: where it listens, whom it trusts, where the past is asked."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, SecretStr, model_validator

from hashbus.messages import Id, Word
from hashbus.settings import Section, SiteSettings
from hashbus_web.people.rights import Role

Url = Annotated[str, Field(pattern=r"^https?://[^\s/?#]+(/[^\s?#]*[^\s?#/])?$")]
"""An address without a slash, a question or a fragment at its end."""


class ProviderKind(StrEnum):
    """How a provider of logins is spoken with: OpenID Connect, or the two that have a way of their own."""

    OPENID = "openid"
    GITHUB = "github"
    HOME_ASSISTANT = "home_assistant"


class ProviderSettings(Section):
    """One place elsewhere where people can prove who they are."""

    kind: ProviderKind = ProviderKind.OPENID
    title: Word = Field("", description="What stands on its button; its name in this file when not given")
    issuer: Url | None = Field(
        None, description="OpenID Connect: the issuer; Home Assistant: its address; GitHub: of an enterprise server"
    )
    client_id: str = Field("", description="As the provider gave it; Home Assistant needs none")
    client_secret: SecretStr | None = Field(None, description="Write client_secret_file")
    allowed: tuple[str, ...] = Field(
        (), description="E-mail addresses, GitHub logins or Home Assistant names that may come in; nobody else may"
    )
    role: Role = Field(Role.GUEST, description="What a new person may do here; an administrator changes it later")

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if self.kind is not ProviderKind.GITHUB and self.issuer is None:
            raise ValueError(f"{self.kind.value} needs `issuer`, the provider's address")
        if self.kind is not ProviderKind.HOME_ASSISTANT and (not self.client_id or self.client_secret is None):
            raise ValueError(f"{self.kind.value} needs `client_id` and `client_secret_file`")
        return self


class WebSection(Section):
    """The `web:` section of the site file."""

    host: str = Field("0.0.0.0", description="Where it listens; 127.0.0.1 behind a reverse proxy")  # noqa: S104 (S2.33)
    port: Annotated[int, Field(ge=0, le=65535)] = Field(8080, description="0 takes any free port")
    public_url: Url | None = Field(None, description="How people reach it, for logins elsewhere and secure cookies")
    trusted_proxies: tuple[str, ...] = Field(
        ("127.0.0.1", "::1"), description="Whose word about the real address and https is believed"
    )
    history_url: Url = Field("http://127.0.0.1:9796", description="Where the recorder answers questions")
    access_minutes: Annotated[float, Field(ge=1, le=1440)] = Field(10, description="Life of an access token")
    session_days: Annotated[float, Field(gt=0, le=365)] = Field(30, description="A login ends when unused so long")
    live_clients: Annotated[int, Field(ge=1, le=10_000)] = Field(200, description="Most open live pages")
    largest_body_kb: Annotated[int, Field(ge=16, le=10_240)] = Field(256, description="Most that a request may carry")
    timeline_days: Annotated[int, Field(ge=1, le=3660)] = Field(90, description="How long events are kept")
    openid: dict[Id, ProviderSettings] = Field({}, description="Logins elsewhere, by their names in addresses")


class WebSettings(SiteSettings):
    """What the web service reads of the site file."""

    web: WebSection = WebSection()
