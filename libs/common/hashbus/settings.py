"""Settings: one YAML file for the site, environment variables over it, secrets only from the environment or from files.

Every service reads the same file and takes its own section. A mistake stops the service at its start with one line a
mistake: where it is, what stands there, what would be right.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, ValidationError

from hashbus.config_errors import ConfigError
from hashbus.config_explained import explain
from hashbus.config_sources import Source, from_environment, from_file, merged, with_secrets
from hashbus.messages import Id
from hashbus.topics import SERVICES, service_kind

if TYPE_CHECKING:
    from collections.abc import Mapping

PREFIX = "HASHBUS_"
"""Environment variables that begin so are settings: HASHBUS_POLLER__INTERVAL_S=30 is `poller: {interval_s: 30}`."""

SECTIONS = (*SERVICES, "simulator", "collector", "twin")
"""Sections a site file may have besides the common ones; a service looks only at its own."""

HEALTH_PORT = 9780
"""First of the default health ports; each service has its own, in the order of the topic table."""

RANGE_OF_HEALTH_PORTS = 32
"""How far the health ports of `poller` and `poller-2` are apart: more than there are services."""


class Section(BaseModel):
    """A group of settings. Unknown keys are mistakes."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class BrokerSettings(Section):
    """Where the broker is. `{service}` in the user name or the password file is replaced by the service's account."""

    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=1, le=65535)] = 1883
    username: str | None = None
    password: SecretStr | None = None
    tls: bool = False
    ca_file: Path | None = Field(None, description="Certificate authority; the system's when not given")
    certificate_file: Path | None = None
    key_file: Path | None = None
    outbox_messages: Annotated[int, Field(ge=100, le=1_000_000)] = Field(
        10_000, description="How many unconfirmed messages a service holds while the broker is away"
    )

    @property
    def address(self) -> str:
        """Return host and port for people."""
        return f"{self.host}:{self.port}"


class HealthSettings(Section):
    """Where a service shows /healthz and /metrics. Each has a port of its own, counted from `first_port`."""

    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] | None = Field(
        None, description="For a service that runs alone; 0 takes any free port"
    )
    first_port: Annotated[int, Field(ge=1, le=65_000)] = Field(
        HEALTH_PORT, description="The services of a site count from here"
    )

    def port_of(self, account: str) -> int:
        """Return the port of a service: the given one, or its own, beside which `poller-2` takes a range further on."""
        if self.port is not None:
            return self.port
        kind = service_kind(account)
        number = 1 if kind == account else int(account.rpartition("-")[2])
        place = SECTIONS.index(kind) if kind in SECTIONS else len(SECTIONS)
        return self.first_port + place + RANGE_OF_HEALTH_PORTS * (number - 1)


class LogSettings(Section):
    """How much a service says of itself on standard error."""

    level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"


def _known_zone(name: str) -> str:
    """Refuse a time zone that this machine does not know."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"no time zone {name!r}; write it as Europe/Berlin or America/Chicago") from None
    return name


TimeZone = Annotated[str, AfterValidator(_known_zone)]
"""A time zone by its IANA name, which knows summer time."""


class PlaceSettings(Section):
    """Where the site is: for sunrise and sunset."""

    latitude_deg: Annotated[float, Field(ge=-90, le=90)] = Field(description="North is positive")
    longitude_deg: Annotated[float, Field(ge=-180, le=180)] = Field(description="East is positive")


class SiteSettings(Section):
    """What all services of a site have in common; a service adds its own section in a subclass."""

    site: Id = "home"
    time_zone: TimeZone = Field("UTC", description="Of the people: hours of schedules and days of budgets are theirs")
    place: PlaceSettings | None = None
    data_dir: Path = Field(Path("var"), description="What a service must keep on disk, relative to where it is started")
    broker: BrokerSettings = BrokerSettings()
    health: HealthSettings = HealthSettings()
    log: LogSettings = LogSettings()


S = TypeVar("S", bound=SiteSettings)


def load(model: type[S], path: Path | None, *, account: str, environ: Mapping[str, str] | None = None) -> S:
    """Read the settings of `account`; ConfigError with every mistake when they are not right.

    The environment wins over the file; `path` None means the environment and the defaults alone.
    """
    environ = os.environ if environ is None else environ
    source = from_file(path, environ) if path else Source({}, {}, "environment", Path())
    source = merged(source, from_environment(environ, PREFIX))
    wrong = [key for key in source.values if key not in SECTIONS and key not in SiteSettings.model_fields]
    if wrong:
        known = [*SiteSettings.model_fields, *SECTIONS]
        raise ConfigError([source.unknown_key((key,), known) for key in wrong])
    values = {key: value for key, value in source.values.items() if key in model.model_fields}
    values = with_secrets(_for_account(values, account), source)
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise ConfigError(explain(error, model, source)) from None


def _for_account(values: dict[str, Any], account: str) -> dict[str, Any]:
    broker = values.get("broker")
    if not isinstance(broker, dict):
        return values
    filled = {
        key: value.replace("{service}", account) if isinstance(value, str) else value for key, value in broker.items()
    }
    return {**values, "broker": filled}
