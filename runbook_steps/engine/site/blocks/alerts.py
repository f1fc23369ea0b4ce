"""The index of alerts: a table to scan, and a section for each with what it means and where it comes from. Pure."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator, Mapping, Sequence

from runbook_steps.engine.model import Evidence, FrontMatter, Runbook
from runbook_steps.engine.proof.alert_trials import Trial
from runbook_steps.engine.proof.ringing import ringing_of
from runbook_steps.engine.sources.alerts_file import Alert
from runbook_steps.engine.sources.people_and_levels import Severity
from runbook_steps.engine.text.html_text import code_spans, inert, markdown_text, slug

__all__ = ["alert_index", "alert_text", "by_severity", "proven"]


def alert_index(
    alerts: Mapping[str, Alert],
    runbooks: Iterable[Runbook],
    severities: Mapping[str, Severity],
    evidence: Iterable[Evidence],
    page: str,
    *,
    trials: Mapping[str, Sequence[Trial]] | None = None,
) -> str:
    """Markdown: the alerts of each severity, the worst first, then one anchor for each by name.

    `page` is the page it stands on, like `docs/alerts/index.md`; `trials` are the faults made by hand, by alert.
    """
    evidence = list(evidence)
    if not alerts:
        return "\nNo alert is defined yet.\n"
    known = [(runbook, front) for runbook in runbooks if (front := runbook.front_matter) and runbook.page_path]
    lines = ["", "| Alert | Go to | Rings | Severity | Proven |", "| --- | --- | --- | --- | --- |"]
    for alert in by_severity(alerts, severities):
        link = _link(known, alert.runbook, page)
        limit = markdown_text(alert.limit)
        lines.append(
            f"| [{alert.name}](#{slug(alert.name)}) | {link} | {limit} | {alert.severity} | {proven(alert, evidence)} |"
        )
    for alert in sorted(alerts.values(), key=lambda each: each.name.casefold()):
        lines += ["", f"## {alert.name} {{: #{slug(alert.name)} }}", "", *_entry(alert, known, evidence, page)]
        lines += _tried(alert, trials or {})
    return "\n".join([*lines, ""])


def by_severity(alerts: Mapping[str, Alert], severities: Mapping[str, Severity]) -> list[Alert]:
    """The worst first, in the order of the file."""
    order = list(severities)
    return sorted(alerts.values(), key=lambda a: order.index(a.severity) if a.severity in order else len(order))


def alert_text(alert: Alert) -> str:
    """HTML: what it means and when it rings, in one line."""
    hold = f" for {inert(alert.hold)}" if alert.hold else ""
    return f"{code_spans(alert.means)}: {inert(alert.limit)}{hold}"


def proven(alert: Alert, evidence: Iterable[Evidence]) -> str:
    """In words: how fast it rang and fell silent in a drill, or that no drill ever made it ring."""
    found = ringing_of(alert.name, evidence)
    return inert(found.words) if found else "never proven to ring"


def _entry(
    alert: Alert, known: list[tuple[Runbook, FrontMatter]], evidence: list[Evidence], page: str
) -> Iterator[str]:
    raised = (
        code_spans(alert.rings_from)
        if alert.rings_from
        else f"<code>{inert(alert.expr.replace('$window', alert.window))}</code>"
    )
    others = [
        _link(known, front.id, page) for _, front in known if alert.name in front.alerts and front.id != alert.runbook
    ]
    yield f"{code_spans(alert.means)}."
    yield ""
    yield f"- Go to: **{_link(known, alert.runbook, page)}**" + (f", then {', '.join(others)}" if others else "")
    yield f"- Severity: {alert.severity}"
    yield f"- Rings: {inert(alert.limit)}" + (f", for {inert(alert.hold)}" if alert.hold else "")
    yield f"- Number from: {code_spans(alert.source)}"
    yield f"- Raised by: {raised}"
    if alert.absent:
        yield f"- Rings too when the reading is gone: <code>{inert(alert.absent)}</code>"
    if alert.silenced_by:
        same = f" (of the same {', '.join(alert.silenced_on)})" if alert.silenced_on else ""
        yield f"- Held back while one of these explains it: {', '.join(alert.silenced_by)}{same}"
    yield f"- Proven: {_at_length(alert, evidence)}"
    if alert.cloudwatch:
        yield f"- CloudWatch alarm: <code>{inert(alert.cloudwatch)}</code>"


def _at_length(alert: Alert, evidence: list[Evidence]) -> str:
    if ringing_of(alert.name, evidence) or not alert.no_drill:
        return proven(alert, evidence)
    return f"{proven(alert, evidence)}. No drill can: {code_spans(alert.no_drill)}"


def _tried(alert: Alert, trials: Mapping[str, Sequence[Trial]]) -> Iterator[str]:
    """Only what Prometheus raises can be tried in it."""
    if not alert.expr:
        return
    found = [inert(trial.words) for trial in trials.get(alert.name, ())]
    yield f"- Tried in a real Prometheus, the fault made by hand: {'; '.join(found) or 'not in this build'}"


def _link(known: list[tuple[Runbook, FrontMatter]], name: str, page: str) -> str:
    found = next(((runbook, front) for runbook, front in known if front.id == name), None)
    if found is None:
        return markdown_text(name)
    target = posixpath.relpath(f"docs/{found[0].stem}.md", posixpath.dirname(page))
    return f"[{markdown_text(found[1].title)}]({target})"
