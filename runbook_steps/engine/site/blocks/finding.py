"""What leads a person from what is on the screen to a runbook: on the home page, and on the runbook itself. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence

from runbook_steps.engine.model import Evidence, FrontMatter, Runbook
from runbook_steps.engine.site.blocks.alerts import alert_text, by_severity, proven
from runbook_steps.engine.site.build.short_addresses import FOLDER
from runbook_steps.engine.site.navigation import in_order
from runbook_steps.engine.sources.alerts_file import Alert
from runbook_steps.engine.sources.order_file import Order
from runbook_steps.engine.sources.people_and_levels import Severity
from runbook_steps.engine.text.html_text import code_spans, inert, markdown_text, slug

__all__ = ["error_list", "found_by", "service_list", "severity_list", "start_here"]

_Row = tuple[Runbook, FrontMatter]


# ── a runbook ────────────────────────────────────────────────────────────────────────────────────


def found_by(
    runbook: Runbook, alerts: Mapping[str, Alert], evidence: Iterable[Evidence], site: str, *, folders: bool = True
) -> str:
    """HTML, folded: the alerts, messages, symptoms and services that lead here, and the short address.

    It stands before the first heading, so that the search finds the page by all of it. `site` is the address of the
    site; `folders`: its pages are `name/index.html`, not `name.html`.
    """
    front = runbook.front_matter
    if front is None:
        return ""
    evidence = list(evidence)
    up = "../" * (runbook.stem.count("/") + folders)
    rows = (
        ("Alerts", [_alert(alerts.get(name), name, evidence, up) for name in front.alerts]),
        ("Messages", [f"<code>{inert(text)}</code>" for text in front.errors]),
        ("Symptoms", [code_spans(text) for text in front.symptoms]),
        ("Services", [f'<a href="{up}index.html#{_anchor(name)}">{inert(name)}</a>' for name in front.services]),
    )
    lists = "".join(
        f"<p>{name}</p><ul>{''.join(f'<li>{item}</li>' for item in items)}</ul>" for name, items in rows if items
    )
    return (
        '\n<details class="rb-found no-copy"><summary>What leads here: alerts, messages, short address</summary>'
        f"{lists}{_short_address(front, site, up)}</details>\n"
    )


def _alert(alert: Alert | None, name: str, evidence: Iterable[Evidence], up: str) -> str:
    if alert is None:
        return inert(name)
    said = f"{alert_text(alert)}; {proven(alert, evidence)}"
    return f'<a href="{up}alerts/index.html#{slug(name)}">{inert(name)}</a> – {said}'


def _short_address(front: FrontMatter, site: str, up: str) -> str:
    path = f"{FOLDER}/{front.id}/"
    address = f"{site.rstrip('/')}/{path}"
    return (
        "<p>For alerts and bookmarks, the same after every move:<br>"
        f'<a href="{up}{path}index.html">{inert(address)}</a></p>'
    )


# ── the home page ────────────────────────────────────────────────────────────────────────────────


def start_here(
    runbooks: Iterable[Runbook], alerts: Mapping[str, Alert], severities: Mapping[str, Severity], order: Order
) -> str:
    """Markdown for the first screen of a phone: where to type, the worst runbooks, every alert by its name."""
    rows = _with_front(runbooks)
    worst = next(iter(severities), "")
    lines = ["", '<label class="rb-search" for="__search">Search: a message, an alert, a command</label>']
    lines += [line for row in _by_domain(rows, order) if row[1].severity == worst for line in _worst(row)]
    by_id = {front.id: (runbook, front) for runbook, front in rows}
    ringing = by_severity(alerts, severities)
    for level in dict.fromkeys(alert.severity for alert in ringing):
        chips = [
            f"[{alert.name}]({by_id[alert.runbook][0].stem}.md){{ .rb-chip }}"
            for alert in ringing
            if alert.severity == level and alert.runbook in by_id
        ]
        if chips:
            lines += ["", f"**Alerts, {markdown_text(level)}** {' '.join(chips)}", "{: .rb-chips }"]
    return "\n".join([*lines, ""])


def error_list(runbooks: Iterable[Runbook]) -> str:
    """Markdown: every message that a page knows, word for word, and where it leads; in the order of the alphabet."""
    found = [(text, row) for row in _with_front(runbooks) for text in row[1].errors]
    if not found:
        return "\nNo runbook names a message yet.\n"
    lines = [
        f"<code>{inert(text)}</code><br>{_link(row)}\n{{: .rb-message }}\n"
        for text, row in sorted(found, key=lambda each: (re.sub(r"\W", "", each[0]).casefold(), each[1][0].stem))
    ]
    return "\n".join(["", *lines])


def service_list(runbooks: Iterable[Runbook]) -> str:
    """Markdown: the runbooks of each service, each service has an anchor."""
    rows = _with_front(runbooks)
    return _groups({name: [row for row in rows if name in row[1].services] for name in _services(rows)}, _anchor)


def severity_list(runbooks: Iterable[Runbook], severities: Mapping[str, Severity]) -> str:
    """Markdown: the runbooks of each severity, the worst first; each severity has an anchor."""
    rows = _with_front(runbooks)
    groups = {name: [row for row in rows if row[1].severity == name] for name in severities}
    return _groups(groups, lambda name: f"severity-{slug(name)}")


def _groups(groups: Mapping[str, Sequence[_Row]], anchor: Callable[[str], str]) -> str:
    lines = [""]
    for name, rows in groups.items():
        if rows:
            links = " · ".join(_link(row) for row in rows)
            lines += [f"**{markdown_text(name)}** {links}", f"{{: #{anchor(name)} .rb-group }}", ""]
    return "\n".join(lines)


def _services(rows: Iterable[_Row]) -> list[str]:
    return sorted({name for _, front in rows for name in front.services})


def _anchor(service: str) -> str:
    return f"service-{slug(service)}"


def _with_front(runbooks: Iterable[Runbook]) -> list[_Row]:
    rows = [(runbook, front) for runbook in runbooks if (front := runbook.front_matter) and runbook.page_path]
    return sorted(rows, key=lambda row: row[1].title.casefold())


def _link(row: _Row) -> str:
    return f"[{markdown_text(row[1].title)}]({row[0].stem}.md)"


def _worst(row: _Row) -> tuple[str, ...]:
    """What a person sees is what is touched; the title stands below it."""
    runbook, front = row
    seen = front.symptoms[0] if front.symptoms else front.title
    link = f"[{markdown_text(seen[:1].upper() + seen[1:])}]({runbook.stem}.md)"
    return "", f"{link}<br><small>{markdown_text(front.title)}</small>", "{: .rb-worst }"


def _by_domain(rows: Iterable[_Row], order: Order) -> list[_Row]:
    """As the navigation has them: what is done first in an incident stands first."""
    known = list(rows)
    folders = in_order({runbook.stem.partition("/")[0] for runbook, _ in known}, order)
    return [row for folder in folders for row in known if row[0].stem.startswith(f"{folder}/")]
