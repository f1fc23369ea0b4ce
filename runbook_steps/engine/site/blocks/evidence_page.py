"""What was recorded of one runbook on one target, as an HTML page of its own, without the theme. Pure.

A page like this for every runbook and target costs a build next to nothing: no Markdown, no template, no script.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import quote

from runbook_steps.engine.model import Evidence, Outcome, Procedure, Runbook, ScenarioRecord, StepRecord
from runbook_steps.engine.proof.standing import Standing, Verdict, standings, verdict
from runbook_steps.engine.site.words import duration, local_time, outcome_tone, sign
from runbook_steps.engine.text.html_text import html_text, slug

__all__ = ["Surroundings", "evidence_address", "evidence_data", "evidence_page"]

FOLDER = "evidence"
"""The folder of the built site that holds the views, and the evidence files themselves."""
STYLES = ("assets/stylesheets/runbooks.css", "assets/stylesheets/evidence.css")


@dataclass(frozen=True)
class Surroundings:
    """Where a view stands: the name of the site, whether its pages are `name/index.html`, and its page of proofs.

    `proof_page` is a stem, empty when there is none; `data`: the evidence file lies beside the view.
    """

    site: str
    folders: bool = True
    proof_page: str = ""
    data: bool = False


def evidence_address(target: str, stem: str) -> str:
    """Where the view of a runbook on a target is, below the site."""
    return f"{FOLDER}/{_folder(target)}/{stem}.html"


def evidence_data(target: str) -> str:
    """Where the evidence file of a target is, below the site."""
    return f"{FOLDER}/{_folder(target)}.json"


def _folder(target: str) -> str:
    """The target's own name where it is a good one, as those of the settings are."""
    return re.sub(r"[^\w-]+", "-", target)[:41].strip("-") or "target"


def evidence_page(runbook: Runbook, evidence: Evidence, around: Surroundings) -> str:
    """The whole page: the verdict, then every scenario with all that was recorded of it."""
    title = runbook.front_matter.title if runbook.front_matter else runbook.name
    parts = tuple(_Part.of(runbook, evidence))
    styles = "".join(f'<link rel="stylesheet" href="{_up(runbook, evidence)}{style}">\n' for style in STYLES)
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n<meta name="robots" content="noindex">\n'
        f"<title>{html_text(f'Evidence: {title} on {evidence.target} - {around.site}')}</title>\n{styles}"
        '</head>\n<body class="rb-evidence">\n'
        f"{_header(runbook, evidence, around, title)}"
        f"<main>\n<h1>{html_text(title)}<small>Evidence on {html_text(evidence.target)}</small></h1>\n"
        f"{_verdict(standings(runbook, (evidence,))[0], evidence)}{_contents(parts)}"
        f"{''.join(_scenario(part, runbook, evidence, around) for part in parts)}"
        "</main>\n</body>\n</html>\n"
    )


@dataclass(frozen=True)
class _Part:
    """A scenario, with a record for each row of an outline; `anchors` are one for itself, then one for each record."""

    procedure: Procedure
    known: Verdict
    anchors: tuple[str, ...]

    @classmethod
    def of(cls, runbook: Runbook, evidence: Evidence) -> Iterator[_Part]:
        """The scenarios in their order. No two of their anchors are the same."""
        taken: set[str] = set()
        for procedure in runbook.procedures:
            known = verdict(procedure, runbook.feature_path, evidence)
            rows = [_row(record) for record in known.records if procedure.examples]
            wanted = [slug(procedure.name), *(slug(f"{procedure.name} {row}") for row in rows)]
            yield cls(procedure, known, tuple(_free(name, taken) for name in wanted))


def _free(anchor: str, taken: set[str]) -> str:
    number, found = 1, anchor
    while found in taken:
        number += 1
        found = f"{anchor}-{number}"
    taken.add(found)
    return found


def _row(record: ScenarioRecord) -> str:
    return record.id.removesuffix("]").partition("[")[2]


# ── around the scenarios ─────────────────────────────────────────────────────────────────────────


def _up(runbook: Runbook, evidence: Evidence) -> str:
    return "../" * evidence_address(evidence.target, runbook.stem).count("/")


def _page(runbook: Runbook, evidence: Evidence, stem: str, around: Surroundings) -> str:
    return _up(runbook, evidence) + quote(f"{stem}/index.html" if around.folders else f"{stem}.html")


def _header(runbook: Runbook, evidence: Evidence, around: Surroundings, title: str) -> str:
    links = [f'<a href="{_page(runbook, evidence, runbook.stem, around)}">Runbook: {html_text(title)}</a>']
    if around.proof_page:
        links.append(f'<a href="{_page(runbook, evidence, around.proof_page, around)}">What is proven</a>')
    if around.data:
        file = evidence_data(evidence.target)
        name = html_text(posixpath.basename(file))
        links.append(f'<a href="{_up(runbook, evidence)}{quote(file)}" download="{name}">{name}, all of it</a>')
    items = "".join(f"<li>{link}</li>" for link in links)
    return f'<header><nav aria-label="Where this belongs"><ul>{items}</ul></nav></header>\n'


def _verdict(standing: Standing, evidence: Evidence) -> str:
    headline = standing.headline if standing.target else f"{standing.headline} on {evidence.target}"
    counted = f"{standing.proven} of {standing.total} scenarios proven; last run {local_time(evidence.written)}"
    return (
        f'<p class="rb-verdict rb-{standing.tone}">{_mark(sign(standing.tone))} <strong>{html_text(headline)}</strong>'
        f" <span>{html_text(counted)}</span></p>\n"
    )


def _contents(parts: Iterable[_Part]) -> str:
    items = "".join(
        f'<li class="rb-{outcome_tone(part.known.outcome)}">{_mark(sign(outcome_tone(part.known.outcome)))} '
        f'<a href="#{quote(part.anchors[0])}">{html_text(part.procedure.name)}</a> '
        f"<span>{part.known.outcome}</span></li>"
        for part in parts
    )
    if not items:
        return "<p>This runbook has no scenario yet.</p>\n"
    return f'<nav aria-label="Scenarios"><ul class="rb-contents">{items}</ul></nav>\n'


def _mark(shown: str) -> str:
    return f'<span class="rb-mark" aria-hidden="true">{shown}</span>'


# ── a scenario ───────────────────────────────────────────────────────────────────────────────────


def _scenario(part: _Part, runbook: Runbook, evidence: Evidence, around: Surroundings) -> str:
    name, anchor = html_text(part.procedure.name), part.anchors[0]
    page = _page(runbook, evidence, runbook.stem, around)
    there = f'<p><a href="{page}#{quote(slug(part.procedure.name))}">The procedure on its page</a></p>'
    told = []
    if part.procedure.examples:
        for record, own in zip(part.known.records, part.anchors[1:], strict=True):
            told.append(f'<div id="{own}"><h3>{html_text(_row(record))}</h3>{_record(record)}</div>')
    else:
        told += [_record(record) for record in part.known.records[:1]]
    if part.known.missing > 0:
        rows = f" for {part.known.missing} of its rows" if part.procedure.examples else ""
        why = f"No run on {evidence.target} has followed it yet{rows}."
        told.append(_facts([("Result", _result(Outcome.NEVER_PROVEN)), ("Why", html_text(why))]))
    return f'<section id="{anchor}">\n<h2>{name}</h2>\n{there}{"".join(told)}</section>\n'


def _record(record: ScenarioRecord) -> str:
    changes = "with uncommitted changes" if record.dirty else "nothing uncommitted"
    began = f'<time datetime="{html_text(record.started)}">{html_text(local_time(record.started))}</time>'
    facts = [
        ("Result", _result(record.outcome)),
        ("Why", f'<span class="rb-why">{html_text(_why(record))}</span>'),
        ("Started", began),
        ("Took", duration(record.duration_s)),
        ("Commit", f"<code>{html_text(record.commit)}</code>, {changes}"),
        ("Target", html_text(record.target)),
        ("Emulated", _pairs(record.emulated) or "nothing"),
        ("Tools", _pairs(record.tools) or "not recorded"),
        ("Run", f"<code>{html_text(record.run)}</code>" if record.run else ""),
        ("Id", f"<code>{html_text(record.id)}</code>"),
    ]
    steps = "".join(_step(step) for step in record.steps)
    shown = [(name, value) for name, value in facts if name != "Why" or _why(record)]
    return _facts(shown) + (f"<ol>{steps}</ol>" if steps else "<p>No step was recorded.</p>")


def _why(record: ScenarioRecord) -> str:
    reason = record.reason.strip()
    return f"It passed in this run, and is stale: {reason}" if record.outcome is Outcome.STALE else reason


def _result(outcome: Outcome) -> str:
    tone = outcome_tone(outcome)
    return f'<span class="rb-{tone}">{_mark(sign(tone))} <strong>{outcome}</strong></span>'


def _facts(facts: Iterable[tuple[str, str]]) -> str:
    """`facts` are HTML; one without a value is left out."""
    return f"<dl>{''.join(f'<div><dt>{name}</dt><dd>{value}</dd></div>' for name, value in facts if value)}</dl>\n"


def _pairs(values: Mapping[str, str]) -> str:
    return html_text("; ".join(f"{name}: {value}" for name, value in sorted(values.items())))


# ── a step ───────────────────────────────────────────────────────────────────────────────────────


def _step(step: StepRecord) -> str:
    tone = outcome_tone(step.outcome)
    took = f" · {duration(step.duration_s)}" if step.duration_s else ""
    error = f'<pre class="rb-error">{html_text(step.error.rstrip())}</pre>' if step.error.strip() else ""
    notes = "".join(f'<p class="rb-note">{html_text(note)}</p>' for note in step.notes)
    return (
        f'<li class="rb-{tone}"><p>{_mark(sign(tone))} <b>{html_text(step.keyword.strip())}</b> '
        f"{html_text(step.text.removesuffix(':'))} <span>{step.outcome}{took}</span></p>"
        f"{_command(step)}{error}{notes}</li>\n"
    )


def _command(step: StepRecord) -> str:
    if step.command is None:
        return ""
    return f'<pre class="rb-ran"><code>{html_text(step.command)}</code></pre><p>{_ended(step)}</p>{_output(step)}'


def _ended(step: StepRecord) -> str:
    if step.exit_code is not None:
        return f"exit code {step.exit_code}"
    return (
        "killed at its time limit" if step.outcome is Outcome.TIMED_OUT else "no exit code: it did not run to its end"
    )


def _output(step: StepRecord) -> str:
    streams = [(name, text) for name, text in (("output", step.stdout), ("errors", step.stderr)) if text.strip()]
    if not streams:
        return "<p>It printed nothing.</p>" if step.exit_code is not None else ""
    lines = sum(text.rstrip("\n").count("\n") + 1 for _, text in streams)
    shown = "".join(
        f'<p>Standard {name}</p><pre tabindex="0">{html_text(text.rstrip())}</pre>' for name, text in streams
    )
    counted = "1 line" if lines == 1 else f"{lines} lines"
    return f"<details><summary>Recorded output, {counted}</summary>{shown}</details>"
