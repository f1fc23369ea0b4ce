"""`runbooks review`: what is due, a plan for one runbook, and a person's signature on it."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer

from runbook_steps.engine.cli.completion import runbooks
from runbook_steps.engine.cli.options import RUNBOOK
from runbook_steps.engine.errors import ConfigurationError, RefusedError, RunbookError
from runbook_steps.engine.git import Repository
from runbook_steps.engine.project.find import named_runbook, refuse_broken_feedback, refuse_unknown_role
from runbook_steps.engine.project.project import Project, load_project
from runbook_steps.engine.review.due import (
    CHANGE_LOG,
    ProofState,
    Review,
    calendar,
    logged,
    proven_words,
    reviews,
    signed,
)
from runbook_steps.engine.settings import find_root
from runbook_steps.engine.site.build.address import site_address
from runbook_steps.engine.sources.feedback_file import FEEDBACK, open_on
from runbook_steps.engine.text.terminal import printable

__all__ = ["register"]

_WHAT_NEXT = {
    ProofState.RED: "Repair it and prove it",
    ProofState.STALE: "Prove it again",
    ProofState.MISSING: "Prove it first",
}
_reviews = typer.Typer(add_completion=False, help="What a person must look at again: list, plan, sign.")


def register(app: typer.Typer) -> None:
    """Adds the commands."""
    app.add_typer(_reviews, name="review")


@_reviews.callback(invoke_without_command=True)
def due(
    context: typer.Context,
    format: Annotated[str, typer.Option("--format", help="console or json", metavar="FORMAT")] = "console",  # noqa: A002
    ics: Annotated[bool, typer.Option("--ics", help="a calendar file of all due dates, on standard output")] = False,
    everything: Annotated[bool, typer.Option("--all", help="also what is not due")] = False,
) -> None:
    """List what is due, with owner and reason. Exit 1 when anything is; a calendar is always good."""
    if context.invoked_subcommand:
        return
    if format not in {"console", "json"}:
        raise ConfigurationError(f"--format is console or json, not {format!r}")
    now = dt.datetime.now(dt.UTC)
    root = find_root(Path.cwd())
    found = reviews(load_project(root), now.date())
    open_ = [review for review in found if review.reasons]
    if ics:
        typer.echo(calendar(found, now, urlsplit(site_address(root)).hostname or "localhost"), nl=False)
        return
    shown = found if everything else open_
    if format == "json":
        typer.echo(json.dumps([_row(review) for review in shown], ensure_ascii=False, indent=1))
    else:
        for review in shown:
            typer.echo(
                printable(f"{review.stem}  ({review.owner}, {review.severity})  next review {review.due or 'now'}")
            )
            for reason in review.reasons:
                typer.echo(printable(f"    {reason}"))
        typer.echo(f"{len(open_)} of {len(found)} runbooks are due", err=True)
    raise typer.Exit(1 if open_ else 0)


@_reviews.command()
def sign(
    name: Annotated[str, typer.Argument(metavar="RUNBOOK", help=RUNBOOK, autocompletion=runbooks)],
    by: Annotated[str, typer.Option("--by", help="who reviewed it: a role of docs/data/contacts.yml")],
) -> None:
    """Write down that a person reviewed it: its date and a line of the change log, in one commit.

    Refused (exit 3) while the proof is red, stale or missing, or feedback on it is not resolved.
    """
    root = find_root(Path.cwd())
    project = load_project(root)
    today = dt.datetime.now(dt.UTC).date()
    review = _named(project, name, today)
    refuse_unknown_role(project, by)
    if review.reviewed == today.isoformat():
        typer.echo(f"nothing is due: {review.stem} was reviewed today, the next review is {review.due}")
        return
    if review.doubts:
        worst = review.doubts[0]
        raise RefusedError(
            f"the proof of {review.stem} is {worst.kind}: {printable(worst.what)}. {_WHAT_NEXT[worst.kind]}: "
            f"pytest {review.runbook.feature_path}; then sign"
        )
    if review.due is not None and review.due > today:
        typer.echo(f"nothing is due: {review.stem} was reviewed {review.reviewed}, the next review is {review.due}")
        return
    _refuse_feedback(project, review, by)
    made = _commit(Repository(root), review, today, by, proven_words(review.runbook, project.evidence))
    typer.echo(f"reviewed {review.stem}, signed by {by}: commit {made}")


@_reviews.command()
def plan(
    name: Annotated[str, typer.Argument(metavar="RUNBOOK", help=RUNBOOK, autocompletion=runbooks)],
    issue_body: Annotated[bool, typer.Option("--issue-body", help="Markdown for an issue of the tracker")] = False,
) -> None:
    """Show what to look at: what changed since the last review, what ran since, open feedback, and a checklist."""
    from runbook_steps.engine.review.plan import as_issue, as_text, make_plan  # noqa: PLC0415 - only this command needs it
    from runbook_steps.engine.sources.python_steps import load_catalog  # noqa: PLC0415

    root = find_root(Path.cwd())
    project = load_project(root)
    review = _named(project, name, dt.datetime.now(dt.UTC).date())
    refuse_broken_feedback(project)
    left = open_on(project.feedback.values(), review.runbook.front_matter)
    made = make_plan(Repository(root), load_catalog(project.settings), review, project.settings, left)
    typer.echo(printable(as_issue(made) if issue_body else as_text(made)))


def _named(project: Project, name: str, today: dt.date) -> Review:
    """How that runbook's review stands. Raises ConfigurationError when there is none, or its page has no good head."""
    stem = named_runbook(project, name).stem
    review = next((each for each in reviews(project, today) if each.stem == stem), None)
    if review is None:
        raise ConfigurationError(f"{stem} has no page with a good head; see `runbooks check`")
    return review


def _refuse_feedback(project: Project, review: Review, role: str) -> None:
    """Raises RefusedError while a remark on it is open."""
    refuse_broken_feedback(project)
    left = open_on(project.feedback.values(), review.runbook.front_matter)
    if not left:
        return
    numbers = ", ".join(str(each.number) for each in left)
    what = f"remark {numbers} on {review.stem} is" if len(left) == 1 else f"remarks {numbers} on {review.stem} are"
    raise RefusedError(
        f"{what} not resolved. Read: runbooks feedback list --runbook {review.id}; deal with it, then: "
        f'runbooks feedback resolve {left[0].number} --by "{role}"; then sign'
    )


def _commit(repository: Repository, review: Review, today: dt.date, role: str, proof: str) -> str:
    """One commit of two files, or none and the files as they were. What was resolved must be committed before."""
    page = f"docs/{review.stem}.md"
    feedback = (FEEDBACK,) if (repository.root / FEEDBACK).is_file() else ()
    repository.refuse_changed(page, review.runbook.feature_path, CHANGE_LOG, *feedback)
    files = [repository.root / page, repository.root / CHANGE_LOG]
    try:
        before = [file.read_bytes() for file in files]
    except OSError as error:
        raise ConfigurationError(f"cannot read {error.filename}: {error.strerror}") from error
    try:
        files[0].write_bytes(signed(before[0].decode(), page, today).encode())
        files[1].write_bytes(logged(before[1].decode(), review, today, role, proof).encode())
        return repository.commit_only(f"Review {review.stem}, signed by {role}", page, CHANGE_LOG)
    except (RunbookError, OSError, KeyboardInterrupt):
        for file, content in zip(files, before, strict=True):
            file.write_bytes(content)
        repository.run("add", "--", page, CHANGE_LOG)
        raise


def _row(review: Review) -> dict[str, object]:
    return {
        "id": review.id,
        "runbook": review.stem,
        "title": review.title,
        "owner": review.owner,
        "severity": review.severity,
        "reviewed": review.reviewed or None,
        "due": review.due.isoformat() if review.due else None,
        "proof": str(review.proof),
        "reasons": list(review.reasons),
    }
