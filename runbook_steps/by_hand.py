"""How a person looks at what a check says, from `docs/data/checks.yml`: shown on each page, and none without one.

A check is a step of Python that asks several services at once. Whoever pastes commands and has no `runbooks run` needs
a command that only reads, and what it shows when all is well.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from runbook_steps.engine.errors import FeatureError, PageError, Position, SourceError
from runbook_steps.engine.model import COUNTER_EXAMPLE, Procedure, Risk, Role, Runbook
from runbook_steps.engine.project.project import Project
from runbook_steps.engine.text.data_file import read_document

__all__ = ["CHECKS", "by_hand_problems", "load_looks", "page_looks"]

CHECKS = "docs/data/checks.yml"
_SHOWN = 3  # checks of one row that are named
# what the command itself shows: its exit code
_SEEN = re.compile(r"it (?:ends|is refused) with exit code .*")


@dataclass(frozen=True)
class Look:
    """One way to look. `says` matches whole checks; `look` and `expect` are Markdown."""

    says: re.Pattern[str]
    look: str
    expect: str
    position: Position


def load_looks(root: Path) -> tuple[Look, ...]:
    """In the order of the file; none without it. Raises PageError for a broken one."""
    path = root / CHECKS
    if not path.is_file():
        return ()
    found = []
    for entry in read_document(path.read_text("utf-8"), CHECKS).entries("checks"):
        entry.only(frozenset({"says", "look", "expect"}))
        try:
            says = re.compile(entry.text("says"))
        except re.error as error:
            raise PageError(entry.position, f"`says` is no regular expression: {error}") from error
        found.append(Look(says, entry.text("look"), entry.text("expect"), entry.position))
    return tuple(found)


def by_hand_problems(project: Project) -> Iterator[SourceError]:
    """A change that nobody can check by hand, a way to look that no check needs, and a page that shows none."""
    looks = load_looks(project.root)
    if not looks:
        return
    used: set[Look] = set()
    for runbook in project.runbooks:
        used |= {look for look, _ in _of(runbook, looks)}
        for procedure in _changing(runbook):
            checks = _checks(procedure)
            if not any(_SEEN.fullmatch(check) or any(look.says.fullmatch(check) for look in looks) for check in checks):
                message = (
                    f"“{procedure.name}”: nobody can see by hand that it worked; add one of its checks to {CHECKS}"
                )
                yield FeatureError(procedure.position, message)
        page = f"docs/{runbook.stem}.md"
        if _of(runbook, looks) and "{{ by_hand() }}" not in (project.root / page).read_text("utf-8"):
            yield PageError(Position(page, 1), "its checks can be made by hand: show how with `{{ by_hand() }}`")
    for look in looks:
        if look not in used:
            yield PageError(look.position, f"no check says “{look.says.pattern}”")


def page_looks(project: Project, page: str) -> str:
    """Markdown: for the checks of one page what to run, and what it shows when all is well."""
    runbook = project.runbook(page.removeprefix("docs/").removesuffix(".md"))
    rows = _of(runbook, load_looks(project.root)) if runbook else []
    if not rows:
        return ""
    lines = ["By hand; these commands only read:", "", "| What is checked | Look | Expect |", "| --- | --- | --- |"]
    for look, checks in rows:
        said = "; ".join(checks[:_SHOWN]) + (" …" if len(checks) > _SHOWN else "")
        lines.append(f"| {said} | {look.look} | {look.expect} |")
    return "\n".join([*lines, ""])


def _of(runbook: Runbook, looks: Sequence[Look]) -> list[tuple[Look, list[str]]]:
    checks = list(dict.fromkeys(check for procedure in _changing(runbook) for check in _checks(procedure)))
    found = [(look, [check for check in checks if look.says.fullmatch(check)]) for look in looks]
    return [(look, matched) for look, matched in found if matched]


def _changing(runbook: Runbook) -> list[Procedure]:
    return [p for p in runbook.procedures if p.risk is not Risk.READONLY and COUNTER_EXAMPLE not in p.tags]


def _checks(procedure: Procedure) -> list[str]:
    return [step.text for step in procedure.steps if step.role is Role.THEN]
