"""What a site's configuration says of something that speaks on MQTT topics of its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, Self

from pydantic import Field, model_validator

from hashbus.settings import BrokerSettings
from hashbus_poller.mapped.fields import check
from hashbus_poller.mapped.json_values import JsonValue, Path
from hashbus_poller.mapped.options import AsList, MappedOptions

TopicName = Annotated[str, Field(min_length=1, max_length=500, pattern=r"^[^+#\x00]+$")]
"""One topic; a device is not several, so there are no wildcards."""


class TopicValue(JsonValue):
    """Where one value stands: in which topic's payload, and where in it."""

    topic: TopicName | None = Field(None, description="Where it is not the topic of the device")


class MqttInOptions(MappedOptions):
    """Which topics, on which broker, and where the values stand in their payloads."""

    driver_name: ClassVar[str] = "mqtt_in"

    topic: TopicName | None = Field(None, description="Topic of all fields that name none of their own")
    fields: Mapping[str, Annotated[tuple[TopicValue, ...], AsList]] = Field(
        description="Field of the reading: where it stands; several are added up"
    )
    broker: BrokerSettings | None = Field(None, description="Another broker than the site's own")
    max_age_s: float = Field(300.0, gt=0, le=86_400, description="What was said longer ago counts as unknown")
    time_path: Path | None = Field(
        None,
        description="Where the payload says when it was measured: ISO 8601 with an offset, or Unix time in s or ms",
    )

    @model_validator(mode="after")
    def _is_complete(self) -> Self:
        check(self.kind, self.fields)
        without = [name for name, values in self.fields.items() if any(self.topic_of(one) is None for one in values)]
        if without:
            raise ValueError(f"topic is missing: {', '.join(without)} has none of its own")
        return self

    def topic_of(self, value: TopicValue) -> str | None:
        """Return the topic in which a value stands."""
        return value.topic or self.topic

    @property
    def topics(self) -> list[str]:
        """All topics that are listened to."""
        found = [self.topic_of(one) for values in self.fields.values() for one in values]
        return sorted({topic for topic in found if topic is not None})
