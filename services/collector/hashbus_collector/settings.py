"""Settings of the collector: where it listens, its database, what it keeps and for how long, what it refuses."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, SecretStr, model_validator

from hashbus.messages import Id
from hashbus.settings import Section, SiteSettings

Days = Annotated[int, Field(ge=1, le=3650)]


class DatabaseSettings(Section):
    """The PostgreSQL of the collector; without a `url` it starts its own in `data_dir`."""

    url: str | None = Field(
        None, pattern=r"^postgres(ql)?://\S+$", description="postgresql://user@host/name; DATABASE_URL sets it too"
    )
    password: SecretStr | None = Field(None, description="Of the user in `url`")
    connections: Annotated[int, Field(ge=2, le=200)] = 10
    timeout_s: Annotated[float, Field(ge=1, le=600)] = Field(30, description="Longest wait for one statement")


class RedisSettings(Section):
    """A Redis or Valkey that several collectors share; without a `url` each keeps its own caches and counts."""

    url: str | None = Field(None, pattern=r"^(rediss?|unix)://\S+$", description="redis://host:6379/0; or REDIS_URL")
    password: SecretStr | None = None


class KeepSettings(Section):
    """How long what is written down stays (S1.35). Live rows and keys stay for ever."""

    history_days: Days = Field(30, description="Readings")
    upload_log_days: Days = Field(7, description="One line an upload: when, how much, how long it took")
    command_days: Days = Field(30, description="Commands that are over")
    audit_days: Days = Field(365, description="Who did what")


class LimitSettings(Section):
    """What is refused before it costs anything."""

    body_mb: Annotated[float, Field(gt=0, le=1000)] = Field(4, description="Largest body as it travels")
    unpacked_mb: Annotated[float, Field(gt=0, le=4000)] = Field(32, description="Largest body once it is unpacked")
    records: Annotated[int, Field(ge=1, le=100_000)] = Field(10_000, description="Most records of one upload")
    miners_per_site: Annotated[int, Field(ge=1, le=1_000_000)] = 20_000
    calls_per_minute: Annotated[int, Field(ge=1, le=1_000_000)] = Field(
        3000, description="Calls of one key; each answer to a command is one"
    )
    failures_per_minute: Annotated[int, Field(ge=1, le=10_000)] = Field(
        20, description="Wrong keys and wrong passwords from one address"
    )
    body_s: Annotated[float, Field(ge=1, le=600)] = Field(30, description="Longest wait for one whole body")
    ahead_s: Annotated[float, Field(ge=60, le=172_800)] = Field(
        86_400, description="How far the clock of a site may be ahead of ours"
    )


class CommandSettings(Section):
    """How commands travel to the sites."""

    resend_s: Annotated[float, Field(ge=1, le=3600)] = Field(
        60, description="A command without an answer is given again after this, to bridges that know it by its id"
    )
    answer_s: Annotated[float, Field(ge=0, le=86_400)] = Field(
        600, description="How long after its end the answer to a command that was fetched is waited for"
    )
    at_once: Annotated[int, Field(ge=1, le=10_000)] = Field(2000, description="Most commands of one fetch")


class AlertSettings(Section):
    """From where on a miner or a site is worth an alert."""

    warning_c: Annotated[float, Field(ge=0, le=200)] = Field(80, description="Hottest chip")
    critical_c: Annotated[float, Field(ge=0, le=200)] = Field(95, description="Hottest chip")
    hashrate_pct: Annotated[float, Field(ge=0, le=100)] = Field(
        80, description="Less than this share of the expected hashrate"
    )
    stale_s: Annotated[float, Field(ge=10, le=86_400)] = Field(
        180, description="A site or a miner that says nothing for so long is stale"
    )


class SessionSettings(Section):
    """How long people stay logged in."""

    hours: Annotated[float, Field(gt=0, le=720)] = 12
    idle_minutes: Annotated[float, Field(gt=0, le=43_200)] = 120


class DirectSettings(Section):
    """Miners that the collector reads itself (S1.2), where it can reach them. Off until it is switched on here."""

    enabled: bool = False
    networks: list[IPv4Network | IPv6Network] = Field(
        [], description="Only addresses in these are ever asked; none by itself"
    )
    interval_s: Annotated[float, Field(ge=5, le=3600)] = 60
    at_once: Annotated[int, Field(ge=1, le=1000)] = Field(100, description="Miners asked at the same time")
    sites: dict[Id, dict[Id, dict[str, Any]]] = Field(
        {}, description="Site, then miner, then its driver with its options, as in a poller's `devices`"
    )


class CollectorSection(Section):
    """The `collector:` section of the file."""

    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65_535)] = Field(8090, description="0 takes any free one")
    certificate_file: Path | None = Field(None, description="To speak https itself, together with key_file")
    key_file: Path | None = None
    behind_proxy: bool = Field(False, description="A proxy in front speaks https; only then another host than loopback")
    trusted_proxies: list[str] = Field(["127.0.0.1"], description="Whose X-Forwarded-For and -Proto are believed")
    database: DatabaseSettings = DatabaseSettings()
    redis: RedisSettings = RedisSettings()
    keep: KeepSettings = KeepSettings()
    limits: LimitSettings = LimitSettings()
    commands: CommandSettings = CommandSettings()
    alerts: AlertSettings = AlertSettings()
    sessions: SessionSettings = SessionSettings()
    direct: DirectSettings = DirectSettings()

    @model_validator(mode="after")
    def _is_safe(self) -> CollectorSection:
        if (self.certificate_file is None) != (self.key_file is None):
            raise ValueError("certificate_file and key_file belong together")
        is_open = self.host not in ("127.0.0.1", "::1", "localhost")
        if is_open and self.certificate_file is None and not self.behind_proxy:
            raise ValueError(
                f"{self.host} is open to the network, and keys travel with every call: give certificate_file and "
                "key_file, or set behind_proxy when a proxy in front speaks https"
            )
        return self


class CollectorSettings(SiteSettings):
    """What the collector reads of the file."""

    collector: CollectorSection = CollectorSection()

    @property
    def folder(self) -> Path:
        """Return where the collector keeps what is its own."""
        return self.data_dir / "collector"
