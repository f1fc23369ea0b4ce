"""What proofs are worth: the line on a runbook's page, and the table of all domains. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from runbook_steps.engine.model import Procedure, Runbook
from runbook_steps.engine.proof.worth import Score, Tried, Worth, WorthThen, score_of
from runbook_steps.engine.site.navigation import folder_title, in_order
from runbook_steps.engine.site.search_weights import UNSEARCHED
from runbook_steps.engine.site.words import local_time
from runbook_steps.engine.sources.order_file import Order
from runbook_steps.engine.text.html_text import code_spans, inert, markdown_text

__all__ = ["worth_of_runbook", "worth_table"]

_UNTRIED = "not tried yet"
_MOST_POINTS = 12


def worth_of_runbook(runbook: Runbook, known: Mapping[str, Worth]) -> str:
    """HTML: in how many ways the runbook was broken, how many were noticed, and what became of the others."""
    score, untried = _counted(runbook, known)
    lines = [*_harmless(runbook, known), *_unnoticed(runbook, known)]
    lines += [f"“{inert(procedure.name)}”: {inert(why)}" for procedure, why in untried]
    listed = f"<ul>{''.join(f'<li>{line}</li>' for line in lines)}</ul>" if lines else ""
    return (
        f'\n<section class="rb-worth" aria-label="What the proof is worth" {UNSEARCHED}>'
        f'<details class="rb-emulated"><summary>'
        f"{inert(_said(score, len(untried), len(runbook.procedures)))}</summary>"
        "<p>Each scenario is broken on purpose, and must turn red: a command does nothing, stops half-way or acts on "
        f"another thing, a fault is not there, a check is turned round.</p>{listed}</details></section>\n"
    )


def _said(score: Score, untried: int, scenarios: int) -> str:
    if not score.total:
        return "What the proof is worth is not known: nobody has broken this procedure on purpose yet"
    said = f"{len(score.noticed)} of {score.total} ways to break this procedure are noticed"
    if score.harmless:
        said += f"; {len(score.harmless)} declared harmless"
    if score.unnoticed:
        said += f"; {len(score.unnoticed)} not noticed"
    return f"{said}; {untried} of {scenarios} scenarios not tried" if untried else said


def _harmless(runbook: Runbook, known: Mapping[str, Worth]) -> Iterator[str]:
    for procedure, score in _scores(runbook, known):
        for tried, why in score.harmless:
            yield f"{_what(procedure, tried)}. Harmless: {code_spans(why)}"


def _unnoticed(runbook: Runbook, known: Mapping[str, Worth]) -> Iterator[str]:
    for procedure, score in _scores(runbook, known):
        for tried in score.unnoticed:
            yield f"<strong>Not noticed:</strong> {_what(procedure, tried)}, and the scenario {inert(tried.told)}."


def _what(procedure: Procedure, tried: Tried) -> str:
    step = procedure.steps[tried.step]
    return f"{code_spans(step.text.removesuffix(':'))} <em>{inert(tried.way.meaning)}</em>"


def _scores(runbook: Runbook, known: Mapping[str, Worth]) -> Iterator[tuple[Procedure, Score]]:
    for procedure in runbook.procedures:
        worth = known.get(procedure.runs[0].id_in(runbook.feature_path))
        if worth is not None and not worth.problem:
            yield procedure, score_of(worth, procedure)


def _counted(runbook: Runbook, known: Mapping[str, Worth]) -> tuple[Score, list[tuple[Procedure, str]]]:
    """All of a runbook, and the scenarios that were not tried, each with the reason."""
    total = sum((score for _, score in _scores(runbook, known)), start=Score())
    untried = []
    for procedure in runbook.procedures:
        worth = known.get(procedure.runs[0].id_in(runbook.feature_path))
        if worth is None or worth.problem:
            untried.append((procedure, worth.problem if worth else _UNTRIED))
    return total, untried


def worth_table(
    runbooks: Sequence[Runbook], known: Mapping[str, Worth], order: Order, history: Sequence[WorthThen] = ()
) -> str:
    """Markdown: a row a domain, and one of them all; behind it what was recorded, the newest first."""
    folders = in_order({runbook.stem.partition("/")[0] for runbook in runbooks}, order)
    lines = [
        "",
        "| Domain | Scenarios tried | Ways to break them | Noticed | Declared harmless | Not noticed | Score |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for folder in folders:
        lines.append(_row(folder_title(folder), [r for r in runbooks if r.stem.partition("/")[0] == folder], known))
    return "\n".join([*lines, _row("All", runbooks, known), "", *_history(history)])


def _history(history: Sequence[WorthThen]) -> Iterator[str]:
    if history:
        yield from (
            "| Recorded | Scenarios tried | Ways | Noticed | Declared harmless |",
            "| --- | --- | --- | --- | --- |",
        )
    for point in reversed(history[-_MOST_POINTS:]):
        numbers = (point.scenarios, point.total, point.noticed, point.harmless)
        yield f"| {local_time(point.at)} | {' | '.join(map(str, numbers))} |"
    yield ""


def _row(name: str, runbooks: Iterable[Runbook], known: Mapping[str, Worth]) -> str:
    score, tried, scenarios = Score(), 0, 0
    for runbook in runbooks:
        counted, untried = _counted(runbook, known)
        score += counted
        scenarios += len(runbook.procedures)
        tried += len(runbook.procedures) - len(untried)
    numbers = (len(score.noticed), len(score.harmless), len(score.unnoticed))
    rate = f"{100 * len(score.noticed) / score.total:.0f} %" if score.total else "not tried"
    cells = " | ".join(map(str, numbers))
    return f"| {markdown_text(name)} | {tried} of {scenarios} | {score.total} | {cells} | {rate} |"
