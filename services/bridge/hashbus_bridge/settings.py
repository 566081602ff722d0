"""Settings of the bridge: where the cloud is, how often it hears of the site, and how much waits while it is away."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field, SecretStr, field_validator

from hashbus.settings import Section, SiteSettings

KEY_LENGTHS = (44, 48)
"""A token of 44 characters behind `hsc_`, or 44 with it: S1.47 can be read both ways."""


class BridgeSection(Section):
    """The `bridge:` section of the site file."""

    url: str = Field(
        "", pattern=r"^(https?://[^\s/]+(/[^\s?#]*)?)?$", description="Of the collector, https only; empty is off"
    )
    api_key: SecretStr | None = Field(
        None, description="This site's key, `hsc_...`; write api_key_file or set HASHBUS_BRIDGE__API_KEY"
    )
    upload_s: Annotated[float, Field(ge=1, le=3600)] = Field(60, description="How often the site is uploaded")
    commands_s: Annotated[float, Field(ge=1, le=3600)] = Field(
        30, description="How often the cloud is asked for commands"
    )
    batch: Annotated[int, Field(ge=1, le=10_000)] = Field(1_000, description="Most records of one upload")
    spool_mb: Annotated[int, Field(ge=1, le=100_000)] = Field(
        256, description="What may wait on disk while the cloud is away"
    )
    backfill_batches: Annotated[int, Field(ge=1, le=100)] = Field(
        5, description="Waiting batches sent after each live one"
    )
    timeout_s: Annotated[float, Field(ge=1, le=300)] = 15
    proxy: str | None = Field(None, pattern=r"^https?://[^\s/]+/?$", description="HTTP proxy on the way out")
    proxy_user: str | None = Field(None, description="Where the proxy asks who comes")
    proxy_password: SecretStr | None = Field(
        None, description="Of that user; write proxy_password_file or set HASHBUS_BRIDGE__PROXY_PASSWORD"
    )
    ca_file: Path | None = Field(None, description="Certificate authority of a private collector")
    upload_addresses: bool = Field(False, description="Let the cloud know the miners' addresses")

    @field_validator("api_key")
    @classmethod
    def _looks_like_a_key(cls, key: SecretStr | None) -> SecretStr | None:
        text = key.get_secret_value() if key else ""
        if key is not None and not (text.startswith("hsc_") and len(text) in KEY_LENGTHS):
            raise ValueError("a collector key begins with `hsc_` and has 44 characters")
        return key

    @field_validator("proxy")
    @classmethod
    def _holds_no_secret(cls, proxy: str | None) -> str | None:
        if proxy and "@" in proxy:
            raise ValueError("write the user to proxy_user and the password to a proxy_password_file")
        return proxy

    @field_validator("url")
    @classmethod
    def _is_encrypted(cls, url: str) -> str:
        if url.startswith("http://") and not url.startswith(("http://127.", "http://localhost")):
            raise ValueError("the key travels with every call: write https://")
        return url.rstrip("/")


class BridgeSettings(SiteSettings):
    """What the bridge reads of the site file."""

    bridge: BridgeSection = BridgeSection()
