"""`beautycort ci runs|watch`."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict
from typing import Annotated

import typer

from runbook_steps.engine.errors import OperationError
from runbook_steps.operations.ci import Ci, Run
from runbook_steps.operations.formats import AsFormat, Format
from runbook_steps.operations.spans import seconds

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Adds `ci` to the command."""
    group = typer.Typer(
        no_args_is_help=True,
        help="What the CI says, asked of GitHub. Examples: `ci runs --branch main`, `ci watch v1.2.0 --within 20m`.",
    )
    group.command("runs")(runs)
    group.command("watch")(watch)
    app.add_typer(group, name="ci")


def runs(
    branch: Annotated[str, typer.Option(help="a branch or a tag")] = "main",
    limit: Annotated[int, typer.Option(min=1, max=100)] = 5,
    format: AsFormat = Format.CONSOLE,  # noqa: A002 - the option's name
) -> None:
    """List the last workflow runs. Only reads. Exit 1 unless the newest of each workflow is green."""
    found = Ci(os.environ).runs(branch, limit)
    if not found:
        raise OperationError(f"no workflow ever ran for {branch}: nothing was tested")
    _report(found, format)
    newest: dict[str, Run] = {}
    for run in found:
        newest.setdefault(run.workflow, run)
    raise typer.Exit(0 if all(run.green for run in newest.values()) else 1)


def watch(
    ref: Annotated[str, typer.Argument(help="the tag that was pushed, like v1.2.0")],
    within: Annotated[str, typer.Option(help="how long to wait at most")] = "20m",
    format: AsFormat = Format.CONSOLE,  # noqa: A002 - the option's name
) -> None:
    """Wait until every workflow run of a tag has ended. Only reads. Exit 1 when one failed, or at the deadline."""

    def tell(text: str) -> None:
        sys.stderr.write(f"  … {text}\n")

    found = Ci(os.environ).wait(ref, seconds(within, "--within"), tell)
    _report(found, format)
    raise typer.Exit(1 if any(run.red for run in found) else 0)


def _report(found: list[Run], form: Format) -> None:
    if form is Format.JSON:
        typer.echo(json.dumps({"runs": [asdict(run) for run in found]}, indent=1))
        return
    for run in found:
        typer.echo(f"{run.conclusion or run.status:<12}{run.workflow:<12}{run.ref:<12}{run.title[:40]:<42}{run.url}")
