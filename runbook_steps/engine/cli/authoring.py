"""`runbooks new` and `runbooks move`: how a runbook begins, and how it gets another name."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from runbook_steps.engine.cli.completion import runbooks
from runbook_steps.engine.cli.options import RUNBOOK
from runbook_steps.engine.errors import ConfigurationError, RefusedError, SourceError
from runbook_steps.engine.git import Repository
from runbook_steps.engine.project.find import named_runbook
from runbook_steps.engine.project.house import house_of
from runbook_steps.engine.project.project import Project, load_project
from runbook_steps.engine.settings import find_root

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Adds the commands."""
    app.command()(new)
    app.command()(move)


def new(
    name: Annotated[str, typer.Argument(metavar="DOMAIN/NAME", help="like database/cache-fills-up")],
    title: Annotated[str, typer.Option(help="the page's title; made of the name when left out")] = "",
    owner: Annotated[str, typer.Option(help="a role of docs/data/contacts.yml; the first when left out")] = "",
    severity: Annotated[str, typer.Option(help="a level of docs/data/severity.yml; the last when left out")] = "",
) -> None:
    """Start a runbook: page, feature and steps that pass `runbooks check`, and are red until they are written."""
    from runbook_steps.engine.authoring.new import skeleton  # noqa: PLC0415 - only this command needs it

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


def move(
    old: Annotated[str, typer.Argument(metavar="OLD", help=RUNBOOK, autocompletion=runbooks)],
    new: Annotated[str, typer.Argument(metavar="NEW", help="its DOMAIN/NAME afterwards")],
) -> None:
    """Rename a runbook, or move it to another domain: page, feature and all that leads to them, in one commit.

    The old address leads to the new one. `git revert HEAD` takes it back.
    """
    from runbook_steps.engine.authoring.new import paths_of, refuse_name, refuse_taken  # noqa: PLC0415

    root = find_root(Path.cwd())
    repository = Repository(root)
    repository.refuse_dirty()
    project = load_project(root)
    refuse_name(new)
    runbook = named_runbook(project, old)
    if runbook.front_matter is None:
        raise ConfigurationError(f"{runbook.stem} has no page with a good head; see `runbooks check`")
    old = runbook.stem
    refuse_taken(project, new, by=old)
    with repository.all_or_nothing():
        changed = _move(repository, project, old, new)
        made = repository.commit(f"Move {old} to {new}", *sorted(changed))
    others = len(changed - set(paths_of(new)))
    typer.echo(f"moved {old} to {new}, other files that follow it: {others}; commit {made}")
    typer.echo(f"Its proof is of the old name: prove it again with pytest {paths_of(new)[1]}")


def _move(repository: Repository, project: Project, old: str, new: str) -> set[str]:
    """Changes the files, and gives the paths of those that changed. Raises RefusedError when a rule would break."""
    from runbook_steps.engine.authoring.move import moved_texts  # noqa: PLC0415
    from runbook_steps.engine.authoring.new import paths_of  # noqa: PLC0415

    root = repository.root
    before = {problem.message for problem in _problems(project)}
    texts = moved_texts(_texts(repository), old, new)
    moved = dict(zip(paths_of(old), paths_of(new), strict=True))
    for source, target in moved.items():
        (root / target).parent.mkdir(parents=True, exist_ok=True)
        repository.run("mv", "--", source, target)
    for path, text in texts.items():
        (root / moved.get(path, path)).write_bytes(text.encode())
    made = {moved.get(path, path) for path in texts} | house_of(project.settings).remake(root)
    broken = [problem for problem in _problems(load_project(root)) if problem.message not in before]
    if broken:
        raise RefusedError(f"moving it would break a rule, nothing was changed: {broken[0]}")
    return made


def _problems(project: Project) -> list[SourceError]:
    from runbook_steps.engine.checks.pages import check_project  # noqa: PLC0415 - reads all pages: only when asked

    return [*check_project(project), *house_of(project.settings).problems(project)]


def _texts(repository: Repository) -> dict[str, str]:
    """Every text that git keeps; what is not UTF-8 is no text."""
    found = {}
    for path in repository.files():
        file = repository.root / path
        if file.is_file() and not file.is_symlink():
            with contextlib.suppress(UnicodeDecodeError):
                found[path] = file.read_bytes().decode()
    return found


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
