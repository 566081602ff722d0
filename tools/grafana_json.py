"""Dashboards in the form that Grafana 11 imports."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from grafana_panels import INFLUX, Columns, Count, Dashboard, Over, Panel, Series, Shown

from hashbus.messages import Message
from hashbus_recorder.points import measurement_of

COLUMNS = 24
"""Of Grafana's grid."""

GRAFANA_UNITS = {
    "W": "watt",
    "Wh": "watth",
    "°C": "celsius",
    "%": "percent",
    "rpm": "rotrpm",
    "V": "volt",
    "A": "amp",
    "Hz": "hertz",
    "ms": "ms",
    "s": "s",
    "USD": "currencyUSD",
    "": "none",
}
"""Units that Grafana knows by a name of its own, with its prefixes; every other is written after the figure."""


def dashboard_json(page: Dashboard) -> dict[str, Any]:
    """Return a dashboard as Grafana 11 imports it."""
    is_counted = all(isinstance(one, Count) for panel in page.panels for one in panel.shows)
    return {
        "uid": f"hashbus-{page.uid}",
        "title": page.title,
        "description": page.text,
        "tags": ["hashbus"],
        "editable": False,
        "graphTooltip": 1,
        "schemaVersion": 39,
        "refresh": "30s",
        "time": {"from": "now-24h", "to": "now"},
        "timezone": "browser",
        "links": [{"title": "hashbus", "type": "dashboards", "tags": ["hashbus"], "asDropdown": True}],
        "templating": {"list": [] if is_counted else list(_variables(page.choices))},
        "panels": [{**_panel_json(panel), **place} for panel, place in _laid_out(page.panels)],
    }


def _variables(choices: Iterable[type[Message]]) -> Iterator[dict[str, Any]]:
    yield _variable("site", "Site", 'SHOW TAG VALUES WITH KEY = "site"', is_multi=False)
    for kind in choices:
        name = Series(kind, "").level
        query = f'SHOW TAG VALUES FROM "{measurement_of(kind)}" WITH KEY = "device" WHERE "site" =~ /^$site$/'
        yield _variable(name, name.capitalize(), query, is_multi=True)


def _variable(name: str, label: str, query: str, *, is_multi: bool) -> dict[str, Any]:
    everything = {"includeAll": True, "multi": True, "current": {"text": ["All"], "value": ["$__all"]}}
    return {
        "type": "query",
        "name": name,
        "label": label,
        "datasource": INFLUX,
        "query": query,
        "definition": query,
        "refresh": 2,
        "sort": 1,
        **(everything if is_multi else {"includeAll": False, "multi": False}),
    }


def _laid_out(panels: Iterable[Panel]) -> Iterator[tuple[Panel, dict[str, Any]]]:
    """Set panels from left to right, and begin a new row where one does not fit any more."""
    left, top, lowest = 0, 0, 0
    for number, panel in enumerate(panels, 1):
        if left + panel.width > COLUMNS:
            left, top = 0, lowest
        yield panel, {"id": number, "gridPos": {"x": left, "y": top, "w": panel.width, "h": panel.height}}
        left, lowest = left + panel.width, max(lowest, top + panel.height)


def _panel_json(panel: Panel) -> dict[str, Any]:
    first = panel.shows[0]
    return {
        "type": panel.form,
        "title": panel.title,
        "description": panel.text or _description(first),
        "datasource": first.target(0)["datasource"],
        "interval": _finest(panel),
        "targets": [one.target(place) for place, one in enumerate(panel.shows)],
        "fieldConfig": {"defaults": _defaults(panel), "overrides": list(_overrides(panel))},
        "options": {**_FORMS.get(panel.form, {}), **panel.options},
    }


def _finest(panel: Panel) -> str:
    """Return the finest step; a sum over all devices needs one in which each of them has spoken."""
    is_sum = any(isinstance(one, Series) and one.over is Over.ALL for one in panel.shows)
    return "2m" if is_sum else "30s"


def _description(first: Shown) -> str:
    info = first.kind.model_fields.get(first.field) if isinstance(first, Series) else None
    return (info.description or "") if info else ""


def _defaults(panel: Panel) -> dict[str, Any]:
    first = panel.shows[0]
    defaults: dict[str, Any] = {"unit": _unit(first)}
    if isinstance(first, Series) and first.unit is not None:
        defaults["decimals"] = first.unit.decimals
    if panel.form == "timeseries":
        drawing = {
            "lineWidth": 1,
            "fillOpacity": 40 if panel.is_stacked else 8,
            "spanNulls": 300_000,
            "showPoints": "never",
        }
        defaults["custom"] = {**drawing, "stacking": {"mode": "normal" if panel.is_stacked else "none"}}
    return defaults


def _overrides(panel: Panel) -> Iterator[dict[str, Any]]:
    """Give what has another unit than the first its own, and an axis on the right."""
    for one in panel.shows:
        if isinstance(one, Columns):
            yield from _columns(one)
        elif isinstance(one, Series) and one.title in panel.right:
            properties = [{"id": "unit", "value": _unit(one)}, {"id": "custom.axisPlacement", "value": "right"}]
            yield {"matcher": {"id": "byName", "options": one.title}, "properties": properties}


def _columns(table: Columns) -> Iterator[dict[str, Any]]:
    yield {"matcher": {"id": "byName", "options": "Time"}, "properties": [{"id": "custom.hidden", "value": True}]}
    for name in table.fields:
        series = Series(table.kind, name)
        if series.unit is not None:
            properties = [{"id": "unit", "value": _unit(series)}, {"id": "decimals", "value": series.unit.decimals}]
            yield {"matcher": {"id": "byName", "options": series.title}, "properties": properties}


def _unit(one: Shown) -> str:
    if isinstance(one, Count):
        return one.unit
    unit = one.unit if isinstance(one, Series) else None
    if unit is None:
        return "none"
    symbol = f"{unit.symbol}/h" if isinstance(one, Series) and one.per_hour else unit.symbol
    return GRAFANA_UNITS.get(symbol, f"suffix: {symbol}")


_LEGEND = {"showLegend": True, "displayMode": "list", "placement": "bottom"}
_FORMS: dict[str, dict[str, Any]] = {
    "timeseries": {"legend": _LEGEND, "tooltip": {"mode": "multi", "sort": "desc"}},
    "stat": {"colorMode": "none", "graphMode": "area", "reduceOptions": {"calcs": ["lastNotNull"]}},
    "gauge": {"reduceOptions": {"calcs": ["lastNotNull"]}},
    "state-timeline": {"mergeValues": True, "rowHeight": 0.85, "showValue": "auto", "legend": _LEGEND},
    "table": {"showHeader": True, "cellHeight": "sm"},
}
"""What Grafana wants to know about each form of picture."""
