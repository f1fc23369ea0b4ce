"""`runbooks list` and `runbooks mcp`: what machines read. Neither runs anything."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import typer

from runbook_steps.engine.cli.options import Format, TextFormat
from runbook_steps.engine.project.project import Project, load_project
from runbook_steps.engine.settings import find_root
from runbook_steps.engine.site.build.address import site_address
from runbook_steps.engine.text.terminal import printable

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Adds the commands."""
    app.command("list")(list_runbooks)
    app.command("mcp")(serve_readers)


def list_runbooks(
    format: Format = TextFormat.CONSOLE,  # noqa: A002 - the option's name
) -> None:
    """List every runbook with its proof; `runbooks list --format json` is the site's runbooks.json."""
    from runbook_steps.engine.site.machines.catalog import catalog  # noqa: PLC0415 - reads all pages: only when asked

    root = find_root(Path.cwd())
    document = catalog(_readable(load_project(root)), site_address(root), datetime.now(UTC))
    if format is TextFormat.JSON:
        typer.echo(json.dumps(document, ensure_ascii=False, indent=1))
        return
    for entry in document["runbooks"]:
        typer.echo(printable(f"{entry['stem']:<44} {_verdicts(entry)}"))


def serve_readers() -> None:
    """Answer an assistant's questions over the Model Context Protocol, on standard input and output.

    It finds and quotes runbooks with their proof state; it reads only, and can run nothing.
    """
    from runbook_steps.engine.site.machines.answering import serve_stdio  # noqa: PLC0415 - half a second, as below
    from runbook_steps.engine.site.machines.mcp_server import make_server  # noqa: PLC0415 - the protocol's library takes half a second

    root = find_root(Path.cwd())
    serve_stdio(make_server(root, site_address(root)))


def _readable(project: Project) -> Project:
    if project.problems:
        raise project.problems[0]
    return project


def _verdicts(entry: dict[str, Any]) -> str:
    return "; ".join(proof["verdict"] for proof in entry["proof"])
