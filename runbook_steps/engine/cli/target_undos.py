"""`runbooks target undos NAME`: what is due on a live target, and how a person discards what cannot be undone."""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import Annotated

import typer

from runbook_steps.engine.errors import ConfigurationError
from runbook_steps.engine.proof.evidence_file import now
from runbook_steps.engine.run.undo import Undo, left_behind
from runbook_steps.engine.settings import find_root, load_settings
from runbook_steps.engine.text.terminal import printable

__all__ = ["register"]

_SHORTEST_REASON = 10  # characters: a reason says what was found, not “ok”


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command()(undos)


def undos(
    name: Annotated[str, typer.Argument(help="staging, production, or a target of pyproject.toml")],
    discard: Annotated[str | None, typer.Option(metavar="ID", help="take this one for done, or for not needed")] = None,
    reason: Annotated[str, typer.Option(help="why: what you found on the target, for those after you")] = "",
) -> None:
    """Show the undos that are due, the newest first; discard one with a reason. Nothing is run.

    `runbooks target undos staging --discard 1a2b3c4d --reason "nginx was never reloaded, the file is as it was"`
    """
    settings = load_settings(find_root(Path.cwd()))
    settings.evidence_file(name)  # a name that is none is refused here
    due = left_behind(settings.undo_folder(name))
    if discard is None:
        for each in due:
            _show(each)
        if not due:
            typer.echo(f"nothing is due on {name}")
        return
    undo = next((each for each in due if _id(each) == discard), None)
    if undo is None:
        known = ", ".join(map(_id, due)) or "none"
        raise ConfigurationError(f"no undo {discard!r} is due on {name}; there is {known}")
    if len(reason.strip()) < _SHORTEST_REASON:
        raise ConfigurationError("--reason says what you found on the target, in at least ten characters")
    undo.discard(getpass.getuser(), reason.strip(), now())
    typer.echo(f"discarded: “{undo.command.purpose}” of “{undo.scenario}”; the reason is kept beside it")


def _id(undo: Undo) -> str:
    return undo.file.stem.rpartition("-")[2]


def _show(undo: Undo) -> None:
    typer.echo(printable(f"{_id(undo)}  “{undo.command.purpose}” of “{undo.scenario}”"))
    if undo.problem:
        typer.echo(printable(f"          {undo.problem}"))
    for line in undo.command.text.splitlines():
        typer.echo(printable(f"    {line}"))
