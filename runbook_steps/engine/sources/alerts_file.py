"""The alerts that wake somebody, from `docs/data/alerts.yml`, and the files made of them. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from runbook_steps.engine.errors import PageError, Position
from runbook_steps.engine.text.data_file import Entry, read_document

__all__ = [
    "ALERTS",
    "RINGS",
    "SILENT",
    "Alert",
    "alerts_json",
    "alternatives",
    "parse_alerts",
    "runbook_url",
    "seconds_of",
]

ALERTS = "docs/data/alerts.yml"
COMPARISONS: Mapping[str, tuple[str, str]] = {
    "above": (">", "above"),
    "at_least": (">=", "at least"),
    "below": ("<", "below"),
}
"""Key of the data file → the sign of an expression, and the words of a page."""
_KEYS = frozenset(
    {"alert", "means", "severity", "runbook", "unit", "source", "for", "expr", "rings_from", "cloudwatch", "called"}
    | {"metric", "also", "window", "absent", "silenced_by", "silenced_on", "no_drill", *COMPARISONS}
)
_NAME = re.compile(r"[A-Z][A-Za-z0-9]*")
RINGS = r"the alert (?P<alert>[A-Z][A-Za-z0-9]*) rings"
SILENT = r"the alert (?P<alert>[A-Z][A-Za-z0-9]*) falls silent again"
"""The steps of a scenario that watch an alert; what the steps note is what the index of alerts shows."""
_TIME = re.compile(r"(?:(?P<d>\d+)d)?(?:(?P<h>\d+)h)?(?:(?P<m>\d+)m)?(?:(?P<s>\d+)s)?")
_WINDOW = "$window"
_SHORTEST_WINDOW_S = 120  # a rate needs two scrapes, which are up to a minute apart


@dataclass(frozen=True)
class Alert:
    """One alert. `comparison` is a key of COMPARISONS, `threshold` in `unit`; `source` tells where the number is from.

    `runbook` is the id of the page it leads to. `hold` is how long the threshold must be passed before it rings, like
    `5m` or `1h30m`. Either `expr` (Prometheus) or `rings_from` (words) says what raises it; `$window` in `expr` stands
    for the time `window`. `absent` is the expression of its case of absence: the reading itself is gone. It is held
    back while one of `silenced_by` rings with the same labels `silenced_on`. `no_drill` is why no drill makes it ring.
    `called` are the words of pages for the reading, `also` its other limits there. `cloudwatch` is the alarm with the
    same threshold, on CloudWatch's `metric`; all may be empty.
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
    window: str = ""
    absent: str = ""
    rings_from: str = ""
    cloudwatch: str = ""
    metric: str = ""
    called: tuple[str, ...] = ()
    also: tuple[float, ...] = ()
    silenced_by: tuple[str, ...] = ()
    silenced_on: tuple[str, ...] = ()
    no_drill: str = ""

    @property
    def limit(self) -> str:
        """The threshold in words: `above 85 %`."""
        return f"{COMPARISONS[self.comparison][1]} {self.threshold:g} {self.unit}"

    @property
    def is_age(self) -> bool:
        """Whether the threshold is a time that goes by: what is counted in seconds grows by itself."""
        return self.unit == "s"

    @property
    def ends(self) -> str:
        """How each alternative of `expr` ends: `> 60`."""
        return f"{COMPARISONS[self.comparison][0]} {self.threshold:g}"

    @property
    def readings(self) -> tuple[str, ...]:
        """What `expr` compares with the threshold, in the unit: PromQL, one for each `or`; none without `expr`."""
        return self.readings_over(self.window)

    def readings_over(self, window: str) -> tuple[str, ...]:
        """The same over another window, like `4s`."""
        known = alternatives(self.expr.replace(_WINDOW, window)) if self.expr else ()
        return tuple(part.strip().removesuffix(self.ends).strip() for part in known)


def parse_alerts(text: str, path: str) -> Mapping[str, Alert]:
    """Name → alert, in the order of the file. Raises PageError for what is not as it should be, or stands twice."""
    found: dict[str, Alert] = {}
    for entry in read_document(text, path).entries("alerts"):
        alert = _alert(entry)
        if (first := found.setdefault(alert.name, alert)) is not alert:
            raise PageError(entry.position, f"the alert {alert.name} stands twice, first at line {first.position.line}")
    if not found:
        raise PageError(Position(path, 1), "needs a list `alerts:`")
    for alert in found.values():
        for name in alert.silenced_by:
            if name not in found or name == alert.name:
                raise PageError(alert.position, f"{alert.name} is `silenced_by` {name}, which is no other alert here")
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
        silenced_by=entry.texts("silenced_by"),
        silenced_on=entry.texts("silenced_on"),
        **{key: entry.text(key) for key in ("means", "severity", "runbook", "unit", "source")},
        **{
            key: entry.text(key, default="")
            for key in ("expr", "window", "absent", "rings_from", "no_drill", "cloudwatch", "metric")
        },
    )
    _refuse_bad_expression(alert)
    if bool(alert.cloudwatch) != bool(alert.metric):
        raise PageError(alert.position, f"{name} needs `cloudwatch:` and `metric:`, or neither")
    return alert


def _refuse_bad_expression(alert: Alert) -> None:
    if bool(alert.expr) == bool(alert.rings_from):
        raise PageError(alert.position, f"{alert.name} needs `expr:` or `rings_from:`, and not both")
    if not alert.expr:
        return
    for key, value in (("for", alert.hold), *([("window", alert.window)] if _WINDOW in alert.expr else [])):
        if seconds_of(value) is None:
            raise PageError(alert.position, f"{alert.name} needs `{key}:`, a time like `5m` or `1h30m`")
    if alert.window and (seconds_of(alert.window) or 0) < _SHORTEST_WINDOW_S:
        raise PageError(alert.position, f"the `window:` of {alert.name} must hold several scrapes: at least 2m")
    if alert.window and _WINDOW not in alert.expr:
        raise PageError(alert.position, f"the `expr` of {alert.name} has no `[{_WINDOW}]` for its `window:`")
    for part in alternatives(alert.expr):
        if not re.search(rf"(?<![<>=]) {re.escape(alert.ends)}$", part.rstrip()):
            raise PageError(alert.position, f"the `expr` of {alert.name} must end with its threshold, `{alert.ends}`")


def alternatives(expr: str) -> list[str]:
    """What stands around each `or` of an expression, outside of brackets."""
    parts, depth = [""], 0
    for word in re.split(r"(\(|\)|\bor\b)", expr):
        depth += (word == "(") - (word == ")")
        if word == "or" and depth == 0:
            parts.append("")
        else:
            parts[-1] += word
    return parts


def seconds_of(time: str) -> int | None:
    """A time of Prometheus in seconds: `90s`, `5m`, `1h30m`; None when it is none."""
    found = _TIME.fullmatch(time) if time else None
    if found is None:
        return None
    return sum(int(found[unit] or 0) * size for unit, size in (("d", 86400), ("h", 3600), ("m", 60), ("s", 1)))


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
            "expr": alert.expr.replace(_WINDOW, alert.window),
            "absent": alert.absent,
            "rings_from": alert.rings_from,
            "cloudwatch": alert.cloudwatch,
            "runbook": alert.runbook,
            "runbook_url": runbook_url(site, alert),
        }
        for alert in alerts
    ]
    return json.dumps({"site": site, "alerts": rows}, indent=1, ensure_ascii=False) + "\n"
