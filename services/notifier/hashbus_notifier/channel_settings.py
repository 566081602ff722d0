"""Settings of the ways to people: what each is told, when it is left in peace, and who may answer."""

from __future__ import annotations

from datetime import time
from typing import Annotated, Literal

from pydantic import Field, SecretStr, model_validator

from hashbus.messages import Id, Severity
from hashbus.settings import Section

Wait = Annotated[float, Field(ge=0, le=7 * 86_400)]


class QuietHours(Section):
    """Hours in which only what is critical is told; the rest comes together when they end."""

    from_time: time = time(22, 0)
    until_time: time = time(7, 0)
    let_through: Severity = Field(Severity.CRITICAL, description="From this severity on it is told all the same")

    @model_validator(mode="after")
    def _is_a_stretch(self) -> QuietHours:
        if self.from_time == self.until_time:
            raise ValueError(f"from_time and until_time are both {self.from_time:%H:%M}: that is the whole day")
        return self


class ChannelSettings(Section):
    """One way to people."""

    from_severity: Severity = Field(Severity.WARNING, description="What is less grave is not told here")
    kinds: tuple[Id, ...] = Field((), description="Beginnings of the keys of alerts told here; empty: all")
    quiet: QuietHours | None = None
    digest_s: Wait = Field(0, description="What is not critical is gathered for so long and told in one message")
    after_s: Wait = Field(0, description="Told only when nobody has seen it and it is not over by then: an escalation")
    tells_end: bool = Field(True, description="Also tell that something is over")


class AppriseSettings(ChannelSettings):
    """Any of the services that Apprise knows: e-mail, Matrix, Slack, SMS gateways, a webhook."""

    kind: Literal["apprise"]
    url_secret: SecretStr = Field(description="Apprise's URL, such as mailto://user:pass@example.org")


class TelegramSettings(ChannelSettings):
    """A Telegram bot: tells, and answers those it knows."""

    kind: Literal["telegram"]
    token: SecretStr = Field(description="What BotFather gave")
    chats: tuple[int, ...] = Field(min_length=1, description="Ids of the chats that are told and may ask")
    may_change: tuple[int, ...] = Field((), description="Ids of the users who may also set and order; others only ask")
    api_url: str = Field(
        "https://api.telegram.org", pattern=r"^https?://", description="Another for an own Bot API server"
    )
    answers: bool = Field(True, description="Off: it only tells. One bot can be asked by one site only")


Channel = Annotated[AppriseSettings | TelegramSettings, Field(discriminator="kind")]


class HeartbeatSettings(Section):
    """A sign of life to somebody who notices silence, such as healthchecks.io or Uptime Kuma."""

    url_secret: SecretStr = Field(description="Fetched by GET while the notifier hears the site")
    every_s: Annotated[float, Field(ge=10, le=86_400)] = 60
