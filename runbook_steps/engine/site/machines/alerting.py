"""What rings: the rules of Prometheus and the routes of Alertmanager, made of the alerts. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import yaml

from runbook_steps.engine.sources.alerts_file import Alert, runbook_url
from runbook_steps.engine.sources.people_and_levels import Severity

__all__ = ["WATCHDOG", "WATCHDOG_URL", "Pace", "alertmanager_config", "prometheus_rules", "word"]

WATCHDOG = "Watchdog"
"""The alert that always rings: its route says to somebody outside that the way is whole."""
WATCHDOG_URL = "https://watchdog.example/replace-this"
"""A place to fill in: the service outside that tells somebody when the watchdog falls silent."""
_REPEAT = ("1h", "4h")
"""How often the two worst severities come again, which also wake the owner of the page; all others once a day."""
_REPEAT_OTHERS = "24h"
_SECRETS = "/etc/alertmanager/secrets"
_NOT_A_WORD = re.compile(r"[^a-z0-9]+")
_TITLE = '{{ .CommonAnnotations.summary }}{{ if eq .Status "resolved" }} (over){{ end }}'
_TEXT = (
    "{{ range .Alerts }}{{ .Labels.alertname }}: {{ .Annotations.description }}\n"
    "{{ .Annotations.runbook_url }}\n{{ end }}"
)


@dataclass(frozen=True)
class Pace:
    """How fast alerts go: empty times are those of the data file. A drill shortens them, and nothing else.

    `hold` takes the place of `for`, `window` of the window of every rate, `keep` of the time an alert goes on ringing
    when its reading stops; times as Prometheus writes them. `age_s` takes the place of a threshold that is an age,
    in seconds: such a one is a window too.
    """

    hold: str = ""
    window: str = ""
    keep: str = "5m"
    age_s: float | None = None


PRODUCTION = Pace()


def prometheus_rules(
    alerts: Iterable[Alert], site: str, group: str, owners: Mapping[str, str], pace: Pace = PRODUCTION
) -> str:
    """The rules file of those alerts that Prometheus can raise, YAML.

    `site` is the address of the site; `owners` the role that owns each runbook, by the runbook's id.
    """
    rules = [
        {
            "alert": alert.name,
            "expr": _expression(alert, pace),
            "for": pace.hold if pace.hold and alert.hold != "0s" else alert.hold,
            **({"keep_firing_for": pace.keep} if pace.keep != "0s" else {}),
            "labels": {"severity": alert.severity.lower(), **_owner(owners.get(alert.runbook, ""))},
            "annotations": {
                "summary": alert.means,
                "description": f"Threshold: {alert.limit}, for {alert.hold}.",
                "runbook_url": runbook_url(site, alert),
            },
        }
        for alert in alerts
        if alert.expr
    ]
    document = {"groups": [{"name": group, "rules": rules}]}
    return yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=1000)


def _expression(alert: Alert, pace: Pace) -> str:
    window = pace.window or alert.window
    reading = alert.expr.replace("$window", window)
    if pace.age_s is not None and alert.is_age:
        younger = replace(alert, threshold=pace.age_s).ends
        reading = " or ".join(f"{each} {younger}" for each in alert.readings_over(window))
    return f"{reading} or {alert.absent}" if alert.absent else reading


def _owner(role: str) -> dict[str, str]:
    return {"owner": word(role)} if role else {}


def word(text: str) -> str:
    """A name of Alertmanager and of files: `DevOps Lead` → `devops_lead`, `#alerts-critical` → `alerts_critical`."""
    return _NOT_A_WORD.sub("_", text.lower()).strip("_")


def alertmanager_config(
    alerts: Iterable[Alert], severities: Mapping[str, Severity], owners: Mapping[str, str], watchdog_url: str
) -> str:
    """The configuration of Alertmanager, YAML: what rings is told in the channel of its severity, the worst first.

    The two worst severities also wake the role that owns the runbook. Secrets are files in /etc/alertmanager/secrets,
    named here and never written: `slack_url_<channel>` (a webhook posts to its own channel only) and
    `pagerduty_key_<role>`. `watchdog_url` is the service outside that tells somebody when the watchdog falls silent.
    An alert is held back while one that explains it rings (`silenced_by`, for the same `silenced_on`).
    """
    known = list(alerts)
    levels = [name for name in severities if any(alert.severity == name for alert in known)]
    waking = levels[: len(_REPEAT)]
    roles = sorted({owners[a.runbook] for a in known if a.severity in waking and a.runbook in owners})
    document = {
        "route": {
            "receiver": word(levels[0]),  # what has no severity is treated as the worst: silence costs most
            "group_by": ["alertname", "instance"],
            "group_wait": "30s",
            "group_interval": "5m",
            "repeat_interval": "4h",
            "routes": [*_routes(levels, waking, roles)],
        },
        "inhibit_rules": [
            {
                "source_matchers": [f'alertname=~"{"|".join(alert.silenced_by)}"'],
                "target_matchers": [f'alertname="{alert.name}"'],
                **({"equal": list(alert.silenced_on)} if alert.silenced_on else {}),
            }
            for alert in known
            if alert.silenced_by
        ],
        "receivers": [
            {"name": "watchdog", "webhook_configs": [{"url": watchdog_url, "send_resolved": False}]},
            *(_told(severities[name]) for name in levels),
            *(_woken(role) for role in roles),
        ],
    }
    return yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=1000)


def _routes(levels: list[str], waking: list[str], roles: list[str]) -> Iterator[dict[str, Any]]:
    yield {
        "receiver": "watchdog",
        "matchers": [f'alertname="{WATCHDOG}"'],
        "group_wait": "0s",
        "group_interval": "1m",
        "repeat_interval": "5m",
    }
    for name in waking:
        for role in roles:
            yield {
                "receiver": f"wake_{word(role)}",
                "matchers": [f'severity="{name.lower()}"', f'owner="{word(role)}"'],
                "group_wait": "10s",
                "repeat_interval": _REPEAT[waking.index(name)],
                "continue": True,  # the channel hears of it too
            }
    for rank, name in enumerate(levels):
        repeat = _REPEAT[rank] if rank < len(_REPEAT) else _REPEAT_OTHERS
        yield {"receiver": word(name), "matchers": [f'severity="{name.lower()}"'], "repeat_interval": repeat}


def _told(severity: Severity) -> dict[str, Any]:
    """Its channel; a severity without one goes to the channel file of its own name."""
    channel = severity.channel or severity.name
    slack = {
        "api_url_file": f"{_SECRETS}/slack_url_{word(channel)}",
        "send_resolved": True,
        "title": f"{severity.name}: {_TITLE}",
        "text": _TEXT,
    }
    return {"name": word(severity.name), "slack_configs": [slack]}


def _woken(role: str) -> dict[str, Any]:
    page = {
        "routing_key_file": f"{_SECRETS}/pagerduty_key_{word(role)}",
        "send_resolved": True,
        "description": _TITLE,
        "links": [{"href": "{{ .CommonAnnotations.runbook_url }}", "text": "Runbook"}],
    }
    return {"name": f"wake_{word(role)}", "pagerduty_configs": [page]}
