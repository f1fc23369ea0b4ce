"""Commands and what they printed → HTML. Pure.

A command reaches the clipboard byte for byte; a recorded output may hold anything.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from pygments import highlight  # type: ignore[import-untyped]
from pygments.formatters import HtmlFormatter  # type: ignore[import-untyped]
from pygments.lexers import get_lexer_by_name  # type: ignore[import-untyped]

from runbook_steps.engine.model import Command, Outcome, ScenarioRecord, StepRecord
from runbook_steps.engine.site.search_weights import UNSEARCHED
from runbook_steps.engine.site.words import duration
from runbook_steps.engine.sources.parameters import variables_of
from runbook_steps.engine.text.html_text import guard, inert

__all__ = ["command_block", "command_to_read", "folded_text", "recorded_output", "shortened"]

LONGEST_OUTPUT = (40, 20)
"""Lines of a recorded output that a page shows: the first, and the last. The evidence holds the rest."""
_WIDEST_LINE = 2000  # characters; a longer line says nothing to a reader


def command_block(command: Command) -> str:
    """HTML for a command: `data-copy` holds its very bytes, `data-uses` the variables that it reads."""
    code = _coloured(command.text, command.media_type)
    exact = inert(command.text).replace("\n", "&#10;").replace(" ", "&#32;")
    uses = " ".join(variables_of(command))
    return (
        f'<div class="language-{command.media_type} highlight rb-command" data-uses="{uses}" data-copy="{exact}">'
        f"<pre><span></span><code>{code}</code></pre></div>"
    )


def command_to_read(command: Command) -> str:
    """HTML for a command that nobody is to run."""
    return (
        f'<div class="language-{command.media_type} highlight no-copy rb-counter">'
        f'<pre class="no-copy"><span></span><code>{_coloured(command.text, command.media_type)}</code></pre></div>'
    )


@lru_cache(maxsize=4096)
def _coloured(text: str, media_type: str) -> str:
    """HTML. A page shows its first command twice, and a preview shows most commands again."""
    # The formatter ends every line, also a last one that the command does not end.
    lines = highlight(text, _lexer(media_type), _formatter()).removesuffix("\n")
    return guard(lines + "\n" * text.endswith("\n"))


@lru_cache(maxsize=16)
def _lexer(media_type: str) -> Any:
    """With its own tidying off: not a byte may be added or lost."""
    return get_lexer_by_name({"sql": "postgresql"}.get(media_type, media_type), stripnl=False, ensurenl=False)


@lru_cache(maxsize=1)
def _formatter() -> Any:
    return HtmlFormatter(nowrap=True)


def recorded_output(done: StepRecord | None, record: ScenarioRecord | None) -> str:
    """HTML for what a step's command printed when it last ran; empty when it did not run."""
    if done is None or record is None or done.outcome in {Outcome.NOT_REACHED, Outcome.NOT_RUNNABLE}:
        return ""
    code = "killed" if done.exit_code is None else f"exit code {done.exit_code}"
    row = record.id.removesuffix("]").rpartition("[")[2] if record.id.endswith("]") else ""
    said = " · ".join(part for part in (record.target, row, code, duration(done.duration_s)) if part)
    streams = [text for text in (done.stdout, done.stderr) if text.strip()]
    shown = "".join(f'<pre class="no-copy"><code>{inert(shortened(text))}</code></pre>' for text in streams)
    return (
        f'<details class="rb-output no-copy" {UNSEARCHED}><summary>Recorded output <span>{inert(said)}</span></summary>'
        f"{shown or '<p>It printed nothing.</p>'}</details>"
    )


def shortened(text: str) -> str:
    """As a page shows it: its first and its last lines."""
    first, last = LONGEST_OUTPUT
    lines = [
        line if len(line) <= _WIDEST_LINE else f"{line[:_WIDEST_LINE]} …" for line in text.rstrip("\n").split("\n")
    ]
    if len(lines) <= first + last:
        return "\n".join(lines)
    return "\n".join([*lines[:first], f"… {len(lines) - first - last} lines left out …", *lines[-last:]])


def folded_text(summary: str, text: str) -> str:
    """HTML for a long text that opens when it is asked for."""
    shown = f'<pre class="no-copy"><code>{inert(text)}</code></pre>'
    return f'\n<details class="rb-output no-copy"><summary>{inert(summary)}</summary>{shown}</details>\n'
