"""What the recorder can be told: which store, how much may wait, where questions are answered."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr

from hashbus.settings import Section, SiteSettings

Url = Annotated[str, Field(pattern=r"^https?://[^\s/]+(/\S*)?$")]
Days = Annotated[int, Field(ge=2, le=36_500)]
Port = Annotated[int, Field(ge=0, le=65_535)]


class EmbeddedSettings(Section):
    """The store that needs no server: one file."""

    kind: Literal["embedded"] = "embedded"
    path: Path | None = Field(None, description="The file; `recorder/series.sqlite3` in data_dir when not given")
    points_days: Days = Field(30, description="How long points are kept as they were written")
    five_minute_days: Days = Field(180, description="How long their 5-minute means, minima and maxima are kept")
    hour_days: Days = Field(1830, description="How long their hourly ones and the hourly totals of the site are kept")
    totals_days: Days = Field(90, description="How long the totals of the site are kept in their finest step")
    max_mb: Annotated[int, Field(ge=1)] | None = Field(None, description="Bound of the file; at it, points wait")


class InfluxSettings(Section):
    """An InfluxDB 1, 2 or 3."""

    kind: Literal["influx"]
    url: Url
    bucket: Annotated[str, Field(min_length=1)] = Field(description="Bucket, or `database/retention_policy`")
    org: str = ""
    token: SecretStr = Field(SecretStr(""), description="For InfluxDB 1: `user:password`")
    api: Literal["v1", "v2"] = Field("v2", description="v1 for InfluxDB before 1.8, which has no /api/v2/write")
    retention_days: Days | None = Field(None, description="Set on the database; not given, it stays as it is")
    rollup_bucket: str | None = Field(None, description="Bucket for 5-minute roll-ups, kept longer than the points")


class VictoriaSettings(Section):
    """A VictoriaMetrics. Its retention is a flag of the server; it keeps numbers only."""

    kind: Literal["victoriametrics"]
    url: Url
    token: SecretStr = Field(SecretStr(""), description="Sent as `Authorization: Token`, for a proxy in front")


StoreSettings = Annotated[EmbeddedSettings | InfluxSettings | VictoriaSettings, Field(discriminator="kind")]


class HistorySettings(Section):
    """Where questions about the past are answered. There is no login: keep it on loopback."""

    host: str = "127.0.0.1"
    port: Port = 9796
    at_once: Annotated[int, Field(ge=1, le=100)] = Field(4, description="Questions answered at the same time")
    finest_step_s: Annotated[int, Field(ge=1, le=3600)] = Field(
        30, description="Finest step a chart takes by itself; about twice the poll interval"
    )


class RecorderSection(Section):
    """The section `recorder` of the site's file."""

    store: StoreSettings = EmbeddedSettings()
    history: HistorySettings = HistorySettings()
    flush_s: Annotated[float, Field(gt=0, le=60)] = Field(
        1.0, description="Points are written at the latest after this"
    )
    batch_points: Annotated[int, Field(ge=1, le=5000)] = Field(1000, description="This many are written at once")
    spool_mb: Annotated[int, Field(ge=1, le=100_000)] = Field(
        256, description="Bound on disk while the store is away; an hour of 1,538 miners at 10 s takes 25 to 100"
    )
    totals_step_s: Literal[10, 20, 30, 60, 120, 300, 600, 900] = Field(
        60, description="Finest step of the site's totals; at least twice the poll interval"
    )


class RecorderSettings(SiteSettings):
    """Everything the recorder reads of the site's file."""

    recorder: RecorderSection = RecorderSection()

    @property
    def folder(self) -> Path:
        """Return where the recorder keeps its files."""
        return self.data_dir / "recorder"
