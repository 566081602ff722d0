"""Settings of the supervisor: which services run on this machine, and on which broker."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field, field_validator

from hashbus.settings import Section, SiteSettings
from hashbus.topics import SERVICES, service_kind

SIMULATOR = "simulator"


class BrokerKind(StrEnum):
    """Where the broker comes from: the best this machine has, a given one, or somebody else starts it."""

    AUTO = "auto"
    MOSQUITTO = "mosquitto"
    EMBEDDED = "embedded"
    EXTERNAL = "external"


Account = Annotated[str, Field(pattern=r"^[a-z]+(-[0-9]+)?$")]


class SupervisorSection(Section):
    """The `supervisor:` section of the site file."""

    services: tuple[Account, ...] | None = Field(
        None, description="What `hashbus up` starts; those with a section of their own when not given"
    )
    broker: BrokerKind = Field(
        BrokerKind.AUTO,
        description="auto: mosquitto, else the embedded one; external: somebody else starts it, as with a broker.host "
        "that is not this machine",
    )
    commands: dict[Account, tuple[str, ...]] = Field(
        {}, description="How to start a service that is not `python -m hashbus_NAME`; --config FILE is added"
    )
    ready_s: Annotated[float, Field(gt=0, le=600)] = Field(
        30, description="How long a service may take to be ready before that is news"
    )
    stop_s: Annotated[float, Field(gt=0, le=600)] = Field(
        10, description="How long a service may take to end before it is killed"
    )
    log_file_mb: Annotated[float, Field(ge=0.01, le=10_000)] = Field(
        5, description="From this size a log file is put aside; three old ones are kept of each service"
    )

    @field_validator("services")
    @classmethod
    def _is_known_and_once(cls, services: tuple[str, ...] | None) -> tuple[str, ...] | None:
        known = [*(name for name in SERVICES if name != "supervisor"), SIMULATOR]
        for name in services or ():
            if service_kind(name) not in known:
                raise ValueError(
                    f"{name!r} is no service; known are {', '.join(known)}, and poller-2, poller-3 and so on"
                )
        if services and len(set(services)) < len(services):
            raise ValueError("a service stands here twice; a second poller is poller-2")
        return services


class SupervisorSettings(SiteSettings):
    """What the supervisor needs to know of a site."""

    supervisor: SupervisorSection = SupervisorSection()
