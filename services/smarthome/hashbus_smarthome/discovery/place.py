"""A device of ours as Home Assistant finds it: its ids, its topics, and when it can be reached."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hashbus.foreign import PlainCommand
from hashbus.messages import Message, ServiceStatus

Component = dict[str, Any]
"""One entity in a discovery message, by the option names of Home Assistant's documentation."""

ACCOUNT = "smarthome"
CONTROLLER = "controller"
STATE_TEMPLATE = "{{ value_json.state }}"


@dataclass(frozen=True, slots=True)
class Place:
    """One device: its kind, the levels of its topics, and who says whether it is there."""

    site: str
    kind: str
    levels: tuple[tuple[str, str], ...] = ()
    presence: type[Message] | None = None

    @property
    def id(self) -> str:
        """Return the device's id among those of its kind; a sensor of another source carries that source's name."""
        values = [value for name, value in self.levels if (name, value) != ("source", "poller")]
        return "-".join(values) or self.site

    @property
    def identifier(self) -> str:
        """Return the name by which Home Assistant knows the device for ever."""
        return f"hashbus.{self.site}.{self.kind}.{self.id}"

    @property
    def node(self) -> tuple[str, str]:
        """Return the two levels of its discovery topic: the site's, and the device's."""
        return f"hashbus-{self.site}", f"{self.kind}_{self.id}"

    def unique_id(self, key: str) -> str:
        """Return the name by which Home Assistant knows one of its entities for ever."""
        return f"{self.identifier}.{key}"

    def address(self, kind: type[Message], **levels: str) -> str:
        """Return the topic on which a message tells of this device."""
        return kind.topic.address({"site": self.site, **dict(self.levels), **levels})

    def command(self, control: str) -> str:
        """Return the topic on which Home Assistant says what it wants."""
        return PlainCommand(self.site, self.kind, self.id, control).address

    def availability(self, *services: str) -> list[Component]:
        """Return who must be there: the device, and each of these services."""
        topics = [] if self.presence is None else [self.address(self.presence)]
        topics += [ServiceStatus.topic.address({"site": self.site, "service": service}) for service in services]
        return [{"topic": topic, "value_template": STATE_TEMPLATE} for topic in topics]

    def control(self, key: str, name: str | None, platform: str, *, needs: tuple[str, ...] = ()) -> Component:
        """Return the beginning of an entity that can be told something: reachable while we and `needs` are there."""
        return {
            "platform": platform,
            "name": name,
            "unique_id": self.unique_id(key),
            "availability": self.availability(ACCOUNT, *needs),
            "qos": 1,
        }


def within(value: str, least: float, most: float) -> str:
    """Return the template of a number's state.

    What lies outside of the number's bounds, as the limit of a sleeping miner does, is unknown: Home Assistant would
    call it an error with each reading.
    """
    return f"{{{{ {value} if {value} is number and {least} <= {value} <= {most} else none }}}}"
