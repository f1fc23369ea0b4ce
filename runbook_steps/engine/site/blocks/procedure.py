"""A procedure and its evidence → what stands on the page. Pure.

The heading is Markdown, so that it enters the page's contents; the rest is HTML.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from runbook_steps.engine.model import (
    COUNTER_EXAMPLE,
    Command,
    Evidence,
    Outcome,
    Procedure,
    Risk,
    Role,
    ScenarioRecord,
    Step,
    StepRecord,
)
from runbook_steps.engine.proof.standing import FAILURES, shown_record
from runbook_steps.engine.run.plan import has_no_undo
from runbook_steps.engine.site.blocks.commands import command_block, command_to_read, recorded_output, shortened
from runbook_steps.engine.site.build.made_html import made
from runbook_steps.engine.site.search_weights import UNSEARCHED
from runbook_steps.engine.site.words import (
    NO_UNDO_SAYS,
    RISK_SAYS,
    duration,
    local_time,
    outcome_tone,
    risk_sign,
    sign,
)
from runbook_steps.engine.text.html_text import code_spans, inert, markdown_text, slug

__all__ = ["procedure_block", "risk_badge"]

_LONGEST_CHOICE = 80  # characters of all values of a column, joined
_LONG_TIME_S = 30.0  # a limit worth telling before a person waits for it


def procedure_block(procedure: Procedure, feature: str, evidence: Sequence[Evidence]) -> str:
    """The numbered procedure, with the output that was recorded when it last ran, as Markdown."""
    record = shown_record(procedure, feature, evidence)
    steps = [(_filled(step, procedure.examples), done) for step, done in _with_records(procedure, record)]
    not_this = COUNTER_EXAMPLE in procedure.tags
    badge = risk_badge(procedure.risk, undone=not has_no_undo(procedure))
    html = "".join(
        [
            '<div class="rb-procedure">',
            f'<p class="rb-facts" {UNSEARCHED}>{badge}{_last_run(record)}{_needs(procedure)}</p>',
            *(f"<p>{code_spans(' '.join(text.split()))}</p>" for text in _paragraphs(procedure.description)),
            _situation(steps),
            _NOT_THIS if not_this else _warning(procedure.risk),
            _numbered(steps, record, copied=not not_this),
            _examples(procedure),
            "</div>",
        ]
    )
    heading = f"### {markdown_text(procedure.name)} {{: #{slug(procedure.name)} }}"
    return f"\n{heading}\n{made(html)}"


def risk_badge(risk: Risk, *, undone: bool = True) -> str:
    """HTML for a risk: sign, name and meaning. `undone`: an undo is kept ready, as a guided run says it too."""
    name, meaning = RISK_SAYS[risk]
    if risk is Risk.MUTATING and not undone:
        meaning = NO_UNDO_SAYS
    return (
        f'<span class="rb-badge rb-risk-{risk}"><span aria-hidden="true">{risk_sign(risk)}</span> '
        f'{name}</span> <span class="rb-meaning">{meaning}</span>'
    )


def table_html(rows: Sequence[Sequence[str]], caption: str = "") -> str:
    """HTML for a table, header first; empty without rows."""
    if not rows:
        return ""
    head = "".join(f'<th scope="col">{code_spans(cell)}</th>' for cell in rows[0])
    body = "".join("<tr>" + "".join(f"<td>{code_spans(cell)}</td>" for cell in row) + "</tr>" for row in rows[1:])
    said = f"<caption>{inert(caption)}</caption>" if caption else ""
    return f"<table>{said}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _filled(step: Step, examples: Sequence[Sequence[str]]) -> Step:
    """A step of an outline as a person can read and run it: words with every value, a command with the first row's."""
    if len(examples) < 2:  # noqa: PLR2004 - the header, and a row
        return step
    text, command = step.text, step.command
    for column, name in enumerate(examples[0]):
        values = list(dict.fromkeys(row[column] for row in examples[1:]))
        joined = " / ".join(values)
        text = text.replace(f"<{name}>", joined if len(joined) <= _LONGEST_CHOICE else "…")
        if command:
            purpose = command.purpose.replace(f"<{name}>", joined)
            command = replace(command, text=command.text.replace(f"<{name}>", values[0]), purpose=purpose)
    said = step.said
    for column, name in enumerate(examples[0]):
        said = said.replace(f"<{name}>", examples[1][column])
    return replace(step, text=text, command=command, said=said)


_Pair = tuple[Step, StepRecord | None]


def _with_records(procedure: Procedure, record: ScenarioRecord | None) -> list[_Pair]:
    """Each step with what was recorded of it. After a change of the scenario its old record tells nothing."""
    if record is None or record.outcome is Outcome.STALE or record.text_hash != procedure.text_hash:
        return [(step, None) for step in procedure.steps]
    return list(zip(procedure.steps, record.steps, strict=True))


def _last_run(record: ScenarioRecord | None) -> str:
    if record is None:
        outcome, said = Outcome.NEVER_PROVEN, ""
    else:
        outcome = record.outcome
        said = f" on {record.target} · {local_time(record.started)} · {duration(record.duration_s)}"
    tone = outcome_tone(outcome)
    reason = f": {record.reason.splitlines()[0]}" if record and record.reason.strip() else ""
    mark = f'<span class="rb-mark rb-{tone}" aria-hidden="true">{sign(tone)}</span>'
    return f'<span class="rb-last">{mark} {outcome}{inert(said)}{inert(reason)}</span>'


def _needs(procedure: Procedure) -> str:
    tools = ", ".join(f"<code>{inert(tool)}</code>" for tool in procedure.tagged("requires_"))
    return f'<span class="rb-needs">needs {tools}</span>' if tools else ""


def _paragraphs(description: str) -> list[str]:
    return [text for text in description.split("\n\n") if text.strip()]


def _situation(steps: list[_Pair]) -> str:
    given = [(step, record) for step, record in steps if step.role is Role.GIVEN]
    always = [pair for pair in given if pair[0].from_background]
    own = [pair for pair in given if not pair[0].from_background]
    if not given:
        return ""
    parts = ['<div class="rb-situation"><p class="rb-label">Situation</p>']
    if own:
        parts.append(f"<ul>{''.join(_item(*pair) for pair in own)}</ul>")
    if always:
        # a failure may not hide in a folded block
        state = " open" if not own or any(r and r.outcome in FAILURES for _, r in always) else ""
        parts.append(f'<details class="rb-always"{state} {UNSEARCHED}><summary>Given throughout this page</summary>')
        parts.append(f"<ul>{''.join(_item(*pair) for pair in always)}</ul></details>")
    return "".join([*parts, "</div>"])


def _warning(risk: Risk) -> str:
    if risk is not Risk.DESTRUCTIVE:
        return ""
    return (
        '<div class="rb-warning" role="note"><p><strong><span aria-hidden="true">▲</span> '
        "Destructive.</strong> These commands can lose data or interrupt service. Read the procedure to "
        "its end, and know the way back, before you run the first one.</p></div>"
    )


_NOT_THIS = (
    '<div class="rb-warning" role="note"><p><strong><span aria-hidden="true">✗</span> Not this.</strong> '
    "It shows what does not help, or harms; there is nothing to copy.</p></div>"
)


def _numbered(steps: list[_Pair], record: ScenarioRecord | None, *, copied: bool = True) -> str:
    """Every When is a numbered step; the Thens that follow it are its checks."""
    groups: list[tuple[_Pair | None, list[_Pair]]] = []
    for pair in steps:
        if pair[0].role is Role.WHEN:
            groups.append((pair, []))
        elif pair[0].role is Role.THEN:
            if not groups:
                groups.append((None, []))
            groups[-1][1].append(pair)
    items = "".join(_numbered_item(action, checks, record, copied=copied) for action, checks in groups if action)
    before = "".join(_checks(checks) for action, checks in groups if action is None)
    return before + (f'<ol class="rb-steps">{items}</ol>' if items else "")


def _numbered_item(action: _Pair, checks: list[_Pair], record: ScenarioRecord | None, *, copied: bool) -> str:
    step, done = action
    bad = " rb-bad" if done and done.outcome in FAILURES else ""
    if step.manual:
        return f'<li class="rb-step{bad}">{_checkbox(step)}{table_html(step.table)}{_checks(checks)}</li>'
    command = step.command
    title = code_spans(_sentence(command.purpose if command else step.text.removeprefix("I ")))
    if command and command.undo:  # read as the first step it would undo what is still needed: it has no number
        bad, title = f"{bad} rb-undo", f"Not now. To undo: {title[:1].lower()}{title[1:]}"
    return "".join(
        [
            f'<li class="rb-step{bad}"><p class="rb-title">{title}{_limits(command)}</p>',
            table_html(step.table),
            (command_block(command) if copied else command_to_read(command)) if command else "",
            _trouble(done),
            recorded_output(done, record) if command and not command.undo else "",
            _checks(checks),
            "</li>",
        ]
    )


def _limits(command: Command | None) -> str:
    if command is None:
        return ""
    said = [f"within {duration(command.timeout_s)}"] if command.timeout_s > _LONG_TIME_S else []
    said += ["may be refused: see the check"] if command.may_fail else []
    said += ["run it only if this procedure stops half-way"] if command.undo else []
    said += ["behind it the undo above is of no use"] if command.ends_undo else []
    return f' <span class="rb-limit">{inert(" · ".join(said))}</span>' if said else ""


def _checks(checks: Iterable[_Pair]) -> str:
    items = "".join(_item(*pair) for pair in checks)
    return f'<div class="rb-check"><p class="rb-label">Check</p><ul>{items}</ul></div>' if items else ""


def _item(step: Step, done: StepRecord | None) -> str:
    bad = ' class="rb-bad"' if done and done.outcome in FAILURES else ""
    if step.manual:
        return f"<li{bad}>{_checkbox(step)}{table_html(step.table)}</li>"
    said = f'<pre class="rb-said">{inert(step.said)}</pre>' if step.said else ""
    return f"<li{bad}>{code_spans(_sentence(step.text))}{said}{table_html(step.table)}{_trouble(done)}</li>"


def _checkbox(step: Step) -> str:
    return (
        f'<label class="rb-manual"><input type="checkbox"> <span>{code_spans(_sentence(step.text))} '
        "<small>not verified by machine</small></span></label>"
    )


def _trouble(done: StepRecord | None) -> str:
    """What went wrong at a step, and that a later one was not reached."""
    if done is None:
        return ""
    if done.outcome is Outcome.NOT_REACHED:
        return ' <span class="rb-unreached">not reached in the last run</span>'
    if done.outcome not in FAILURES:
        return ""
    mark = f'<span class="rb-mark rb-bad" aria-hidden="true">{sign(outcome_tone(done.outcome))}</span>'
    error = f'<pre class="no-copy"><code>{inert(shortened(done.error))}</code></pre>' if done.error.strip() else ""
    said = f"<p>{mark} <strong>The last run {_FAILED[done.outcome]} here.</strong></p>"
    return f'<div class="rb-trouble">{said}{error}</div>'


_FAILED = {
    Outcome.FAILED: "failed",
    Outcome.TIMED_OUT: "timed out",
    Outcome.INTERRUPTED: "was interrupted",
}


def _examples(procedure: Procedure) -> str:
    table = table_html(procedure.examples, "Run once for each row")
    return f'<div class="rb-examples">{table}</div>' if table else ""


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]
