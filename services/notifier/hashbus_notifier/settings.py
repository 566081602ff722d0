"""Settings of the notifier: how long something must last before anybody is told."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from hashbus.messages import Id
from hashbus.settings import Section, SiteSettings
from hashbus_notifier.channel_settings import Channel, HeartbeatSettings

Hold = Annotated[float, Field(ge=0, le=86_400)]


class NotifierSection(Section):
    """The `notifier:` section of the site file."""

    offline_hold_s: Hold = Field(120, description="How long a device is offline before it is an alert")
    service_hold_s: Hold = Field(30, description="How long a service is gone before it is an alert")
    health_hold_s: Hold = Field(60, description="How long a miner is in warning or critical before it is an alert")
    setpoint_hold_s: Hold = Field(300, description="How long a setpoint is refused before it is an alert")
    clear_hold_s: Hold = Field(60, description="How long it must be over before the alert is cleared")
    group_from: Annotated[int, Field(ge=2, le=10_000)] = Field(
        5, description="From so many of a kind on it is one alert: 500 miners offline are one message"
    )
    channels: dict[Id, Channel] = Field({}, description="The ways to people, by a name of your own")
    heartbeat: HeartbeatSettings | None = None


class NotifierSettings(SiteSettings):
    """What the notifier reads of the site file."""

    notifier: NotifierSection = NotifierSection()
