"""What people look at: a Grafana dashboard for each domain, made of the alerts. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from runbook_steps.engine.sources.alerts_file import Alert, runbook_url

__all__ = ["dashboards"]

_SOURCE = {"type": "prometheus", "uid": "${source}"}
"""The one that the reader picks on top: no dashboard knows how a Grafana calls its own."""
_PICKED = {"name": "source", "label": "Prometheus", "type": "datasource", "query": "prometheus"}
_UNITS = {"%": "percent", "ms": "ms", "s": "s", "hours": "h", "days": "d"}
"""Unit of the data file → Grafana's; all others are counted."""
_WIDTH, _HEIGHT, _COLUMNS = 12, 8, 2  # of Grafana's grid, 24 wide
_SCHEMA_VERSION = 41  # Grafana 11


def dashboards(alerts: Iterable[Alert], site: str, name: str, domains: Mapping[str, str]) -> Mapping[str, str]:
    """Domain → its dashboard, JSON: a panel for each alert that Prometheus can raise, with its threshold as a line.

    `site` is the address of the site, `name` what it is called; `domains` the domain of each runbook, by its id.
    Each panel leads to the runbook of its alert.
    """
    found: dict[str, list[Alert]] = {}
    for alert in alerts:
        if alert.expr and alert.runbook in domains:
            found.setdefault(domains[alert.runbook], []).append(alert)
    return {
        domain: json.dumps(_dashboard(domain, name, site, known), indent=1, ensure_ascii=False) + "\n"
        for domain, known in found.items()
    }


def _dashboard(domain: str, name: str, site: str, alerts: list[Alert]) -> dict[str, Any]:
    return {
        "uid": f"runbooks-{domain}",
        "title": f"{name}: {domain.replace('-', ' ')}",
        "tags": ["runbooks"],
        "schemaVersion": _SCHEMA_VERSION,
        "editable": True,
        "time": {"from": "now-3h", "to": "now"},
        "refresh": "30s",
        "templating": {
            "list": [{"name": "source", "label": "Prometheus", "type": "datasource", "query": "prometheus"}]
        },
        "links": [{"title": "Runbooks", "type": "link", "url": site, "targetBlank": True}],
        "panels": [_panel(number, alert, site) for number, alert in enumerate(alerts)],
    }


def _panel(number: int, alert: Alert, site: str) -> dict[str, Any]:
    return {
        "id": number + 1,
        "type": "timeseries",
        "title": alert.name,
        "description": f"{alert.means}. Rings: {alert.limit}, for {alert.hold}.",
        "gridPos": {
            "x": number % _COLUMNS * _WIDTH,
            "y": number // _COLUMNS * _HEIGHT,
            "w": _WIDTH,
            "h": _HEIGHT,
        },
        "datasource": _SOURCE,
        "targets": [
            {"refId": chr(ord("A") + place), "expr": reading, "datasource": _SOURCE}
            for place, reading in enumerate(alert.readings)
        ],
        "fieldConfig": {
            "defaults": {
                "unit": _UNITS.get(alert.unit, "short"),
                "thresholds": {"mode": "absolute", "steps": _steps(alert)},
                "custom": {"thresholdsStyle": {"mode": "line"}},
            },
            "overrides": [],
        },
        "links": [{"title": "Runbook", "url": runbook_url(site, alert), "targetBlank": True}],
    }


def _steps(alert: Alert) -> list[dict[str, Any]]:
    """Grafana's steps go upwards: the first is what holds below the threshold."""
    colours = ("red", "green") if alert.comparison == "below" else ("green", "red")
    return [{"color": colours[0], "value": None}, {"color": colours[1], "value": alert.threshold}]
