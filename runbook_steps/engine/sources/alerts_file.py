"""The alerts that wake somebody, from `docs/data/alerts.yml`, and the files made of them. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import yaml

from runbook_steps.engine.errors import PageError, Position
from runbook_steps.engine.text.data_file import Entry, read_document

__all__ = ["ALERTS", "Alert", "alerts_json", "parse_alerts", "prometheus_rules", "runbook_url"]

ALERTS = "docs/data/alerts.yml"
COMPARISONS: Mapping[str, tuple[str, str]] = {
    "above": (">", "above"),
    "at_least": (">=", "at least"),
    "below": ("<", "below"),
}
"""Key of the data file → the sign of an expression, and the words of a page."""
_KEYS = frozenset(
    {"alert", "means", "severity", "runbook", "unit", "source", "for", "expr", "rings_from", "cloudwatch", "called"}
    | {"also", *COMPARISONS}
)
_NAME = re.compile(r"[A-Z][A-Za-z0-9]*")
_FOR = re.compile(r"[1-9]\d*[smhd]")


@dataclass(frozen=True)
class Alert:
    """One alert. `comparison` is a key of COMPARISONS, `threshold` in `unit`; `source` tells where the number is from.

    `runbook` is the id of the page it leads to. `hold` is how long the threshold must be passed before it rings, like
    `5m`. Either `expr` (Prometheus) or `rings_from` (words) says what raises it. `called` are the words of pages for
    the reading, `also` its other limits there. `cloudwatch` is the alarm with the same threshold; all may be empty.
    """

    name: str
    means: str
    severity: str
    runbook: str
    comparison: str
    threshold: float
    unit: str
    source: str
    position: Position
    hold: str = ""
    expr: str = ""
    rings_from: str = ""
    cloudwatch: str = ""
    called: tuple[str, ...] = ()
    also: tuple[float, ...] = ()

    @property
    def limit(self) -> str:
        """The threshold in words: `above 85 %`."""
        return f"{COMPARISONS[self.comparison][1]} {self.threshold:g} {self.unit}"


def parse_alerts(text: str, path: str) -> Mapping[str, Alert]:
    """Name → alert, in the order of the file. Raises PageError for what is not as it should be, or stands twice."""
    found: dict[str, Alert] = {}
    for entry in read_document(text, path).entries("alerts"):
        alert = _alert(entry)
        if (first := found.setdefault(alert.name, alert)) is not alert:
            raise PageError(entry.position, f"the alert {alert.name} stands twice, first at line {first.position.line}")
    if not found:
        raise PageError(Position(path, 1), "needs a list `alerts:`")
    return found


def _alert(entry: Entry) -> Alert:
    entry.only(_KEYS)
    name = entry.text("alert")
    if not _NAME.fullmatch(name):
        raise PageError(entry.position, f"“{name}” is no name of an alert: write it like RedisMemoryHigh")
    compared = [key for key in COMPARISONS if key in entry.values]
    if len(compared) != 1:
        raise PageError(entry.position, f"{name} needs one threshold: `above:`, `at_least:` or `below:`")
    alert = Alert(
        name=name,
        comparison=compared[0],
        threshold=entry.number(compared[0]),
        position=entry.position,
        hold=entry.text("for", default=""),
        called=entry.texts("called"),
        also=entry.numbers("also"),
        **{key: entry.text(key) for key in ("means", "severity", "runbook", "unit", "source")},
        **{key: entry.text(key, default="") for key in ("expr", "rings_from", "cloudwatch")},
    )
    _refuse_bad_expression(alert)
    return alert


def _refuse_bad_expression(alert: Alert) -> None:
    if bool(alert.expr) == bool(alert.rings_from):
        raise PageError(alert.position, f"{alert.name} needs `expr:` or `rings_from:`, and not both")
    if not alert.expr:
        return
    if not _FOR.fullmatch(alert.hold):
        raise PageError(alert.position, f"{alert.name} needs `for:`, a time like `5m`")
    ends = f"{COMPARISONS[alert.comparison][0]} {alert.threshold:g}"
    if not re.search(rf"(?<![<>=]) {re.escape(ends)}$", alert.expr):
        raise PageError(alert.position, f"the `expr` of {alert.name} must end with its threshold, `{ends}`")


def runbook_url(site: str, alert: Alert) -> str:
    """The short address of the alert's runbook; `site` is the address of the site."""
    return f"{site.rstrip('/')}/r/{alert.runbook}/"


def alerts_json(alerts: Iterable[Alert], site: str) -> str:
    """Every alert for a machine, as JSON. `site` is the address of the site."""
    rows = [
        {
            "alert": alert.name,
            "means": alert.means,
            "severity": alert.severity,
            "comparison": alert.comparison,
            "threshold": alert.threshold,
            "unit": alert.unit,
            "source": alert.source,
            "for": alert.hold,
            "expr": alert.expr,
            "rings_from": alert.rings_from,
            "cloudwatch": alert.cloudwatch,
            "runbook": alert.runbook,
            "runbook_url": runbook_url(site, alert),
        }
        for alert in alerts
    ]
    return json.dumps({"site": site, "alerts": rows}, indent=1, ensure_ascii=False) + "\n"


def prometheus_rules(alerts: Iterable[Alert], site: str) -> str:
    """The rules file of those alerts that Prometheus can raise. `site` is the address of the site."""
    rules = [
        {
            "alert": alert.name,
            "expr": alert.expr,
            "for": alert.hold,
            "labels": {"severity": alert.severity.lower()},
            "annotations": {
                "summary": alert.means,
                "description": f"Threshold: {alert.limit}, for {alert.hold}.",
                "runbook_url": runbook_url(site, alert),
            },
        }
        for alert in alerts
        if alert.expr
    ]
    document = {"groups": [{"name": "beautycort-runbooks", "rules": rules}]}
    return yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=1000)
