"""`runbooks coverage`: whether nothing of version 1.0 is lost, and the page that tells what became of it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from runbook_steps.engine.errors import PageError, Position, SourceError
from runbook_steps.engine.project.project import Project, load_project
from runbook_steps.engine.settings import find_root
from runbook_steps.engine.text.terminal import printable
from runbook_steps.version_1.audit import audit_problems, load_audit
from runbook_steps.version_1.corrections import correction_problems, load_corrections
from runbook_steps.version_1.coverage import COVERAGE_PAGE, DOCUMENT, coverage_page, coverage_problems, load_coverage

__all__ = ["data_problems", "register", "remake_coverage"]


def register(app: typer.Typer, target_app: typer.Typer) -> None:
    """Adds the command: what an entry point of `runbooks.commands` does."""
    del target_app
    app.command()(coverage)


def coverage(
    write: Annotated[bool, typer.Option("--write", help="make docs/about/coverage.md anew")] = False,
) -> None:
    """Check that nothing of version 1.0 is lost; exit 1 when something is, or the page is not up to date."""
    root = find_root(Path.cwd())
    if write:
        remake_coverage(root)
    _tell([str(problem) for problem in data_problems(load_project(root))])


def remake_coverage(root: Path) -> set[str]:
    """Makes the page anew from its data, and gives its path; nothing in a project that has no such data."""
    if not (root / DOCUMENT).is_file():
        return set()
    (root / COVERAGE_PAGE).write_text(coverage_page(load_project(root), load_coverage(root)), encoding="utf-8")
    return {COVERAGE_PAGE}


def data_problems(project: Project, *, page: bool = True) -> list[SourceError]:
    """What is wrong with the data about version 1.0, and (with `page`) whether the page made of it is up to date.

    A project without that data has nothing to check.
    """
    if not (project.root / DOCUMENT).is_file():
        return []
    try:
        known = load_coverage(project.root)
        found = list(coverage_problems(project, known))
        found += correction_problems(project, load_corrections(project.root), known.pending)
        found += audit_problems(project, load_audit(project.root), known.pending)
    except SourceError as error:
        return [error]
    written = project.root / COVERAGE_PAGE
    made = coverage_page(project, known)
    if page and (not written.is_file() or written.read_text("utf-8") != made):
        at = Position(COVERAGE_PAGE, 1)
        found.append(PageError(at, "is not what its data says; make it with `runbooks coverage --write`"))
    return found


def _tell(problems: list[str]) -> None:
    for problem in problems:
        typer.echo(printable(problem), err=True)
    typer.echo(f"{len(problems)} problems" if problems else "no problems", err=True)
    raise typer.Exit(1 if problems else 0)
