"""The changes that nothing takes back: listed for the site. Pure."""

from __future__ import annotations

import posixpath
from collections.abc import Sequence

from runbook_steps.engine.model import Procedure, Risk, Runbook
from runbook_steps.engine.run.plan import points_of_no_return
from runbook_steps.engine.text.html_text import markdown_text, slug

__all__ = ["no_undo_table"]


def no_undo_table(runbooks: Sequence[Runbook], page: str) -> str:
    """Markdown: those procedures, the destructive ones first. `page` is where the table stands."""
    found = sorted(points_of_no_return(runbooks), key=lambda pair: -pair[1].risk.rank)
    changing = sum(each.risk is not Risk.READONLY for runbook in runbooks for each in runbook.procedures)
    counted = f"{len(found)} of the {changing} procedures that may change something keep no undo ready."
    lines = ["", counted]
    for title, risk in _LOSSES:
        rows = [_row(runbook, procedure, page) for runbook, procedure in found if procedure.risk is risk]
        if rows:
            head = ["| Procedure | Runbook | Risk |", "| --- | --- | --- |"]
            lines += ["", f"## {title}: {len(rows)}", "", *head, *rows]
    return "\n".join([*lines, ""])


_LOSSES = (
    ("Data, sessions or service can be lost", Risk.DESTRUCTIVE),
    ("Nothing is lost, but it stays as the procedure made it", Risk.MUTATING),
)


def _row(runbook: Runbook, procedure: Procedure, page: str) -> str:
    name = markdown_text(procedure.name)
    title = markdown_text(runbook.front_matter.title if runbook.front_matter else runbook.name)
    if runbook.page_path:
        target = posixpath.relpath(runbook.page_path, posixpath.dirname(page))
        name = f"[{name}]({target}#{slug(procedure.name)})"
    return f"| {name} | {title} | {procedure.risk} |"
