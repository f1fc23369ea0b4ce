"""The strip on top of a runbook, and the lists on the home page. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence

from runbook_steps.engine.model import Evidence, FrontMatter, Risk, Runbook
from runbook_steps.engine.proof.standing import Standing, Tone, standings
from runbook_steps.engine.run.plan import has_no_undo
from runbook_steps.engine.site.blocks.procedure import risk_badge
from runbook_steps.engine.site.navigation import folder_title, in_order, ordered
from runbook_steps.engine.site.search_weights import UNSEARCHED
from runbook_steps.engine.site.words import commit_text, duration, local_time, minutes, sign
from runbook_steps.engine.sources.order_file import Order
from runbook_steps.engine.sources.page_file import SECTIONS
from runbook_steps.engine.sources.people_and_levels import Contact, Severity
from runbook_steps.engine.text.html_text import inert, markdown_text, slug

__all__ = ["runbook_list", "section_list", "status_strip", "symptom_list"]

_MOST_REASONS = 12
_JUMPS = ("Diagnosis", "Mitigation", "Verification", "Rollback", "Escalation")


def status_strip(
    runbook: Runbook,
    evidence: Sequence[Evidence],
    severities: Mapping[str, Severity],
    contacts: Mapping[str, Contact],
    usual_parts: Sequence[str] = (),
) -> str:
    """What a person needs first: is it proven, how dangerous, how long, who to call."""
    named = _named(runbook, usual_parts)
    verdicts = "".join(_verdict(standing, named) for standing in standings(runbook, evidence))
    facts = _facts(runbook, severities, contacts)
    jumps = " ".join(f'<a href="#{slug(name)}">{name}</a>' for name in SECTIONS if name in _JUMPS)
    return (
        # a <section>, because what the search leaves out must hold no element of its own kind
        f'\n<section class="rb-status" aria-label="Status of this runbook" {UNSEARCHED}>{verdicts}'
        f'<dl class="rb-keys">{facts}</dl>'
        f'<nav class="rb-jumps" aria-label="Parts of this runbook">{jumps}</nav></section>\n'
    )


def _verdict(standing: Standing, named: Callable[[str], bool]) -> str:
    details = _details(standing)
    return (
        f'<div class="rb-verdict rb-{standing.tone}">'
        f'<span class="rb-sign" aria-hidden="true">{sign(standing.tone)}</span>'
        f"<div><p><strong>{inert(standing.headline)}</strong>{inert(details)}</p>"
        + _reasons(standing)
        + _emulated(standing, named)
        + "</div></div>"
    )


def _reasons(standing: Standing) -> str:
    """What failed is told at once; the rest is folded, so that the first command stays on the first screen."""
    shown = standing.reasons[:1] if standing.tone is Tone.BAD else ()
    folded = list(standing.reasons[len(shown) :][:_MOST_REASONS])
    if more := len(standing.reasons) - len(shown) - len(folded):
        folded.append(f"and {more} more")
    told = f'<ul class="rb-reasons"><li>{inert(shown[0])}</li></ul>' if shown else ""
    if not folded:
        return told
    rest = "".join(f"<li>{inert(reason)}</li>" for reason in folded)
    return f'{told}<details class="rb-emulated"><summary>Why</summary><ul>{rest}</ul></details>'


def _named(runbook: Runbook, usual_parts: Sequence[str]) -> Callable[[str], bool]:
    """Tells whether a part, or a command, has to do with this page: it is started for it, or its commands call it."""
    parts = {*usual_parts, *(part for each in runbook.procedures for part in each.tagged("needs_"))}
    said = "\n".join(command.text for each in runbook.procedures for command in each.commands)
    return lambda name: name in parts or re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", said) is not None


def _emulated(standing: Standing, named: Callable[[str], bool]) -> str:
    """The parts of this page that were not the real ones, by name; what stood in for them on request."""
    parts = sorted((part, by) for part, by in standing.emulated.items() if named(part))
    if not parts:
        return ""
    names = inert(", ".join(part for part, _ in parts))
    each = "".join(f"<li>{inert(part)}: {inert(by)}</li>" for part, by in parts)
    return f'<details class="rb-emulated"><summary>Emulated: {names}</summary><ul>{each}</ul></details>'


def _details(standing: Standing) -> str:
    if standing.tone is Tone.NONE:
        return ""
    parts = [
        f"{standing.proven} of {standing.total} scenarios" if standing.proven < standing.total else "",
        local_time(standing.started),
        commit_text(standing.commits, dirty=standing.dirty),
        duration(standing.duration_s),
    ]
    return "".join(f" · {part}" for part in parts if part)


def _facts(runbook: Runbook, severities: Mapping[str, Severity], contacts: Mapping[str, Contact]) -> str:
    risk = max((procedure.risk for procedure in runbook.procedures), key=lambda r: r.rank, default=Risk.READONLY)
    worst = [procedure for procedure in runbook.procedures if procedure.risk is risk]
    badge = risk_badge(risk, undone=not any(map(has_no_undo, worst)))
    facts = [("Risk", badge + _rest(runbook, len(worst), risk), "rb-risk")]
    front = runbook.front_matter
    if front is not None:
        facts += _front_facts(front, severities, contacts)
    return "".join(f'<div class="{css}"><dt>{name}</dt><dd>{html}</dd></div>' for name, html, css in facts)


def _rest(runbook: Runbook, worst: int, risk: Risk) -> str:
    """How much of the page is less: who only wants to look need not be afraid of it."""
    reads = sum(procedure.risk is Risk.READONLY for procedure in runbook.procedures)
    if risk is Risk.READONLY or not reads:
        return ""
    return f'<span class="rb-meaning"> · {worst} of {len(runbook.procedures)} procedures; {reads} only read</span>'


def _front_facts(
    front: FrontMatter, severities: Mapping[str, Severity], contacts: Mapping[str, Contact]
) -> list[tuple[str, str, str]]:
    severity = severities.get(front.severity)
    owner = contacts.get(front.owner)
    reviewed = f"{front.reviewed}, a person’s claim" if front.reviewed else "not yet, by anyone"
    level = f"{severity.name}, response: {severity.response.lower()}" if severity else front.severity
    return [
        ("Time", inert(minutes(front.expected_minutes)), "rb-time"),
        ("Owner", inert(owner.role if owner else front.owner) + _nobody(owner), "rb-owner"),
        ("Severity", inert(level), "rb-severity"),
        ("Escalate", inert(severity.escalation if severity else "see Escalation"), "rb-escalate"),
        ("Reviewed", inert(reviewed), "rb-reviewed"),
    ]


def _nobody(owner: Contact | None) -> str:
    """A red word where the role has no name or number yet: who escalates there reaches nobody."""
    if owner is None or not owner.missing:
        return ""
    return f' <strong class="rb-nobody">✗ nobody can be reached: no {inert(", ".join(owner.missing))} yet</strong>'


def symptom_list(runbooks: Iterable[Runbook], evidence: Sequence[Evidence], order: Order) -> str:
    """Markdown: what a person sees → where to go, a table for each folder; links are relative to `docs/`."""
    found = [(runbook, front) for runbook, front in _with_front(runbooks) if front.symptoms]
    if not found:
        return "\nNo runbook names a symptom yet.\n"
    folders = in_order({runbook.stem.partition("/")[0] for runbook, _ in found}, order)
    lines = ["", " · ".join(f"[{markdown_text(folder_title(name))}](#{slug(name)})" for name in folders)]
    for folder in folders:
        head = f"### {markdown_text(folder_title(folder))} {{: #{slug(folder)} }}"
        lines += ["", head, "", "| What you see | Go to | Proof |", "| --- | --- | --- |"]
        for runbook in ordered((runbook for runbook, _ in found), folder, order):
            front = runbook.front_matter
            symptoms = front.symptoms if front else ()
            said = "<br>".join(markdown_text(symptom[:1].upper() + symptom[1:]) for symptom in symptoms)
            link = _link(runbook, front) if front else ""
            lines.append(f"| {said} | {link} | {_short_proof(runbook, evidence)} |")
    return "\n".join([*lines, ""])


def runbook_list(runbooks: Iterable[Runbook], evidence: Sequence[Evidence]) -> str:
    """A Markdown table of all runbooks: severity, alerts, services, proof."""
    rows = sorted(_with_front(runbooks), key=lambda row: row[1].title.casefold())
    if not rows:
        return "\nNo runbook is written yet.\n"
    lines = ["", "| Runbook | Severity | Alerts | Services | Proof |", "| --- | --- | --- | --- | --- |"]
    for runbook, front in rows:
        words = (front.severity, ", ".join(front.alerts), ", ".join(front.services))
        cells = " | ".join(markdown_text(word) or "–" for word in words)
        lines.append(f"| {_link(runbook, front)} | {cells} | {_short_proof(runbook, evidence)} |")
    return "\n".join([*lines, ""])


def section_list(runbooks: Iterable[Runbook], evidence: Sequence[Evidence]) -> str:
    """A Markdown table of the runbooks of one folder, in their order; links are relative to that folder."""
    rows = list(_with_front(runbooks))
    if not rows:
        return "\nNo runbook is written yet.\n"
    lines = ["", "| Runbook | When | Proof |", "| --- | --- | --- |"]
    for runbook, front in rows:
        when = markdown_text(front.symptoms[0][:1].upper() + front.symptoms[0][1:]) if front.symptoms else "–"
        link = (
            f"[{markdown_text(front.title)}]({runbook.stem.rpartition('/')[2]}.md)<br>{markdown_text(front.severity)}"
        )
        lines.append(f"| {link} | {when} | {_short_proof(runbook, evidence)} |")
    return "\n".join([*lines, ""])


def _with_front(runbooks: Iterable[Runbook]) -> list[tuple[Runbook, FrontMatter]]:
    return [(r, r.front_matter) for r in runbooks if r.front_matter is not None and r.page_path]


def _link(runbook: Runbook, front: FrontMatter) -> str:
    return f"[{markdown_text(front.title)}]({runbook.stem}.md)"


def _short_proof(runbook: Runbook, evidence: Sequence[Evidence]) -> str:
    return "<br>".join(
        f'<span class="rb-mark rb-{standing.tone}" aria-hidden="true">{sign(standing.tone)}</span> '
        f"{inert(standing.headline)}"
        for standing in standings(runbook, evidence)
    )
