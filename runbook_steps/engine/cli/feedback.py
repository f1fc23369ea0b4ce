"""`runbooks feedback`: what people say of a runbook, until somebody has dealt with it."""

from __future__ import annotations

import datetime as dt
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from runbook_steps.engine.cli.completion import runbooks
from runbook_steps.engine.cli.options import RUNBOOK, Format, TextFormat
from runbook_steps.engine.errors import ConfigurationError
from runbook_steps.engine.git import Repository
from runbook_steps.engine.model import FrontMatter, Runbook
from runbook_steps.engine.project.find import named_runbook, refuse_broken_feedback, refuse_unknown_role
from runbook_steps.engine.project.project import Project, load_project
from runbook_steps.engine.settings import find_root
from runbook_steps.engine.sources.feedback_file import FEEDBACK, Remark, added, change_feedback, resolved
from runbook_steps.engine.text.redact import Redactor, secret_values
from runbook_steps.engine.text.terminal import printable

__all__ = ["register"]

_EPILOG = """
Examples:\n
runbooks feedback add nginx --by "DevOps Lead" "step 3 needs sudo on the new hosts"\n
runbooks feedback list --runbook nginx\n
runbooks feedback resolve 3 --by "DevOps Lead"\n
Exit codes: 0 good, 2 wrong use or a broken file.
"""
By = Annotated[str, typer.Option("--by", metavar="ROLE", help="who says so: a role of docs/data/contacts.yml")]
_feedback = typer.Typer(add_completion=False, no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Adds the commands."""
    about = "What people say of runbooks, until it is resolved; a review is not signed before."
    app.add_typer(_feedback, name="feedback", help=about, epilog=_EPILOG)


@_feedback.command(epilog=_EPILOG)
def add(
    name: Annotated[str, typer.Argument(metavar="RUNBOOK", help=RUNBOOK, autocompletion=runbooks)],
    text: Annotated[str, typer.Argument(help="what is wrong or missing, in one line; secrets are taken out")],
    by: By,
) -> None:
    """Say what is wrong with a runbook, or missing. It is written to docs/data/feedback.yml."""
    root = find_root(Path.cwd())
    project = load_project(root)
    front = _front(named_runbook(project, name))
    refuse_unknown_role(project, by)
    said = Redactor(secret_values(os.environ))(text.encode("utf-8", "replace").decode())
    today = dt.datetime.now(dt.UTC).date()
    made = change_feedback(root, lambda found: added(found, front.id, by, said, today))
    typer.echo(printable(f"remark {made.number} on {made.runbook}: {made.text}"))
    typer.echo(f"written to {FEEDBACK}; commit it")


@_feedback.command(name="list", epilog=_EPILOG)
def list_(
    name: Annotated[
        str, typer.Option("--runbook", metavar="RUNBOOK", help="only of this one", autocompletion=runbooks)
    ] = "",
    everything: Annotated[bool, typer.Option("--all", help="also what is resolved")] = False,
    format: Format = TextFormat.CONSOLE,  # noqa: A002 - the option's name
) -> None:
    """List what is not resolved."""
    project = load_project(find_root(Path.cwd()))
    refuse_broken_feedback(project)
    remarks: Iterable[Remark] = project.feedback.values()
    if name:
        front = _front(named_runbook(project, name))
        remarks = [each for each in remarks if each.runbook in {front.id, *front.former_ids}]
    shown = [each for each in remarks if everything or each.resolved is None]
    if format is TextFormat.JSON:
        typer.echo(json.dumps([_row(project, each) for each in shown], ensure_ascii=False, indent=1))
        return
    for each in shown:
        typer.echo(printable(f"{each.number}  {each.date}  {each.runbook}  {each.by}: {each.text}"))
        if end := each.resolved:
            typer.echo(printable(f"    resolved {end.date} by {end.by}, commit {end.commit}"))
    typer.echo(f"{sum(each.resolved is None for each in shown)} not resolved", err=True)


@_feedback.command(epilog=_EPILOG)
def resolve(
    number: Annotated[int, typer.Argument(metavar="N", help="the number of the remark")],
    by: By,
    commit: Annotated[str, typer.Option(metavar="REVISION", help="the commit that dealt with it")] = "HEAD",
) -> None:
    """Write down that a remark was dealt with: when, by whom, in which commit. The remark stays."""
    root = find_root(Path.cwd())
    project = load_project(root)
    refuse_unknown_role(project, by)
    refuse_broken_feedback(project)
    if end := _remark(project.feedback, number).resolved:
        typer.echo(
            printable(f"nothing to do: remark {number} was resolved {end.date} by {end.by}, commit {end.commit}")
        )
        return
    made = Repository(root).run("rev-parse", "--verify", "--short", "--end-of-options", f"{commit}^{{commit}}").strip()
    today = dt.datetime.now(dt.UTC).date()
    done = change_feedback(root, lambda found: resolved(_remark(found, number), by, made, today))
    typer.echo(printable(f"remark {number} on {done.runbook} resolved by {by}, commit {made}: {done.text}"))
    typer.echo(f"written to {FEEDBACK}; commit it")


def _front(runbook: Runbook) -> FrontMatter:
    if runbook.front_matter is None:
        raise ConfigurationError(f"{runbook.stem} has no page with a good head; see `runbooks check`")
    return runbook.front_matter


def _remark(remarks: Mapping[int, Remark], number: int) -> Remark:
    if number not in remarks:
        left = ", ".join(str(each.number) for each in remarks.values() if each.resolved is None)
        hint = f"not resolved: {left}" if left else "all are resolved"
        raise ConfigurationError(f"there is no remark {number}; {hint}")
    return remarks[number]


def _row(project: Project, remark: Remark) -> dict[str, object]:
    fronts = ((each.stem, each.front_matter) for each in project.runbooks if each.front_matter)
    stem = next((stem for stem, front in fronts if remark.runbook in {front.id, *front.former_ids}), None)
    return {
        "id": remark.number,
        "date": remark.date,
        "by": remark.by,
        "runbook": remark.runbook,
        "stem": stem,
        "text": remark.text,
        "resolved": asdict(remark.resolved) if remark.resolved else None,
    }
