"""Opens the store that the settings name.

Only that one is imported: influxdb-client takes 0.6 s and 30 MB, and a home with the embedded store does without.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hashbus_recorder.settings import EmbeddedSettings, InfluxSettings, RecorderSettings, VictoriaSettings

if TYPE_CHECKING:
    from hashbus_recorder.repository import TimeSeriesRepository


def open_store(settings: RecorderSettings) -> TimeSeriesRepository:
    """Open the store; to be called within a running loop. StoreUnusable or StoreUnavailable when it cannot be."""
    match settings.recorder.store:
        case EmbeddedSettings() as embedded:
            return _embedded(embedded, settings)
        case InfluxSettings() as influx:
            return _influx(influx, settings)
        case VictoriaSettings() as victoria:
            return _victoria(victoria, settings)


def _embedded(chosen: EmbeddedSettings, settings: RecorderSettings) -> TimeSeriesRepository:
    from hashbus_recorder.stores.embedded import EmbeddedStore  # noqa: PLC0415
    from hashbus_recorder.stores.retention import Retention  # noqa: PLC0415

    keep = Retention(chosen.points_days, chosen.five_minute_days, chosen.hour_days, chosen.totals_days)
    path = chosen.path or settings.folder / "series.sqlite3"
    return EmbeddedStore(path, keep, totals_step_s=settings.recorder.totals_step_s, max_mb=chosen.max_mb)


def _influx(chosen: InfluxSettings, settings: RecorderSettings) -> TimeSeriesRepository:
    from hashbus_recorder.stores.influx import InfluxStore  # noqa: PLC0415
    from hashbus_recorder.stores.influx_server import InfluxServer  # noqa: PLC0415

    def server(bucket: str) -> InfluxServer:
        token = chosen.token.get_secret_value()
        return InfluxServer(chosen.url, bucket=bucket, org=chosen.org, token=token, api=chosen.api)

    return InfluxStore(
        server(chosen.bucket),
        site=settings.site,
        totals_step_s=settings.recorder.totals_step_s,
        retention_days=chosen.retention_days,
        rollups=server(chosen.rollup_bucket) if chosen.rollup_bucket else None,
    )


def _victoria(chosen: VictoriaSettings, settings: RecorderSettings) -> TimeSeriesRepository:
    from hashbus_recorder.stores.victoria import VictoriaStore  # noqa: PLC0415

    token = chosen.token.get_secret_value()
    return VictoriaStore(chosen.url, site=settings.site, token=token, totals_step_s=settings.recorder.totals_step_s)
