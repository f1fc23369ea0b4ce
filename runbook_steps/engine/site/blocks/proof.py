"""What is proven, counted by domain, and what could not run, with its reason. Pure."""

from __future__ import annotations

import datetime as dt
import posixpath
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from urllib.parse import quote

from runbook_steps.engine.model import Evidence, Outcome, Procedure, Runbook, ScenarioRecord
from runbook_steps.engine.proof.standing import Standing, Tone, is_proof, outcome_of, standings
from runbook_steps.engine.site.blocks.evidence_page import evidence_address
from runbook_steps.engine.site.navigation import folder_title, in_order
from runbook_steps.engine.site.words import age, duration, local_time, sign
from runbook_steps.engine.sources.order_file import Order
from runbook_steps.engine.text.html_text import markdown_text, slug

__all__ = ["proof_counts", "proof_matrix", "proof_tables", "slowest"]

_Case = tuple[Runbook, Procedure, ScenarioRecord | None]


def proof_tables(runbooks: Sequence[Runbook], evidence: Sequence[Evidence], page: str, order: Order) -> str:
    """Markdown: for each target a table of domains, and the scenarios that did not pass. `page` is where it stands."""
    if not evidence:
        return "\nNothing is proven yet: `make verify` runs every scenario and fills this page.\n"
    return "\n".join(_target(runbooks, each, page, order) for each in evidence)


def proof_counts(runbooks: Sequence[Runbook], evidence: Sequence[Evidence], proof_page: str) -> str:
    """Markdown, a line per target: how many scenarios are proven, and how many are stale, failed or something else."""
    lines = []
    for each in evidence:
        counted = Counter(outcome_of(record) for _, _, record in _cases(runbooks, each))
        passed, total = counted.pop(Outcome.PASSED, 0), counted.total()
        rest = "".join(f", {number} {outcome}" for outcome, number in sorted(counted.items()))
        word = "claimed, and signed by nobody, on" if each.claimed else "proven on"
        lines.append(f"- {passed} of {passed + total} scenarios {word} {markdown_text(each.target)}{rest}")
    lines = lines or ["- nothing is proven yet"]
    link = [f"[What is proven, and what is not]({proof_page})", ""] if proof_page else []
    return "\n" + "\n".join([*lines, "", *link])


def proof_matrix(
    runbooks: Sequence[Runbook], evidence: Sequence[Evidence], page: str, now: dt.datetime, *, folders: bool = True
) -> str:
    """Markdown: a row per runbook, a column per target. A cell leads to its evidence.

    `folders`: the site's pages are `name/index.html`, not `name.html`.
    """
    targets = [each.target for each in evidence]
    if not targets:
        return ""
    lines = [
        "",
        "| Runbook | " + " | ".join(markdown_text(target) for target in targets) + " |",
        "| --- |" + " --- |" * len(targets),
    ]
    stem = page.removeprefix("docs/").removesuffix(".md")
    up = "../" * (stem.count("/") + (folders and posixpath.basename(stem) != "index"))
    for runbook in runbooks:
        if not runbook.page_path or not runbook.front_matter:
            continue
        link = posixpath.relpath(runbook.page_path, posixpath.dirname(page))
        verdicts = {s.target: s for s in standings(runbook, evidence)}
        cells = [
            _cell(verdicts.get(target), up + quote(evidence_address(target, runbook.stem)), now) for target in targets
        ]
        lines.append(f"| [{markdown_text(runbook.front_matter.title)}]({link}) | " + " | ".join(cells) + " |")
    return "\n".join([*lines, ""])


def _cell(standing: Standing | None, link: str, now: dt.datetime) -> str:
    """HTML for the link: what it leads to is no page of the builder, which would refuse it in Markdown."""
    if standing is None or standing.tone is Tone.NONE:
        return f'{sign(Tone.NONE)} <a href="{link}">never proven</a>'
    words = markdown_text(standing.headline.removesuffix(f" on {standing.target}").lower())
    counted = f" {standing.proven} of {standing.total}" if standing.proven < standing.total else ""
    facts = [age(standing.started, now), duration(standing.duration_s), *(c[:7] for c in standing.commits[:1])]
    told = markdown_text(" · ".join(fact for fact in facts if fact))
    return f'{sign(standing.tone)} <a href="{link}">{words}{counted}</a> {told}'


def slowest(evidence: Sequence[Evidence], most: int = 10) -> str:
    """Markdown: the scenarios that take longest, with their target and seconds."""
    found = sorted(
        ((record.duration_s, each.target, record.scenario) for each in evidence for record in each.records.values()),
        reverse=True,
    )[:most]
    if not found:
        return ""
    rows = [f"| {markdown_text(name)} | {markdown_text(target)} | {duration(took)} |" for took, target, name in found]
    return "\n".join(["", "| Scenario | Target | Took |", "| --- | --- | --- |", *rows, ""])


def _target(runbooks: Sequence[Runbook], evidence: Evidence, page: str, order: Order) -> str:
    cases = list(_cases(runbooks, evidence))
    passed = sum(is_proof(record) for _, _, record in cases)
    lines = [
        "",
        f"### {markdown_text(evidence.target)}",
        "",
        f"{passed} of {len(cases)} scenarios passed; last run {markdown_text(local_time(evidence.written))}.",
        "",
        "| Domain | Runbooks | Scenarios | Passed | Others |",
        "| --- | --- | --- | --- | --- |",
        *_rows(cases, order),
    ]
    others = [case for case in cases if not is_proof(case[2])]
    if others:
        lines += ["", "| Scenario | Result | Why |", "| --- | --- | --- |", *(_other(case, page) for case in others)]
    return "\n".join([*lines, ""])


def _cases(runbooks: Iterable[Runbook], evidence: Evidence) -> Iterator[_Case]:
    """Every scenario, a row of an outline each, with what is known of it."""
    for runbook in runbooks:
        for procedure in runbook.procedures:
            for each in procedure.runs:
                yield runbook, procedure, evidence.records.get(each.id_in(runbook.feature_path))


def _rows(cases: Sequence[_Case], order: Order) -> Iterator[str]:
    for domain in in_order({_domain(runbook) for runbook, _, _ in cases}, order):
        own = [case for case in cases if _domain(case[0]) == domain]
        counted = Counter(outcome_of(record) for _, _, record in own)
        passed = counted.pop(Outcome.PASSED, 0)
        rest = ", ".join(f"{number} {outcome}" for outcome, number in sorted(counted.items())) or "–"
        books = len({runbook.stem for runbook, _, _ in own})
        yield f"| {markdown_text(folder_title(domain))} | {books} | {len(own)} | {passed} | {markdown_text(rest)} |"


def _other(case: _Case, page: str) -> str:
    runbook, procedure, record = case
    name = markdown_text(procedure.name)
    if runbook.page_path:
        target = posixpath.relpath(runbook.page_path, posixpath.dirname(page))
        name = f"[{name}]({target}#{slug(procedure.name)})"
    why = record.reason.splitlines()[0] if record and record.reason.strip() else "–"
    return f"| {name} | {outcome_of(record)} | {markdown_text(why)} |"


def _domain(runbook: Runbook) -> str:
    return runbook.stem.partition("/")[0]
