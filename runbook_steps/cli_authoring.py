"""`runbooks new`: a runbook begins as files that keep the rules of the house, and are red until they are written."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from runbook_steps.errors import ConfigurationError, RefusedError
from runbook_steps.project import find_root, load_project

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Adds the commands."""
    app.command()(new)


def new(
    name: Annotated[str, typer.Argument(metavar="DOMAIN/NAME", help="like database/cache-fills-up")],
    title: Annotated[str, typer.Option(help="the page's title; made of the name when left out")] = "",
    owner: Annotated[str, typer.Option(help="a role of docs/data/contacts.yml; the first when left out")] = "",
    severity: Annotated[str, typer.Option(help="a level of docs/data/severity.yml; the last when left out")] = "",
) -> None:
    """Start a runbook: page, feature and steps that pass `runbooks check`, and are red until they are written."""
    from runbook_steps.skeleton import skeleton  # noqa: PLC0415 - only this command needs it

    root = find_root(Path.cwd())
    made = skeleton(load_project(root), name, title=title, owner=owner, severity=severity)
    _write_all(root, made.files)
    page, feature, steps = made.files
    typer.echo(f"made {page} (owner {made.owner}, severity {made.severity})\nmade {feature}\nmade {steps}")
    typer.echo(
        "\nIt is red until it is written. Next:\n"
        f"1. Arrange the situation and the checks in {steps}.\n"
        f"2. Write the commands in {feature}.\n"
        f"3. Follow it on a real system: pytest {feature}\n"
        f"4. Write {page} around it, then: runbooks check"
    )


def _write_all(root: Path, files: Mapping[str, str]) -> None:
    """Writes every file, or none. Raises RefusedError for one that exists, ConfigurationError when the disk refuses."""
    written: list[Path] = []
    try:
        for path, text in files.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            with (root / path).open("x", encoding="utf-8") as file:
                written.append(root / path)
                file.write(text)
    except OSError as error:
        for made in written:
            made.unlink(missing_ok=True)
        if isinstance(error, FileExistsError):
            raise RefusedError(f"{error.filename} exists; nothing was made") from error
        raise ConfigurationError(f"cannot write {error.filename}: {error.strerror}; nothing was made") from error
