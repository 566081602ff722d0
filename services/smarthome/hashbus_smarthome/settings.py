"""Settings of the smarthome service: what Home Assistant is shown, where Zigbee2MQTT is, how long a word counts."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from hashbus.foreign import HOME_ASSISTANT, ZIGBEE2MQTT
from hashbus.messages import Id
from hashbus.settings import BrokerSettings, Section, SiteSettings

TopicPrefix = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^+#\x00/]([^+#\x00]*[^+#\x00/])?$")]
"""The beginning of topics: no wildcards, no slash at either end."""


class HomeAssistantSection(Section):
    """What Home Assistant is shown, and how long what it says counts."""

    enabled: bool = True
    discovery_prefix: TopicPrefix = Field(HOME_ASSISTANT, description="As Home Assistant's MQTT integration has it")
    miners: bool = Field(True, description="False shows the site, batteries, meters and zones only: for a farm")
    leave_out: tuple[Id, ...] = Field((), description="Devices by their id that Home Assistant is not shown")
    override_s: Annotated[float, Field(ge=60, le=2_592_000)] = Field(
        7200, description="How long a power set in Home Assistant holds before the site decides by itself again"
    )
    order_expires_s: Annotated[float, Field(ge=5, le=3600)] = Field(
        60, description="An order that reaches its device later is not carried out any more"
    )
    forget_days: Annotated[float, Field(ge=0.01, le=3650)] = Field(
        7, description="A device that has said nothing for so long is taken out of Home Assistant until it speaks again"
    )
    settle_s: Annotated[float, Field(ge=1, le=3600)] = Field(
        30, description="After a start: until then nothing that is shown already is taken out"
    )
    birth_delay_s: Annotated[float, Field(ge=0, le=300)] = Field(
        5, description="Home Assistant that has started is told everything again within so many seconds"
    )


class Zigbee2MqttSection(Section):
    """Where Zigbee2MQTT speaks, and how long its word counts."""

    enabled: bool = True
    base_topic: TopicPrefix = Field(ZIGBEE2MQTT, description="As Zigbee2MQTT's `mqtt: base_topic` has it")
    broker: BrokerSettings | None = Field(None, description="Another broker than the site's own")
    max_age_s: Annotated[float, Field(ge=10, le=604_800)] = Field(
        3600, description="A sensor that has said nothing for so long counts as gone"
    )
    leave_out: tuple[str, ...] = Field((), description="Friendly names of devices that are not taken in")


class SmarthomeSection(Section):
    """The `smarthome:` section of the site file."""

    homeassistant: HomeAssistantSection = HomeAssistantSection()
    zigbee2mqtt: Zigbee2MqttSection = Zigbee2MqttSection()


class SmarthomeSettings(SiteSettings):
    """What the smarthome service reads of the site file."""

    smarthome: SmarthomeSection = SmarthomeSection()
